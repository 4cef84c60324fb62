"""Decodes pictures and movies in child processes, so that no file can harm the gateway.

Every plate and every result of a service is decoded there. A process that crashes, hangs or takes
too much memory is killed, and the file is reported as unreadable.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import PurePath

from bridge_core.errors import UnreadableMedia
from bridge_gateway.media.decode_tasks import DecodeResult, DecodeTask, parse_message
from bridge_gateway.workers.child_process import ChildProcess, ProcessDied
from bridge_gateway.workers.messages import FrameDone, TaskFailed, encode_message
from bridge_gateway.workers.process_pool import ProcessPool, threads_per_worker

_log = logging.getLogger(__name__)

#: Time limit for the start of a process and for each frame. An 8K EXR of 20 half channels takes
#: 77 s and 2.8 GB on two busy cores.
FRAME_TIMEOUT_SECONDS = 120.0
#: Seconds within which a cancellation is noticed.
_POLL_SECONDS = 0.1
#: Seconds that an idle process is kept, with libraries and colour configs loaded.
_IDLE_SECONDS = 600.0
#: Lower bound of a process's memory limit, in bytes.
_MIN_MEMORY_BYTES = 4 << 30

#: How a process ends when the system runs out of memory.
_OUT_OF_MEMORY_REASON = "signal SIGKILL"

#: Key in the ``details`` of an :class:`UnreadableMedia`: how the process that read the file ended.
ENDED_BY = "ended_by"


class DecodePool:
    """At most ``processes`` child processes, started on demand. Thread-safe.

    ``retry_killed``: run a task once more if its process was killed from outside, as the system
    does when memory runs out. Crashes and timeouts are attributed to the file.
    """

    def __init__(
        self,
        *,
        processes: int,
        frame_timeout: float = FRAME_TIMEOUT_SECONDS,
        idle_seconds: float = _IDLE_SECONDS,
        retry_killed: bool = False,
    ) -> None:
        self._frame_timeout = frame_timeout
        self._attempts = 2 if retry_killed else 1
        self._pool = ProcessPool(
            "bridge_gateway.media.decode_worker",
            name="decoder",
            workers=processes,
            threads=threads_per_worker(processes),
            idle_seconds=idle_seconds,
        )

    def run(
        self,
        task: DecodeTask,
        *,
        check_cancelled: Callable[[], None] = lambda: None,
        frame_done: Callable[[int], None] = lambda frame: None,
    ) -> DecodeResult:
        """Run a task. ``check_cancelled`` is called repeatedly and ``frame_done`` once after each
        frame; both may raise to end the task.

        :raises UnreadableMedia: the file cannot be read; or the process crashed or was too slow,
            with ``details["ended_by"]``.
        :raises ShotbridgeError: any other error of the task.
        :raises JobCancelled: the gateway is closing.
        """
        remaining = list(task.frames)

        def report(frame: int) -> None:
            if frame in remaining:  # otherwise it was reported before the retry
                remaining.remove(frame)
                frame_done(frame)

        for attempt in range(1, self._attempts + 1):
            try:
                return self._run_once(task, check_cancelled, report)
            except ProcessDied as death:
                _log.warning("a decoder ended with %s:\n%s", death.reason, death.last_output)
                if attempt == self._attempts or death.reason != _OUT_OF_MEMORY_REASON:
                    raise _ended_error(task, remaining, death.reason) from None
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        self._pool.close()

    def _run_once(
        self,
        task: DecodeTask,
        check_cancelled: Callable[[], None],
        frame_done: Callable[[int], None],
    ) -> DecodeResult:
        with self._pool.lease(lambda: False) as process:
            process.send(encode_message(task))
            outcome = self._wait_for_result(process, check_cancelled, frame_done)
            if isinstance(outcome, TaskFailed) and not outcome.is_reusable:
                process.kill()
        if isinstance(outcome, TaskFailed):
            raise outcome.problem.to_error()
        return outcome

    def _wait_for_result(
        self,
        process: ChildProcess,
        check_cancelled: Callable[[], None],
        frame_done: Callable[[int], None],
    ) -> DecodeResult | TaskFailed:
        deadline = time.monotonic() + self._frame_timeout
        while True:
            check_cancelled()
            text = process.receive(_POLL_SECONDS)
            if text is not None:
                message = parse_message(text)
                if not isinstance(message, FrameDone):
                    return message
                frame_done(message.frame)
                deadline = time.monotonic() + self._frame_timeout
            elif time.monotonic() > deadline:
                # The lease ends the process.
                raise ProcessDied(f"the time limit of {self._frame_timeout:g} s for a frame", "")


def memory_limit() -> int:
    """Bytes that a process may use: half of this machine's memory, to leave some for hosts."""
    if sys.platform == "win32":
        return _MIN_MEMORY_BYTES
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(_MIN_MEMORY_BYTES, total // 2)


def _ended_error(task: DecodeTask, remaining: Iterable[int], reason: str) -> UnreadableMedia:
    frame = next(iter(remaining), task.frames[-1])
    file = task.path_at(frame)
    return UnreadableMedia(
        f"{PurePath(file).name} cannot be read: the process that read it ended with {reason}",
        where=f"{file}, frame {frame}",
        next_step="the file is damaged, or needs more memory or time than available: render or "
        "copy it again, or send a smaller one",
        details={ENDED_BY: reason},
    )
