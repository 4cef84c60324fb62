"""What somebody said or drew on a version, at a frame."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from bridge_core.models.base import PersonName, ResponseModel, StrictModel, Timestamp
from bridge_core.models.frames import FRAME_LIMIT, FrameRange

Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]


class StrokeTool(StrEnum):
    PEN = "pen"
    ARROW = "arrow"
    BOX = "box"
    ELLIPSE = "ellipse"
    TEXT = "text"


class Stroke(StrictModel):
    """Something drawn. ``points``: x to the right, y down, 0 to 1 over the picture.

    A pen has one point or more; an arrow, a box and an ellipse have two (start and end, or
    opposite corners); text has one, its upper left corner.
    """

    tool: StrokeTool
    points: tuple[tuple[float, float], ...] = Field(min_length=1, max_length=10_000)
    colour: Colour = "#ffb454"
    width: float = Field(default=0.004, gt=0, le=1)
    """Of the line (for text: the height of a letter), as a part of the picture's width."""
    text: str = Field(default="", max_length=2000)

    @model_validator(mode="after")
    def _enough_points(self) -> Self:
        two = (StrokeTool.ARROW, StrokeTool.BOX, StrokeTool.ELLIPSE)
        if self.tool in two and len(self.points) != 2:
            raise ValueError(f"an {self.tool} has two points")
        return self


class NewNote(StrictModel):
    """A note as a person gives it."""

    frames: FrameRange | None = None
    """None: on the version as a whole."""
    text: str = Field(default="", max_length=5000)
    strokes: tuple[Stroke, ...] = Field(default=(), max_length=1000)
    drawn_on: int | None = Field(default=None, ge=-FRAME_LIMIT, le=FRAME_LIMIT)
    """The frame that the strokes were drawn on, whatever the words speak of; None: they stand on
    every frame that the note speaks of."""
    by: PersonName

    @model_validator(mode="after")
    def _validate_content(self) -> Self:
        if not self.text.strip() and not self.strokes:
            raise ValueError("a note says or draws something")
        return self


class Note(ResponseModel):
    """A note as the gateway keeps it."""

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
        """To look at the note on: the one drawn on, else the first that it speaks of; None: it is
        on the version as a whole."""
        if self.drawn_on is not None:
            return self.drawn_on
        return self.frames.first if self.frames is not None else None

    def strokes_on(self, frame: int) -> tuple[Stroke, ...]:
        """What is drawn on a frame."""
        if self.drawn_on is not None:
            return self.strokes if frame == self.drawn_on else ()
        return self.strokes if self.frames is None or frame in self.frames else ()
