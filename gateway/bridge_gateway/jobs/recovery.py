"""Keeping the jobs' rows and the engine together.

Rows and engine live in two databases. A kill, or a disk that refuses one of two writes, leaves
them apart. So each open row is compared with the engine at start and every few seconds, and the
one that is behind is moved on. The rows are the truth: a job that was accepted needs nothing of
the engine but time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from contextlib import suppress

from sqlalchemy import select

from bridge_core.errors import StorageUnavailable
from bridge_core.models.jobs import Cost
from bridge_core.models.requests import Submission
from bridge_gateway.jobs import states, work
from bridge_gateway.jobs.engine import Course, Engine
from bridge_gateway.jobs.tools import Tools
from bridge_gateway.store import records
from bridge_gateway.store.tables import ResultRow

_log = logging.getLogger(__name__)

#: Seconds between two looks at all open jobs.
LOOK_SECONDS = 5.0
#: Seconds that a stop waits for the look that is going on: it may wait for a locked database.
_STOP_SECONDS = 2.0


class Reconciler:
    """Hands new jobs to the engine and looks after all open ones, in a thread of its own.

    The engine's database may be locked, full or gone for a while: whoever calls the gateway need
    not wait for it, and what could not be done is done at a later look.
    """

    def __init__(self, tools: Tools, engine: Engine) -> None:
        self._tools = tools
        self._engine = engine
        self._new: deque[str] = deque()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._dropped: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)
        #: What keeps the last look from ending; empty while all is well.
        self.trouble = ""

    def start(self) -> None:
        """Look once, then go on looking."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        self._thread.join(_STOP_SECONDS)

    def enqueue(self, job_id: str) -> None:
        """Have a job begun soon. Costs nothing, and may be said more than once."""
        self._new.append(job_id)
        self._wake.set()

    def look(self) -> None:
        """Compare all open jobs with the engine, then remove what ended jobs left behind.

        Jobs may be worked on meanwhile. The engine is asked before the rows are looked at: a
        workflow ends after its row has, so a row that is still open then stays so for ever.
        """
        tools = self._tools
        ids = _open_ids(tools)
        courses = self._engine.courses(ids)
        still_open = set(_open_ids(tools))
        dropped, self._dropped = self._dropped, set()
        for job_id in ids:
            if job_id not in still_open:
                continue
            course = courses.get(job_id)
            if course is Course.DROPPED and job_id not in dropped:
                # It may be just about to begin; the next look tells.
                self._dropped.add(job_id)
            else:
                self._move_on(job_id, course)
        with suppress(StorageUnavailable):
            tools.library.run(self._sweep)

    def _sweep(self) -> None:
        # Listed before the rows are read, so that no job's folder can be younger than its row.
        folders = work.folders(self._tools.settings.library_dir, self._tools.instance)
        work.sweep(folders, keep=set(_open_ids(self._tools)))

    def _move_on(self, job_id: str, course: Course | None) -> None:
        match course:
            case None:
                _log.warning("job %s had not reached the engine; it does now", job_id)
                self._engine.enqueue(job_id)
            case Course.STRANDED:
                _log.warning("job %s was begun by another version and begins anew", job_id)
                self._engine.renew(job_id)
            case Course.DROPPED:
                _log.warning("job %s was left in the middle and goes on", job_id)
                self._engine.resume(job_id)
            case Course.ALIVE:
                pass
            case Course.CANCELLED:
                states.cancel(self._tools.database, job_id)
                unpin(self._tools, job_id)
            case Course.ENDED | Course.BROKEN:
                _end(self._tools, job_id)

    def _run(self) -> None:
        next_look = time.monotonic() + LOOK_SECONDS
        while not self._stopping.is_set():
            self._wake.wait(max(0.0, next_look - time.monotonic()))
            self._wake.clear()
            looks = time.monotonic() >= next_look
            try:
                while self._new and not self._stopping.is_set():
                    self._engine.enqueue(self._new[0])
                    self._new.popleft()
                if looks:
                    self.look()
            except Exception as error:
                # All open jobs are looked at again, so what was not enqueued is not lost.
                self._new.clear()
                # SQLAlchemy's own words go on with the statement, which differs each time.
                trouble = str(getattr(error, "orig", None) or error)
                if trouble != self.trouble:  # it may go on for hours
                    _log.exception("jobs could not be looked after; the next look tries again")
                self.trouble = trouble
            else:
                if self.trouble and looks:
                    _log.info("jobs are looked after again")
                    self.trouble = ""
            if looks:
                next_look = time.monotonic() + LOOK_SECONDS


def pin(tools: Tools, job_id: str, submission: Submission) -> None:
    """Keep the pictures that the job was sent with until it ends."""
    files = (*submission.plate_files, *submission.reference_files)
    tools.contents.pin(job_id, [file.sha256 for file in files if file.sha256 is not None])


def unpin(tools: Tools, job_id: str) -> None:
    tools.contents.unpin(job_id)


def pin_all(tools: Tools) -> None:
    """Pins do not outlive the process; the jobs do."""
    with tools.database.reading() as session:
        for row in records.open_jobs(session):
            pin(tools, row.id, records.submission(row))


def _open_ids(tools: Tools) -> list[str]:
    with tools.database.reading() as session:
        return records.open_job_ids(session)


def _end(tools: Tools, job_id: str) -> None:
    with tools.database.reading() as session:
        published = session.scalar(select(ResultRow.published).where(ResultRow.job == job_id))
    if published is not None:
        states.succeed(tools.database, job_id, Cost())
    else:
        _log.error("job %s was given up by the engine", job_id)
        states.fail(tools.database, job_id, states.given_up(job_id))
    unpin(tools, job_id)
