"""What a node's picture is computed from: to notice that somebody changed it."""

from __future__ import annotations

import hashlib

import nuke

#: Knobs that change how a node looks in the graph or the interface, and no picture.
_LOOKS = frozenset(
    {"name", "selected", "xpos", "ypos", "label", "autolabel", "help", "bookmark", "dope_sheet"}
    | {"tile_color", "gl_color", "note_font", "note_font_size", "note_font_color", "icon"}
    | {"hide_input", "postage_stamp", "postage_stamp_frame", "cached", "indicators"}
    | {"knobChanged", "onCreate", "onDestroy", "updateUI"}
)
#: Part of the names of hidden knobs that say whether a colour's panel is open.
_OPEN = "panelDropped"
#: Knobs of the root that pictures depend on. Proxy mode does not: plates are rendered without it.
_OF_ROOT = (  # noqa: SIM905
    "first_frame last_frame fps format project_directory colorManagement workingSpaceLUT"
    " OCIO_config customOCIOConfigPath floatLut int8Lut int16Lut logLut"
).split()
_EVERY_LINK = nuke.INPUTS | nuke.HIDDEN_INPUTS | nuke.EXPRESSIONS | nuke.LINKINPUTS


def made_of(node: nuke.Node) -> dict[str, str]:
    """Digests of the node, of every node that it depends on (by a pipe, an expression, or as part
    of a group) and of the script's settings, by name. Equal ones make equal pictures, as long as
    nobody replaces files."""
    settings = nuke.root().knobs()
    of_root = [(name, settings[name]) for name in _OF_ROOT if name in settings]
    digests = {"the project settings": _digest(of_root)}
    waiting = [node]
    while waiting:
        one = waiting.pop()
        name = one.fullName()
        if name in digests or one.Class() == "Root":
            continue
        links = one.dependencies(_EVERY_LINK)
        pipes = [one.input(at) for at in range(one.inputs())]
        wired = " ".join(pipe.fullName() if pipe is not None else "-" for pipe in pipes)
        knobs = [
            (key, knob)
            for key, knob in one.knobs().items()
            if key not in _LOOKS and _OPEN not in key
        ]
        digests[name] = _digest(knobs, f"{one.Class()} {wired}")
        waiting += [*links, one.parent()]
        if isinstance(one, nuke.Group):
            waiting += one.nodes()
    return digests


def _digest(knobs: list[tuple[str, nuke.Knob]], also: str = "") -> str:
    text = "\n".join([also, *(f"{name} {knob.toScript()}" for name, knob in knobs)])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
