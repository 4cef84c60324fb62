"""Notes as markers on the clip whose version they speak of."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note
from bridge_core.timeline.document import NAMESPACE, JsonObject, shotbridge_metadata
from bridge_core.timeline.media_times import MediaTimes

#: OTIO's name for the colour of our markers; editors know it at a glance.
MARKER_COLOUR = "ORANGE"


def build_marker(note: Note, label: str, cut_range: FrameRange, times: MediaTimes) -> JsonObject:
    """A note as OTIO's marker; ``cut_range`` is marked where it speaks of the whole version.

    Markers of a clip count in its media's time, ``times``. The whole note, strokes included, stands
    in our metadata; ``comment`` is what every reader shows.
    """
    marked_range = note.frames or cut_range
    text = note.text.strip() or f"{len(note.strokes)} strokes"
    return {
        "OTIO_SCHEMA": "Marker.2",
        "metadata": {NAMESPACE: {"label": label, "note": note.model_dump(mode="json")}},
        "name": f"{label} {note.by}",
        "color": MARKER_COLOUR,
        "marked_range": times.time_range(marked_range.first, marked_range.count),
        "comment": f"{note.by}, {label}: {text}",
    }


def add_or_replace_marker(clip: JsonObject, marker: JsonObject) -> None:
    """Add a marker, or write it again in the place of the one for the same note."""
    markers = clip.get("markers")
    if not isinstance(markers, list):
        markers = clip["markers"] = []
    note_id = shotbridge_metadata(marker)["note"]["id"]
    for index, old in enumerate(markers):
        if isinstance(old, dict) and _note_id(old) == note_id:
            markers[index] = marker
            return
    markers.append(marker)


def read_note(marker: Any) -> Note | None:
    """The note that a marker of ours stands for; None for anybody else's."""
    note_data = shotbridge_metadata(marker).get("note") if isinstance(marker, dict) else None
    if note_data is None:
        return None
    try:
        return Note.model_validate(note_data)
    except ValidationError:
        return None  # a note of a newer Shotbridge stays a plain marker


def _note_id(marker: JsonObject) -> str | None:
    note_data = shotbridge_metadata(marker).get("note")
    return note_data.get("id") if isinstance(note_data, dict) else None
