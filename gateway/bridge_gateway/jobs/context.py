"""A running job, the names of its steps, and what the steps hand on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bridge_core.models.base import ResponseModel
from bridge_core.models.requests import Request, Submission
from bridge_core.models.versions import Proxies, ResultFile
from bridge_gateway.jobs.gateway_context import GatewayContext
from bridge_gateway.jobs.inputs import StagedFile
from bridge_gateway.jobs.progress import JobMonitor
from bridge_gateway.library.work_dir import WorkDir


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


@dataclass(frozen=True)
class JobContext:
    """Everything that the steps of one attempt at a job work with."""

    gateway: GatewayContext
    job_id: str
    submission: Submission
    work_dir: WorkDir
    monitor: JobMonitor

    @property
    def request(self) -> Request:
        return self.submission.request


class AdmittedJob(ResponseModel):
    """What ``admit`` resolved."""

    parameters: dict[str, float | int | str | bool]
    """All of them, defaults filled in."""
    provider: str
    colour_space: str
    warnings: tuple[str, ...] = ()
    """Where the plate's files contradict the request."""


class StagedInputs(ResponseModel):
    """The files of the requested frames, ascending; of a movie or a still, the one file."""

    files: tuple[StagedFile, ...]


class HashedOutputs(ResponseModel):
    """The files to publish, by their paths in the provider's folder."""

    files: tuple[ResultFile, ...]
    proxies: Proxies
