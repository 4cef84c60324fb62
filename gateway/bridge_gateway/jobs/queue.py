"""The job queue: the only module that uses DBOS (3.4.0; see docs/decisions/0002-job-engine.md).

A workflow's id, and its only argument, is the job's id. The result of each step is recorded before
the next one begins. After a kill the workflow runs again from its beginning and gets the recorded
results, so only the interrupted step runs again.

Everything is recorded as JSON. DBOS would pickle by default, and reading a pickle runs whatever
code its writer chose; so no pickle is ever read here.
"""

from __future__ import annotations

import logging
import math
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID
from dbos import WorkflowStatus as DBOSWorkflowStatus
from dbos._serialization import DefaultSerializer
from pydantic import TypeAdapter
from sqlalchemy import make_url

from bridge_core.errors import ShotbridgeError, StorageError
from bridge_core.models.problems import Problem

T = TypeVar("T")

_log = logging.getLogger(__name__)

#: Version of the workflow: its steps, their order and their results. Raise it with every change of
#: these. Jobs started under another version are restarted, which every step must allow.
WORKFLOW_VERSION = 5

#: Seconds between two polls of a queue, which is how long a new job waits at most: of a queue of
#: quick jobs, and of one whose jobs take minutes anyway. An idle queue of the first kind takes
#: 1.8 % of a core; see docs/decisions/0002-job-engine.md.
POLLING_SECONDS, REMOTE_POLLING_SECONDS = 0.25, 1.0

#: How often a job that kills the whole gateway is started.
MAX_ATTEMPTS = 50

_WORKFLOW_NAME = "job"
_ACTIVE_STATUSES = ["ENQUEUED", "DELAYED", "PENDING"]


class WorkflowStatus(StrEnum):
    """The state of a job's workflow."""

    ACTIVE = "active"
    """Queued, running, or going to be resumed."""
    OUTDATED = "outdated"
    """Started under another WORKFLOW_VERSION; DBOS does not resume it."""
    ORPHANED = "orphaned"
    """Assigned to this process, which is not running it: either it is just about to start, or the
    queue's database could not be written and the run ended without an outcome."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    """Ended by an unexpected error, or started too often."""


class JobInterrupted(BaseException):
    """The run of a job ends early: the gateway stops, or the queue's database cannot be used. Not
    an :class:`Exception`, so that DBOS records nothing and the job is resumed."""


class StepRunner(Protocol):
    """Runs a step once, and returns its recorded result afterwards."""

    def __call__(self, name: str, result_type: TypeAdapter[T], body: Callable[[], T]) -> T: ...


@dataclass(frozen=True)
class QueueLimits:
    """What a queue starts at once and in a minute."""

    concurrency: int = 1
    starts_per_minute: int | None = None
    polling_seconds: float = POLLING_SECONDS


class JobQueue:
    """Runs ``run_job(job id, run_step)`` for each enqueued job. There are several ``queues``, each
    with its own limits, so that the jobs of one do not wait for those of another.

    There is one in a process, as there is one DBOS. With the same ``executor_id`` after a restart
    it resumes interrupted jobs. Every call reads or writes the queue's database, and waits while
    that is locked: do not call it from an event loop, or while a caller of the API waits.

    With ``replaceable`` a damaged database is moved aside and a new one created; the caller then
    has to enqueue all open jobs again.

    :raises StorageError: the database cannot be opened, or is damaged and not replaceable.
    """

    def __init__(
        self,
        url: str,
        *,
        executor_id: str,
        queues: Mapping[str, QueueLimits],
        run_job: Callable[[str, StepRunner], None],
        replaceable: bool = False,
    ) -> None:
        self._queues = queues
        self._executor_id = executor_id
        self._active: set[str] = set()
        _prepare_sqlite(url, replaceable)
        # DBOS's registry is global to the process: without this, the workflow of an earlier queue
        # would still be registered under the same name.
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
        DBOS.listen_queues(list(queues))

        @DBOS.workflow(name=_WORKFLOW_NAME, max_recovery_attempts=MAX_ATTEMPTS)
        def job(job_id: str) -> None:
            self._active.add(job_id)
            try:
                run_job(job_id, run_step)
            finally:
                self._active.discard(job_id)

        self._job = job

    def start(self) -> None:
        DBOS.launch()
        for name, limits in self._queues.items():
            starts = limits.starts_per_minute
            DBOS.register_queue(
                name,
                worker_concurrency=limits.concurrency,
                limiter={"limit": starts, "period": 60.0} if starts is not None else None,
                polling_interval_sec=limits.polling_seconds,
                on_conflict="always_update",
            )

    def enqueue(self, job_id: str, queue: str) -> None:
        """Queue a job. Any number of calls with one id queue it once."""
        with SetWorkflowID(job_id):
            DBOS.enqueue_workflow(queue, self._job, job_id)

    def resume(self, job_id: str, queue: str) -> None:
        """Queue an orphaned job again; it continues with the step that it was in."""
        DBOS.resume_workflow(job_id, queue_name=queue)

    def restart(self, job_id: str, queue: str) -> None:
        """Start an outdated job from its beginning, under the current WORKFLOW_VERSION."""
        DBOS.delete_workflow(job_id)
        self.enqueue(job_id, queue)

    def workflow_statuses(self, ids: list[str]) -> dict[str, WorkflowStatus]:
        """The states of these jobs' workflows; jobs without a workflow are left out."""
        if not ids:
            return {}
        workflows = DBOS.list_workflows(workflow_ids=ids, load_input=False, load_output=False)
        return {workflow.workflow_id: self._workflow_status(workflow) for workflow in workflows}

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
        """Start no more jobs, and wait up to ``seconds`` for the running ones."""
        DBOS.destroy(workflow_completion_timeout_sec=math.ceil(seconds), destroy_registry=True)


def run_step(name: str, result_type: TypeAdapter[T], body: Callable[[], T]) -> T:
    """Run ``body`` as a step of the workflow that this thread runs.

    Its result is recorded as JSON. So is a :class:`ShotbridgeError` that it raises; it is raised
    again when the workflow is resumed. A :class:`BaseException` that is not an :class:`Exception`
    leaves the step unfinished.

    :raises JobInterrupted: the queue's database could not be used; the step may have run.
    """

    def step() -> dict[str, str]:
        try:
            return {"value": result_type.dump_json(body()).decode()}
        except ShotbridgeError as error:
            return {"problem": Problem.from_error(error).model_dump_json()}

    try:
        recorded = DBOS.run_step({"name": name}, step)
    except Exception as error:
        _log.exception("step '%s' could not be recorded; its job is resumed later", name)
        raise JobInterrupted from error
    if "problem" in recorded:
        raise Problem.model_validate_json(recorded["problem"]).to_error()
    return result_type.validate_json(recorded["value"])


def _refuse_pickle(_: DefaultSerializer, __: str) -> NoReturn:
    raise ValueError("pickles are not read: reading one would run the code in it")


# Every row names its own serializer. Choosing another one for our rows is not enough: a row that
# somebody else wrote could still name this one.
DefaultSerializer.deserialize = _refuse_pickle  # type: ignore[assignment]


def _prepare_sqlite(url: str, replaceable: bool) -> None:
    """Check an SQLite file for damage and set its WAL mode, in which readers and the writer do not
    wait for each other. The file keeps the mode, and DBOS does not change it."""
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
    timestamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    quarantine_path = path.with_name(f"{path.name}.damaged-{timestamp}")
    for suffix in ("", "-wal", "-shm"):
        file = path.with_name(path.name + suffix)
        if file.exists():
            file.rename(quarantine_path.with_name(quarantine_path.name + suffix))
    _log.error(
        "the queue's database was damaged (%s) and was moved to %s; open jobs start again, and "
        "finished frames are kept",
        *(damage, quarantine_path),
    )
    _find_damage(path)


def _find_damage(path: Path) -> str | None:
    """What is damaged in a file, or None; the file is set to WAL mode.

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
            next_step="check the disk of gateway.data_dir, and who else uses the file",
        ) from error
    return None if result == "ok" else result
