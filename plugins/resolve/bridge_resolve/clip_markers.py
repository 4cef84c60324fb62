"""Markers on clips that remember: which versions stand there, and which notes are known.

Resolve forgets foreign metadata when a timeline goes through a file, but a marker keeps the
``customData`` that a script gave it, and goes where its clip goes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from bridge_resolve.api_checks import require

if TYPE_CHECKING:
    from fusionscript import MarkerColor, TimelineItem

#: Of Resolve's sixteen; an editor's own are seldom purple, and notes are what OTIO brings too.
VERSION_MARKER_COLOUR: Final = "Purple"
NOTE_MARKER_COLOUR: Final = "Yellow"
#: Version of what is written into ``customData``.
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class VersionMarker:
    """A version that was placed on a clip. ``media`` is Resolve's path of its pictures and
    ``first`` the number of their first frame; ``plate`` is the path of the media that it is a
    version of; ``item`` is the id of its own clip where it stands on a track above, empty for a
    take."""

    version_id: str
    label: str
    media_path: str
    plate_path: str
    first_frame: int
    sequence: str
    shot: str
    placement_index: int
    """The how manieth version that was placed on this clip."""
    overlay_item_id: str = ""


@dataclass(frozen=True, slots=True)
class NoteMarker:
    """A note that the gateway has."""

    note_id: str
    version_id: str


@dataclass(frozen=True, slots=True)
class UserMarker:
    """A marker that a person has set, and no other tool remembers anything in; ``frame`` counts
    from the media's first."""

    frame: int
    duration: int
    text: str


@dataclass(frozen=True, slots=True)
class ClipMarkers:
    """All markers of a clip. ``taken`` are the frames that have one: Resolve keeps one each.
    ``ours`` are name and text of those that carry our data, which no file keeps."""

    versions: tuple[VersionMarker, ...] = ()
    notes: tuple[NoteMarker, ...] = ()
    user_markers: tuple[UserMarker, ...] = ()
    occupied_frames: frozenset[int] = frozenset()
    own_labels: frozenset[tuple[str, str]] = frozenset()

    def next_free_frame(self, frame: int) -> int:
        """The nearest frame from this one on that has no marker yet."""
        while frame in self.occupied_frames:
            frame += 1
        return frame


def read_markers(item: TimelineItem) -> ClipMarkers:
    """What stands on a clip."""
    versions: list[VersionMarker] = []
    notes: list[NoteMarker] = []
    user_markers: list[UserMarker] = []
    own_labels: set[tuple[str, str]] = set()
    markers: Mapping[Any, Any] = item.GetMarkers() or {}
    for at, marker in markers.items():
        data = str(marker.get("customData") or "")
        decoded = _decode_custom_data(data)
        if decoded is not None:
            own_labels.add((str(marker.get("name") or ""), str(marker.get("note") or "")))
        if isinstance(decoded, VersionMarker):
            versions.append(decoded)
        elif isinstance(decoded, NoteMarker):
            notes.append(decoded)
        elif not data and (text := _user_text(marker)):
            user_markers.append(UserMarker(int(at), max(1, int(marker.get("duration") or 1)), text))
    versions.sort(key=lambda one: one.placement_index)
    occupied_frames = frozenset(int(at) for at in markers)
    return ClipMarkers(
        tuple(versions), tuple(notes), tuple(user_markers), occupied_frames, frozenset(own_labels)
    )


def add_marker(
    item: TimelineItem,
    frame: int,
    duration: int,
    name: str,
    note: str,
    data: VersionMarker | NoteMarker,
) -> None:
    """Set a marker of ours on a clip; ``frame`` counts from the media's first.

    :raises HostError: Resolve refuses it.
    """
    colour: MarkerColor = (
        VERSION_MARKER_COLOUR if isinstance(data, VersionMarker) else NOTE_MARKER_COLOUR
    )
    require(
        item.AddMarker(frame, colour, name, note, duration, encode_custom_data(data)),
        f"set the marker {name!r} on {item.GetName()} at its frame {frame}",
    )


def encode_custom_data(marker: VersionMarker | NoteMarker) -> str:
    """What stands in ``customData``."""
    return json.dumps({"shotbridge": SCHEMA, **asdict(marker)}, ensure_ascii=False)


def _user_text(marker: Mapping[str, Any]) -> str:
    """What a person wrote: the note, or the name where it is more than Resolve's ``Marker 1``."""
    note, name = str(marker.get("note") or "").strip(), str(marker.get("name") or "").strip()
    return note or ("" if name.startswith("Marker ") and name[7:].isdigit() else name)


def _decode_custom_data(data: str) -> VersionMarker | NoteMarker | None:
    try:
        fields = json.loads(data)
        if fields.pop("shotbridge") != SCHEMA:
            return None
        return NoteMarker(**fields) if "note_id" in fields else VersionMarker(**fields)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None  # nobody's, or somebody else's
