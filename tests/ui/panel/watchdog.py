"""Measures how long an event loop keeps its events waiting, and names who kept them.

A timer on the loop says when it had its last turn; whatever lies between two turns is a gap. A
thread beside it looks at the stacks of all threads as soon as a gap grows, and the loop itself
looks at the others' as soon as it has its turn again: a thread that kept Python's lock from both
stands at the guilty line still. So a stall that is too long comes with the lines that held it up.

The machine's own pauses are no stall of the panel's, so that it can be judged beside other work.
Linux tells for each thread how long it computed, and how long it was ready to and got no processor
(the first two numbers of ``/proc/thread-self/schedstat``, Documentation/scheduler/sched-stats.rst).
Of a gap counts what the loop's own thread computed, and what it slept for a reason of ours:

- not what it waited for a processor;
- where it slept while others waited for one, which may have kept Python's lock meanwhile, only as
  much as they computed: a thread that keeps the lock for 60 ms has computed for 60 ms, however long
  it took over it. But who wants that lock wakes up at every switch interval to ask for it (see
  ``sys.setswitchinterval``), and the kernel counts how often a thread went to sleep (getrusage(2)):
  a longer sleep in one piece was none for the lock, and counts whatever others did;
- not what the lookout of this file did;
- not what an idle process was late, beyond its own wait for a processor, that does nothing but wake
  up and see whether it is: a virtual machine that is stopped for a moment stops it, too.
"""

from __future__ import annotations

import gc
import linecache
import os
import resource
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from PySide6.QtCore import QEventLoop, Qt, QTimer

#: Seconds. A gap that grows beyond it has its stacks looked at.
LOOK = 0.012
_IDLE = """
import os, sys, time
try:
    clocks = os.open("/proc/self/schedstat", os.O_RDONLY)
except OSError:
    clocks = None
def waited():
    return 0 if clocks is None else int(os.pread(clocks, 64, 0).split()[1]) / 1e9
due, before = time.clock_gettime(time.CLOCK_MONOTONIC) + 0.002, waited()
while os.getppid() == int(sys.argv[1]):
    time.sleep(0.002)
    now, after = time.clock_gettime(time.CLOCK_MONOTONIC), waited()
    late = now - due - (after - before)
    if late > 0.010:
        print(now - late, now, flush=True)
    due, before = now + 0.002, after
"""
#: Seconds that a wait for Python's lock sleeps in one piece; a millisecond for the kernel's timer.
PIECE = sys.getswitchinterval() + 0.001
#: In the line of a thread that leaves Python's lock to others.
_WAITING = (".get(", ".wait(", "acquire(", "recv_into(", "select(", "poll(", ".sleep(")


@dataclass(slots=True)
class Gap:
    """Seconds between two turns of the loop. ``held``: what of it the machine is not to blame
    for; a wait of the loop's thread for a lock, a disk or a network counts as much as work."""

    at: float
    length: float
    held: float
    seen: Counter[str] = field(default_factory=Counter)
    """Stacks seen meanwhile, and how often."""

    def __str__(self) -> str:
        told = [f"{self.held * 1000:.0f} ms held of {self.length * 1000:.0f} ms"]
        told += [f"seen {count} times:\n{stack}" for stack, count in self.seen.most_common(2)]
        return "\n".join(told)


class Watchdog:
    """Watches the event loop of the thread that makes it, from ``with`` to its end::

    with Watchdog() as watchdog:
        watchdog.run_until(lambda: panel.done, "the end of it")
    watchdog.hold(stall=0.050, p99=0.016)
    """

    def __init__(self) -> None:
        self.gaps: list[Gap] = []
        self._descriptors: dict[int, int] = {}
        """Of each thread's statistics, by the kernel's number of the thread."""
        self._clocks: dict[int, tuple[int, int]] = {}
        self._last = 0.0
        self._seen: Counter[str] = Counter()
        self._sleeps = 0
        self._collecting = 0.0
        self._main = threading.get_ident()
        self._ended = threading.Event()
        self._lookout = threading.Thread(target=self._look, name="watchdog-lookout", daemon=True)
        self._timer = QTimer(interval=1, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def __enter__(self) -> Self:
        # What other tests have left in memory is not the panel's to be collected.
        gc.collect()
        gc.freeze()
        gc.callbacks.append(self._collected)
        self._idle = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", _IDLE, str(os.getpid())],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._clocks, self._sleeps = self._clocks_now(), _sleeps()
        self._last = time.monotonic()
        self._lookout.start()
        self._timer.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._timer.stop()
        self._ended.set()
        self._lookout.join()
        self._idle.terminate()
        told, _unused = self._idle.communicate()
        gc.callbacks.remove(self._collected)
        gc.unfreeze()
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._excuse([tuple(map(float, line.split())) for line in told.splitlines()])

    def run_until(self, true: Callable[[], object], what: str, seconds: float = 60) -> None:
        """Run the loop until something holds. Not by ``QTest.qWait``, which sleeps in between."""
        loop, deadline = QEventLoop(), time.monotonic() + seconds
        timer = QTimer(interval=20)

        def look() -> None:
            if true() or time.monotonic() > deadline:
                loop.quit()

        timer.timeout.connect(look)
        timer.start()
        if not true():
            loop.exec()
        timer.stop()
        assert true(), f"waited {seconds:.0f} s for {what}"

    def run(self, seconds: float) -> None:
        """Run the loop for so long."""
        until = time.monotonic() + seconds
        self.run_until(lambda: time.monotonic() >= until, "time to pass", seconds + 10)

    @property
    def worst(self) -> Gap:
        return max(self.gaps, key=lambda gap: gap.held)

    def percentile(self, share: float) -> float:
        """Seconds that an event which comes at any moment waits at most, in ``share`` of all
        moments: one that comes within a gap waits for its end."""
        waits = Counter(round(gap.held * 1000) for gap in self.gaps)
        # A gap of n milliseconds has one moment for each wait of 1 to n.
        longest = max(waits)
        moments = [
            sum(count for length, count in waits.items() if length >= ms)
            for ms in range(1, longest + 1)
        ]
        allowed, beyond = sum(moments) * (1 - share), 0
        for ms in range(longest, 0, -1):
            beyond += moments[ms - 1]
            if beyond > allowed:
                return ms / 1000
        return 0.0

    def hold(self, stall: float, p99: float) -> None:
        """Fail where a gap was longer than ``stall``, or more than one in a hundred moments had
        to wait longer than ``p99``; say which lines were seen."""
        assert len(self.gaps) > 100, f"the loop had {len(self.gaps)} turns: nothing was measured"
        longest = sorted(self.gaps, key=lambda gap: gap.held, reverse=True)[:4]
        told = "\n\n".join(map(str, longest))
        assert longest[0].held <= stall, f"a stall\n\n{told}"
        found = self.percentile(0.99)
        assert found <= p99, f"p99 is {found * 1000:.0f} ms\n\n{told}"

    def __str__(self) -> str:
        worst = self.worst
        return (
            f"{len(self.gaps)} turns, p99 {self.percentile(0.99) * 1000:.0f} ms, "
            f"longest {worst.held * 1000:.0f} ms of {worst.length * 1000:.0f} ms"
        )

    def _tick(self) -> None:
        now, clocks, sleeps = time.monotonic(), self._clocks_now(), _sleeps()
        length = now - self._last
        spent = {}
        for thread, (computed, waited) in clocks.items():
            before = self._clocks.get(thread, (0, 0))  # none of one that has begun meanwhile
            spent[thread] = (computed - before[0]) / 1e9, (waited - before[1]) / 1e9
        computed, waited = spent.pop(threading.get_native_id(), (0.0, 0.0))
        lookout = sum(spent.pop(self._lookout.native_id or 0, (0.0, 0.0)))
        slept = max(0.0, length - computed - waited)
        unused = max(0.0, slept - sum(one for one, _ in spent.values()))
        excused = min(
            lookout + min(unused, sum(one for _, one in spent.values())),
            (sleeps - self._sleeps) * PIECE,
            slept,
        )
        held = max(min(computed, length), length - waited - excused)
        if length > LOOK and (others := self._others(sys._current_frames())):
            self._seen[others] += 1
        self.gaps.append(Gap(self._last, length, held, self._seen))
        self._seen = Counter()
        self._last, self._clocks, self._sleeps = now, clocks, sleeps

    def _clocks_now(self) -> dict[int, tuple[int, int]]:
        """Nanoseconds that each thread has computed, and has waited for a processor; empty where
        nobody tells."""
        found: dict[int, tuple[int, int]] = {}
        for thread in threading.enumerate():
            number = thread.native_id
            if number is None:
                continue
            try:
                if number not in self._descriptors:
                    path = Path("/proc/self/task", str(number), "schedstat")
                    self._descriptors[number] = os.open(path, os.O_RDONLY)
                computed, waited, _ = os.pread(self._descriptors[number], 64, 0).split()
                found[number] = int(computed), int(waited)
            except OSError:
                continue  # it has just ended, or this is not Linux
        return found

    def _excuse(self, late: list[tuple[float, ...]]) -> None:
        """Take off what the process beside was late as well."""
        for gap in self.gaps:
            end = gap.at + gap.length
            lost = sum(max(0.0, min(end, b) - max(gap.at, a)) for a, b in late)
            gap.held = max(0.0, min(gap.held, gap.length - lost))

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting = time.monotonic()
        elif (took := time.monotonic() - self._collecting) > 0.005:
            words = f"  garbage of generation {info['generation']}: {took * 1000:.0f} ms"
            self._seen[words] += 1

    def _look(self) -> None:
        """Beside the loop, while it is late."""
        while not self._ended.wait(0.004):
            began = self._last
            if time.monotonic() - began > LOOK:
                frames = sys._current_frames()
                stacks = _spelt("the loop", frames[self._main], 12) + self._others(frames)
                if self._last == began:
                    self._seen[stacks] += 1

    def _others(self, frames: dict[int, FrameType]) -> str:
        """The stacks of threads that do not just wait."""
        told = ""
        for thread in threading.enumerate():
            frame = frames.get(thread.ident or 0)
            if frame is None or thread is self._lookout or thread.ident == self._main:
                continue
            line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
            if not any(word in line for word in _WAITING):
                told += _spelt(thread.name, frame, 4)
        return told


def _sleeps() -> int:
    """How often this thread has gone to sleep; always 0 where nobody tells."""
    who = getattr(resource, "RUSAGE_THREAD", None)
    return 0 if who is None else resource.getrusage(who).ru_nvcsw


def _spelt(name: str, frame: FrameType, deep: int) -> str:
    told = traceback.StackSummary.extract(traceback.walk_stack(frame), limit=deep)
    within = takewhile(lambda one: one.filename != __file__, told)
    lines = (f"    {one.filename}:{one.lineno} {one.name}: {one.line}" for one in within)
    return "\n".join([f"  {name}", *lines, ""])
