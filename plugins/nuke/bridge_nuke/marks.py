"""What the script keeps of Shotbridge: knobs in a tab of their own, saved with the nodes.

A node that was sent from and came back keeps its shot's name, so that versions are found again
after the node or the script was renamed. A Read that shows versions keeps all that it needs to
step through them without a gateway. Without the plugin such a script opens and renders as well:
the Read is an ordinary one.

Texts are URL-encoded: Nuke takes brackets, braces and dollars in knobs for TCL.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import nuke

TAB = "shotbridge"
SHOT = "shotbridge_shot"
"""``sequence/shot``."""
PLATE = "shotbridge_plate"
"""The files that the shot's name belongs to; a Read that shows others is another shot."""
SHOW = "shotbridge_show"
WHAT = "shotbridge_what"
"""Service and output of a Read that shows versions."""
VERSIONS = "shotbridge_versions"
VERSION = "shotbridge_version"
"""The choice of a version."""

_STEP = "__import__('bridge_nuke.versions', fromlist=['step']).step(nuke.thisNode(), {by})"


@dataclass(frozen=True, slots=True)
class Standing:
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
    colour: str
    """Of the Read's ``colorspace`` knob; empty: the data as it is."""
    frame_mode: str
    frame: str
    order: int
    """Counts the placings in this script."""

    @classmethod
    def parse(cls, text: str) -> Standing:
        """
        :raises TypeError: a field is missing, or there is one too many.
        :raises ValueError: a number is none.
        """
        facts: dict[str, Any] = dict(parse_qsl(text, keep_blank_values=True))
        for name in ("number", "first", "last", "width", "height", "order"):
            facts[name] = int(facts.get(name, 0))
        facts["pixel_aspect"] = float(facts.get("pixel_aspect", 1))
        return cls(**facts)

    def __str__(self) -> str:
        return urlencode(asdict(self), safe="/:")


@dataclass(frozen=True, slots=True)
class Mark:
    """What a Read that shows versions keeps."""

    shot: tuple[str, str]
    """Sequence and shot."""
    plate: str
    """The files that they were made of; empty: a node's picture."""
    what: str
    versions: tuple[Standing, ...]
    """From the oldest to the newest."""

    def find(self, *, label: str) -> Standing | None:
        return next((one for one in self.versions if one.label == label), None)


def text_of(node: nuke.Node, knob: str) -> str:
    """Of a knob that may not be there."""
    found = node.knob(knob)
    return str(found.value()) if found is not None else ""


def shot_of(node: nuke.Node) -> tuple[str, str] | None:
    """Sequence and shot that the node keeps."""
    sequence, _, shot = text_of(node, SHOT).partition("/")
    return (sequence, shot) if sequence and shot else None


def show_of_script() -> str:
    return text_of(nuke.root(), SHOW)


def mark_of(node: nuke.Node) -> Mark | None:
    """None: the node shows no versions, or somebody edited what it keeps."""
    shot = shot_of(node)
    kept = text_of(node, VERSIONS)
    if shot is None or not kept:
        return None
    try:
        versions = tuple(Standing.parse(line) for line in kept.split())
    except (TypeError, ValueError):
        return None
    return Mark(shot, text_of(node, PLATE), text_of(node, WHAT), versions)


def shown(node: nuke.Node, mark: Mark) -> Standing | None:
    """The version whose file the Read has; None: somebody gave it another file."""
    file = text_of(node, "file")
    return next((one for one in mark.versions if one.path == file), None)


def reads_with_marks() -> list[tuple[nuke.Node, Mark]]:
    """Every Read of the script that shows versions."""
    reads = nuke.allNodes("Read", group=nuke.root(), recurseGroups=True)
    return [(read, mark) for read in reads if (mark := mark_of(read)) is not None]


def keep_show(show: str) -> None:
    root = nuke.root()
    if text_of(root, SHOW) != show:
        _keep(root, SHOW, "show", show)


def keep_shot(node: nuke.Node, shot: tuple[str, str], plate: str) -> None:
    """Have a node that versions were made of keep its shot's name."""
    for name, label, value in ((SHOT, "shot", "/".join(shot)), (PLATE, "plate", plate)):
        if text_of(node, name) != value:
            _keep(node, name, label, value)


def keep_versions(read: nuke.Node, mark: Mark, current: Standing) -> None:
    """Write a mark, and offer its versions in the Read's tab with ``current`` chosen."""
    _keep(read, SHOT, "shot", "/".join(mark.shot))
    _keep(read, PLATE, "plate", mark.plate)
    _keep(read, WHAT, "made by", mark.what)
    _keep(read, VERSIONS, "versions", " ".join(str(one) for one in mark.versions))
    _offer(read, [one.label for one in mark.versions], current.label)


def _keep(node: nuke.Node, name: str, label: str, value: str) -> None:
    knob = node.knob(name)
    if knob is None:
        _tab(node)
        knob = nuke.String_Knob(name, label)
        knob.setFlag(nuke.INVISIBLE)
        node.addKnob(knob)
    knob.setValue(value)


def _offer(read: nuke.Node, labels: Iterable[str], current: str) -> None:
    choice = read.knob(VERSION)
    if choice is None:
        choice = nuke.Enumeration_Knob(VERSION, "version", list(labels))
        read.addKnob(choice)
        for name, label, by in (("older", "Older", -1), ("newer", "Newer", 1)):
            read.addKnob(nuke.PyScript_Knob(f"shotbridge_{name}", label, _STEP.format(by=by)))
    elif isinstance(choice, nuke.Enumeration_Knob):
        choice.setValues(list(labels))
    choice.setValue(current)


def _tab(node: nuke.Node) -> None:
    if node.knob(TAB) is None:
        node.addKnob(nuke.Tab_Knob(TAB, "Shotbridge"))
