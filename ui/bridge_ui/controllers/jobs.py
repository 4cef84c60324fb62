"""The list of jobs: how they stand, as it happens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from bridge_core.errors import ShotbridgeError
from bridge_core.models.jobs import JobState
from bridge_ui.controllers.board import BoardChange
from bridge_ui.controllers.frames import JobFrames
from bridge_ui.controllers.job_frames import FollowedFrames
from bridge_ui.controllers.observable import Observable, Rows
from bridge_ui.controllers.recent_requests import Repeat
from bridge_ui.controllers.sending import Dispatch, keyed
from bridge_ui.controllers.signs import Sign, Tone
from bridge_ui.controllers.words import job_sign
from bridge_ui.translate import counted, tr

if TYPE_CHECKING:
    from datetime import datetime

    from bridge_core.models.jobs import Job
    from bridge_core.models.outbox import Entry
    from bridge_core.models.requests import Request
    from bridge_core.models.shots import ShotId
    from bridge_ui.controllers.session import OutboxState, Session


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as the list shows it. A request that waits in the outbox, or was refused on its way,
    stands there as well, with its key as ``id``."""

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
    next_step: str = ""
    question: str = ""
    """Whether to make again what is being made or was just made; empty: nothing is asked."""

    @property
    def words(self) -> str:
        """``2 jobs running · 1 queued``"""
        parts = [
            counted(self.running, "{n} job running", "{n} jobs running") if self.running else "",
            tr("{n} queued", n=self.queued) if self.queued else "",
            tr("{n} in the outbox", n=self.waiting) if self.waiting else "",
        ]
        return " · ".join(filter(None, parts)) or tr("No jobs running")


class JobsController:
    """Newest first: what waits in the outbox, then jobs."""

    def __init__(self, session: Session) -> None:
        self.rows: Rows[JobRow] = Rows()
        self.state: Observable[JobsState] = Observable(JobsState())
        self._session = session
        self._dispatch = Dispatch(session)
        self._at: dict[str, int] = {}
        """Position of each row by its id."""
        self._first_job = 0
        """Position of the newest job; those of the outbox stand before it."""
        self._repeat = Repeat(session.recent_requests, self._ask)
        self._followed: dict[str, FollowedFrames] = {}
        self._unwatch = [
            session.board.watch(self._learned),
            session.outbox.watch(lambda _: self._list(), at_once=False),
            session.services.watch(lambda _: self._list(), at_once=False),
        ]
        self._list()

    def cancel(self, id: str) -> None:  # noqa: A002  the API's word
        """End a job, or take a request out of the outbox."""
        if id not in self._session.board.jobs:
            self._session.take_out(id)
            return
        client = self._session.client
        self._session.pool.run(lambda _: client.cancel(id), self._told, self._failed)

    def send_again(self, id: str) -> None:  # noqa: A002
        """The same request as a new job, under a new key; if the same is being made or was just
        made, ``state.question`` asks first. One that was refused stays until the new one stands in
        the outbox."""
        request = self._request(id)
        if request is None:
            return
        self._repeat.ask([request], partial(self._send_again, id, request))

    def send_anyway(self) -> None:
        """Yes to the question."""
        self._repeat.yes()

    def dismiss_question(self) -> None:
        """No to the question."""
        self._repeat.no()

    def _ask(self, question: str) -> None:
        self.state.set(replace(self.state.value, question=question))

    def _send_again(self, id: str, request: Request) -> None:  # noqa: A002
        outbox = self._session.client.outbox
        refused = id not in self._session.board.jobs
        self._dispatch.send(
            keyed([request]),
            self._told,
            self._failed,
            instead=(lambda: outbox.forget(id)) if refused else None,
        )

    def watch_frames(self, id: str) -> JobFrames:  # noqa: A002
        """The finished frames of a job, growing while it runs, until :meth:`leave_frames`.

        :raises KeyError: there is no such job on the list.
        """
        if id not in self._followed:
            job = self._session.board.jobs[id]
            label = self._session.service_title(job.request.service)
            self._followed[id] = FollowedFrames(self._session, job, label)
        return self._followed[id].source

    def leave_frames(self, id: str) -> None:  # noqa: A002
        followed = self._followed.pop(id, None)
        if followed is not None:
            followed.close()

    def job(self, id: str) -> Job | None:  # noqa: A002
        return self._session.board.jobs.get(id)

    def close(self) -> None:
        for unwatch in self._unwatch:
            unwatch()
        for id_ in list(self._followed):
            self.leave_frames(id_)

    def _request(self, id: str) -> Request | None:  # noqa: A002
        job = self.job(id)
        if job is not None:
            return job.request
        refused = self._session.outbox.value.refused
        return next((entry.request for entry in refused if entry.key == id), None)

    def _learned(self, change: BoardChange) -> None:
        if not change.jobs:
            return
        jobs = self._session.board.jobs
        new = [jobs[one] for one in change.jobs if one not in self._at]
        if any(job.key in self._at for job in new):
            self._list()  # it stood in the outbox until now
            return
        if new:
            self._insert(new)
        self.rows.update({self._at[one]: self._row(jobs[one]) for one in change.jobs})
        self._count()

    def _insert(self, new: Iterable[Job]) -> None:
        """Put jobs where they belong by their age; the view keeps its place."""
        blocks: dict[int, list[JobRow]] = {}
        for row in sorted(map(self._row, new), key=_age, reverse=True):
            blocks.setdefault(self._place(row), []).append(row)
        for at in sorted(blocks, reverse=True):
            self.rows.insert(at, blocks[at])
        self._at = {row.id: at for at, row in enumerate(self.rows)}

    def _place(self, new: JobRow) -> int:
        """Where a job's row goes: before the first one that is older, below the outbox."""
        low, high = self._first_job, len(self.rows)
        while low < high:
            middle = (low + high) // 2
            if _age(self.rows[middle]) > _age(new):
                low = middle + 1
            else:
                high = middle
        return low

    def _list(self) -> None:
        outbox: OutboxState = self._session.outbox.value
        sent = {job.key for job in self._session.board.jobs.values()}
        rows = [self._entry(entry) for entry in outbox.waiting if entry.key not in sent]
        rows += [self._entry(entry) for entry in outbox.refused]
        rows.sort(key=lambda row: row.created, reverse=True)
        self._first_job = len(rows)
        jobs = sorted(
            self._session.board.jobs.values(), key=lambda j: (j.created, j.id), reverse=True
        )
        rows += [self._row(job) for job in jobs]
        self._at = {row.id: at for at, row in enumerate(rows)}
        self.rows.replace(rows)
        self._count()

    def _row(self, job: Job) -> JobRow:
        progress, problem = job.progress, job.problem
        return JobRow(
            id=job.id,
            shot=job.request.shot.id,
            service=self._title(job.request),
            sign=job_sign(job),
            fraction=min(1.0, progress.done / progress.total) if progress.total else None,
            problem=problem.what if problem else "",
            next_step=problem.next_step if problem else "\n".join(job.warnings),
            created=job.created,
            asked_by=job.request.asked_by,
            result=job.version or job.tried,
            running=job.state is JobState.RUNNING,
            ended=job.state.ended,
            waiting=False,
        )

    def _entry(self, entry: Entry) -> JobRow:
        """What stands in the outbox, waiting or refused."""
        refused = entry.problem is not None
        words = tr("refused") if refused else tr("in the outbox: not sent yet")
        return JobRow(
            id=entry.key,
            shot=entry.request.shot.id,
            service=self._title(entry.request),
            sign=Sign("⚠", words, Tone.BAD) if refused else Sign("↑", words, Tone.BUSY),
            fraction=None,
            problem=entry.problem.what if entry.problem else "",
            next_step=entry.problem.next_step if entry.problem else "",
            created=entry.created,
            asked_by=entry.request.asked_by,
            result=None,
            running=False,
            ended=refused,
            waiting=not refused,
        )

    def _title(self, request: Request) -> str:
        title = self._session.service_title(request.service)
        if not request.is_try:
            return title
        frames = ", ".join(map(str, request.try_frames))
        return tr("{service}, try of {frames}", service=title, frames=frames)

    def _count(self) -> None:
        board = self._session.board
        self.state.set(
            replace(
                self.state.value,
                running=board.count(JobState.RUNNING),
                queued=board.count(JobState.QUEUED),
                waiting=sum(row.waiting for row in self.rows),
            )
        )

    def _told(self, job: Job) -> None:
        self.state.set(replace(self.state.value, problem="", next_step=""))
        self._session.board.learn(jobs=[job])
        self._session.look_at_outbox()

    def _failed(self, error: ShotbridgeError) -> None:
        self.state.set(replace(self.state.value, problem=error.what, next_step=error.next_step))


def _age(row: JobRow) -> tuple[datetime, str]:
    return row.created, row.id
