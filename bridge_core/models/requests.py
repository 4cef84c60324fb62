"""A request: everything needed to make a version again."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, JsonValue, model_validator

from bridge_core.models.base import StoredModel, StrictModel
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import PlateKind, SourceFile
from bridge_core.models.shots import Shot

#: An idempotency key: printable ASCII without spaces, as HTTP headers carry it.
IdempotencyKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{8,128}$")]

#: Seeds fit into 31 bits, which every model takes.
MAX_SEED = 2**31 - 1

#: Frames of one request. More than an hour of film is not a shot but a typing error, and listing
#: its frames would fill the gateway's memory.
MAX_FRAMES = 100_000


class OutputFormat(StrEnum):
    """The file format of a version."""

    EXR = "exr"
    """OpenEXR in the plate's colour space: half, or float if the plate has more than half."""
    PLATE = "plate"
    """The format and bit depth of the plate."""


class Reference(StrictModel):
    """A picture that guides a request."""

    path: str = Field(min_length=1)
    role: str = "look"


class Region(StrictModel):
    """Where in the picture, and when in the shot, a request may change pixels.

    ``points`` are the corners of a polygon in normalised coordinates, x to the right and y down.
    ``frames`` None means the whole shot.
    """

    points: tuple[tuple[float, float], ...] = Field(min_length=3)
    frames: FrameRange | None = None
    title: str = ""


class Request(StoredModel):
    """Everything needed to make a version, or to make it again."""

    title = "request"

    shot: Shot
    service: str = Field(min_length=1, max_length=64)
    parameters: dict[str, JsonValue] = {}
    references: tuple[Reference, ...] = ()
    regions: tuple[Region, ...] = ()
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED)
    """Starts the model's random numbers; None: the gateway chooses one, and the lineage has it."""
    note: str = Field(default="", max_length=5000)
    """The director's instructions to the service."""
    output_format: OutputFormat = OutputFormat.EXR
    test_frames: tuple[int, ...] = ()
    """Process only these frames, as a test frame. Empty: the whole shot, as a version."""
    source_version_id: str | None = None
    """Id of the version that this request revises, if it was made from a note."""

    @model_validator(mode="after")
    def _validate_frames(self) -> Self:
        if self.shot.work_range.count > MAX_FRAMES:
            raise ValueError(
                f"a request has at most {MAX_FRAMES} frames; {self.shot.work_range} of this shot "
                f"are {self.shot.work_range.count}"
            )
        outside = [frame for frame in self.test_frames if frame not in self.shot.work_range]
        if outside:
            raise ValueError(
                f"test frames {outside} are outside the shot's frames {self.shot.work_range}"
            )
        if len(set(self.test_frames)) != len(self.test_frames):
            raise ValueError("a test frame can only be listed once")
        return self

    @property
    def is_test_frame(self) -> bool:
        return bool(self.test_frames)

    @property
    def frames(self) -> tuple[int, ...]:
        """The plate frames to process, in ascending order."""
        if self.test_frames:
            return tuple(sorted(self.test_frames))
        return tuple(self.shot.work_range.frames())


class Submission(StrictModel):
    """A request as it is sent to the gateway, with the files of its plate and references."""

    request: Request
    plate_files: tuple[SourceFile, ...] = Field(min_length=1)
    reference_files: tuple[SourceFile, ...] = ()

    @model_validator(mode="after")
    def _validate_files(self) -> Self:
        frames = [file.frame for file in self.plate_files]
        if self.request.shot.plate.kind is PlateKind.SEQUENCE:
            missing = sorted(set(self.request.frames) - {f for f in frames if f is not None})
            if missing:
                raise ValueError(f"no file is given for frames {missing[:20]}")
            if len(set(frames)) != len(frames):
                raise ValueError("each frame must be in one file only")
        elif len(frames) != 1:
            raise ValueError("a movie or a still must be one file")
        if len(self.reference_files) != len(self.request.references):
            raise ValueError("each reference must have one file")
        return self
