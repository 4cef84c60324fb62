"""The panel's thread in tests without Qt."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any


class FakeMainThread:
    """Acts as the panel's thread: posted calls run while the test waits."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread = threading.current_thread()

    def post(self, call: Callable[[], None]) -> None:
        self._calls.put(call)

    def run_pending(self) -> None:
        """Run the calls posted so far."""
        assert threading.current_thread() is self._thread
        while True:
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                return
            call()

    def wait_until(self, condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
        deadline = time.monotonic() + seconds
        while True:
            self.run_pending()
            value = condition()
            if value:
                return value
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
            time.sleep(0.01)

    def run_for(self, seconds: float = 0.5) -> None:
        """Run calls for a while, to show that something does not happen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.run_pending()
            time.sleep(0.01)
