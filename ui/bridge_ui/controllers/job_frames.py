"""Follows the finished frames of a job while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge_ui.controllers.board import BoardChange
from bridge_ui.controllers.frames import JobFrames
from bridge_ui.controllers.pool import Latest

if TYPE_CHECKING:
    from bridge_core.models.jobs import Job, JobFrame
    from bridge_ui.controllers.session import Session


class FollowedFrames:
    """``source`` grows with the job until :meth:`close`."""

    def __init__(self, session: Session, job: Job, label: str) -> None:
        self.source = JobFrames(session.client, job, label)
        self._session = session
        self._asked: Latest[list[JobFrame]] = Latest(session.pool)
        self._done = -1
        self._unwatch = session.board.watch(self._learned)
        self._ask()

    def close(self) -> None:
        self._unwatch()
        self._asked.cancel()

    def _learned(self, change: BoardChange) -> None:
        if self.source.job in change.jobs:
            self._ask()

    def _ask(self) -> None:
        job = self._session.board.jobs.get(self.source.job)
        done = job.progress.done if job is not None else 0
        # Whoever is being asked already answers soon enough; asking anew each time would cancel
        # the answer of a slow gateway for ever.
        if self._asked.busy or (done == self._done and job is not None and not job.state.ended):
            return
        self._done = done

        def told(frames: list[JobFrame]) -> None:
            self.source.grow(tuple(frame.frame for frame in frames))
            now = self._session.board.jobs.get(self.source.job)
            if now is not None and now.progress.done != self._done and not now.state.ended:
                self._ask()

        client, job_id = self._session.client, self.source.job
        self._asked.ask(lambda _: client.frames(job_id), told)
