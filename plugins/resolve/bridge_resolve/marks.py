"""Markers on clips that remember: which versions stand there, and which notes are known.

Resolve forgets foreign metadata when a timeline goes through a file, but a marker keeps the
``customData`` that a script gave it, and goes where its clip goes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from bridge_resolve.answers import ensure

if TYPE_CHECKING:
    from fusionscript import MarkerColor, TimelineItem

#: Of Resolve's sixteen; an editor's own are seldom purple, and notes are what OTIO brings too.
VERSION_COLOUR: Final = "Purple"
NOTE_COLOUR: Final = "Yellow"
#: Version of what is written into ``customData``.
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class VersionMark:
    """A version that was placed on a clip. ``media`` is Resolve's path of its pictures and
    ``first`` the number of their first frame; ``plate`` is the path of the media that it is a
    version of; ``item`` is the id of its own clip where it stands on a track above, empty for a
    take."""

    version: str
    label: str
    media: str
    plate: str
    first: int
    sequence: str
    shot: str
    number: int
    """The how manieth version that was placed on this clip."""
    item: str = ""


@dataclass(frozen=True, slots=True)
class NoteMark:
    """A note that the gateway has."""

    note: str
    version: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """A marker that a person has set, and no other tool remembers anything in; ``frame`` counts
    from the media's first."""

    frame: int
    duration: int
    text: str


@dataclass(frozen=True, slots=True)
class Marks:
    """All markers of a clip. ``taken`` are the frames that have one: Resolve keeps one each.
    ``ours`` are name and text of those that carry our data, which no file keeps."""

    versions: tuple[VersionMark, ...] = ()
    notes: tuple[NoteMark, ...] = ()
    foreign: tuple[Foreign, ...] = ()
    taken: frozenset[int] = frozenset()
    ours: frozenset[tuple[str, str]] = frozenset()

    def free(self, frame: int) -> int:
        """The nearest frame from this one on that has no marker yet."""
        while frame in self.taken:
            frame += 1
        return frame


def marks_of(item: TimelineItem) -> Marks:
    """What stands on a clip."""
    versions: list[VersionMark] = []
    notes: list[NoteMark] = []
    foreign: list[Foreign] = []
    ours: set[tuple[str, str]] = set()
    found: Mapping[Any, Any] = item.GetMarkers() or {}
    for at, told in found.items():
        data = str(told.get("customData") or "")
        known = _read(data)
        if known is not None:
            ours.add((str(told.get("name") or ""), str(told.get("note") or "")))
        if isinstance(known, VersionMark):
            versions.append(known)
        elif isinstance(known, NoteMark):
            notes.append(known)
        elif not data and (text := _text(told)):
            foreign.append(Foreign(int(at), max(1, int(told.get("duration") or 1)), text))
    versions.sort(key=lambda one: one.number)
    taken = frozenset(int(at) for at in found)
    return Marks(tuple(versions), tuple(notes), tuple(foreign), taken, frozenset(ours))


def mark(
    item: TimelineItem,
    frame: int,
    duration: int,
    name: str,
    note: str,
    what: VersionMark | NoteMark,
) -> None:
    """Set a marker of ours on a clip; ``frame`` counts from the media's first.

    :raises HostError: Resolve refuses it.
    """
    colour: MarkerColor = VERSION_COLOUR if isinstance(what, VersionMark) else NOTE_COLOUR
    ensure(
        item.AddMarker(frame, colour, name, note, duration, written(what)),
        f"set the marker {name!r} on {item.GetName()} at its frame {frame}",
    )


def written(what: VersionMark | NoteMark) -> str:
    """What stands in ``customData``."""
    return json.dumps({"shotbridge": SCHEMA, **asdict(what)}, ensure_ascii=False)


def _text(told: Mapping[str, Any]) -> str:
    """What a person wrote: the note, or the name where it is more than Resolve's ``Marker 1``."""
    note, name = str(told.get("note") or "").strip(), str(told.get("name") or "").strip()
    return note or ("" if name.startswith("Marker ") and name[7:].isdigit() else name)


def _read(data: str) -> VersionMark | NoteMark | None:
    try:
        told = json.loads(data)
        if told.pop("shotbridge") != SCHEMA:
            return None
        return NoteMark(**told) if "note" in told else VersionMark(**told)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None  # nobody's, or somebody else's
