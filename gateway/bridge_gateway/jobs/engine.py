"""The job engine: the one module that knows DBOS (3.4.0; see docs/decisions/0002-one-engine.md).

A workflow's id is its job's id, its only argument. What a step returns is written down before the
next one begins; after a kill the workflow runs again from its beginning and is handed what was
written down, so only the interrupted step runs again.
"""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeVar

from dbos import DBOS, DBOSConfig, SetWorkflowID
from dbos._queue import queue_worker_thread
from pydantic import TypeAdapter
from sqlalchemy import make_url

T = TypeVar("T")

#: Number of the workflow's shape: its steps, their order and what they write down. Raise it with
#: every change of these; jobs begun in another shape then begin anew, which each step can stand.
SHAPE = 1

#: Seconds between two looks for work that nobody has told of: jobs that another process enqueued.
POLLING_SECONDS = 5.0

#: Seconds between two looks for so long after a ring: what rang may not be to be seen at once.
_ALERT_POLLING, _ALERT_SECONDS = 0.1, 1.0

#: So often a job that takes the whole gateway down with it is taken up again.
ATTEMPTS = 50

_QUEUE = "jobs"
_WORKFLOW = "job"
_ALIVE = ["ENQUEUED", "DELAYED", "PENDING"]


class Course(StrEnum):
    """Where a workflow stands."""

    ALIVE = "alive"
    """Waits, runs, or will be taken up again."""
    STRANDED = "stranded"
    """Waits or ran in another shape; nobody takes it up."""
    ENDED = "ended"
    CANCELLED = "cancelled"
    BROKEN = "broken"
    """Ended by an error of ours, or taken up too often."""


class Checkpointed(Protocol):
    """Runs a step once and hands out what was written down ever after."""

    def __call__(self, name: str, kind: TypeAdapter[T], body: Callable[[], T]) -> T: ...


class Engine:
    """Runs ``work(job id, checkpointed)`` for each enqueued job, ``workers`` at once.

    One engine lives in a process, because DBOS does; the same ``executor`` name after a restart
    makes it take up what was interrupted. Not to be called from a thread that runs an event loop:
    every call reads or writes the engine's database.
    """

    def __init__(
        self,
        url: str,
        *,
        executor: str,
        workers: int,
        work: Callable[[str, Checkpointed], None],
    ) -> None:
        self._workers = workers
        _write_ahead(url)
        # The registry is DBOS's own, for the whole process: what an engine before left is thrown
        # away, or this work would count as a second function of the same name.
        DBOS.destroy(destroy_registry=True)
        config: DBOSConfig = {
            "name": "shotbridge",
            "system_database_url": url,
            "application_version": str(SHAPE),
            "executor_id": executor,
            "enable_otlp": False,
            "log_level": "WARNING",
        }
        self._dbos = DBOS(config=config)
        DBOS.listen_queues([])  # a thread of ours listens, which can be woken
        self._bell = _Bell()
        self._listener: threading.Thread | None = None

        @DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=ATTEMPTS)
        def job(job_id: str) -> None:
            try:
                work(job_id, checkpointed)
            finally:
                self._bell.ring()  # a worker is free for the next job

        self._job = job

    def start(self) -> None:
        DBOS.launch()
        for stop in self._dbos.background_thread_stop_events:
            # Schedules and queues of DBOS's own, which nobody here uses, once a second.
            stop.set()
        queue = DBOS.register_queue(
            _QUEUE,
            worker_concurrency=self._workers,
            polling_interval_sec=POLLING_SECONDS,
            on_conflict="always_update",
        )
        self._bell.ring()  # DBOS is just putting interrupted jobs back into the queue
        self._listener = threading.Thread(
            target=queue_worker_thread,
            args=(self._bell, self._dbos, queue),
            name="job-queue",
            daemon=True,
        )
        self._listener.start()

    def enqueue(self, job_id: str) -> None:
        """Have a job worked on. Any number of calls for one id are one job."""
        with SetWorkflowID(job_id):
            DBOS.enqueue_workflow(_QUEUE, self._job, job_id)
        self._bell.ring()

    def cancel(self, job_id: str) -> None:
        """Let a job never begin. One that has begun is not stopped in its step."""
        DBOS.cancel_workflow(job_id)

    def renew(self, job_id: str) -> None:
        """Begin a stranded job anew, in today's shape."""
        DBOS.delete_workflow(job_id)
        self.enqueue(job_id)

    def courses(self, ids: list[str]) -> dict[str, Course]:
        """Where these jobs stand; those that the engine does not know are left out."""
        if not ids:
            return {}
        found = DBOS.list_workflows(workflow_ids=ids, load_input=False, load_output=False)
        return {one.workflow_id: _course(one.status, one.app_version) for one in found}

    def stop(self, seconds: float) -> None:
        """Take nothing up any more, and wait up to ``seconds`` for what runs."""
        self._bell.set()
        if self._listener is not None:
            self._listener.join()
        DBOS.destroy(workflow_completion_timeout_sec=math.ceil(seconds), destroy_registry=True)


class _Bell(threading.Event):
    """What DBOS's queue thread takes for its stop event.

    Waiting for it is all that the thread does between two looks for work, so a bell that ends the
    wait wakes it. Without one, it would have to look ten times a second to start jobs as soon,
    which takes 3 % of a core, day and night.
    """

    def __init__(self) -> None:
        super().__init__()
        self._rung = threading.Event()
        self._alert_until = 0.0

    def ring(self) -> None:
        """There may be work."""
        self._alert_until = time.monotonic() + _ALERT_SECONDS
        self._rung.set()

    def set(self) -> None:
        """Stop."""
        super().set()
        self._rung.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Until a ring, a stop or the end of ``timeout`` seconds; whether it is a stop."""
        if time.monotonic() < self._alert_until:
            timeout = _ALERT_POLLING
        self._rung.wait(timeout)
        self._rung.clear()
        return self.is_set()


def checkpointed(name: str, kind: TypeAdapter[T], body: Callable[[], T]) -> T:
    """Run ``body`` as a step of the workflow that this thread is in.

    What it returns is kept as JSON text, which outlives changes of our classes better than
    pickles; what it raises is kept and raised again. A :class:`BaseException` that is no
    :class:`Exception` leaves the step unfinished.
    """

    def step() -> str:
        return kind.dump_json(body()).decode()

    return kind.validate_json(DBOS.run_step({"name": name}, step))


def _course(status: str, shape: str | None) -> Course:
    if status in _ALIVE:
        return Course.ALIVE if shape == str(SHAPE) else Course.STRANDED
    return {"SUCCESS": Course.ENDED, "CANCELLED": Course.CANCELLED}.get(status, Course.BROKEN)


def _write_ahead(url: str) -> None:
    """Put an SQLite file into WAL mode, where readers and the writer do not wait for each other.

    DBOS leaves the mode alone, and the file remembers it.
    """
    parsed: Any = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        connection = sqlite3.connect(Path(parsed.database))
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()
