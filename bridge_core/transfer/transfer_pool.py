"""Several files at once: threads, a common count of bytes, and a common end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from bridge_core.errors import JobCancelled

T = TypeVar("T")

#: Called with bytes done and bytes in all, in the thread that asked for the transfer; what it
#: raises ends the transfer.
ProgressCallback = Callable[[int, int], None]

#: Seconds between two calls of a :data:`Progress`.
_PROGRESS_INTERVAL = 0.1


class TransferPool:
    """Runs tasks in ``streams`` threads and tells ``progress`` of ``total`` bytes.

    ``cancel`` ends the work within a block of bytes.
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
        """So many bytes of a file are done. Called by tasks with every block: it is here that
        they end when others have failed.

        :raises JobCancelled: the work is to end.
        """
        if self._cancel.is_set() or self._failed.is_set():
            raise JobCancelled(
                "the transfer was cancelled", next_step="send again; what arrived is kept"
            )
        with self._lock:
            self._done[file] = done

    def run(self, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """Every task's result, in order. The first error ends the others and is raised."""
        with ThreadPoolExecutor(
            self._threads, thread_name_prefix="shotbridge-transfer"
        ) as executor:
            futures = [executor.submit(task) for task in tasks]
            try:
                pending = set(futures)
                while pending:
                    done, pending = wait(
                        pending, timeout=_PROGRESS_INTERVAL, return_when=FIRST_EXCEPTION
                    )
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
