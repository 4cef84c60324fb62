"""Markers on clips that store which versions were placed and which notes were synchronised.

Resolve drops foreign metadata when a timeline goes through a file, but markers keep the
``customData`` that a script gave them, and move and copy with their clip.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from bridge_resolve.api_checks import require

if TYPE_CHECKING:
    from fusionscript import MarkerColor, TimelineItem

#: Schema version of ``customData``.
SCHEMA = 2


@dataclass(frozen=True, slots=True)
class VersionMarker:
    """A version that was placed on a clip."""

    version_id: str
    label: str
    media_path: str
    """Resolve's path of its pictures."""
    plate_path: str
    """Resolve's path of the media that it is a version of."""
    first_frame: int
    sequence: str
    shot: str
    placement_index: int
    """Order of placement on this clip, from 1."""
    overlay_item_id: str = ""
    """Id of its own clip on a track above; empty for a take."""


@dataclass(frozen=True, slots=True)
class NoteMarker:
    """A note that the gateway stores."""

    note_id: str
    version_id: str


@dataclass(frozen=True, slots=True)
class UserMarker:
    """A marker that a person set, without data of another tool."""

    frame: int
    """Counted from the media's first frame."""
    duration: int
    text: str


@dataclass(frozen=True, slots=True)
class ClipMarkers:
    """All markers of a clip."""

    versions: tuple[VersionMarker, ...] = ()
    notes: tuple[NoteMarker, ...] = ()
    user_markers: tuple[UserMarker, ...] = ()
    occupied_frames: frozenset[int] = frozenset()
    """Frames that have a marker: Resolve allows one per frame."""
    own_labels: frozenset[tuple[str, str]] = frozenset()
    """Name and note of our own markers; exported files do not keep their data."""

    def next_free_frame(self, frame: int) -> int:
        """The first frame from this one on that has no marker."""
        while frame in self.occupied_frames:
            frame += 1
        return frame

    def with_occupied(self, frame: int) -> ClipMarkers:
        """The same with a marker at this frame."""
        return replace(self, occupied_frames=self.occupied_frames | {frame})


def read_markers(item: TimelineItem) -> ClipMarkers:
    """The markers of a clip."""
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
    versions.sort(key=lambda version: version.placement_index)
    occupied, labels = frozenset(int(at) for at in markers), frozenset(own_labels)
    return ClipMarkers(tuple(versions), tuple(notes), tuple(user_markers), occupied, labels)


def add_marker(
    item: TimelineItem,
    frame: int,
    duration: int,
    name: str,
    note: str,
    data: VersionMarker | NoteMarker,
) -> None:
    """Add a marker of ours to a clip; ``frame`` counts from the media's first frame.

    :raises HostError: Resolve did not add it.
    """
    # Two of Resolve's sixteen colours; editors rarely use purple.
    colour: MarkerColor = "Purple" if isinstance(data, VersionMarker) else "Yellow"
    added = item.AddMarker(frame, colour, name, note, duration, encode_custom_data(data))
    require(added, f"add the marker {name!r} to {item.GetName()} at frame {frame}")


def encode_custom_data(marker: VersionMarker | NoteMarker) -> str:
    """The text for ``customData``."""
    return json.dumps({"shotbridge": SCHEMA, **asdict(marker)}, ensure_ascii=False)


def _user_text(marker: Mapping[str, Any]) -> str:
    """The note that a person wrote, or the name unless it is Resolve's default ``Marker 1``."""
    note, name = str(marker.get("note") or "").strip(), str(marker.get("name") or "").strip()
    return note or ("" if name.startswith("Marker ") and name[7:].isdigit() else name)


def _decode_custom_data(data: str) -> VersionMarker | NoteMarker | None:
    try:
        fields = json.loads(data)
        if fields.pop("shotbridge") != SCHEMA:
            return None
        return NoteMarker(**fields) if "note_id" in fields else VersionMarker(**fields)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None  # empty, or written by another tool
