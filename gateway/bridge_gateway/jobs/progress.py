"""The progress and the cancellation of a running job."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Collection
from typing import Self

from bridge_core.errors import JobCancelled, StorageUnavailable
from bridge_core.models.jobs import JobProgress
from bridge_gateway.db.engine import Database
from bridge_gateway.jobs import transitions

_log = logging.getLogger(__name__)

#: Seconds between two writes of progress: at most five events a second for a job.
_WRITE_SECONDS = 0.2
#: A job without progress checks at every so many intervals whether another process cancelled it.
_CANCELLATION_CHECK_INTERVAL = 5
#: Characters of a provider's message; more are cut off.
MAX_MESSAGE_LENGTH = 500
#: The pace is measured over the last frames: models warm up, and the machine's load changes.
_PACE_WINDOW = 20


class JobMonitor:
    """Monitors one job; a :class:`bridge_gateway.providers.base.TaskMonitor`.

    A thread of its own writes the progress, so that a provider never waits for the database. Use it
    as a context manager.
    """

    def __init__(self, database: Database, job: str, stopping: threading.Event) -> None:
        self._database = database
        self._job = job
        self._stopping = stopping
        self._cancelled = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._changed = False
        self._fraction: float | None = None
        self._message = ""
        self._reset_step("", 0, ())
        self._thread = threading.Thread(
            target=self._write_progress, name=f"progress {job}", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def begin_step(self, step: str, total: int, already_done: Collection[int] = ()) -> None:
        """Begin a step of ``total`` frames. Frames that are ``already_done`` by an earlier attempt
        count as done, but not for the pace."""
        with self._lock:
            self._reset_step(step, total, already_done)
            self._changed = True

    def frame_done(self, frame: int) -> None:
        with self._lock:
            if frame not in self._done:
                self._done.add(frame)
                self._frame_times.append(time.monotonic())
                self._changed = True

    def progress(self, fraction: float | None, message: str = "") -> None:
        fraction = None if fraction is None else min(1.0, max(0.0, fraction))
        message = message[:MAX_MESSAGE_LENGTH]
        with self._lock:
            if (fraction, message) != (self._fraction, self._message):
                self._fraction, self._message = fraction, message
                self._changed = True

    def cancel(self) -> None:
        self._cancelled.set()

    @property
    def cancelled_by_user(self) -> bool:
        """Whether it was cancelled, and not only interrupted because the gateway stops."""
        return self._cancelled.is_set()

    def cancelled(self) -> bool:
        """Whether the work has to end, for good or until the next start."""
        return self._cancelled.is_set() or self._stopping.is_set()

    def raise_if_cancelled(self) -> None:
        """
        :raises JobCancelled: the work has to end.
        """
        if self.cancelled():
            raise JobCancelled(
                "the job was cancelled", where=f"job {self._job}", next_step="send it again"
            )

    def new_frame_count(self) -> int:
        """Frames done in this step, without those of an earlier attempt."""
        with self._lock:
            return len(self._done) - self._already_done

    def _reset_step(self, step: str, total: int, already_done: Collection[int]) -> None:
        self._step, self._total = step, total
        self._fraction = None
        self._message = ""
        self._done = set(already_done)
        self._already_done = len(self._done)
        self._frame_times: deque[float] = deque(maxlen=_PACE_WINDOW)

    def _seconds_left(self) -> float | None:
        if len(self._frame_times) < 2:
            return None
        pace = (self._frame_times[-1] - self._frame_times[0]) / (len(self._frame_times) - 1)
        return round(pace * max(0, self._total - len(self._done)), 1)

    def _write_progress(self) -> None:
        iterations = 0
        write_failed = False
        while not self._ended.wait(_WRITE_SECONDS):
            iterations += 1
            with self._lock:
                changed, self._changed = self._changed, False
                progress = JobProgress(
                    step=self._step,
                    done=min(len(self._done), self._total),
                    total=self._total,
                    seconds_left=self._seconds_left(),
                    fraction=self._fraction,
                    message=self._message,
                )
            try:
                if changed:
                    is_running = transitions.record_progress(self._database, self._job, progress)
                elif iterations % _CANCELLATION_CHECK_INTERVAL == 0:
                    is_running = transitions.is_running(self._database, self._job)
                else:
                    continue
            except StorageUnavailable as error:
                # The next interval writes it; the job itself must not fail for it.
                with self._lock:
                    self._changed = self._changed or changed
                if not write_failed:
                    _log.warning("progress of job %s could not be written: %s", self._job, error)
                write_failed = True
                continue
            write_failed = False
            if not is_running:
                self._cancelled.set()
