"""The one thread on which Resolve is called.

Resolve's scripting library talks to another process and says nothing about threads: a call may take
long, and two at once are nobody's promise. So all of them are made on one thread, which is not the
window's, one after the other.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from bridge_core.errors import HostError
from bridge_resolve.api_checks import unsupported_version_error

T = TypeVar("T")

_log = logging.getLogger(__name__)


class ApiThread:
    """Ends with :meth:`close`, or with the process: a Resolve that hangs holds nobody up."""

    def __init__(self, idle_interval: float = 2.0) -> None:
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._idle_interval = idle_interval
        self._idle_callbacks: list[Callable[[], None]] = []
        self._closed = False
        self._submit_lock = threading.Lock()
        """Held while a call is put in line: none comes in behind the end."""
        self._thread = threading.Thread(target=self._run, name="shotbridge-resolve", daemon=True)
        self._thread.start()

    def call(self, work: Callable[[], T]) -> T:
        """Do something on the thread, and give what it gave or raise what it raised.

        :raises HostError: the thread has been closed, or Resolve is too old.
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
        """Call ``look`` on the thread every few seconds in which nothing else is asked; what is
        given back ends that."""
        self._idle_callbacks.append(callback)

        def remove() -> None:
            if callback in self._idle_callbacks:
                self._idle_callbacks.remove(callback)

        return remove

    def close(self, timeout: float = 0.0, final_call: Callable[[], None] | None = None) -> bool:
        """Take no more calls; whether the thread has ended within ``timeout`` seconds. What waits
        is done before, and then ``last``."""
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
                # Nobody waits for a look; what is wrong is told to whoever asks next.
                _log.debug("Resolve could not be looked at", exc_info=True)


class _Call:
    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.done = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self.work()
        except TypeError as error:
            self.error = unsupported_version_error(error) or error
        except BaseException as error:
            self.error = error
        finally:
            self.done.set()
