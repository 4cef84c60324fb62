"""Notes: text and drawings on the frames of a version."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from bridge_core.models.base import StrictModel, Timestamp, TolerantModel
from bridge_core.models.enumerations import StrokeTool as StrokeTool
from bridge_core.models.frames import FRAME_LIMIT, FrameRange

Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]


class Stroke(StrictModel):
    """A drawing. ``points`` are in normalised coordinates, x to the right and y down.

    A pen stroke has one point or more; an arrow, a box and an ellipse have two (start and end, or
    opposite corners); text has one, its upper left corner.
    """

    tool: StrokeTool
    points: tuple[tuple[float, float], ...] = Field(min_length=1, max_length=10_000)
    colour: Colour = "#ffb454"
    width: float = Field(default=0.004, gt=0, le=1)
    """Line width (for text: the height of a letter) as a fraction of the picture's width."""
    text: str = Field(default="", max_length=2000)

    @model_validator(mode="after")
    def _enough_points(self) -> Self:
        two = (StrokeTool.ARROW, StrokeTool.BOX, StrokeTool.ELLIPSE)
        if self.tool in two and len(self.points) != 2:
            raise ValueError(f"an {self.tool} must have two points")
        return self


class NewNote(StrictModel):
    """A note as it is sent to the gateway."""

    frames: FrameRange | None = None
    """None: the note is about the version as a whole."""
    text: str = Field(default="", max_length=5000)
    strokes: tuple[Stroke, ...] = Field(default=(), max_length=1000)
    drawn_on: int | None = Field(default=None, ge=-FRAME_LIMIT, le=FRAME_LIMIT)
    """The frame that the strokes were drawn on. None: they show on every frame of the note."""

    @model_validator(mode="after")
    def _validate_content(self) -> Self:
        if not self.text.strip() and not self.strokes:
            raise ValueError("a note must have text or strokes")
        return self


class Note(TolerantModel):
    """A note as the gateway stores it."""

    id: str
    version_id: str
    frames: FrameRange | None = None
    text: str = ""
    strokes: tuple[Stroke, ...] = ()
    drawn_on: int | None = None
    by: str
    at: Timestamp

    @property
    def display_frame(self) -> int | None:
        """The frame to show the note on: the one drawn on, else its first. None: the note is about
        the version as a whole."""
        if self.drawn_on is not None:
            return self.drawn_on
        return self.frames.first if self.frames is not None else None

    def strokes_on(self, frame: int) -> tuple[Stroke, ...]:
        """The strokes to show on a frame."""
        if self.drawn_on is not None:
            return self.strokes if frame == self.drawn_on else ()
        return self.strokes if self.frames is None or frame in self.frames else ()
