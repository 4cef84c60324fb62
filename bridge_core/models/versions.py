"""Results of jobs: versions and test frames, their files, lineage and review."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, JsonValue

from bridge_core.models.base import StoredModel, StrictModel, Timestamp, TolerantModel
from bridge_core.models.enumerations import ReviewStatus as ReviewStatus
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Sha256
from bridge_core.models.requests import Request
from bridge_core.models.shots import ShotId
from bridge_core.text.control_characters import escape_controls


def _valid_relative_path(value: str) -> str:
    parts = value.replace("\\", "/").split("/")
    if ":" in parts[0] or not {"", ".", ".."}.isdisjoint(parts) or escape_controls(value) != value:
        raise ValueError("must be a path inside the result's folder")
    return value


#: A path that stays inside the folder that it is relative to, on every system.
RelativePath = Annotated[str, AfterValidator(_valid_relative_path)]


class Decision(StrictModel):
    """A review status, as a person sets it; the gateway records who."""

    status: ReviewStatus
    comment: str = Field(default="", max_length=5000)
    content_hash: Sha256 | None = None
    """The :attr:`Version.content_hash` of the files that were reviewed. The gateway refuses a
    decision if it is not the version's."""


class DecisionRecord(Decision):
    """A decision as the gateway stores it."""

    model_config = ConfigDict(extra="ignore")  # as in all responses

    by: str
    """The person who decided."""
    at: Timestamp


class ResultOutput(TolerantModel):
    """One image sequence or movie of a result: the main picture, or a matte beside it."""

    name: str
    """``main`` is the one that is placed in the cut."""
    pattern: RelativePath
    """Relative to the result's folder; a sequence with ``%04d``, or a movie."""
    range: FrameRange
    colour_space: str
    """``data`` for non-colour data, such as a matte."""
    width: int
    height: int
    pixel_aspect: float = 1.0
    channels: tuple[str, ...]
    depth: str
    """Sample type: half, float, uint8, uint10, uint16."""


class ResultFile(TolerantModel):
    """A file of a result: path relative to its folder, size in bytes, hash of the content."""

    path: str
    size: int
    sha256: Sha256


def content_hash(files: Iterable[ResultFile]) -> str:
    """SHA-256 (hexadecimal) of the ``sha256sum`` lines of the files, sorted by path: independent of
    their order."""
    lines = sorted((file.path, f"{file.sha256}  {file.path}\n") for file in files)
    return hashlib.sha256("".join(line for _, line in lines).encode()).hexdigest()


class Proxies(TolerantModel):
    """JPEGs for viewing, one for each frame, with the display view baked in."""

    pattern: str
    width: int
    height: int
    display: str
    view: str


class Result(TolerantModel):
    """The common base of versions and test frames."""

    id: str
    shot: ShotId
    service: str
    job_id: str
    folder: str
    """Absolute path on the gateway's machine."""
    frames: tuple[int, ...]
    outputs: tuple[ResultOutput, ...]
    proxies: Proxies | None
    """None for a result without pictures: texts or findings."""
    texts: tuple[str, ...] = ()
    """The names of its texts, the files ``texts/NAME``."""
    finding_count: int = Field(default=0, ge=0)
    """The number of findings in ``findings.json``."""
    created: Timestamp
    requested_by: str
    warnings: tuple[str, ...] = ()
    """Where the plate's files contradict the request."""


def version_label(number: int) -> str:
    """``v001``."""
    return f"v{number:03d}"


class Version(Result):
    """An immutable, numbered result for a shot, with the decisions made about it."""

    number: int = Field(ge=1)
    content_hash: Sha256 | None = None
    """See :func:`content_hash`; of all files except the lineage, with the proxies. None: published
    before the gateway recorded it."""
    status: ReviewStatus = ReviewStatus.PENDING
    decisions: tuple[DecisionRecord, ...] = ()

    @property
    def label(self) -> str:
        return version_label(self.number)


class TestFrame(Result):
    """A few frames made to check a request. It has no version number and is not reviewed."""


class ModelUsed(TolerantModel):
    id: str
    name: str
    version: str
    sha256: Sha256
    licence: str


class StepTiming(TolerantModel):
    step: str
    seconds: float
    attempt: int = 1


class InputFile(TolerantModel):
    path: str
    frame: int | None = None
    size: int
    sha256: Sha256


class Lineage(StoredModel):
    """How a result was made: enough to reproduce and to account for it."""

    title = "lineage"

    result_id: str
    job_id: str
    key: str
    request: Request
    parameters: dict[str, JsonValue]
    """All parameters, with defaults filled in."""
    seed: int | None = None
    """The seed that was used; None where the service takes none."""
    requested_by: str
    created: Timestamp
    provider: str
    models: tuple[ModelUsed, ...] = ()
    runtime: dict[str, str] = {}
    """How the model was run: library, execution provider, threads."""
    software: dict[str, str] = {}
    """Version of each program and library that processed the pictures."""
    colour: tuple[str, ...] = ()
    """A description of each colour conversion, in order."""
    timings: tuple[StepTiming, ...] = ()
    inputs: tuple[InputFile, ...] = ()
    outputs: tuple[ResultFile, ...] = ()
    warnings: tuple[str, ...] = ()
    """Where the plate's files contradict the request."""
