"""Knobs that Shotbridge stores on nodes, in a tab of their own.

A node that a version was placed for stores its shot's name, so that versions are found again after
the node or the script was renamed. A Read that shows versions stores everything needed to step
through them without a gateway. A script with them opens and renders without the plugin as well:
the Read is an ordinary Read.

Values are URL-encoded: Nuke evaluates brackets, braces and dollars in knobs as TCL.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import nuke

TAB_KNOB = "shotbridge"
SHOT_KNOB = "shotbridge_shot"
"""``sequence/shot``."""
PLATE_KNOB = "shotbridge_plate"
"""The files that the shot's name belongs to; a Read with other files is another shot."""
SHOW_KNOB = "shotbridge_show"
OUTPUT_KNOB = "shotbridge_output"
"""Service and output, on a Read that shows versions."""
VERSIONS_KNOB = "shotbridge_versions"
VERSION_KNOB = "shotbridge_version"
"""The version menu."""

_STEP_SCRIPT = (
    "__import__('bridge_nuke.version_switch', fromlist=['step_version'])"
    ".step_version(nuke.thisNode(), {offset})"
)


@dataclass(frozen=True, slots=True)
class ReadNodeVersion:
    """A version that a Read can show."""

    id: str
    number: int
    label: str
    path: str
    first: int
    last: int
    width: int
    height: int
    pixel_aspect: float
    colour_space: str
    """Value of the Read's ``colorspace`` knob; empty: raw."""
    frame_mode: str
    frame: str
    placement_index: int
    """Order of placement in this script."""

    @classmethod
    def parse(cls, text: str) -> ReadNodeVersion:
        """
        :raises TypeError: a field is missing or unknown.
        :raises ValueError: a number is not valid.
        """
        fields: dict[str, Any] = dict(parse_qsl(text, keep_blank_values=True))
        for name in ("number", "first", "last", "width", "height", "placement_index"):
            fields[name] = int(fields.get(name, 0))
        fields["pixel_aspect"] = float(fields.get("pixel_aspect", 1))
        return cls(**fields)

    def __str__(self) -> str:
        return urlencode(asdict(self), safe="/:")


@dataclass(frozen=True, slots=True)
class VersionKnobs:
    """The values that a Read with versions stores."""

    shot: tuple[str, str]
    """Sequence and shot."""
    plate: str
    """The files that they were made from; empty: a rendered node."""
    output_title: str
    versions: tuple[ReadNodeVersion, ...]
    """Oldest first."""


def knob_text(node: nuke.Node, knob: str) -> str:
    """The value of a knob; empty if the node has no such knob."""
    value_knob = node.knob(knob)
    return str(value_knob.value()) if value_knob is not None else ""


def stored_shot(node: nuke.Node) -> tuple[str, str] | None:
    """Sequence and shot stored on the node."""
    sequence, _, shot = knob_text(node, SHOT_KNOB).partition("/")
    return (sequence, shot) if sequence and shot else None


def stored_show() -> str:
    return knob_text(nuke.root(), SHOW_KNOB)


def version_knobs(node: nuke.Node) -> VersionKnobs | None:
    """None if the node shows no versions, or if its values were edited and are not valid."""
    shot = stored_shot(node)
    text = knob_text(node, VERSIONS_KNOB)
    if shot is None or not text:
        return None
    try:
        versions = tuple(ReadNodeVersion.parse(line) for line in text.split())
    except (TypeError, ValueError):
        return None
    return VersionKnobs(shot, knob_text(node, PLATE_KNOB), knob_text(node, OUTPUT_KNOB), versions)


def shown_version(node: nuke.Node, knobs: VersionKnobs) -> ReadNodeVersion | None:
    """The version whose files the Read shows; None if it was given another file."""
    file = knob_text(node, "file")
    return next((version for version in knobs.versions if version.path == file), None)


def versioned_reads() -> list[tuple[nuke.Node, VersionKnobs]]:
    """Every Read of the script that shows versions."""
    reads = nuke.allNodes("Read", group=nuke.root(), recurseGroups=True)
    return [(read, knobs) for read in reads if (knobs := version_knobs(read)) is not None]


def store_show(show: str) -> None:
    root = nuke.root()
    if knob_text(root, SHOW_KNOB) != show:
        _store_text(root, SHOW_KNOB, "show", show)


def store_shot(node: nuke.Node, shot: tuple[str, str], plate: str) -> None:
    """Store the shot's name on the node that versions were made from."""
    for name, label, value in ((SHOT_KNOB, "shot", "/".join(shot)), (PLATE_KNOB, "plate", plate)):
        if knob_text(node, name) != value:
            _store_text(node, name, label, value)


def store_versions(read: nuke.Node, knobs: VersionKnobs, current: ReadNodeVersion) -> None:
    """Store versions on a Read, and list them in its version menu with ``current`` selected."""
    _store_text(read, SHOT_KNOB, "shot", "/".join(knobs.shot))
    _store_text(read, PLATE_KNOB, "plate", knobs.plate)
    _store_text(read, OUTPUT_KNOB, "service and output", knobs.output_title)
    _store_text(read, VERSIONS_KNOB, "versions", " ".join(map(str, knobs.versions)))
    _set_version_choices(read, [version.label for version in knobs.versions], current.label)


def _store_text(node: nuke.Node, name: str, label: str, value: str) -> None:
    knob = node.knob(name)
    if knob is None:
        if node.knob(TAB_KNOB) is None:
            node.addKnob(nuke.Tab_Knob(TAB_KNOB, "Shotbridge"))
        knob = nuke.String_Knob(name, label)
        knob.setFlag(nuke.INVISIBLE)
        node.addKnob(knob)
    knob.setValue(value)


def _set_version_choices(read: nuke.Node, labels: Iterable[str], current: str) -> None:
    choice_knob = read.knob(VERSION_KNOB)
    if choice_knob is None:
        choice_knob = nuke.Enumeration_Knob(VERSION_KNOB, "version", list(labels))
        read.addKnob(choice_knob)
        for name, label, offset in (("older", "Older", -1), ("newer", "Newer", 1)):
            script = _STEP_SCRIPT.format(offset=offset)
            read.addKnob(nuke.PyScript_Knob(f"shotbridge_{name}", label, script))
    elif isinstance(choice_knob, nuke.Enumeration_Knob):
        choice_knob.setValues(list(labels))
    choice_knob.setValue(current)
