"""Notes as markers on the clip whose version they speak of."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note
from bridge_core.timeline.document import NAMESPACE, Json, ours
from bridge_core.timeline.media_times import MediaTimes

#: OTIO's name for the colour of our markers; editors know it at a glance.
COLOUR = "ORANGE"


def marker_of(note: Note, label: str, cut_range: FrameRange, times: MediaTimes) -> Json:
    """A note as OTIO's marker; ``cut_range`` is marked where it speaks of the whole version.

    Markers of a clip count in its media's time, ``times``. The whole note, strokes included, stands
    in our metadata; ``comment`` is what every reader shows.
    """
    marked = note.frames or cut_range
    text = note.text.strip() or f"{len(note.strokes)} strokes"
    return {
        "OTIO_SCHEMA": "Marker.2",
        "metadata": {NAMESPACE: {"label": label, "note": note.model_dump(mode="json")}},
        "name": f"{label} {note.by}",
        "color": COLOUR,
        "marked_range": times.range(marked.first, marked.count),
        "comment": f"{note.by}, {label}: {text}",
    }


def put_marker(clip: Json, marker: Json) -> None:
    """Add a marker, or write it again in the place of the one for the same note."""
    markers = clip.get("markers")
    if not isinstance(markers, list):
        markers = clip["markers"] = []
    wanted = ours(marker)["note"]["id"]
    for index, old in enumerate(markers):
        if isinstance(old, dict) and _note_id(old) == wanted:
            markers[index] = marker
            return
    markers.append(marker)


def note_of(marker: Any) -> Note | None:
    """The note that a marker of ours stands for; None for anybody else's."""
    told = ours(marker).get("note") if isinstance(marker, dict) else None
    if told is None:
        return None
    try:
        return Note.model_validate(told)
    except ValidationError:
        return None  # a note of a newer Shotbridge stays a plain marker


def _note_id(marker: Json) -> str | None:
    told = ours(marker).get("note")
    return told.get("id") if isinstance(told, dict) else None
