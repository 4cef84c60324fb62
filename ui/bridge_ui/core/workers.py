"""Threads of our own for everything that waits; never a host's pool.

Answers come back on the panel's thread, in the order in which the calls ended. A cancelled call's
answer never comes, nor does any answer after :meth:`Pool.close`.
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

#: Told of what went wrong, on the panel's thread.
OnError = Callable[[ShotbridgeError], None]


class BackgroundTask:
    """One call on its way; its cancel flag is handed to the call."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    @property
    def cancel_event(self) -> threading.Event:
        """Set when nobody wants the answer any more; long calls look at it."""
        return self._cancelled

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Nobody wants the answer any more: a call that has not begun never begins, and nothing
        is told of one that has."""
        self._cancelled.set()


class ThreadPool:
    """``threads`` daemon threads, started when first needed. A thread that hangs in a call to a
    gateway that does not answer holds up nobody's exit.

    Each rests for ``rest`` seconds between two calls: where there are hundreds of short ones,
    their threads would keep Python's lock from the panel's, which waits up to 5 ms each time it
    wants it, and wants it a dozen times for each row that it draws.

    ``finishes``: what was asked for before it was closed is done all the same, and only its answer
    is not told any more.
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
        """Run ``call(task)`` in one of the threads, then ``done(answer)`` or ``failed(error)`` on
        the panel's thread. An error that is none of ours is logged with its traceback and told as
        a :class:`ShotbridgeError` that says so."""
        task = BackgroundTask()

        def work() -> None:
            try:
                answer = call(task)
            except ShotbridgeError as error:
                self._deliver(task, failed, error)
            except Exception as error:
                if not task.cancelled:
                    _log.exception("a call of the panel's failed")
                self._deliver(task, failed, unexpected_error(error))
            else:
                self._deliver(task, done, answer)

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
        """Cancel everything and let the threads end; nothing is told any more. Waits ``timeout``
        seconds at most, and says whether all have ended."""
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
            # Once more: it may have been cancelled on its way here.
            if not task.cancelled and not self._closed:
                callback(value)

        self._post(deliver)


class LatestCall(Generic[T]):
    """One question asked again and again: only the answer to the last one ever lands."""

    def __init__(self, pool: ThreadPool) -> None:
        self._pool = pool
        self._task: BackgroundTask | None = None

    @property
    def busy(self) -> bool:
        """A call is on its way."""
        return self._task is not None and not self._task.cancelled

    def run(
        self,
        call: Callable[[BackgroundTask], T],
        done: Callable[[T], None],
        failed: OnError | None = None,
    ) -> None:
        """As :meth:`Pool.run`; what was asked before is cancelled."""
        self.cancel()

        def on_done(answer: T) -> None:
            self._task = None
            done(answer)

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
    """An error that nobody foresaw, in words; the log has its traceback."""
    return ShotbridgeError(
        f"something went wrong that should not have: {type(error).__name__}: {error}",
        next_step="try again; if it stays, send the panel's log to whoever keeps Shotbridge",
    )
