"""Main of a model process: takes jobs from stdin, one after the other, and answers on stdout.

It lives exactly as long as somebody holds the other end of its stdin. Networks stay loaded from
one job to the next. Started as ``python -m bridge_gateway.providers.local.worker``.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
import traceback
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread

from bridge_core.errors import ModelCrashed, ShotbridgeError
from bridge_core.models.problems import Problem
from bridge_gateway.providers.local.recipe import Answer, Failed, Finished, FrameDone, Recipe, line
from bridge_gateway.providers.local.work import Workbench

#: Below everything that the artist waits for: the host's own threads go first.
_NICENESS = 5
#: From -1000 to 1000. When memory runs out, Linux takes this process and not the artist's host.
_OOM_SCORE = "800"
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Channel:
    """Answers to the gateway. Nobody else in the process can write into it."""

    def __init__(self) -> None:
        self._stream = os.fdopen(os.dup(1), "wb")
        # What libraries print, those in C too, goes to descriptor 1: make that the log.
        os.dup2(2, 1)
        self._lock = Lock()

    def say(self, message: Answer) -> None:
        with self._lock:
            self._stream.write(line(message))
            self._stream.flush()


def main() -> None:
    faulthandler.enable()
    channel = Channel()
    _yield_to_others()
    _end_with_parent()
    jobs: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_listen, args=(jobs,), name="listener", daemon=True).start()
    workbench = Workbench()
    while True:
        recipe = Recipe.model_validate_json(jobs.get())
        channel.say(_do(recipe, workbench, channel))


def _do(recipe: Recipe, workbench: Workbench, channel: Channel) -> Finished | Failed:
    try:
        made = workbench.make(recipe, lambda frame: channel.say(FrameDone(frame=frame)))
    except ShotbridgeError as error:
        return Failed(problem=Problem.of(error), fit=True)
    except Exception as error:
        traceback.print_exc()
        crash = ModelCrashed(
            f"the model process met an error that it does not know: {type(error).__name__}: "
            f"{error}",
            where=f"job {recipe.job}, service {recipe.service}",
            next_step="send the job again; if it happens again, the gateway's log holds the "
            "traceback that a bug report needs",
        )
        return Failed(problem=Problem.of(crash), fit=False)
    return Finished(made=made)


def _listen(jobs: SimpleQueue[bytes]) -> None:
    for text in sys.stdin.buffer:
        jobs.put(text)
    # The gateway is gone or has closed us. Files get their name when they are complete, so there
    # is nothing to tidy and nobody to wait for.
    os._exit(0)


def _yield_to_others() -> None:
    if sys.platform != "win32":  # there the gateway asks for a lower class at the start
        os.nice(_NICENESS)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a container may forbid it; it is a courtesy
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)


def _end_with_parent() -> None:
    """Have Linux kill us when the gateway dies, even where a network keeps the listener from
    running. Elsewhere the end of stdin has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


if __name__ == "__main__":
    main()
