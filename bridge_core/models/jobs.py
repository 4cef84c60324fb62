"""A job: a request being worked on."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import ConfigDict, Field

from bridge_core.models.base import StrictModel, Timestamp, TolerantModel
from bridge_core.models.enumerations import JobOutcome as JobOutcome
from bridge_core.models.enumerations import JobState as JobState
from bridge_core.models.problems import Problem
from bridge_core.models.requests import IdempotencyKey, Request


class JobProgress(TolerantModel):
    """Progress of a job, in frames of its current step."""

    step: str = ""
    done: int = Field(default=0, ge=0)
    total: int = Field(default=0, ge=0)
    seconds_left: float | None = None
    """Estimated from the rate so far; None until there is one."""
    attempt: int = 1
    """Incremented each time the job is resumed after an interruption."""
    fraction: float | None = Field(default=None, ge=0, le=1)
    """How far a provider says it is; None where it does not say."""
    message: str = ""
    """What a provider is doing, or why nothing is heard from it."""

    @property
    def completed(self) -> float | None:
        """0 to 1: by frames, otherwise as the provider says; None if not known."""
        return min(1.0, self.done / self.total) if self.total else self.fraction


class Cost(TolerantModel):
    amount: Decimal = Decimal(0)
    currency: str = "USD"

    def __str__(self) -> str:
        """``2.50 EUR``: with two decimal places, or as many as there are."""
        exponent = self.amount.normalize().as_tuple().exponent
        places = max(2, -exponent) if isinstance(exponent, int) else 2
        return f"{self.amount:.{places}f} {self.currency}"


class Cancellation(TolerantModel):
    """What the provider said when a job was cancelled."""

    provider_stopped: bool | None = None
    """Whether the provider stopped; None: it does not say, or has not answered yet."""
    charge: Cost | None = None
    """What it takes all the same; None: not known."""
    message: str = ""


class Resolution(StrictModel):
    """A human's answer about a job in the state ``unknown``, or a cancelled one whose work may have
    gone on at its provider."""

    outcome: JobOutcome
    text: Annotated[str, Field(min_length=1, max_length=2000)]
    """How it was found out."""


class ResolutionRecord(Resolution):
    """An answer as the gateway stores it."""

    model_config = ConfigDict(extra="ignore")  # as in all responses

    by: str
    """The person who found it out."""
    at: Timestamp


class Job(TolerantModel):
    id: str
    key: IdempotencyKey
    request: Request
    requested_by: str
    state: JobState
    created: Timestamp
    started: Timestamp | None = None
    finished: Timestamp | None = None
    progress: JobProgress = JobProgress()
    queue_position: int | None = None
    """Number of jobs ahead in the queue of its provider; None once it runs."""
    problem: Problem | None = None
    """Why the job failed, or why its outcome is unknown."""
    cancellation: Cancellation | None = None
    """Of a job that was cancelled while a remote provider worked on it. It may change later: when
    the provider answers, or names its charge."""
    resolution: ResolutionRecord | None = None
    """Of a job whose outcome was unknown. It has failed since, unless it was cancelled before."""
    warnings: tuple[str, ...] = ()
    """Where the plate's files contradict the request; known once the job is admitted."""
    version_id: str | None = None
    """Id of the version that the job made; None for a test frame."""
    test_frame_id: str | None = None
    """Id of the test frame that the job made; None for a version."""


class JobUpdate(TolerantModel):
    """What changes while a job runs; the rest is in the last event that has the whole job."""

    id: str
    state: JobState
    progress: JobProgress

    def apply_to(self, job: Job) -> Job:
        """The job with this state and progress."""
        return job.model_copy(update={"state": self.state, "progress": self.progress})


class JobFrame(TolerantModel):
    """A finished frame of a job that may still be running."""

    frame: int
    proxy_path: str
    """Path of its proxy, relative to the gateway's URL."""
