"""Notes on versions as OTIO markers of the clip."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note
from bridge_core.timeline.document import NAMESPACE, JsonObject, get_text, shotbridge_metadata
from bridge_core.timeline.media_times import MediaTimes

#: The colour of our markers, by OTIO's name.
MARKER_COLOUR = "ORANGE"


def build_marker(note: Note, label: str, cut_range: FrameRange, times: MediaTimes) -> JsonObject:
    """A note as an OTIO marker; a note on the whole version marks ``cut_range``.

    Markers of a clip are in its media's time, ``times``. The complete note, strokes included, is in
    our metadata; ``comment`` is what readers show.
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
    """Add a marker, or replace the one of the same note."""
    markers = clip.get("markers")
    if not isinstance(markers, list):
        markers = clip["markers"] = []
    note_id = shotbridge_metadata(marker)["note"]["id"]
    for index, old in enumerate(markers):
        if get_text(shotbridge_metadata(old).get("note"), "id") == note_id:
            markers[index] = marker
            return
    markers.append(marker)


def read_note(marker: Any) -> Note | None:
    """The note of a marker of ours; None for other markers."""
    note_data = shotbridge_metadata(marker).get("note")
    if note_data is None:
        return None
    try:
        return Note.model_validate(note_data)
    except ValidationError:
        return None  # a note of a newer Shotbridge version: treated as a plain marker
