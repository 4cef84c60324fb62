"""The names of the steps, and the results that one passes to the next. Stored in checkpoints."""

from __future__ import annotations

from enum import StrEnum

from bridge_core.models.base import TolerantModel
from bridge_core.models.media import Sha256
from bridge_core.models.services import OutputKind, ServiceCapabilities
from bridge_core.models.versions import Proxies, ResultFile


class StepName(StrEnum):
    """The steps of a job in their order; see docs/decisions/0003-steps-of-a-job.md.

    The names are stored in checkpoints, progress, timings and lineage.
    """

    ADMIT = "admit"
    STAGE = "stage"
    RUN = "run"
    CHECK = "check"
    PROXIES = "proxies"
    HASH = "hash"
    PUBLISH = "publish"
    SETTLE = "settle"


class AdmittedJob(TolerantModel):
    """What ``admit`` resolved."""

    parameters: dict[str, float | int | str | bool]
    """All of them, defaults filled in."""
    provider: str
    colour_space: str
    produces: tuple[OutputKind, ...] = (OutputKind.PICTURES,)
    capabilities: ServiceCapabilities = ServiceCapabilities()
    seed: int | None = None
    """The request's, or one that the gateway chose; None where the service takes none."""
    source_version_id: str | None = None
    """The version that the service works on; None where it works on the plate alone."""
    warnings: tuple[str, ...] = ()
    """Where the plate's files contradict the request."""


class StagedFile(TolerantModel):
    """A file of the plate, of a matte, or a reference, with the hash of its content."""

    source: str
    """Its path on the client's side."""
    path: str
    """The path that the gateway reads."""
    frame: int | None
    size: int
    mtime_ns: int | None
    """None for an uploaded file, whose time is that of its last use."""
    sha256: Sha256


class StagedInputs(TolerantModel):
    """The files of the requested frames, ascending; of a movie or a still, the one file."""

    files: tuple[StagedFile, ...]
    references: tuple[StagedFile, ...] = ()
    """In the order of the request's references."""
    mattes: tuple[tuple[StagedFile, ...], ...] = ()
    """Of each matte, by frame; in the order of the request's mattes."""


class HashedOutputs(TolerantModel):
    """The files to publish, by their paths in the provider's folder."""

    files: tuple[ResultFile, ...]
    proxies: Proxies | None
    """None for a result without pictures."""
