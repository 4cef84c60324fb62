"""The thread for all calls of Resolve's API.

The scripting library talks to another process. Its calls may be slow, and it does not promise to
work on several threads at once. So all calls are made one after the other on a single thread, which
is not the window's.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from bridge_core.errors import HostError

T = TypeVar("T")

_log = logging.getLogger(__name__)


class ApiThread:
    """Ends with :meth:`close` or with the process, even if Resolve hangs."""

    def __init__(self, idle_interval: float = 2.0) -> None:
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._idle_interval = idle_interval
        self._idle_callbacks: list[Callable[[], None]] = []
        self._closed = False
        self._submit_lock = threading.Lock()
        """Held while a call is queued, so that none is queued after the end."""
        self._thread = threading.Thread(target=self._run, name="shotbridge-resolve", daemon=True)
        self._thread.start()

    def call(self, work: Callable[[], T]) -> T:
        """Call a function on the thread; returns its result or raises its error.

        :raises HostError: the thread was closed, or Resolve is too old.
        """
        if threading.current_thread() is self._thread:
            return work()
        call = _Call(work)
        with self._submit_lock:
            if self._closed:
                raise HostError("this window was closed", next_step="open it again from Resolve")
            self._calls.put(call)
        call.done.wait()
        if call.error is not None:
            raise call.error
        result: T = call.result
        return result

    def add_idle_callback(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function on the thread every few seconds while there are no other calls. The
        returned function removes it."""
        self._idle_callbacks.append(callback)

        def remove() -> None:
            if callback in self._idle_callbacks:
                self._idle_callbacks.remove(callback)

        return remove

    def close(self, timeout: float = 0.0, final_call: Callable[[], None] | None = None) -> bool:
        """Accept no more calls. Queued calls are still made, then ``final_call``. Returns whether
        the thread ended within ``timeout`` seconds."""
        with self._submit_lock:
            if not self._closed:
                self._closed = True
                self._idle_callbacks.clear()
                if final_call is not None:
                    self._calls.put(_Call(final_call))
                self._calls.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            try:
                call = self._calls.get(timeout=self._idle_interval)
            except queue.Empty:
                self._run_idle_callbacks()
                continue
            if call is None:
                return
            call.run()

    def _run_idle_callbacks(self) -> None:
        for callback in list(self._idle_callbacks):
            try:
                callback()
            except Exception:
                # The next call will report what is wrong.
                _log.debug("an idle call of Resolve failed", exc_info=True)


class _Call:
    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.done = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self.work()
        except BaseException as error:
            self.error = error
            # A method that this Resolve lacks is None, and so is every method once it is closed.
            if isinstance(error, TypeError) and "'NoneType' object is not callable" in str(error):
                message = "this Resolve lacks a function that Shotbridge needs, or it was closed"
                next_step = "open DaVinci Resolve Studio 18.5 or newer, then try again"
                self.error = HostError(message, next_step=next_step)
        finally:
            self.done.set()
