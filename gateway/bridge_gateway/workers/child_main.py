"""Main of a child process: takes tasks from stdin, one after the other, and answers on stdout.

It lives exactly as long as somebody holds the other end of its stdin.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import NoReturn

from bridge_core.models.base import StrictModel
from bridge_gateway.workers.messages import encode_message

#: Below everything that the artist waits for: the host's own threads go first.
_NICENESS = 5
#: From -1000 to 1000. When memory runs out, Linux takes this process and not the artist's host.
_OOM_SCORE_ADJUSTMENT = "800"
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class MessageChannel:
    """Answers to the gateway. Nobody else in the process can write into it."""

    def __init__(self) -> None:
        self._stream = os.fdopen(os.dup(1), "wb")
        # What libraries print, those in C too, goes to descriptor 1: make that the log.
        os.dup2(2, 1)
        self._lock = Lock()

    def send(self, message: StrictModel) -> None:
        with self._lock:
            self._stream.write(encode_message(message))
            self._stream.flush()


def serve_tasks(
    run_task: Callable[[bytes, MessageChannel], StrictModel], *, memory_limit: int | None = None
) -> NoReturn:
    """Do one task after the other: ``work`` takes a task's line, and what it returns is the answer.

    ``memory`` limits what the process may hold, in bytes, where the system can (Linux): an
    allocation beyond it fails.
    """
    faulthandler.enable()
    channel = MessageChannel()
    _lower_priority()
    _exit_with_parent()
    if memory_limit is not None:
        _limit_memory(memory_limit)
    tasks: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_read_tasks, args=(tasks,), name="listener", daemon=True).start()
    while True:
        channel.send(run_task(tasks.get(), channel))


def _read_tasks(tasks: SimpleQueue[bytes]) -> None:
    for text in sys.stdin.buffer:
        tasks.put(text)
    # The gateway is gone or has closed us. Files get their name when they are complete, so there
    # is nothing to tidy and nobody to wait for.
    os._exit(0)


def _lower_priority() -> None:
    if sys.platform != "win32":  # there the gateway asks for a lower class at the start
        os.nice(_NICENESS)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a container may forbid it; it is a courtesy
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE_ADJUSTMENT)


def _exit_with_parent() -> None:
    """Have Linux kill us when the gateway dies, even where a library keeps the listener from
    running. Elsewhere the end of stdin has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _limit_memory(size: int) -> None:
    """RLIMIT_DATA, not RLIMIT_AS: it counts what can be written to (since Linux 4.7), and not the
    files that are mapped and the room that allocators only reserve for each thread."""
    if sys.platform == "linux":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        if hard != resource.RLIM_INFINITY:
            size = min(size, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
