"""A request: everything needed to make a version again."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, JsonValue, model_validator

from bridge_core.models.base import PersonName, StoredModel, StrictModel
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import PlateKind, SourceFile
from bridge_core.models.shots import Shot

#: An idempotency key: printable ASCII without spaces, as HTTP headers carry it.
IdempotencyKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{8,128}$")]

#: Frames of one request: more than an hour of film is not a shot, but a slip in a number that
#: would make the gateway list frames until its memory is full.
MAX_FRAMES = 100_000


class OutputFormat(StrEnum):
    """The files that a version is made of."""

    EXR = "exr"
    """OpenEXR in the plate's colour space: half, or float where the plate has more than half."""
    PLATE = "plate"
    """The plate's own format and depth."""


class Reference(StrictModel):
    """A picture that guides a request."""

    path: str = Field(min_length=1)
    role: str = "look"


class Region(StrictModel):
    """Where on the picture and when in the shot a request may act.

    ``points`` are corners of a polygon, x to the right and y down, 0 to 1 over the picture;
    ``frames`` None means the whole shot.
    """

    points: tuple[tuple[float, float], ...] = Field(min_length=3)
    frames: FrameRange | None = None
    title: str = ""


class Request(StoredModel):
    shot: Shot
    service: str = Field(min_length=1, max_length=64)
    parameters: dict[str, JsonValue] = {}
    references: tuple[Reference, ...] = ()
    regions: tuple[Region, ...] = ()
    note: str = Field(default="", max_length=5000)
    """What the director says to the service."""
    output_format: OutputFormat = OutputFormat.EXR
    test_frames: tuple[int, ...] = ()
    """Only these frames, to be looked at: a try, never a version. Empty: the whole shot."""
    requested_by: PersonName
    source_version_id: str | None = None
    """Id of the version that this one answers, where a note became the request."""

    @model_validator(mode="after")
    def _validate_frames(self) -> Self:
        if self.shot.work_range.count > MAX_FRAMES:
            raise ValueError(
                f"a request holds at most {MAX_FRAMES} frames; the shot's {self.shot.work_range} "
                f"are {self.shot.work_range.count}"
            )
        outside = [frame for frame in self.test_frames if frame not in self.shot.work_range]
        if outside:
            raise ValueError(
                f"test frames {outside} lie outside the shot's frames {self.shot.work_range}"
            )
        if len(set(self.test_frames)) != len(self.test_frames):
            raise ValueError("a test frame is listed once")
        return self

    @property
    def is_test_frame(self) -> bool:
        return bool(self.test_frames)

    @property
    def frames(self) -> tuple[int, ...]:
        """The plate frames to be made, ascending."""
        if self.test_frames:
            return tuple(sorted(self.test_frames))
        return tuple(self.shot.work_range.frames())


class Submission(StrictModel):
    """A request on its way to the gateway, with the files where its pictures are."""

    request: Request
    plate_files: tuple[SourceFile, ...] = Field(min_length=1)
    reference_files: tuple[SourceFile, ...] = ()

    @model_validator(mode="after")
    def _validate_files(self) -> Self:
        frames = [file.frame for file in self.plate_files]
        if self.request.shot.plate.kind is PlateKind.SEQUENCE:
            missing = sorted(set(self.request.frames) - {f for f in frames if f is not None})
            if missing:
                raise ValueError(f"no file is named for frames {missing[:20]}")
            if len(set(frames)) != len(frames):
                raise ValueError("a frame is in one file only")
        elif len(frames) != 1:
            raise ValueError("a movie or a still is one file")
        if len(self.reference_files) != len(self.request.references):
            raise ValueError("each reference has one file")
        return self
