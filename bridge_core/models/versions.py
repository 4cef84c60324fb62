"""What a job made: versions and tries, their files, lineage and review."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, JsonValue

from bridge_core.models.base import PersonName, ResponseModel, StoredModel, StrictModel, Timestamp
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Sha256
from bridge_core.models.requests import Request
from bridge_core.models.shots import ShotId
from bridge_core.text.control_characters import escape_controls


def _valid_relative_path(value: str) -> str:
    parts = value.replace("\\", "/").split("/")
    if ":" in parts[0] or not {"", ".", ".."}.isdisjoint(parts) or escape_controls(value) != value:
        raise ValueError("names something inside the result's folder")
    return value


#: A path that stays inside the folder that it is relative to, on every system.
RelativePath = Annotated[str, AfterValidator(_valid_relative_path)]


class ReviewStatus(StrEnum):
    PENDING = "pending review"
    CHANGES_REQUESTED = "changes requested"
    APPROVED = "approved"
    REJECTED = "rejected"


class Decision(StrictModel):
    """A review status set by a named human."""

    status: ReviewStatus
    by: PersonName
    comment: str = Field(default="", max_length=5000)
    content_hash: Sha256 | None = None
    """The :attr:`Version.content_hash` of what was looked at. The gateway refuses a decision whose
    hash is not the version's."""


class DecisionRecord(Decision):
    """A decision as the gateway keeps it."""

    model_config = ConfigDict(extra="ignore")  # as in all records

    by: str
    """As it was recorded, whatever names were taken then."""
    at: Timestamp


class ResultOutput(ResponseModel):
    """One set of pictures in a version: the pictures themselves, or a matte beside them."""

    name: str
    """``main`` is what goes into the cut."""
    pattern: RelativePath
    """Relative to the result's folder; a frame number as ``%04d``, or a movie."""
    range: FrameRange
    colour_space: str
    """``data`` for what is not colour, such as a matte."""
    width: int
    height: int
    pixel_aspect: float = 1.0
    channels: tuple[str, ...]
    depth: str
    """Type of a sample: half, float, uint8, uint10, uint16."""


class ResultFile(ResponseModel):
    """A file of a result: path relative to its folder, size in bytes, content."""

    path: str
    size: int
    sha256: Sha256


def content_hash(files: Iterable[ResultFile]) -> str:
    """SHA-256 (hexadecimal) over the content and the path of each file, whatever their order: that
    of what ``sha256sum`` says of them, a line each, sorted by path."""
    lines = sorted((file.path, f"{file.sha256}  {file.path}\n") for file in files)
    return hashlib.sha256("".join(line for _, line in lines).encode()).hexdigest()


class Proxies(ResponseModel):
    """JPEGs with the display view baked in, for looking, one for each frame."""

    pattern: str
    width: int
    height: int
    display: str
    view: str


class Result(ResponseModel):
    """What versions and tries share."""

    id: str
    shot: ShotId
    service: str
    job_id: str
    folder: str
    """Absolute, on the gateway's side."""
    frames: tuple[int, ...]
    outputs: tuple[ResultOutput, ...]
    proxies: Proxies
    created: Timestamp
    requested_by: str
    warnings: tuple[str, ...] = ()
    """Where the plate's files contradict what was said of them, in words."""


class Version(Result):
    """Immutable pictures for a shot, and what humans decided about them since."""

    number: int = Field(ge=1)
    content_hash: Sha256 | None = None
    """See :func:`content_hash`: of all files but the lineage, the proxies included; None: published
    before the gateway kept it."""
    status: ReviewStatus = ReviewStatus.PENDING
    decisions: tuple[DecisionRecord, ...] = ()

    @property
    def label(self) -> str:
        return f"v{self.number:03d}"


class TestFrame(Result):
    """A few frames made to be looked at; it has no number and takes no review."""


class ModelUsed(ResponseModel):
    id: str
    name: str
    version: str
    sha256: Sha256
    licence: str


class StepTiming(ResponseModel):
    step: str
    seconds: float
    attempt: int = 1


class InputFile(ResponseModel):
    path: str
    frame: int | None = None
    size: int
    sha256: Sha256


class Lineage(StoredModel):
    """How a result was made: enough to make it again and to account for it."""

    result_id: str
    job_id: str
    key: str
    request: Request
    parameters: dict[str, JsonValue]
    """All of them, defaults filled in."""
    requested_by: str
    created: Timestamp
    provider: str
    models: tuple[ModelUsed, ...] = ()
    runtime: dict[str, str] = {}
    """What ran the model: library, execution provider, threads."""
    software: dict[str, str] = {}
    """Version of each program and library that touched the pictures."""
    colour: tuple[str, ...] = ()
    """Each conversion, in order, in words."""
    timings: tuple[StepTiming, ...] = ()
    inputs: tuple[InputFile, ...] = ()
    outputs: tuple[ResultFile, ...] = ()
    warnings: tuple[str, ...] = ()
    """Where the plate's files contradict what was said of them, in words."""
