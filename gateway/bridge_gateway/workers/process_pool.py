"""Warm child processes: started on demand, leased to one job at a time, ended when idle."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Condition, Timer

from bridge_core.errors import JobCancelled
from bridge_gateway.workers.child_process import ChildProcess

#: How soon a cancellation is noticed while a job waits for a free process.
_POLL_SECONDS = 0.1


def threads_per_worker(workers: int) -> int:
    """Threads for each of ``workers`` processes, so that together they use the available cores."""
    if sys.platform == "linux":
        cores = len(os.sched_getaffinity(0))  # a render farm pins jobs to some of the cores
    else:
        cores = os.cpu_count() or 1
    return max(1, cores // workers)


class ProcessPool:
    """At most ``workers`` processes with ``threads`` threads each, running ``module``.

    A returned process stays for ``idle_seconds`` with everything it has loaded. If the block under
    :meth:`lease` raises, a cancellation included, the process is killed before the exception
    leaves it.
    """

    def __init__(
        self, module: str, *, name: str, workers: int, threads: int, idle_seconds: float
    ) -> None:
        self._module = module
        self._name = name
        self._workers = workers
        self._threads = threads
        self._idle_seconds = idle_seconds
        self._changed = Condition()
        self._leased = 0
        self._busy: set[ChildProcess] = set()
        self._idle: dict[ChildProcess, Timer] = {}
        self._closed = False
        # The parent-death signal of Linux fires when the *thread* that started the child ends, so
        # one thread that lives as long as the pool starts all of them.
        self._start_thread = ThreadPoolExecutor(1, thread_name_prefix=f"{name}-starter")

    @contextmanager
    def lease(self, cancelled: Callable[[], bool]) -> Iterator[ChildProcess]:
        """A process for one job.

        :raises JobCancelled: ``cancelled()`` became true while all processes were busy, or the
            pool is closed.
        """
        process = self._acquire(cancelled)
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            self._release(process)

    def close(self) -> None:
        """Kill all processes, busy ones included. Later leases fail."""
        with self._changed:
            self._closed = True
            for timer in self._idle.values():
                timer.cancel()
            processes = [*self._idle, *self._busy]
            self._idle.clear()
            self._changed.notify_all()
        for process in processes:
            process.kill()
        self._start_thread.shutdown()

    @property
    def closed(self) -> bool:
        return self._closed

    def _acquire(self, cancelled: Callable[[], bool]) -> ChildProcess:
        with self._changed:
            while self._leased >= self._workers and not self._closed:
                if cancelled():
                    raise JobCancelled(f"cancelled while waiting for a free {self._name} process")
                self._changed.wait(_POLL_SECONDS)
            if self._closed:
                raise _closing_error()
            self._leased += 1
            while self._idle:
                process, timer = self._idle.popitem()
                timer.cancel()
                if process.alive:
                    self._busy.add(process)
                    return process
                process.kill()  # it died while idle, most likely because memory ran out
        try:
            return self._start()
        except BaseException:
            with self._changed:
                self._leased -= 1
                self._changed.notify()
            raise

    def _start(self) -> ChildProcess:
        process = self._start_thread.submit(
            ChildProcess, self._module, name=self._name, threads=self._threads
        ).result()
        with self._changed:
            if not self._closed:
                self._busy.add(process)
                return process
        process.kill()
        raise _closing_error()

    def _release(self, process: ChildProcess) -> None:
        with self._changed:
            self._leased -= 1
            self._busy.discard(process)
            if process.alive and not self._closed:
                timer = Timer(self._idle_seconds, self._retire, (process,))
                timer.daemon = True
                self._idle[process] = timer
                timer.start()
            self._changed.notify()

    def _retire(self, process: ChildProcess) -> None:
        with self._changed:
            idle = self._idle.pop(process, None)
        if idle is not None:  # otherwise it has just been leased again
            process.kill()


def _closing_error() -> JobCancelled:
    return JobCancelled(
        "the gateway is closing",
        next_step="nothing is lost: the job goes on with its finished frames at the next start",
    )
