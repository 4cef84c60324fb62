"""A request: everything needed to make a version again."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from bridge_core.models.base import StoredModel, StrictModel
from bridge_core.models.enumerations import OutputFormat as OutputFormat
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate, PlateKind, SourceFile
from bridge_core.models.shots import Shot

#: An idempotency key: printable ASCII without spaces, as HTTP headers carry it.
IdempotencyKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{8,128}$")]

#: Seeds fit into 31 bits, which every model takes.
MAX_SEED = 2**31 - 1

#: Frames of one request. More than an hour of film is not a shot but a typing error, and listing
#: its frames would fill the gateway's memory.
MAX_FRAMES = 100_000


class Reference(StrictModel):
    """A picture that guides a request."""

    path: str = Field(min_length=1)
    role: str = "look"


class _RegionBase(StrictModel):
    frames: FrameRange | None = None
    """The plate frames in which it applies; None: the whole shot."""
    title: str = Field(default="", max_length=200)


class ShapeRegion(_RegionBase):
    """The inside of a polygon. ``points`` are its corners in normalised coordinates, x to the right
    and y down."""

    kind: Literal["shape"] = "shape"
    points: tuple[tuple[float, float], ...] = Field(min_length=3)


class MatteRegion(_RegionBase):
    """The white of a matte: a picture, or a sequence with the plate's frame numbers, of the plate's
    size. ``path`` is a file or a pattern, as of a plate."""

    kind: Literal["matte"] = "matte"
    path: str = Field(min_length=1)
    channel: str = Field(default="", max_length=255)
    """The channel to use, as ``A`` or ``mask.R``; empty: alpha, or else the first one."""
    feather: float = Field(default=0, ge=0, le=1000)
    """How wide its edge is softened, in pixels of the plate."""

    @field_validator("path")
    @classmethod
    def _validate_path(cls, path: str) -> str:
        plate = Plate(path=path, range=FrameRange.of(1, 1))
        if plate.kind is PlateKind.MOVIE:
            raise ValueError("a matte is a picture or a sequence of pictures, not a movie")
        return plate.path

    def as_plate(self, frames: FrameRange) -> Plate:
        """Its files as a plate with the frames of the shot's plate; one of a single picture has
        the first of them."""
        first = FrameRange.of(frames.first, frames.first, frames.rate)
        still = Plate(path=self.path, range=first)
        if still.kind is PlateKind.STILL:
            return still
        return still.model_copy(update={"range": frames})


#: Where in the picture, and when in the shot, a request may change pixels.
Region = Annotated[ShapeRegion | MatteRegion, Field(discriminator="kind")]


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
            work_range = self.shot.work_range
            raise ValueError(f"test frames {outside} are outside the shot's frames {work_range}")
        if len(set(self.test_frames)) != len(self.test_frames):
            raise ValueError("a test frame can only be listed once")
        return self

    @property
    def mattes(self) -> tuple[MatteRegion, ...]:
        """The regions that are mattes, in their order."""
        return tuple(region for region in self.regions if isinstance(region, MatteRegion))

    def frames_of(self, region: ShapeRegion | MatteRegion) -> tuple[int, ...]:
        """The frames to process in which a region applies."""
        span = region.frames
        return tuple(frame for frame in self.frames if span is None or frame in span)

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
    """A request as it is sent to the gateway, with the files of plate, references and mattes."""

    request: Request
    plate_files: tuple[SourceFile, ...] = Field(min_length=1)
    reference_files: tuple[SourceFile, ...] = ()
    matte_files: tuple[tuple[SourceFile, ...], ...] = ()
    """Of each matte: one file for each frame in which it applies, or the one picture."""

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """All of them."""
        mattes = (file for files in self.matte_files for file in files)
        return (*self.plate_files, *self.reference_files, *mattes)

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
        if len(self.matte_files) != len(self.request.mattes):
            raise ValueError("each matte must have its files")
        for matte, files in zip(self.request.mattes, self.matte_files, strict=True):
            self._validate_matte(matte, files)
        return self

    def _validate_matte(self, matte: MatteRegion, files: tuple[SourceFile, ...]) -> None:
        if matte.as_plate(self.request.shot.plate.range).kind is PlateKind.STILL:
            if len(files) != 1:
                raise ValueError(f"the matte {matte.path} must be one file")
            return
        given, wanted = [file.frame for file in files], self.request.frames_of(matte)
        missing = sorted(set(wanted) - {frame for frame in given if frame is not None})
        if missing:
            raise ValueError(f"the matte {matte.path} has no file for frames {missing[:20]}")
        if len(given) != len(wanted):
            raise ValueError(f"the matte {matte.path} has files of other frames than requested")
