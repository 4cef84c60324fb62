"""Transfers several files at once in threads, with common progress and cancellation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from bridge_core.errors import JobCancelled

T = TypeVar("T")

#: Called with bytes done and bytes in total, in the thread that started the transfer. An exception
#: in it ends the transfer.
ProgressCallback = Callable[[int, int], None]

#: Seconds between two calls of a :data:`ProgressCallback`.
_PROGRESS_INTERVAL = 0.1


class TransferPool:
    """Runs tasks in threads and reports their progress of ``total`` bytes.

    ``cancel`` ends the transfer within a block of bytes.
    """

    def __init__(
        self,
        threads: int,
        total: int,
        progress: ProgressCallback | None = None,
        cancel: threading.Event | None = None,
    ) -> None:
        self._threads = threads
        self._total = total
        self._progress = progress
        self._cancel = cancel or threading.Event()
        self._lock = threading.Lock()
        self._done: dict[str, float] = {}
        self._failed = threading.Event()

    def set_done(self, file: str, done: float) -> None:
        """Set the number of bytes done of a file. Tasks call this after each block, and it ends
        them after a failure or when cancelled.

        :raises JobCancelled: the transfer is to end.
        """
        self.raise_if_cancelled()
        with self._lock:
            self._done[file] = done

    def raise_if_cancelled(self) -> None:
        """:raises JobCancelled: the transfer is to end."""
        if self._cancel.is_set() or self._failed.is_set():
            next_step = "start it again, which resumes it"
            raise JobCancelled("the transfer was cancelled", next_step=next_step)

    def run(self, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """Run the tasks and return their results in order. The first error ends all of them."""
        with ThreadPoolExecutor(self._threads, "shotbridge-transfer") as executor:
            futures = [executor.submit(task) for task in tasks]
            try:
                pending = set(futures)
                while pending:
                    done, pending = wait(pending, _PROGRESS_INTERVAL, FIRST_EXCEPTION)
                    for future in done:
                        future.result()
                    self.report_progress()
            except BaseException:
                self._failed.set()
                executor.shutdown(cancel_futures=True)
                raise
        return [future.result() for future in futures]

    def report_progress(self) -> None:
        if self._progress is not None:
            with self._lock:
                done = round(sum(self._done.values()))
            self._progress(min(done, self._total), self._total)
