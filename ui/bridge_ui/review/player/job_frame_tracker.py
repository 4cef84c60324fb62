"""Tracks the finished frames of a running job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge_ui.core.store import StoreChange
from bridge_ui.core.workers import LatestCall
from bridge_ui.review.player.gateway_frames import JobFrames

if TYPE_CHECKING:
    from bridge_core.models.jobs import Job, JobFrame
    from bridge_ui.core.session import Session


class JobFrameTracker:
    """Adds the job's finished frames to ``source`` until :meth:`close`."""

    def __init__(self, session: Session, job: Job, label: str) -> None:
        self.source = JobFrames(session.client, job, label)
        self._session = session
        self._frames_call: LatestCall[list[JobFrame]] = LatestCall(session.request_pool)
        self._done_count = -1
        self._unwatch = session.store.watch(self._store_changed)
        self._fetch()

    def close(self) -> None:
        self._unwatch()
        self._frames_call.cancel()

    def _store_changed(self, change: StoreChange) -> None:
        if self.source.job in change.jobs:
            self._fetch()

    def _fetch(self) -> None:
        job = self._session.store.jobs.get(self.source.job)
        done = job.progress.done if job is not None else 0
        # A new call would cancel the running one, and a slow gateway would never get to answer.
        if self._frames_call.busy or (
            done == self._done_count and job is not None and not job.state.ended
        ):
            return
        self._done_count = done

        def frames_listed(frames: list[JobFrame]) -> None:
            self.source.add_frames(tuple(frame.frame for frame in frames))
            now = self._session.store.jobs.get(self.source.job)
            if now is not None and now.progress.done != self._done_count and not now.state.ended:
                self._fetch()

        client, job_id = self._session.client, self.source.job
        self._frames_call.run(lambda _: client.job_frames(job_id), frames_listed)
