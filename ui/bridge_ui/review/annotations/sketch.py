"""Unsaved strokes by frame, with eraser, undo and redo. No Qt.

Coordinates are those of :class:`bridge_core.models.notes.Stroke`: x to the right, y down, 0 to 1
over the picture. Widths are fractions of the picture's width, so distances need its aspect ratio.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from bridge_core.models.enumerations import StrokeTool

if TYPE_CHECKING:
    from bridge_core.models.notes import Stroke

Point = tuple[float, float]
Change: TypeAlias = "tuple[int, tuple[Stroke, ...]]"
"""A frame, and its strokes before a change."""

#: Amber, red, green, blue, white: distinct on pictures, and with most colour vision deficiencies.
COLOURS = ("#ffb454", "#ff6b5e", "#7ddc8a", "#62b8ff", "#ffffff")
#: Line widths as fractions of the picture's width: thin, medium, thick.
WIDTHS = (0.002, 0.004, 0.008)
TEXT_HEIGHT = 0.022

_MAX_POINTS = 10_000  # the model's limit
#: Minimum distance of a pen stroke's points: half a pixel of 1080p.
_MIN_POINT_DISTANCE = 0.00025
#: A smaller shape is taken for a click, and discarded.
_MIN_SHAPE_SIZE = 0.004
#: The eraser's reach around the pointer.
_HIT_RADIUS = 0.008


class Sketch:
    """Strokes by frame that do not belong to a note yet."""

    def __init__(self) -> None:
        self._strokes: dict[int, tuple[Stroke, ...]] = {}
        self._undo: list[Change] = []
        self._redo: list[Change] = []
        self._active: Stroke | None = None
        self._frame = 0

    def strokes_on(self, frame: int) -> tuple[Stroke, ...]:
        """The finished strokes of a frame."""
        return self._strokes.get(frame, ())

    @property
    def frames(self) -> tuple[int, ...]:
        """Frames with strokes."""
        return tuple(sorted(self._strokes))

    def active_stroke(self, frame: int) -> Stroke | None:
        """The unfinished stroke, if it is on this frame."""
        return self._active if frame == self._frame else None

    @property
    def can_undo(self) -> bool:
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        return bool(self._redo)

    # Drawing

    def begin(
        self, frame: int, tool: StrokeTool, point: Point, *, colour: str, width: float
    ) -> None:
        """Begin a stroke."""
        self._frame = frame
        points = (_clamp_point(point),) * (1 if tool is StrokeTool.PEN else 2)
        self._active = _make_stroke(tool, points, colour, width)

    def move(self, point: Point) -> None:
        """Continue the stroke, if one was begun."""
        active = self._active
        if active is None:
            return
        point = _clamp_point(point)
        points: tuple[Point, ...] = (active.points[0], point)
        if active.tool is StrokeTool.PEN:
            last, is_full = active.points[-1], len(active.points) >= _MAX_POINTS
            if is_full or math.dist(last, point) <= _MIN_POINT_DISTANCE:
                return
            points = (*active.points, point)
        self._active = _make_stroke(active.tool, points, active.colour, active.width)

    def end(self) -> None:
        """Finish the stroke."""
        active, self._active = self._active, None
        if active is None:
            return
        if active.tool is StrokeTool.PEN or math.dist(*active.points[:2]) >= _MIN_SHAPE_SIZE:
            self._add(self._frame, active)

    def cancel(self) -> None:
        """Discard the unfinished stroke."""
        self._active = None

    def add_text(self, frame: int, point: Point, text: str, *, colour: str) -> bool:
        """Add text to the picture; whether there was any."""
        if not text.strip():
            return False
        from bridge_core.models.notes import Stroke

        stroke = Stroke(
            tool=StrokeTool.TEXT,
            points=(_clamp_point(point),),
            colour=colour,
            width=TEXT_HEIGHT,
            text=text.strip()[:2000],
        )
        self._add(frame, stroke)
        return True

    def _add(self, frame: int, stroke: Stroke) -> None:
        self._set(frame, (*self.strokes_on(frame), stroke))

    def erase(self, frame: int, point: Point, aspect: float) -> bool:
        """Remove the topmost stroke at a point; ``aspect`` is the picture's width divided by its
        height."""
        strokes = self.strokes_on(frame)
        for index in range(len(strokes) - 1, -1, -1):
            if hit_test(strokes[index], point, aspect):
                self._set(frame, strokes[:index] + strokes[index + 1 :])
                return True
        return False

    def undo(self) -> int | None:
        """Undo the last change; returns its frame."""
        return self._move_change(self._undo, self._redo)

    def redo(self) -> int | None:
        return self._move_change(self._redo, self._undo)

    def discard_frame(self, frame: int) -> None:
        """Remove the strokes of a frame, with their undo history, once they belong to a note."""
        self._strokes.pop(frame, None)
        self._undo = [change for change in self._undo if change[0] != frame]
        self._redo = [change for change in self._redo if change[0] != frame]

    def _set(self, frame: int, strokes: tuple[Stroke, ...]) -> None:
        self._undo.append((frame, self.strokes_on(frame)))
        self._redo.clear()
        self._store(frame, strokes)

    def _store(self, frame: int, strokes: tuple[Stroke, ...]) -> None:
        if strokes:
            self._strokes[frame] = strokes
        else:
            self._strokes.pop(frame, None)

    def _move_change(self, source: list[Change], target: list[Change]) -> int | None:
        if not source:
            return None
        frame, strokes = source.pop()
        target.append((frame, self.strokes_on(frame)))
        self._store(frame, strokes)
        return frame


def hit_test(stroke: Stroke, point: Point, aspect: float) -> bool:
    """Whether a point is on a stroke, within the eraser's reach."""
    pointer = _scale_by_width(point, aspect)
    points = [_scale_by_width(point, aspect) for point in stroke.points]
    distance = stroke.width / 2 + _HIT_RADIUS
    if stroke.tool is StrokeTool.TEXT:
        (left, top), lines = points[0], stroke.text.split("\n")
        # Letters are about 0.6 of their height wide.
        width = 0.6 * stroke.width * max(len(line) for line in lines)
        height = 1.3 * stroke.width * len(lines)
        return (
            left - _HIT_RADIUS <= pointer[0] <= left + width + _HIT_RADIUS
            and top - _HIT_RADIUS <= pointer[1] <= top + height + _HIT_RADIUS
        )
    return _distance_to_line(pointer, _outline(stroke.tool, points)) <= distance


def _outline(tool: StrokeTool, points: Sequence[Point]) -> Sequence[Point]:
    if tool is StrokeTool.BOX:
        (x0, y0), (x1, y1) = points
        return ((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0))
    if tool is StrokeTool.ELLIPSE:
        (x0, y0), (x1, y1) = points
        centre, radii = ((x0 + x1) / 2, (y0 + y1) / 2), (abs(x1 - x0) / 2, abs(y1 - y0) / 2)
        angles = (2 * math.pi * step / 48 for step in range(49))
        return [
            (centre[0] + radii[0] * math.cos(a), centre[1] + radii[1] * math.sin(a)) for a in angles
        ]
    return points


def _distance_to_line(point: Point, line: Sequence[Point]) -> float:
    if len(line) == 1:
        return math.dist(point, line[0])
    return min(_distance_to_segment(point, a, b) for a, b in itertools.pairwise(line))


def _distance_to_segment(point: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    if length == 0:
        return math.dist(point, a)
    along = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / length
    along = max(0.0, min(1.0, along))
    return math.dist(point, (a[0] + along * dx, a[1] + along * dy))


def _scale_by_width(point: Point, aspect: float) -> Point:
    """Both coordinates as fractions of the picture's width."""
    return point[0], point[1] / aspect


def _clamp_point(point: Point) -> Point:
    return max(0.0, min(1.0, point[0])), max(0.0, min(1.0, point[1]))


def _make_stroke(tool: StrokeTool, points: tuple[Point, ...], colour: str, width: float) -> Stroke:
    from bridge_core.models.notes import Stroke

    # Not validated: it is created with every move of the pen, from points that are clamped here.
    return Stroke.model_construct(tool=tool, points=points, colour=colour, width=width, text="")
