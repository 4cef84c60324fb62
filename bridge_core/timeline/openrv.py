"""Strokes of notes as OpenRV's annotations.

Schemas and their coordinates were read in OpenRV's ``otio_reader`` package
(``src/plugins/rv-packages/otio_reader``: ``Annotation``, ``Paint``, ``Point``, ``Position``,
``Rectangle``, ``Ellipse``, ``Arrow``, ``Text``): an annotation is an effect of the clip, its layers
are what was drawn. The picture is 16 units wide around its middle with y upwards, unless the media
reference has ``available_image_bounds``, which are the units then. A layer stands on a frame of the
source, as OpenRV counts it: the number of the file, and of a movie from 1.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note, Stroke, StrokeTool
from bridge_core.timeline.clock import rational_time
from bridge_core.timeline.document import NAMESPACE, Json

#: What OpenRV registers with OTIO: files with these load there and nowhere else.
EFFECTS = frozenset({"Annotation", "CDL"})

_UNITS_WIDE = 16.0
_CLEAR = [0.0, 0.0, 0.0, 0.0]


class Canvas(NamedTuple):
    """Where a picture's corners are in OpenRV's units: left, top, width, height (downwards)."""

    left: float
    top: float
    width: float
    height: float

    @classmethod
    def of_size(cls, width: int, height: int, pixel_aspect: float = 1.0) -> Canvas:
        """OpenRV measures a picture by its pixels' count, and shows it by their aspect."""
        wide, high = _UNITS_WIDE * pixel_aspect, _UNITS_WIDE * height / width
        return cls(-wide / 2, high / 2, wide, high)

    @classmethod
    def of_bounds(cls, bounds: Json) -> Canvas:
        """From ``available_image_bounds``, a ``Box2d``."""
        low, high = bounds["min"], bounds["max"]
        return cls(low["x"], high["y"], high["x"] - low["x"], high["y"] - low["y"])

    def at(self, point: tuple[float, float]) -> tuple[float, float]:
        return self.left + point[0] * self.width, self.top - point[1] * self.height


def annotation_of(note: Note, label: str, frames: FrameRange, canvas: Canvas) -> Json:
    """The strokes of a note as an ``Annotation.1`` on the first of ``frames`` (OpenRV's count).

    OpenRV draws shapes on one frame, however long the layer's range is.
    """
    on = {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": rational_time(Fraction(frames.first), frames.rate),
        "duration": rational_time(Fraction(1), frames.rate),
    }
    return {
        "OTIO_SCHEMA": "Annotation.1",
        "metadata": {NAMESPACE: {"note_id": note.id}},
        "name": f"{label} {note.by}",
        "effect_name": "Annotation.1",
        "enabled": True,
        "visible": True,
        "layers": [
            {**_layer(stroke, canvas), **_common(note, number), "layer_range": on}
            for number, stroke in enumerate(note.strokes)
        ],
    }


def _common(note: Note, number: int) -> Json:
    return {"id": f"{note.id}-{number}", "visible": True, "soft_deleted": False}


def _layer(stroke: Stroke, canvas: Canvas) -> Json:
    colour = _rgba(stroke.colour)
    width = stroke.width * canvas.width
    points = [canvas.at(point) for point in stroke.points]
    if stroke.tool is StrokeTool.PEN:
        return {
            "OTIO_SCHEMA": "Paint.1",
            "name": "Paint",
            "points": [
                {"OTIO_SCHEMA": "Point.1", "width": width, "x": x, "y": y} for x, y in points
            ],
            "rgba": colour,
            "type": "COLOR",
            "brush": "circle",
        }
    if stroke.tool is StrokeTool.ARROW:
        return {
            "OTIO_SCHEMA": "Arrow.1",
            "start_position": _position(points[0]),
            "end_position": _position(points[1]),
            "inner_color": colour,
            "border_color": colour,
            "width": width,
            "border_width": 0.0,
        }
    if stroke.tool is StrokeTool.TEXT:
        left, top = points[0]
        return {
            "OTIO_SCHEMA": "Text.1",
            # Ours is the upper left corner, theirs the start of the line that letters stand on.
            "anchor": _position((left, top - width)),
            "text": stroke.text,
            "font_family": "Inter",
            "font_size": width,
            "font_weight": "NORMAL",
            "font_style": "NORMAL",
            "text_decoration": "NONE",
            "text_align": "LEFT",
            "inner_color": colour,
        }
    (x0, y0), (x1, y1) = points
    shape = {
        "OTIO_SCHEMA": "Ellipse.1",
        "min": _position((min(x0, x1), min(y0, y1))),
        "max": _position((max(x0, x1), max(y0, y1))),
        "inner_color": list(_CLEAR),
        "border_color": colour,
        "border_width": width,
    }
    if stroke.tool is StrokeTool.BOX:
        shape |= {"OTIO_SCHEMA": "Rectangle.1", "corner_radius": 0.0}
    return shape


def _position(point: tuple[float, float]) -> Json:
    return {"OTIO_SCHEMA": "Position.1", "x": point[0], "y": point[1]}


def _rgba(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] + [1.0]
