"""The list of jobs: how they stand, as it happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_ui.controllers.observable import Observable, Rows
from bridge_ui.controllers.words import Sign

if TYPE_CHECKING:
    from datetime import datetime

    from bridge_core.models.jobs import Job
    from bridge_core.models.shots import ShotId
    from bridge_ui.controllers.frames import JobFrames
    from bridge_ui.controllers.session import Session


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as the list shows it. A request that waits in the outbox stands there as well, with
    its key as ``id`` and ``waiting`` set."""

    id: str
    shot: ShotId
    service: str
    """The service's title, with ``try`` where it is one."""
    sign: Sign
    """State and, while it runs, step, frames and time left."""
    fraction: float | None
    """0 to 1 of the step that it is in; None where that is not known."""
    problem: str
    """Why it failed; empty otherwise."""
    next_step: str
    created: datetime
    asked_by: str
    result: str | None
    """Id of the version or the try that it made."""
    running: bool
    ended: bool
    waiting: bool
    """It stands in the outbox: the gateway has not got it yet."""

    @property
    def can_cancel(self) -> bool:
        return not self.ended

    @property
    def can_send_again(self) -> bool:
        return self.ended and not self.waiting


@dataclass(frozen=True, slots=True)
class JobsState:
    running: int = 0
    queued: int = 0
    waiting: int = 0
    """In the outbox."""
    problem: str = ""
    """Why the last thing that was asked for did not work."""

    @property
    def words(self) -> str:
        """``2 jobs running · 1 queued``"""
        raise NotImplementedError


class JobsController:
    """Newest first: what waits in the outbox, then jobs."""

    def __init__(self, session: Session) -> None:
        self.rows: Rows[JobRow] = Rows()
        self.state: Observable[JobsState] = Observable(JobsState())

    def cancel(self, id: str) -> None:  # noqa: A002  the API's word
        """End a job, or take a request out of the outbox."""
        raise NotImplementedError

    def send_again(self, id: str) -> None:  # noqa: A002
        """The same request as a new job."""
        raise NotImplementedError

    def watch_frames(self, id: str) -> JobFrames:  # noqa: A002
        """The finished frames of a job, growing while it runs, until :meth:`leave_frames`."""
        raise NotImplementedError

    def leave_frames(self, id: str) -> None:  # noqa: A002
        raise NotImplementedError

    def job(self, id: str) -> Job | None:  # noqa: A002
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
