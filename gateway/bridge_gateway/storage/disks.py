"""Calls to disks that may hang, such as network shares whose server is down."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bridge_core.errors import StorageUnavailable
from bridge_gateway.threads import run_in_thread

T = TypeVar("T")

#: Concurrent calls to one disk.
THREADS_PER_DISK = 8
#: Seconds until a disk counts as not answering.
TIMEOUT_SECONDS = 5.0


class Disk:
    """Runs calls to the disk of ``folder`` in a few threads of its own.

    A system call to a share whose server is down returns only when the server is back. So callers
    wait :data:`TIMEOUT_SECONDS` at most. Once a call has hung that long and all threads are in use,
    new calls fail at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._slots = threading.BoundedSemaphore(THREADS_PER_DISK)
        self._lock = threading.Lock()
        self._started: dict[object, float] = {}

    def run(self, call: Callable[[], T]) -> T:
        """Return what ``call`` returns, or raise what it raises.

        :raises StorageUnavailable: the disk does not answer; ``call`` may still be running.
        """
        if not self._slots.acquire(timeout=0 if self._is_hanging() else TIMEOUT_SECONDS):
            raise self._unavailable()
        token = object()
        with self._lock:
            self._started[token] = time.monotonic()

        def tracked() -> T:
            try:
                return call()
            finally:
                with self._lock:
                    del self._started[token]
                self._slots.release()

        outcome = run_in_thread(tracked, f"disk {self.folder}")
        try:
            return outcome.result(TIMEOUT_SECONDS)
        except TimeoutError as error:
            if outcome.done():
                raise  # by the call itself
            raise self._unavailable() from error

    def _is_hanging(self) -> bool:
        cutoff = time.monotonic() - TIMEOUT_SECONDS
        with self._lock:
            return any(started < cutoff for started in self._started.values())

    def _unavailable(self) -> StorageUnavailable:
        return StorageUnavailable(
            "this disk does not answer",
            where=str(self.folder),
            next_step="check the disk or the network share; jobs that need it resume by themselves",
        )
