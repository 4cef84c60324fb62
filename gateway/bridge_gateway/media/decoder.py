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
from bridge_gateway.media.decode_tasks import Decoded, DecodeTask, answer
from bridge_gateway.workers.messages import Failed, FrameDone, line
from bridge_gateway.workers.pool import Pool, share_of_cores
from bridge_gateway.workers.process import ChildProcess, Died

_log = logging.getLogger(__name__)

#: Time limit for a process's start and for each frame. An 8K EXR of 20 half channels takes 77 s on
#: two cores beside eight other programs, and 2.8 GB.
FRAME_SECONDS = 120.0
#: Seconds within which a cancellation is noticed.
_LOOK_SECONDS = 0.1
#: Seconds that a process stays, with libraries and colour configs loaded, after its last task.
_IDLE_SECONDS = 600.0
#: Bytes of memory that a process may use in any case.
_LEAST_MEMORY = 4 << 30

#: How a process ends when the system runs out of memory.
_KILLED = "signal SIGKILL"

#: In ``details`` of an :class:`UnreadableMedia`: how the process that read the file ended.
ENDED_BY = "ended_by"


class Decoder:
    """At most ``processes`` children, started when needed. May be called from several threads.

    ``retry_killed``: a task whose process was killed from outside, as the system does when memory
    runs out, is tried once more. A crash or a timeout is blamed on the file.
    """

    def __init__(
        self,
        *,
        processes: int,
        seconds: float = FRAME_SECONDS,
        idle_seconds: float = _IDLE_SECONDS,
        retry_killed: bool = False,
    ) -> None:
        self._seconds = seconds
        self._attempts = 2 if retry_killed else 1
        self._pool = Pool(
            "bridge_gateway.media.decode_worker",
            name="decoder",
            workers=processes,
            threads=share_of_cores(processes),
            idle_seconds=idle_seconds,
        )

    def run(
        self,
        task: DecodeTask,
        *,
        check: Callable[[], None] = lambda: None,
        done: Callable[[int], None] = lambda frame: None,
    ) -> Decoded:
        """Do a task. ``check`` is called repeatedly and ``done`` once after each frame; both may
        raise to end it.

        :raises UnreadableMedia: what reading says; or the process crashed or was too slow, with
            ``details["ended_by"]``.
        :raises ShotbridgeError: whatever else the task says.
        :raises JobCancelled: the gateway is closing.
        """
        left = list(task.frames)

        def report(frame: int) -> None:
            if frame in left:  # else the process before the retry reported it
                left.remove(frame)
                done(frame)

        for attempt in range(1, self._attempts + 1):
            try:
                return self._run_once(task, check, report)
            except Died as died:
                _log.warning("a decoder was ended by %s:\n%s", died.how, died.last)
                if attempt == self._attempts or died.how != _KILLED:
                    raise _ended(task, left, died.how) from None
            except _TimedOut:
                limit = f"its time limit of {self._seconds:g} s for a frame"
                raise _ended(task, left, limit) from None
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        self._pool.close()

    def _run_once(
        self, task: DecodeTask, check: Callable[[], None], done: Callable[[int], None]
    ) -> Decoded:
        with self._pool.lease(_never) as process:
            process.send(line(task))
            outcome = self._follow(process, check, done)
            if isinstance(outcome, Failed) and not outcome.fit:
                process.kill()
        if isinstance(outcome, Failed):
            raise outcome.problem.error()
        return outcome

    def _follow(
        self, process: ChildProcess, check: Callable[[], None], done: Callable[[int], None]
    ) -> Decoded | Failed:
        deadline = time.monotonic() + self._seconds
        while True:
            check()
            text = process.receive(_LOOK_SECONDS)
            if text is not None:
                message = answer(text)
                if not isinstance(message, FrameDone):
                    return message
                done(message.frame)
                deadline = time.monotonic() + self._seconds
            elif time.monotonic() > deadline:
                raise _TimedOut


def memory_limit() -> int:
    """Bytes that a process may use: half of this machine's memory, so that hosts keep theirs."""
    if sys.platform == "win32":
        return _LEAST_MEMORY
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(_LEAST_MEMORY, whole // 2)


class _TimedOut(Exception):
    """No answer in time. Raised inside the lease, which ends the process."""


def _never() -> bool:
    return False


def _ended(task: DecodeTask, left: Iterable[int], how: str) -> UnreadableMedia:
    frame = next(iter(left), task.frames[-1])
    file = task.file(frame)
    return UnreadableMedia(
        f"{PurePath(file).name} cannot be read: the process that read it was ended by {how}",
        where=f"{file}, frame {frame}",
        next_step="the file is damaged, or needs more memory or time than there is: render or copy "
        "it again, or send a smaller one",
        details={ENDED_BY: how},
    )
