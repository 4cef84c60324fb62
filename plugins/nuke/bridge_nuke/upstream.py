"""Digests of everything that a node's picture depends on, to detect changes."""

from __future__ import annotations

import hashlib

import nuke

#: Knobs that change how a node looks in the interface, but not its picture.
_COSMETIC_KNOBS = frozenset(
    {"name", "selected", "xpos", "ypos", "label", "autolabel", "help", "bookmark", "dope_sheet"}
    | {"tile_color", "gl_color", "note_font", "note_font_size", "note_font_color", "icon"}
    | {"hide_input", "postage_stamp", "postage_stamp_frame", "cached", "indicators"}
    | {"knobChanged", "onCreate", "onDestroy", "updateUI"}
)
#: Part of the names of hidden knobs that store whether a colour panel is open.
_PANEL_STATE_KNOB = "panelDropped"
#: Knobs of the root that pictures depend on. Proxy mode does not: plates are rendered without it.
_ROOT_KNOBS = (  # noqa: SIM905
    "first_frame last_frame fps format project_directory colorManagement workingSpaceLUT"
    " OCIO_config customOCIOConfigPath floatLut int8Lut int16Lut logLut"
).split()
_ALL_DEPENDENCIES = nuke.INPUTS | nuke.HIDDEN_INPUTS | nuke.EXPRESSIONS | nuke.LINKINPUTS


def upstream_digests(node: nuke.Node) -> dict[str, str]:
    """Digests of the node, of all nodes that it depends on (by an input, an expression, or as part
    of a group) and of the project settings, by name. Equal digests mean equal pictures, unless
    files were replaced."""
    settings = nuke.root().knobs()
    root_knobs = [(name, settings[name]) for name in _ROOT_KNOBS if name in settings]
    digests = {"the project settings": _digest(root_knobs)}
    pending = [node]
    while pending:
        current = pending.pop()
        name = current.fullName()
        if name in digests or current.Class() == "Root":
            continue
        links = current.dependencies(_ALL_DEPENDENCIES)
        pipes = [current.input(at) for at in range(current.inputs())]
        wired = " ".join(pipe.fullName() if pipe is not None else "-" for pipe in pipes)
        knobs = [
            (key, knob)
            for key, knob in current.knobs().items()
            if key not in _COSMETIC_KNOBS and _PANEL_STATE_KNOB not in key
        ]
        digests[name] = _digest(knobs, f"{current.Class()} {wired}")
        pending += [*links, current.parent()]
        if isinstance(current, nuke.Group):
            pending += current.nodes()
    return digests


def _digest(knobs: list[tuple[str, nuke.Knob]], prefix: str = "") -> str:
    text = "\n".join([prefix, *(f"{name} {knob.toScript()}" for name, knob in knobs)])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
