"""The list of jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from bridge_core.models.enumerations import JobOutcome, JobState
from bridge_ui.core.display_text import (
    documents_text,
    job_status_sign,
    missing_user_name,
    needs_resolution,
    resolution_text,
)
from bridge_ui.core.observable import ActionState, Observable, ObservableList, unwatch_all
from bridge_ui.core.recent_requests import DuplicateCheck
from bridge_ui.core.status_sign import StatusSign, Tone
from bridge_ui.core.store import StoreChange
from bridge_ui.core.translate import tr, tr_count
from bridge_ui.send.request_sender import RequestSender, with_keys

if TYPE_CHECKING:
    from datetime import datetime

    from bridge_core.models.jobs import Job
    from bridge_core.models.outbox import OutboxEntry
    from bridge_core.models.requests import Request
    from bridge_core.models.shots import ShotId
    from bridge_ui.core.session import OutboxState, Session


@dataclass(frozen=True, slots=True)
class JobListRow:
    """A job in the list, or a request in the outbox that is waiting or was refused, with its key as
    ``id``."""

    id: str
    shot: ShotId
    service_title: str
    """The service's title and the frames of a test frame."""
    sign: StatusSign
    """State and, while running, step, progress, time left and the provider's message; of a
    finished job, that there are texts or findings."""
    problem: str
    """Why it failed; otherwise empty."""
    next_step: str
    """And what is known besides: warnings, what a person or a provider said."""
    created: datetime
    requested_by: str
    has_ended: bool
    progress: float | None = None
    """0 to 1 of the current step; None if not known."""
    result_id: str | None = None
    """Id of the version or the test frame that it made."""
    is_running: bool = False
    is_in_outbox: bool = False
    """Not yet sent to the gateway."""
    can_resolve: bool = False
    """A person has to find out what its provider did, see :meth:`JobsController.resolve`."""

    @property
    def can_cancel(self) -> bool:
        return not self.has_ended

    @property
    def can_resend(self) -> bool:
        return self.has_ended and not self.is_in_outbox


@dataclass(frozen=True, slots=True)
class JobsState(ActionState):
    running: int = 0
    queued: int = 0
    in_outbox: int = 0
    question: str = ""
    """Whether to repeat a request that is active, recently done or of unknown outcome; otherwise
    empty."""

    @property
    def text(self) -> str:
        """``2 jobs running · 1 queued``"""
        parts = [
            tr_count(self.running, "{n} job running", "{n} jobs running") if self.running else "",
            tr("{n} queued", n=self.queued) if self.queued else "",
            tr("{n} in the outbox", n=self.in_outbox) if self.in_outbox else "",
        ]
        return " · ".join(filter(None, parts)) or tr("No jobs running")


class JobsController:
    """Newest first: requests in the outbox, then jobs."""

    def __init__(self, session: Session) -> None:
        self.rows: ObservableList[JobListRow] = ObservableList()
        self.state: Observable[JobsState] = Observable(JobsState())
        self._session = session
        self._sender = RequestSender(session)
        self._index_by_id: dict[str, int] = {}
        """Position of each row by its id."""
        self._first_job_index = 0
        """Position of the newest job, after the rows of the outbox."""
        self.duplicate_check = DuplicateCheck(
            session.recent_requests, lambda question: self.state.update(question=question)
        )
        self.close = unwatch_all(
            session.store.watch(self._store_changed),
            session.outbox.watch(lambda _: self._refresh_rows(), immediately=False),
            session.services.watch(lambda _: self._refresh_rows(), immediately=False),
        )
        self._refresh_rows()

    def cancel(self, id: str) -> None:  # noqa: A002  the API's word
        """Cancel a job, or withdraw a request from the outbox."""
        if id not in self._session.store.jobs:
            self._session.withdraw(id)
            return
        client = self._session.client
        self._session.request_pool.run(
            lambda _: client.cancel(id), self._job_changed, self.state.show_error
        )

    def resend(self, id: str) -> None:  # noqa: A002
        """Send the same request again under a new key. If it is active, recently done or of
        unknown outcome, ``state.question`` asks first. A refused request is kept until the new one
        is in the outbox."""
        request = self._find_request(id)
        if request is None or not self._require_user():
            return
        self.duplicate_check.check([request], partial(self._resend, id, request))

    def resolve(self, id: str, outcome: JobOutcome, reason: str) -> None:  # noqa: A002
        """Record what was found out about a job of unknown outcome, or a cancelled one of unknown
        charge, in the name of the session's user; ``reason`` says how."""
        from bridge_core.models.jobs import Resolution

        user = self._require_user()
        if not user:
            return
        resolution = Resolution(outcome=outcome, text=reason[:2000])
        client = self._session.client
        self._session.request_pool.run(
            lambda _: client.resolve_job(id, resolution, user=user),
            self._job_changed,
            self.state.show_error,
        )

    def _require_user(self) -> str:
        """The name to record; empty, with a problem shown, if it is blank."""
        user = self._session.user.strip()
        if not user:
            problem, next_step = missing_user_name()
            self.state.update(problem=problem, next_step=next_step)
        return user

    def _resend(self, id: str, request: Request) -> None:  # noqa: A002
        outbox = self._session.client.outbox
        refused = id not in self._session.store.jobs
        self._sender.send(
            with_keys([request]),
            self._job_changed,
            self.state.show_error,
            after_stored=(lambda: outbox.discard_refused(id)) if refused else None,
        )

    def job(self, id: str) -> Job | None:  # noqa: A002
        return self._session.store.jobs.get(id)

    def _find_request(self, id: str) -> Request | None:  # noqa: A002
        job = self.job(id)
        if job is not None:
            return job.request
        refused = self._session.outbox.value.refused
        return next((entry.request for entry in refused if entry.key == id), None)

    def _store_changed(self, change: StoreChange) -> None:
        jobs, versions = self._session.store.jobs, self._session.store.versions
        # Their rows say what they made.
        made = [versions[version_id] for version_id in change.versions]
        made_by = {version.job_id for version in made if documents_text(version)}
        changed = change.jobs | (made_by & jobs.keys())
        if not changed:
            return
        new = [jobs[job_id] for job_id in changed if job_id not in self._index_by_id]
        if any(job.key in self._index_by_id for job in new):
            self._refresh_rows()  # a request from the outbox has become a job
            return
        if new:
            self._insert_jobs(new)
        index = self._index_by_id
        self.rows.update({index[job_id]: self._job_row(jobs[job_id]) for job_id in changed})
        self._update_counts()

    def _insert_jobs(self, new: Iterable[Job]) -> None:
        """Insert jobs by age; the view keeps its scroll position."""
        blocks: dict[int, list[JobListRow]] = {}
        for job_row in sorted(map(self._job_row, new), key=_sort_key, reverse=True):
            blocks.setdefault(self._insert_index(job_row), []).append(job_row)
        for index in sorted(blocks, reverse=True):
            self.rows.insert(index, blocks[index])
        self._index_by_id = {job_row.id: index for index, job_row in enumerate(self.rows)}

    def _insert_index(self, new: JobListRow) -> int:
        """Position of a new job: before the first older one, below the outbox."""
        low, high = self._first_job_index, len(self.rows)
        while low < high:
            middle = (low + high) // 2
            if _sort_key(self.rows[middle]) > _sort_key(new):
                low = middle + 1
            else:
                high = middle
        return low

    def _refresh_rows(self) -> None:
        outbox: OutboxState = self._session.outbox.value
        sent = {job.key for job in self._session.store.jobs.values()}
        rows = [self._outbox_row(entry) for entry in outbox.waiting if entry.key not in sent]
        rows += [self._outbox_row(entry) for entry in outbox.refused]
        rows.sort(key=lambda job_row: job_row.created, reverse=True)
        self._first_job_index = len(rows)
        jobs = sorted(
            self._session.store.jobs.values(), key=lambda j: (j.created, j.id), reverse=True
        )
        rows += [self._job_row(job) for job in jobs]
        self._index_by_id = {job_row.id: index for index, job_row in enumerate(rows)}
        self.rows.replace(rows)
        self._update_counts()

    def _job_row(self, job: Job) -> JobListRow:
        problem, sign = job.problem, job_status_sign(job)
        version = self._session.store.versions.get(job.version_id or "")
        if version is not None and (documents := documents_text(version)):
            sign = replace(sign, text=f"{sign.text} · {documents}")
        next_step = problem.next_step if problem else "\n".join(job.warnings)
        said = (resolution_text(job), job.cancellation.message if job.cancellation else "")
        return JobListRow(
            id=job.id,
            shot=job.request.shot.id,
            service_title=self._title(job.request),
            sign=sign,
            progress=job.progress.completed,
            problem=problem.message if problem else "",
            next_step="\n".join(filter(None, (next_step, *said))),
            created=job.created,
            requested_by=job.requested_by,
            result_id=job.version_id or job.test_frame_id,
            is_running=job.state is JobState.RUNNING,
            has_ended=job.state.ended,
            can_resolve=needs_resolution(job),
        )

    def _outbox_row(self, entry: OutboxEntry) -> JobListRow:
        """Row of a waiting or refused request."""
        refused = entry.problem is not None
        text = tr("refused") if refused else tr("in the outbox, not sent yet")
        return JobListRow(
            id=entry.key,
            shot=entry.request.shot.id,
            service_title=self._title(entry.request),
            sign=StatusSign("⚠", text, Tone.ERROR) if refused else StatusSign("↑", text, Tone.BUSY),
            problem=entry.problem.message if entry.problem else "",
            next_step=entry.problem.next_step if entry.problem else "",
            created=entry.created,
            requested_by=entry.requested_by,
            has_ended=refused,
            is_in_outbox=not refused,
        )

    def _title(self, request: Request) -> str:
        title = self._session.service_title(request.service)
        if not request.is_test_frame:
            return title
        frames = ", ".join(map(str, request.test_frames))
        return tr("{service}, test frame {frames}", service=title, frames=frames)

    def _update_counts(self) -> None:
        store = self._session.store
        self.state.update(
            running=store.count(JobState.RUNNING),
            queued=store.count(JobState.QUEUED),
            in_outbox=sum(job_row.is_in_outbox for job_row in self.rows),
        )

    def _job_changed(self, job: Job) -> None:
        self.state.update(problem="", next_step="")
        self._session.store.merge(jobs=[job])
        self._session.refresh_outbox()


def _sort_key(job_row: JobListRow) -> tuple[datetime, str]:
    return job_row.created, job_row.id
