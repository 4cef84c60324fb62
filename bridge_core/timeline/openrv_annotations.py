"""Strokes of notes as OpenRV's annotations.

Schemas and coordinates are from the source of OpenRV's ``otio_reader`` package
(``src/plugins/rv-packages/otio_reader``, tags v3.0.0 to v4.0.1 and main). An annotation is an
effect of a clip, its layers are the strokes. The image is 16 units wide, centred, with y upwards,
unless the media reference has ``available_image_bounds``, which then define the units. A layer is
on a frame of the source as OpenRV counts: a sequence by its files' frame numbers, a movie from 1.

Since 3.1, the hook that reads an annotation gets the image size from a node called ``MediaTrack``,
which has to be complete by then. So the lowest track gets that name, has no annotations and starts
with a plain clip; its clips are repeated with their annotations on a track above. All of these
versions read ``Paint.1`` with ``id`` and ``soft_deleted``. Other layers are read by 4.0 only, which
does not draw them: shapes are drawn with the pen, and text stays in the marker.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from bridge_core.models.frames import FrameRange
from bridge_core.models.media import is_movie
from bridge_core.models.notes import Note, Stroke, StrokeTool
from bridge_core.timeline.document import (
    NAMESPACE,
    JsonObject,
    ensure_shotbridge_metadata,
    get_list,
    is_annotation_track,
    media_references,
    schema_name,
    shotbridge_metadata,
)
from bridge_core.timeline.markers import read_note
from bridge_core.timeline.media_times import MediaTimes
from bridge_core.timeline.otio_time import to_time_range
from bridge_core.timeline.retimes import time_effects

#: Effects that OpenRV registers with OTIO; files with these load only there.
EFFECTS = frozenset({"Annotation", "CDL"})

_MEDIA_TRACK = "MediaTrack"
_UNITS_WIDE = 16.0
#: Line segments of an ellipse.
_ELLIPSE_SEGMENTS = 48


Point = tuple[float, float]


class ImageBounds(NamedTuple):
    """An image's bounds in OpenRV's units; ``height`` points downwards."""

    left: float
    top: float
    width: float
    height: float

    @classmethod
    def from_size(cls, width: int, height: int, pixel_aspect: float = 1.0) -> ImageBounds:
        """OpenRV measures an image in pixels, and shows it with their aspect ratio."""
        wide, high = _UNITS_WIDE * pixel_aspect, _UNITS_WIDE * height / width
        return cls(-wide / 2, high / 2, wide, high)

    @classmethod
    def from_box(cls, bounds: JsonObject) -> ImageBounds:
        """From ``available_image_bounds``, a ``Box2d``."""
        low, high = bounds["min"], bounds["max"]
        return cls(low["x"], high["y"], high["x"] - low["x"], high["y"] - low["y"])

    def to_units(self, point: Point) -> Point:
        return self.left + point[0] * self.width, self.top - point[1] * self.height


def build_annotation(
    note: Note, label: str, frames: FrameRange, bounds: ImageBounds
) -> JsonObject | None:
    """The strokes of a note as an ``Annotation.1`` on the first of ``frames`` (as OpenRV counts);
    None if there is nothing to draw.

    OpenRV draws on one frame, whatever the length of the layer's range.
    """
    layer_range = to_time_range(frames.first / frames.rate, 1 / frames.rate, frames.rate)
    layers = [
        _paint_layer(points, stroke, f"{note.id}-{number}-{part}", bounds)
        | {"layer_range": layer_range}
        for number, stroke in enumerate(note.strokes)
        for part, points in enumerate(_pen_lines(stroke, bounds))
    ]
    if not layers:
        return None
    return {
        "OTIO_SCHEMA": "Annotation.1",
        "metadata": {NAMESPACE: {"note_id": note.id}},
        "name": f"{label} {note.by}",
        "effect_name": "Annotation.1",
        "enabled": True,
        "visible": True,
        "layers": layers,
    }


def annotate_clip(
    clip: JsonObject, times: MediaTimes | None, references: dict[str, Any], active: str
) -> Iterator[str]:
    """Add annotations for the drawings of a clip's notes, replacing our earlier ones.

    ``times`` are the plate's; ``references`` are the clip's, ``active`` is the key of the active
    one. Yields messages about what cannot be drawn.
    """
    if "effects" in clip:
        effects = get_list(clip, "effects")
        clip["effects"] = [effect for effect in effects if not _is_shotbridge_annotation(effect)]
    for marker in get_list(clip, "markers"):
        note = read_note(marker)
        if note is None or not note.strokes:
            continue
        bounds = _image_bounds(references, note.version_id, active)
        if bounds is None or times is None:
            drawings = f"the drawings of the note by {note.by}"
            yield f"{drawings} were not exported: the image size is not known"
            continue
        if any(stroke.tool is StrokeTool.TEXT for stroke in note.strokes):
            yield f"OpenRV does not show the text that {note.by} wrote on the image"
        label = str(shotbridge_metadata(marker).get("label", ""))
        frames = _annotation_frames(note, clip, times, references.get(active))
        annotation = build_annotation(note, label, frames, bounds)
        if annotation is not None:
            clip.setdefault("effects", []).append(annotation)


def restore_tracks(stack: Any) -> None:
    """Undo :func:`separate_annotations` in a cut that was exported for OpenRV."""
    children = get_list(stack, "children")
    if isinstance(stack, dict) and children:
        stack["children"] = [child for child in children if not is_annotation_track(child)]
        name = shotbridge_metadata(children[0]).pop("name", None)
        if name is not None and children[0].get("name") == _MEDIA_TRACK:
            children[0]["name"] = name


def separate_annotations(stack: JsonObject) -> Iterator[tuple[str, str, str]]:
    """Rearrange an export's tracks so that OpenRV loads the annotations.

    Yields track, clip and message for each loss. The lowest track's name is kept in our metadata.
    """
    tracks = stack["children"]
    if not any(_annotated_clips(track) for track in tracks):
        return
    lowest = tracks[0]
    if not _starts_with_plain_clip(lowest):
        message = (
            "its drawings were not exported: OpenRV loads them only if the lowest track starts "
            "with a plain clip"
        )
        for track in tracks:
            for clip in _remove_annotations(track):
                yield str(track.get("name") or ""), str(clip.get("name") or ""), message
        return
    if _annotated_clips(lowest):
        tracks.insert(1, _make_annotation_track(lowest))
        _remove_annotations(lowest)
    if lowest.get("name") != _MEDIA_TRACK:
        ensure_shotbridge_metadata(lowest)["name"] = str(lowest.get("name") or "")
        lowest["name"] = _MEDIA_TRACK


def _make_annotation_track(track: JsonObject) -> JsonObject:
    annotation_track = copy.deepcopy(track)
    annotation_track["name"] = "Annotations"
    annotation_track["markers"] = []
    ensure_shotbridge_metadata(annotation_track)["annotations"] = True
    pending = [annotation_track]
    while pending:
        item = pending.pop()
        item.pop("OTIO_REF_ID", None)
        if schema_name(item) == "Clip":
            item["markers"] = []
        pending.extend(child for child in get_list(item, "children") if isinstance(child, dict))
    return annotation_track


def _starts_with_plain_clip(track: Any) -> bool:
    first_items = get_list(track, "children")[:2]
    return (
        schema_name(track) == "Track"
        and str(track.get("kind") or "Video").casefold() == "video"
        and track.get("enabled") is not False
        and schema_name(first_items[0] if first_items else None) == "Clip"
        and schema_name(first_items[-1]) != "Transition"
        and first_items[0].get("enabled") is not False
        and not time_effects(first_items[0])
        and _has_file(first_items[0])
    )


def _has_file(clip: JsonObject) -> bool:
    references, active = media_references(clip)
    return schema_name(references.get(active)) in ("ExternalReference", "ImageSequenceReference")


def _annotated_clips(item: Any) -> list[JsonObject]:
    """The clips with annotations in a track and its nests."""
    if schema_name(item) == "Clip":
        effects = get_list(item, "effects")
        return [item] if any(schema_name(effect) == "Annotation" for effect in effects) else []
    return [clip for child in get_list(item, "children") for clip in _annotated_clips(child)]


def _remove_annotations(track: Any) -> list[JsonObject]:
    """The clips of a track that had annotations."""
    clips = _annotated_clips(track)
    for clip in clips:
        effects = clip["effects"]
        clip["effects"] = [effect for effect in effects if schema_name(effect) != "Annotation"]
    return clips


def _is_shotbridge_annotation(effect: Any) -> bool:
    return schema_name(effect) == "Annotation" and "note_id" in shotbridge_metadata(effect)


def _annotation_frames(
    note: Note, clip: JsonObject, times: MediaTimes, shown_reference: Any
) -> FrameRange:
    """The frames of a note's drawing, as OpenRV counts the shown media."""
    source, rate = clip.get("source_range"), times.media.rate
    first = times.nearest_frame(source["start_time"]) if source else times.media.first_frame
    drawn_range = note.frames or FrameRange(first=first, last=first, rate=rate)
    if note.drawn_on is not None:
        drawn_range = drawn_range.shifted(note.drawn_on - drawn_range.first)
    shown_reference = shown_reference if isinstance(shown_reference, dict) else {}
    if is_movie(str(shown_reference.get("target_url") or "")):
        available = shown_reference.get("available_range")
        media_first = times.media.first_frame
        start = times.nearest_frame(available["start_time"]) if available else media_first
        drawn_range = drawn_range.shifted(1 - start)
    return drawn_range


def _image_bounds(references: dict[str, Any], version: str, active: str) -> ImageBounds | None:
    of_version = [
        item for item in references.values() if shotbridge_metadata(item).get("version") == version
    ]
    for reference in [*of_version, references.get(active)]:
        if not isinstance(reference, dict):
            continue
        box = reference.get("available_image_bounds")
        if box:
            return ImageBounds.from_box(box)
        metadata = shotbridge_metadata(reference)
        width, height = metadata.get("width"), metadata.get("height")
        if width and height:
            return ImageBounds.from_size(width, height, metadata.get("pixel_aspect", 1.0))
    return None


def _paint_layer(
    points: list[Point], stroke: Stroke, layer_id: str, bounds: ImageBounds
) -> JsonObject:
    width = stroke.width * bounds.width
    return {
        "OTIO_SCHEMA": "Paint.1",
        "name": "Paint",
        "id": layer_id,
        "visible": True,
        "soft_deleted": False,
        "rgba": [int(stroke.colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] + [1.0],
        "type": "COLOR",
        "brush": "circle",
        "points": [{"OTIO_SCHEMA": "Point.1", "width": width, "x": x, "y": y} for x, y in points],
    }


def _pen_lines(stroke: Stroke, bounds: ImageBounds) -> list[list[Point]]:
    """A stroke as pen lines in OpenRV's units; none for text."""
    points = [bounds.to_units(point) for point in stroke.points]
    if stroke.tool is StrokeTool.TEXT:
        return []
    if stroke.tool is StrokeTool.PEN:
        return [points]
    (x0, y0), (x1, y1) = points
    if stroke.tool is StrokeTool.BOX:
        return [[(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]]
    if stroke.tool is StrokeTool.ARROW:
        return [points, _arrow_head((x0, y0), (x1, y1), stroke.width * bounds.width)]
    turns = (2 * math.pi * corner / _ELLIPSE_SEGMENTS for corner in range(_ELLIPSE_SEGMENTS + 1))
    middle, half = ((x0 + x1) / 2, (y0 + y1) / 2), ((x1 - x0) / 2, (y1 - y0) / 2)
    return [[(middle[0] + half[0] * math.cos(t), middle[1] + half[1] * math.sin(t)) for t in turns]]


def _arrow_head(tail: Point, tip: Point, width: float) -> list[Point]:
    """Two lines from an arrow's tip, 30 degrees to either side; their length is five line widths,
    but at most half of the arrow."""
    along = math.atan2(tail[1] - tip[1], tail[0] - tip[0])
    length = min(5 * width, math.dist(tail, tip) / 2)

    def end(angle: float) -> Point:
        return tip[0] + length * math.cos(angle), tip[1] + length * math.sin(angle)

    return [end(along - math.pi / 6), tip, end(along + math.pi / 6)]
