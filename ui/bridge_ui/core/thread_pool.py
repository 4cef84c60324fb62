"""The panel's own threads for everything that waits; a host's thread pool is never used.

Results are delivered on the panel's thread, in the order in which the calls ended. The result of a
cancelled call is never delivered, nor is any result after :meth:`ThreadPool.close`.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from bridge_core.errors import ShotbridgeError
from bridge_ui.core.observable import Post

T = TypeVar("T")

_log = logging.getLogger(__name__)

#: Called with the error, on the panel's thread.
OnError = Callable[[ShotbridgeError], None]


class BackgroundTask:
    """A call in a thread; it is passed to the call, which may check whether it was cancelled."""

    def __init__(self) -> None:
        self.cancel_event = threading.Event()
        """Set when the task is cancelled; long calls check it."""

    @property
    def cancelled(self) -> bool:
        return self.cancel_event.is_set()

    def cancel(self) -> None:
        """A call that has not started never starts; the result of one that has is discarded."""
        self.cancel_event.set()


class ThreadPool:
    """``threads`` daemon threads, started when first needed. A thread that hangs in a call to an
    unresponsive gateway does not block the exit.

    Each thread sleeps for ``pause`` seconds after a call. Hundreds of short calls in a row would
    otherwise keep the GIL from the panel's thread, which waits up to 5 ms each time it needs it,
    a dozen times for each row that it paints.

    With ``finish_on_close``, calls made before :meth:`close` still run; only their results are
    discarded.
    """

    def __init__(
        self,
        post: Post,
        threads: int = 3,
        name: str = "shotbridge",
        *,
        pause: float = 0.0,
        finish_on_close: bool = False,
    ) -> None:
        self._post = post
        self._limit = threads
        self._name = name
        self._pause = pause
        self._finish_on_close = finish_on_close
        self._calls: queue.SimpleQueue[tuple[BackgroundTask, Callable[[], None]] | None] = (
            queue.SimpleQueue()
        )
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._tasks: set[BackgroundTask] = set()
        self._closed = False

    def run(
        self,
        call: Callable[[BackgroundTask], T],
        done: Callable[[T], None] | None = None,
        failed: OnError | None = None,
    ) -> BackgroundTask:
        """Run ``call(task)`` in a thread, then ``done(result)`` or ``failed(error)`` on the
        panel's thread. Unexpected errors are logged with their traceback and delivered as a
        :class:`ShotbridgeError`."""
        task = BackgroundTask()

        def work() -> None:
            try:
                result = call(task)
            except ShotbridgeError as error:
                self._deliver(task, failed, error)
            except Exception as error:
                if not task.cancelled:
                    _log.exception("a background call failed")
                self._deliver(task, failed, unexpected_error(error))
            else:
                self._deliver(task, done, result)

        with self._lock:
            if self._closed:
                task.cancel()
                return task
            self._tasks.add(task)
            if len(self._threads) < self._limit:
                number = len(self._threads) + 1
                thread = threading.Thread(
                    target=self._run_calls, name=f"{self._name}-{number}", daemon=True
                )
                self._threads.append(thread)
                thread.start()
        self._calls.put((task, work))
        return task

    def close(self, timeout: float = 0.0) -> bool:
        """Cancel everything and let the threads end. Waits up to ``timeout`` seconds; returns
        whether all have ended."""
        with self._lock:
            self._closed = True
            tasks, threads = list(self._tasks), list(self._threads)
        if not self._finish_on_close:
            for task in tasks:
                task.cancel()
        for _ in threads:
            self._calls.put(None)
        for thread in threads:
            if timeout > 0 and thread is not threading.current_thread():
                thread.join(timeout / len(threads))
        return not any(thread.is_alive() for thread in threads)

    def _run_calls(self) -> None:
        while (item := self._calls.get()) is not None:
            task, work = item
            try:
                if not task.cancelled:
                    work()
                    time.sleep(self._pause)
            finally:
                with self._lock:
                    self._tasks.discard(task)

    def _deliver(
        self, task: BackgroundTask, callback: Callable[[Any], None] | None, value: Any
    ) -> None:
        if callback is None or task.cancelled:
            return

        def deliver() -> None:
            # Check again: it may have been cancelled in the meantime.
            if not task.cancelled and not self._closed:
                callback(value)

        self._post(deliver)


class LatestCall(Generic[T]):
    """A call that is made repeatedly; only the result of the latest is delivered."""

    def __init__(self, pool: ThreadPool) -> None:
        self._pool = pool
        self._task: BackgroundTask | None = None

    @property
    def busy(self) -> bool:
        """A call is in progress."""
        return self._task is not None and not self._task.cancelled

    def run(
        self,
        call: Callable[[BackgroundTask], T],
        done: Callable[[T], None],
        failed: OnError | None = None,
    ) -> None:
        """As :meth:`ThreadPool.run`; cancels the previous call."""
        self.cancel()

        def on_done(result: T) -> None:
            self._task = None
            done(result)

        def on_failed(error: ShotbridgeError) -> None:
            self._task = None
            if failed is not None:
                failed(error)

        self._task = self._pool.run(call, on_done, on_failed)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None


def unexpected_error(error: Exception) -> ShotbridgeError:
    """Report an unexpected exception; its traceback is in the log."""
    return ShotbridgeError(
        f"unexpected error: {type(error).__name__}: {error}",
        next_step="try again; if it persists, send the panel's log to your support",
    )
