"""Calls to disks that may hang: network shares above all, whose server is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from bridge_core.errors import StorageUnavailable

T = TypeVar("T")

#: Calls to one disk at once.
THREADS = 8
#: Seconds until a disk counts as not answering.
PATIENCE_SECONDS = 5.0


class Disk:
    """Runs calls to the disk below ``folder`` in a few threads of its own.

    A system call on a dead share returns when the share is back, and nothing ends it before. So
    nobody waits for one longer than :data:`PATIENCE_SECONDS`, and while all threads hang nobody
    waits at all. The threads hold nothing up, not even the end of the process.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._free = threading.BoundedSemaphore(THREADS)
        self._lock = threading.Lock()
        self._begun: dict[threading.Thread, float] = {}

    def run(self, call: Callable[[], T]) -> T:
        """What ``call`` gives or raises.

        :raises StorageUnavailable: the disk does not answer; ``call`` may still be going on.
        """
        if not self._free.acquire(timeout=0 if self._hangs() else PATIENCE_SECONDS):
            raise self._unavailable()
        outcome: Future[T] = Future()

        def work() -> None:
            try:
                outcome.set_result(call())
            except BaseException as error:
                outcome.set_exception(error)
            finally:
                with self._lock:
                    del self._begun[threading.current_thread()]
                self._free.release()

        thread = threading.Thread(target=work, name=f"disk {self.folder}", daemon=True)
        with self._lock:
            self._begun[thread] = time.monotonic()
        thread.start()
        try:
            return outcome.result(PATIENCE_SECONDS)
        except TimeoutError as error:
            if outcome.done():
                raise  # the call's own
            raise self._unavailable() from error

    def _hangs(self) -> bool:
        before = time.monotonic() - PATIENCE_SECONDS
        with self._lock:
            return any(begun < before for begun in self._begun.values())

    def _unavailable(self) -> StorageUnavailable:
        return StorageUnavailable(
            "this disk does not answer",
            where=str(self.folder),
            next_step="check the disk or the network share; jobs that need it go on by themselves",
        )
