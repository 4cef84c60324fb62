"""A job: a request being worked on."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from bridge_core.models.base import Record, Timestamp
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Key, Request
from bridge_core.models.services import Reach


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


class Progress(Record):
    """How far a job is. Counts frames of the step that it is in."""

    step: str = ""
    done: int = Field(default=0, ge=0)
    total: int = Field(default=0, ge=0)
    seconds_left: float | None = None
    """From the pace so far; None while there is no pace."""
    attempt: int = 1
    """Rises each time the job is taken up again after an interruption."""


class Job(Record):
    id: str
    key: Key
    request: Request
    state: JobState
    created: Timestamp
    started: Timestamp | None = None
    finished: Timestamp | None = None
    progress: Progress = Progress()
    queue_position: int | None = None
    """Jobs that stand before it; None once it runs."""
    problem: Problem | None = None
    """Why it failed."""
    warnings: tuple[str, ...] = ()
    """Where the plate's files contradict what was said of them, in words; known once the job is
    admitted."""
    version: str | None = None
    """Id of the version that it made; None for a try."""
    tried: str | None = None
    """Id of the try that it made; None for a version."""


class JobFrame(Record):
    """A finished frame of a job, to be looked at while the rest is made."""

    frame: int
    proxy: str
    """Where its proxy is had, relative to the gateway's address."""


class Cost(Record):
    amount: Decimal = Decimal(0)
    currency: str = "USD"


class Estimate(Record):
    """What a request will mean, before it is sent."""

    frames: int
    seconds: float | None = None
    """From earlier jobs of this service on this gateway; None where there were none."""
    cost: Cost = Cost()
    reach: Reach
    provider: str
    allowed: bool = True
    reason: str = ""
    """Why it is or is not allowed."""
