"""Has pictures and movies read by child processes, so that no file can harm the gateway.

Whatever came from somebody else, a plate or what a service made, is decoded there: a process that
crashes, hangs or takes too much memory is ended, and the file is said to be unreadable.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import PurePath

from bridge_core.errors import UnreadableMedia
from bridge_gateway.media.decode_tasks import Decoded, DecodeTask, answer
from bridge_gateway.workers.messages import Failed, FrameDone, line
from bridge_gateway.workers.pool import Pool, share_of_cores
from bridge_gateway.workers.process import ChildProcess, Died

_log = logging.getLogger(__name__)

#: A process has so long for its start or for one frame; a whole 8K EXR takes seconds.
FRAME_SECONDS = 60.0
#: How soon a cancellation is noticed.
_LOOK_SECONDS = 0.1
#: Libraries and colour configs stay loaded for so long after the last task.
_IDLE_SECONDS = 600.0
#: Bytes that a process may have in any case; an 8K EXR with 20 layers in half needs about as much.
_LEAST_MEMORY = 4 << 30

#: In ``details`` of an :class:`UnreadableMedia`: how the process that read the file ended.
ENDED_BY = "ended_by"


class Decoder:
    """At most ``processes`` children, started when they are needed. Safe to call from threads."""

    def __init__(
        self, *, processes: int, seconds: float = FRAME_SECONDS, idle_seconds: float = _IDLE_SECONDS
    ) -> None:
        self._seconds = seconds
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
        """Do a task. ``check`` is called all the while and may raise to end it; ``done`` after
        each frame, and may too.

        :raises UnreadableMedia: what reading says; or the process crashed or was too slow, with
            ``details["ended_by"]``.
        :raises ShotbridgeError: whatever else the task says.
        :raises JobCancelled: the gateway is closing.
        """
        left = list(task.frames)
        try:
            with self._pool.lease(_never) as process:
                process.send(line(task))
                outcome = self._follow(process, check, done, left)
                if isinstance(outcome, Failed) and not outcome.fit:
                    process.kill()
        except Died as died:
            _log.warning("a decoder was ended by %s:\n%s", died.how, died.last)
            raise _ended(task, left, died.how) from None
        except _TooSlow:
            raise _ended(task, left, f"its time limit of {self._seconds:g} s for a frame") from None
        if isinstance(outcome, Failed):
            raise outcome.problem.error()
        return outcome

    def close(self) -> None:
        self._pool.close()

    def _follow(
        self,
        process: ChildProcess,
        check: Callable[[], None],
        done: Callable[[int], None],
        left: list[int],
    ) -> Decoded | Failed:
        deadline = time.monotonic() + self._seconds
        while True:
            check()
            text = process.receive(_LOOK_SECONDS)
            if text is None:
                if time.monotonic() > deadline:
                    raise _TooSlow
                continue
            told = answer(text)
            if not isinstance(told, FrameDone):
                return told
            deadline = time.monotonic() + self._seconds
            with suppress(ValueError):
                left.remove(told.frame)
            done(told.frame)


def memory_limit() -> int:
    """Bytes that a process may hold: half of this machine's memory, so that hosts keep theirs."""
    if sys.platform == "win32":
        return _LEAST_MEMORY
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(_LEAST_MEMORY, whole // 2)


class _TooSlow(Exception):
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
