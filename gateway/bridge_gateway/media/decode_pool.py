"""Has child processes read pictures and movies, so that no file can harm the gateway.

Every plate, and everything that a service made, is decoded there. A process that crashes, hangs or
takes too much memory is killed, and the file is reported as unreadable.
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

#: Time limit for a process's start and for each frame. An 8K EXR of 20 half channels takes 77 s on
#: two cores beside eight other programs, and 2.8 GB.
FRAME_TIMEOUT_SECONDS = 120.0
#: Seconds within which a cancellation is noticed.
_POLL_SECONDS = 0.1
#: Seconds that a process stays, with libraries and colour configs loaded, after its last task.
_IDLE_SECONDS = 600.0
#: Bytes of memory that a process may use in any case.
_MIN_MEMORY_BYTES = 4 << 30

#: How a process ends when the system runs out of memory.
_OUT_OF_MEMORY_REASON = "signal SIGKILL"

#: In ``details`` of an :class:`UnreadableMedia`: how the process that read the file ended.
ENDED_BY = "ended_by"


class DecodePool:
    """At most ``processes`` children, started when needed. May be called from several threads.

    ``retry_killed``: a task whose process was killed from outside, as the system does when memory
    runs out, is tried once more. A crash or a timeout is blamed on the file.
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
        """Do a task. ``check`` is called repeatedly and ``done`` once after each frame; both may
        raise to end it.

        :raises UnreadableMedia: what reading says; or the process crashed or was too slow, with
            ``details["ended_by"]``.
        :raises ShotbridgeError: whatever else the task says.
        :raises JobCancelled: the gateway is closing.
        """
        remaining = list(task.frames)

        def report(frame: int) -> None:
            if frame in remaining:  # else the process before the retry reported it
                remaining.remove(frame)
                frame_done(frame)

        for attempt in range(1, self._attempts + 1):
            try:
                return self._run_once(task, check_cancelled, report)
            except ProcessDied as died:
                _log.warning("a decoder was ended by %s:\n%s", died.reason, died.last_output)
                if attempt == self._attempts or died.reason != _OUT_OF_MEMORY_REASON:
                    raise _ended_error(task, remaining, died.reason) from None
            except _TimedOut:
                limit = f"its time limit of {self._frame_timeout:g} s for a frame"
                raise _ended_error(task, remaining, limit) from None
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        self._pool.close()

    def _run_once(
        self,
        task: DecodeTask,
        check_cancelled: Callable[[], None],
        frame_done: Callable[[int], None],
    ) -> DecodeResult:
        with self._pool.lease(_never_cancelled) as process:
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
                raise _TimedOut


def memory_limit() -> int:
    """Bytes that a process may use: half of this machine's memory, so that hosts keep theirs."""
    if sys.platform == "win32":
        return _MIN_MEMORY_BYTES
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(_MIN_MEMORY_BYTES, total // 2)


class _TimedOut(Exception):
    """No answer in time. Raised inside the lease, which ends the process."""


def _never_cancelled() -> bool:
    return False


def _ended_error(task: DecodeTask, remaining: Iterable[int], reason: str) -> UnreadableMedia:
    frame = next(iter(remaining), task.frames[-1])
    file = task.path_at(frame)
    return UnreadableMedia(
        f"{PurePath(file).name} cannot be read: the process that read it was ended by {reason}",
        where=f"{file}, frame {frame}",
        next_step="the file is damaged, or needs more memory or time than there is: render or copy "
        "it again, or send a smaller one",
        details={ENDED_BY: reason},
    )
