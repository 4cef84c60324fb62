"""Main loop of a child process: reads tasks from stdin and writes messages to stdout.

The process ends when its stdin is closed.
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

#: Below the host's own threads, which the artist waits for.
_NICENESS = 5
#: From -1000 to 1000. When memory runs out, Linux kills this process rather than the host.
_OOM_SCORE_ADJUSTMENT = "800"
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class MessageChannel:
    """Sends messages to the gateway. Nothing else in the process can write to this pipe."""

    def __init__(self) -> None:
        self._stream = os.fdopen(os.dup(1), "wb")
        # Libraries, C libraries included, print to descriptor 1: send that to the log.
        os.dup2(2, 1)
        self._lock = Lock()

    def send(self, message: StrictModel) -> None:
        with self._lock:
            self._stream.write(encode_message(message))
            self._stream.flush()


def serve_tasks(
    run_task: Callable[[bytes, MessageChannel], StrictModel], *, memory_limit: int | None = None
) -> NoReturn:
    """Run tasks one after the other until the process ends.

    ``run_task`` takes the encoded task and returns the final message. ``memory_limit`` is in bytes
    and applies on Linux only: an allocation beyond it fails.
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
    # The gateway has ended or has closed this process. Files get their final name only when they
    # are complete, so there is nothing to clean up.
    os._exit(0)


def _lower_priority() -> None:
    if sys.platform != "win32":  # there the gateway sets the priority class at the start
        os.nice(_NICENESS)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # optional; a container may forbid it
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE_ADJUSTMENT)


def _exit_with_parent() -> None:
    """Have Linux kill this process when the gateway dies, even if a library blocks the listener
    thread. Other systems rely on the end of stdin."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _limit_memory(size: int) -> None:
    """Set RLIMIT_DATA rather than RLIMIT_AS: it counts writable memory (since Linux 4.7), not
    mapped files or address space that allocators only reserve for each thread."""
    if sys.platform == "linux":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        if hard != resource.RLIM_INFINITY:
            size = min(size, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
