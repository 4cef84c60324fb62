"""The job engine: the one module that knows DBOS (3.4.0; see docs/decisions/0002-one-engine.md).

A workflow's id is its job's id, its only argument. What a step returns is written down before the
next one begins; after a kill the workflow runs again from its beginning and is handed what was
written down, so only the interrupted step runs again.

Everything is written down as JSON. DBOS's own way would be pickles, and whoever can write a pickle
into the database runs code in the process that reads it; so none is ever read here.
"""

from __future__ import annotations

import logging
import math
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID
from dbos import WorkflowStatus as DBOSWorkflowStatus
from dbos._queue import queue_worker_thread
from dbos._serialization import DefaultSerializer
from pydantic import TypeAdapter
from sqlalchemy import make_url

from bridge_core.errors import ShotbridgeError, StorageError
from bridge_core.models.problems import Problem

T = TypeVar("T")

_log = logging.getLogger(__name__)

#: Number of the workflow's shape: its steps, their order and what they write down. Raise it with
#: every change of these; jobs begun in another shape then begin anew, which each step can stand.
#: 1 wrote pickles.
WORKFLOW_VERSION = 2

#: Seconds between two looks for work that nobody has told of: jobs that another process enqueued.
POLLING_SECONDS = 5.0

#: Seconds between two looks for so long after a ring: what rang may not be to be seen at once.
_FAST_POLLING_SECONDS, _FAST_POLLING_DURATION = 0.1, 1.0

#: So often a job that takes the whole gateway down with it is taken up again.
MAX_ATTEMPTS = 50

_QUEUE_NAME = "jobs"
_WORKFLOW_NAME = "job"
_ACTIVE_STATUSES = ["ENQUEUED", "DELAYED", "PENDING"]


class WorkflowStatus(StrEnum):
    """Where a workflow stands."""

    ACTIVE = "alive"
    """Waits, runs, or will be taken up again."""
    OUTDATED = "stranded"
    """Waits or ran in another shape; nobody takes it up."""
    ORPHANED = "dropped"
    """Was taken up by this process, which does not work on it now: either it is just about to, or
    the engine's database could not be written and the work ended without an outcome."""
    COMPLETED = "ended"
    CANCELLED = "cancelled"
    FAILED = "broken"
    """Ended by an error of ours, or taken up too often."""


class JobInterrupted(BaseException):
    """The work on a job ends in the middle: the gateway stops, or the engine's database cannot be
    used. No :class:`Exception`, so that DBOS writes nothing down and the job is taken up again."""


class StepRunner(Protocol):
    """Runs a step once and hands out what was written down ever after."""

    def __call__(self, name: str, result_type: TypeAdapter[T], body: Callable[[], T]) -> T: ...


class JobQueue:
    """Runs ``work(job id, checkpointed)`` for each enqueued job, ``workers`` at once.

    One engine lives in a process, because DBOS does; the same ``executor`` name after a restart
    makes it take up what was interrupted. Not to be called from a thread that runs an event loop,
    nor for somebody who waits for an answer: every call reads or writes the engine's database,
    and waits for as long as that is locked.

    With ``replaceable`` a damaged database is moved aside and a new one begun: whoever calls has
    to enqueue all jobs that are still to be worked on.

    :raises StorageError: the database cannot be opened, or is damaged and not replaceable.
    """

    def __init__(
        self,
        url: str,
        *,
        executor_id: str,
        workers: int,
        run_job: Callable[[str, StepRunner], None],
        replaceable: bool = False,
    ) -> None:
        self._workers = workers
        self._executor_id = executor_id
        self._active: set[str] = set()
        _prepare_sqlite(url, replaceable)
        # The registry is DBOS's own, for the whole process: what an engine before left is thrown
        # away, or this work would count as a second function of the same name.
        DBOS.destroy(destroy_registry=True)
        config: DBOSConfig = {
            "name": "shotbridge",
            "system_database_url": url,
            "application_version": str(WORKFLOW_VERSION),
            "executor_id": executor_id,
            "serializer": DBOSPortableJSONSerializer(),
            "enable_otlp": False,
            "log_level": "WARNING",
        }
        self._dbos = DBOS(config=config)
        DBOS.listen_queues([])  # a thread of ours listens, which can be woken
        self._wake_event = _WakeableStopEvent()
        self._queue_thread: threading.Thread | None = None

        @DBOS.workflow(name=_WORKFLOW_NAME, max_recovery_attempts=MAX_ATTEMPTS)
        def job(job_id: str) -> None:
            self._active.add(job_id)
            try:
                run_job(job_id, run_step)
            finally:
                self._active.discard(job_id)
                self._wake_event.wake()  # a worker is free for the next job

        self._job = job

    def start(self) -> None:
        DBOS.launch()
        for stop in self._dbos.background_thread_stop_events:
            # Schedules and queues of DBOS's own, which nobody here uses, once a second.
            stop.set()
        queue = DBOS.register_queue(
            _QUEUE_NAME,
            worker_concurrency=self._workers,
            polling_interval_sec=POLLING_SECONDS,
            on_conflict="always_update",
        )
        self._wake_event.wake()  # DBOS is just putting interrupted jobs back into the queue
        self._queue_thread = threading.Thread(
            target=queue_worker_thread,
            args=(self._wake_event, self._dbos, queue),
            name="job-queue",
            daemon=True,
        )
        self._queue_thread.start()

    def enqueue(self, job_id: str) -> None:
        """Have a job worked on. Any number of calls for one id are one job."""
        with SetWorkflowID(job_id):
            DBOS.enqueue_workflow(_QUEUE_NAME, self._job, job_id)
        self._wake_event.wake()

    def resume(self, job_id: str) -> None:
        """Have a dropped job worked on again, from the step that it was in."""
        DBOS.resume_workflow(job_id, queue_name=_QUEUE_NAME)
        self._wake_event.wake()

    def restart(self, job_id: str) -> None:
        """Begin a stranded job anew, in today's shape."""
        DBOS.delete_workflow(job_id)
        self.enqueue(job_id)

    def workflow_statuses(self, ids: list[str]) -> dict[str, WorkflowStatus]:
        """Where these jobs stand; those that the engine does not know are left out."""
        if not ids:
            return {}
        workflows = DBOS.list_workflows(workflow_ids=ids, load_input=False, load_output=False)
        return {one.workflow_id: self._workflow_status(one) for one in workflows}

    def _workflow_status(self, workflow: DBOSWorkflowStatus) -> WorkflowStatus:
        if workflow.status not in _ACTIVE_STATUSES:
            ended_statuses = {
                "SUCCESS": WorkflowStatus.COMPLETED,
                "CANCELLED": WorkflowStatus.CANCELLED,
            }
            return ended_statuses.get(workflow.status, WorkflowStatus.FAILED)
        if workflow.app_version != str(WORKFLOW_VERSION):
            return WorkflowStatus.OUTDATED
        is_ours = workflow.status == "PENDING" and workflow.executor_id == self._executor_id
        return (
            WorkflowStatus.ORPHANED
            if is_ours and workflow.workflow_id not in self._active
            else WorkflowStatus.ACTIVE
        )

    def stop(self, seconds: float) -> None:
        """Take nothing up any more, and wait up to ``seconds`` for what runs."""
        self._wake_event.set()
        if self._queue_thread is not None:
            self._queue_thread.join()
        DBOS.destroy(workflow_completion_timeout_sec=math.ceil(seconds), destroy_registry=True)


class _WakeableStopEvent(threading.Event):
    """What DBOS's queue thread takes for its stop event.

    Waiting for it is all that the thread does between two looks for work, so a bell that ends the
    wait wakes it. Without one, it would have to look ten times a second to start jobs as soon,
    which takes 3 % of a core, day and night.
    """

    def __init__(self) -> None:
        super().__init__()
        self._woken = threading.Event()
        self._fast_polling_until = 0.0

    def wake(self) -> None:
        """There may be work."""
        self._fast_polling_until = time.monotonic() + _FAST_POLLING_DURATION
        self._woken.set()

    def set(self) -> None:
        """Stop."""
        super().set()
        self._woken.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Until a ring, a stop or the end of ``timeout`` seconds; whether it is a stop."""
        if time.monotonic() < self._fast_polling_until:
            timeout = _FAST_POLLING_SECONDS
        self._woken.wait(timeout)
        self._woken.clear()
        return self.is_set()


def run_step(name: str, result_type: TypeAdapter[T], body: Callable[[], T]) -> T:
    """Run ``body`` as a step of the workflow that this thread is in.

    What it returns is kept as JSON, and so is a :class:`ShotbridgeError` that it raises, which is
    raised again whenever the step is come by. A :class:`BaseException` that is no
    :class:`Exception` leaves the step unfinished.

    :raises Interrupted: the engine's database could not be used; the step may have run.
    """

    def step() -> dict[str, str]:
        try:
            return {"value": result_type.dump_json(body()).decode()}
        except ShotbridgeError as error:
            return {"problem": Problem.from_error(error).model_dump_json()}

    try:
        recorded = DBOS.run_step({"name": name}, step)
    except Exception as error:
        _log.exception("step %r could not be written down; its job is taken up again", name)
        raise JobInterrupted from error
    if "problem" in recorded:
        raise Problem.model_validate_json(recorded["problem"]).to_error()
    return result_type.validate_json(recorded["value"])


def _refuse_pickle(_: DefaultSerializer, __: str) -> NoReturn:
    raise ValueError("pickles are not read: reading one runs whatever its writer put into it")


# Each row names the way in which it was written, so choosing another way for our own is not
# enough: a row that somebody else wrote could still ask for this one.
DefaultSerializer.deserialize = _refuse_pickle  # type: ignore[assignment]


def _prepare_sqlite(url: str, replaceable: bool) -> None:
    """Look whether an SQLite file is sound, and put it into WAL mode, where readers and the writer
    do not wait for each other: DBOS leaves the mode alone, and the file remembers it."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return
    path = Path(parsed.database)
    damage = _find_damage(path)
    if damage is None:
        return
    if not replaceable:
        raise StorageError(
            f"the database is damaged: {damage}",
            where=str(path),
            next_step="restore it from a backup; see 'A damaged database' in docs/admin.md",
        )
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    quarantine_path = path.with_name(f"{path.name}.damaged-{moment}")
    for suffix in ("", "-wal", "-shm"):
        file = path.with_name(path.name + suffix)
        if file.exists():
            file.rename(quarantine_path.with_name(quarantine_path.name + suffix))
    _log.error(
        "the engine's database was damaged (%s) and is now %s; open jobs begin anew, and frames "
        "that are finished are kept",
        *(damage, quarantine_path),
    )
    _find_damage(path)


def _find_damage(path: Path) -> str | None:
    """What is wrong inside a file; None for one that is sound or new, and is in WAL mode now.

    :raises StorageError: it cannot be opened.
    """
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            result: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return str(error)
        raise StorageError(
            f"the database cannot be opened: {error}",
            where=str(path),
            next_step="check the disk of gateway.data_dir, and who else has the file open",
        ) from error
    return None if result == "ok" else result
