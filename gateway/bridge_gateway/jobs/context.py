"""A job on its bench, and what its steps hand on."""

from __future__ import annotations

from dataclasses import dataclass

from bridge_core.models.base import ResponseModel
from bridge_core.models.requests import Request, Submission
from bridge_core.models.versions import Proxies, ResultFile
from bridge_gateway.jobs.gateway_context import GatewayContext
from bridge_gateway.jobs.inputs import StagedFile
from bridge_gateway.jobs.progress import JobMonitor
from bridge_gateway.library.work_dir import WorkDir


@dataclass(frozen=True)
class JobContext:
    """What a job is, what it is worked on with, where, and who watches."""

    gateway: GatewayContext
    job_id: str
    submission: Submission
    work_dir: WorkDir
    monitor: JobMonitor

    @property
    def request(self) -> Request:
        return self.submission.request


class AdmittedJob(ResponseModel):
    """What was settled before anything was read."""

    parameters: dict[str, float | int | str | bool]
    """All of them, defaults filled in."""
    provider: str
    colour_space: str
    warnings: tuple[str, ...] = ()
    """Where the plate's files contradict what was said of them."""


class StagedInputs(ResponseModel):
    """The files of the wanted frames, ascending; of a movie or a still, the one."""

    files: tuple[StagedFile, ...]


class HashedOutputs(ResponseModel):
    """What will be published, as it stands in the provider's folder."""

    files: tuple[ResultFile, ...]
    proxies: Proxies
