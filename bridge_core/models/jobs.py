"""A job: a request being worked on."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from bridge_core.models.base import ResponseModel, Timestamp
from bridge_core.models.problems import Problem
from bridge_core.models.requests import IdempotencyKey, Request
from bridge_core.models.services import DataLocality


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """A provider does not say what became of it; a human decides, nothing is sent again."""

    @property
    def ended(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


class JobProgress(ResponseModel):
    """How far a job is. Counts frames of the step that it is in."""

    step: str = ""
    done: int = Field(default=0, ge=0)
    total: int = Field(default=0, ge=0)
    seconds_left: float | None = None
    """From the pace so far; None while there is no pace."""
    attempt: int = 1
    """Rises each time the job is taken up again after an interruption."""


class Job(ResponseModel):
    id: str
    key: IdempotencyKey
    request: Request
    state: JobState
    created: Timestamp
    started: Timestamp | None = None
    finished: Timestamp | None = None
    progress: JobProgress = JobProgress()
    queue_position: int | None = None
    """Jobs that stand before it; None once it runs."""
    problem: Problem | None = None
    """Why it failed."""
    warnings: tuple[str, ...] = ()
    """Where the plate's files contradict what was said of them, in words; known once the job is
    admitted."""
    version_id: str | None = None
    """Id of the version that it made; None for a try."""
    test_frame_id: str | None = None
    """Id of the try that it made; None for a version."""


class JobFrame(ResponseModel):
    """A finished frame of a job, to be looked at while the rest is made."""

    frame: int
    proxy_path: str
    """Where its proxy is had, relative to the gateway's address."""


class Cost(ResponseModel):
    amount: Decimal = Decimal(0)
    currency: str = "USD"


class Estimate(ResponseModel):
    """What a request will mean, before it is sent."""

    frames: int
    seconds: float | None = None
    """From earlier jobs of this service on this gateway; None where there were none."""
    cost: Cost = Cost()
    data_locality: DataLocality
    provider: str
    allowed: bool = True
    reason: str = ""
    """Why it is or is not allowed."""
