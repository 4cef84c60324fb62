"""Calls to disks that may hang: network shares above all, whose server is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bridge_core.errors import StorageUnavailable
from bridge_gateway.threads import run_in_thread

T = TypeVar("T")

#: Calls to one disk at once.
THREADS = 8
#: Seconds until a disk counts as not answering.
PATIENCE_SECONDS = 5.0


class Disk:
    """Runs calls to the disk below ``folder`` in a few threads of its own.

    A system call on a share whose server is gone returns when the server is back, and cannot be
    ended before. So nobody waits for one longer than :data:`PATIENCE_SECONDS`, and once a call has
    hung that long and all threads are taken, new calls fail at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._free = threading.BoundedSemaphore(THREADS)
        self._lock = threading.Lock()
        self._begun: dict[object, float] = {}

    def run(self, call: Callable[[], T]) -> T:
        """What ``call`` gives or raises.

        :raises StorageUnavailable: the disk does not answer; ``call`` may still be going on.
        """
        if not self._free.acquire(timeout=0 if self._hangs() else PATIENCE_SECONDS):
            raise self._unavailable()
        mark = object()
        with self._lock:
            self._begun[mark] = time.monotonic()

        def tracked() -> T:
            try:
                return call()
            finally:
                with self._lock:
                    del self._begun[mark]
                self._free.release()

        outcome = run_in_thread(tracked, f"disk {self.folder}")
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
