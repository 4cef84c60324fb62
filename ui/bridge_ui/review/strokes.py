"""What is being drawn: strokes not yet saved, by frame, with eraser, undo and redo. No Qt.

Coordinates are those of :class:`bridge_core.models.notes.Stroke`: x to the right, y down, 0 to 1
over the picture. Widths are parts of the picture's width, so distances need its aspect.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

from bridge_core.models.notes import Stroke, StrokeTool

Point = tuple[float, float]

#: Amber, red, green, blue, white: told apart on pictures, and by most who see colours otherwise.
COLOURS = ("#ffb454", "#ff6b5e", "#7ddc8a", "#62b8ff", "#ffffff")
#: Of lines, as parts of the picture's width: thin, middle, thick.
WIDTHS = (0.002, 0.004, 0.008)
TEXT_HEIGHT = 0.022

_MOST_POINTS = 10_000  # the model's limit
#: A pen's points lie this far apart at least: half a pixel of 1080p.
_NEAR = 0.00025
#: A shape smaller than this was a click, and nothing is drawn.
_CLICK = 0.004
#: The eraser reaches so far around the pointer.
_REACH = 0.008


class Sketch:
    """Strokes that belong to frames and to no note yet."""

    def __init__(self) -> None:
        self._strokes: dict[int, tuple[Stroke, ...]] = {}
        self._undo: list[tuple[int, tuple[Stroke, ...]]] = []
        self._redo: list[tuple[int, tuple[Stroke, ...]]] = []
        self._live: Stroke | None = None
        self._frame = 0

    def on(self, frame: int) -> tuple[Stroke, ...]:
        """The finished strokes of a frame."""
        return self._strokes.get(frame, ())

    @property
    def frames(self) -> tuple[int, ...]:
        """Frames on which something is drawn."""
        return tuple(sorted(self._strokes))

    def live(self, frame: int) -> Stroke | None:
        """The stroke under the pen, if it is on this frame."""
        return self._live if frame == self._frame else None

    @property
    def can_undo(self) -> bool:
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        return bool(self._redo)

    # With the pen

    def begin(self, frame: int, tool: StrokeTool, at: Point, *, colour: str, width: float) -> None:
        """The pen touches the picture."""
        self._frame = frame
        points = (_inside(at),) if tool is StrokeTool.PEN else (_inside(at), _inside(at))
        self._live = _stroke(tool, points, colour, width)

    def move(self, at: Point) -> None:
        """The pen goes on; without :meth:`begin`, nothing."""
        live = self._live
        if live is None:
            return
        at = _inside(at)
        if live.tool is not StrokeTool.PEN:
            self._live = _stroke(live.tool, (live.points[0], at), live.colour, live.width)
        elif len(live.points) < _MOST_POINTS and math.dist(live.points[-1], at) > _NEAR:
            self._live = _stroke(live.tool, (*live.points, at), live.colour, live.width)

    def end(self) -> bool:
        """The pen is lifted: whether anything was drawn."""
        live, self._live = self._live, None
        if live is None:
            return False
        if live.tool is not StrokeTool.PEN and math.dist(*live.points[:2]) < _CLICK:
            return False
        self.add(self._frame, live)
        return True

    def cancel(self) -> None:
        """The stroke under the pen was not meant."""
        self._live = None

    def write(self, frame: int, at: Point, text: str, *, colour: str) -> bool:
        """Put text on the picture; empty text is none."""
        if not text.strip():
            return False
        held = Stroke(
            tool=StrokeTool.TEXT,
            points=(_inside(at),),
            colour=colour,
            width=TEXT_HEIGHT,
            text=text.strip()[:2000],
        )
        self.add(frame, held)
        return True

    def add(self, frame: int, stroke: Stroke) -> None:
        self._set(frame, (*self.on(frame), stroke))

    def erase(self, frame: int, at: Point, aspect: float) -> bool:
        """Take away the uppermost stroke at a point; ``aspect`` is the picture's width over its
        height."""
        strokes = self.on(frame)
        for index in range(len(strokes) - 1, -1, -1):
            if touches(strokes[index], at, aspect):
                self._set(frame, strokes[:index] + strokes[index + 1 :])
                return True
        return False

    def undo(self) -> int | None:
        """Take the last change back; the frame it was on."""
        return self._swap(self._undo, self._redo)

    def redo(self) -> int | None:
        return self._swap(self._redo, self._undo)

    def take(self, frames: Iterable[int]) -> tuple[Stroke, ...]:
        """The strokes of these frames, which now belong to a note; what they were cannot be
        undone."""
        wanted = set(frames)
        taken = tuple(
            itertools.chain.from_iterable(self._strokes.pop(frame, ()) for frame in sorted(wanted))
        )
        self._undo = [change for change in self._undo if change[0] not in wanted]
        self._redo = [change for change in self._redo if change[0] not in wanted]
        return taken

    def _set(self, frame: int, strokes: tuple[Stroke, ...]) -> None:
        self._undo.append((frame, self.on(frame)))
        self._redo.clear()
        self._put(frame, strokes)

    def _put(self, frame: int, strokes: tuple[Stroke, ...]) -> None:
        if strokes:
            self._strokes[frame] = strokes
        else:
            self._strokes.pop(frame, None)

    def _swap(
        self,
        source: list[tuple[int, tuple[Stroke, ...]]],
        target: list[tuple[int, tuple[Stroke, ...]]],
    ) -> int | None:
        if not source:
            return None
        frame, strokes = source.pop()
        target.append((frame, self.on(frame)))
        self._put(frame, strokes)
        return frame


def touches(stroke: Stroke, at: Point, aspect: float) -> bool:
    """Whether a point is on a stroke or as near as a pointer gets."""
    here = _square(at, aspect)
    points = [_square(point, aspect) for point in stroke.points]
    reach = stroke.width / 2 + _REACH
    if stroke.tool is StrokeTool.TEXT:
        (left, top), lines = points[0], stroke.text.split("\n")
        # Letters are about 0.6 of their height wide.
        wide = 0.6 * stroke.width * max(len(line) for line in lines)
        high = 1.3 * stroke.width * len(lines)
        return (
            left - _REACH <= here[0] <= left + wide + _REACH
            and top - _REACH <= here[1] <= top + high + _REACH
        )
    return _distance(here, _outline(stroke.tool, points)) <= reach


def _outline(tool: StrokeTool, points: Sequence[Point]) -> Sequence[Point]:
    if tool is StrokeTool.BOX:
        (x0, y0), (x1, y1) = points
        return ((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0))
    if tool is StrokeTool.ELLIPSE:
        (x0, y0), (x1, y1) = points
        middle, radii = ((x0 + x1) / 2, (y0 + y1) / 2), (abs(x1 - x0) / 2, abs(y1 - y0) / 2)
        turns = (2 * math.pi * part / 48 for part in range(49))
        return [
            (middle[0] + radii[0] * math.cos(t), middle[1] + radii[1] * math.sin(t)) for t in turns
        ]
    return points


def _distance(here: Point, line: Sequence[Point]) -> float:
    if len(line) == 1:
        return math.dist(here, line[0])
    return min(_to_segment(here, a, b) for a, b in itertools.pairwise(line))


def _to_segment(here: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    if length == 0:
        return math.dist(here, a)
    along = ((here[0] - a[0]) * dx + (here[1] - a[1]) * dy) / length
    along = max(0.0, min(1.0, along))
    return math.dist(here, (a[0] + along * dx, a[1] + along * dy))


def _square(point: Point, aspect: float) -> Point:
    """In parts of the picture's width in both directions."""
    return point[0], point[1] / aspect


def _inside(point: Point) -> Point:
    return max(0.0, min(1.0, point[0])), max(0.0, min(1.0, point[1]))


def _stroke(tool: StrokeTool, points: tuple[Point, ...], colour: str, width: float) -> Stroke:
    # Unchecked: it is made again with every move of the pen, from points that are checked here.
    return Stroke.model_construct(tool=tool, points=points, colour=colour, width=width, text="")
