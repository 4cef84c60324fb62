"""Measures how long an event loop keeps its events waiting, and names who kept them.

A timer on the loop says when it had its last turn; whatever lies between two turns is a gap. A
thread beside it looks at the stacks of all threads as soon as a gap grows, and the loop itself
looks at the others' as soon as it has its turn again: a thread that kept Python's lock from both
stands at the guilty line still. So a stall that is too long comes with the lines that held it up.

The machine's own pauses are no stall of the panel's, so that it can be judged beside other work.
Linux tells for each thread how long it computed, and how long it was ready to and got no processor
(the first two numbers of ``/proc/thread-self/schedstat``, Documentation/scheduler/sched-stats.rst).
Of a gap counts what the loop's own thread computed, and what it slept for a reason of ours:

- not what it waited for a processor, nor the rest of a gap in which it never went to sleep: then a
  quota or the machine had stopped it. The kernel counts how often a thread sleeps (getrusage(2));
- where it slept to get Python's lock, only as much as other threads computed meanwhile, for what
  they waited for a processor: a thread that keeps the lock for 60 ms has computed for 60 ms,
  however long it took over it. Any other sleep counts whatever others did: for the clock, a disk,
  a network, a lock of our own. What it sleeps for a process beside sees, once in a millisecond
  (see ``_BESIDE``); what was not seen to be a wait for Python's lock counts;
- not what the lookout of this file kept the lock for;
- not what Python's collector took over a look through all objects: when it looks, and at what else
  besides ours, is the host's to say, and nothing of ours can put it off. What a panel keeps for it
  to look at is for a test to count (:func:`objects`);
- not what the process beside was late, beyond its own wait for a processor, when it had nothing to
  do but wake up: a virtual machine that is stopped for a moment stops it, too.

Stalls by another thread that keeps Python's lock are told in part only where the machine is busy:
what passes of one while the loop's thread itself waits for a processor counts as the machine's;
and of a thread that sleeps and keeps the lock, as C code may, what others wait for one meanwhile.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import linecache
import os
import resource
import subprocess
import sys
import threading
import time
import traceback
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile
from operator import itemgetter
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from PySide6.QtCore import QEventLoop, Qt, QTimer

#: Seconds. A gap that grows beyond it has its stacks looked at.
SAMPLE_AFTER = 0.012
#: Looks until its standard input ends, then tells: lines of ``kind begin end seconds``, with times
#: of CLOCK_MONOTONIC. ``lock``: that much of this time the watched thread slept for Python's lock.
#: ``late``: nothing ran here.
#:
#: ``/proc/<pid>/task/<tid>/syscall`` (proc(5)) has the number of the call in which a thread sleeps
#: and its arguments, the first of which is the futex(2) it sleeps on; Python keeps what belongs to
#: its lock in ``_PyRuntime``. The third number of schedstat counts how often a thread came on a
#: processor: all that it slept between two looks was for the lock where it did at both and ran
#: once at most, or had run up to then and gone to sleep once.
_OBSERVER_CODE = """
import os, select, sys, time
process, thread, first, last = map(int, sys.argv[1:])
now = lambda: time.clock_gettime(time.CLOCK_MONOTONIC)
try:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
except OSError:
    pass  # not root: it sees less, and more counts
def opened(path):
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None
def clocks(descriptor):
    return [int(one) for one in os.pread(descriptor, 64, 0).split()]
own = opened("/proc/self/schedstat")
its = opened(f"/proc/{process}/task/{thread}/schedstat")
call = opened(f"/proc/{process}/task/{thread}/syscall")
def look():
    computed, waited, runs = clocks(its)
    words = os.pread(call, 256, 0).split()
    running = words[0] == b"running"
    locked = not running and len(words) > 1 and first <= int(words[1], 16) < last
    return now(), (computed + waited) / 1e9, runs, locked, running
found, before = [], None
due, waited = now() + 0.001, clocks(own)[1] if own is not None else 0
while not select.select([0], [], [], 0.001)[0]:
    if own is not None:
        at, after = now(), clocks(own)[1]
        late = at - due - (after - waited) / 1e9
        if late > 0.010:
            found.append(("late", at - late, at, late))
    if its is not None and call is not None:
        try:
            seen = look()
        except OSError:
            seen = None
        if seen and before and seen[3]:
            runs = seen[2] - before[2]
            if (before[3] and runs <= 1) or (before[4] and runs == 0):
                slept = seen[0] - before[0] - (seen[1] - before[1])
                if slept > 0:
                    found.append(("lock", before[0], seen[0], slept))
        before = seen
    due, waited = now() + 0.001, clocks(own)[1] if own is not None else 0
for one in found:
    print(*one)
"""
#: In the line of a thread that leaves Python's lock to others.
_WAITING = (".get(", ".wait(", "acquire(", "recv_into(", "select(", "poll(", ".sleep(")


@dataclass(slots=True)
class LoopGap:
    """Seconds between two turns of the loop. ``held``: what of it the machine is not to blame
    for; a wait of the loop's thread for a lock, a disk or a network counts as much as work."""

    at: float
    length: float
    held: float
    stacks: Counter[str] = field(default_factory=Counter)
    """Stacks seen meanwhile, and how often."""
    excusable: float = 0.0
    """What of ``held`` others waited for a processor, which may have kept Python's lock."""

    def __str__(self) -> str:
        lines = [f"{self.held * 1000:.0f} ms held of {self.length * 1000:.0f} ms"]
        lines += [f"seen {count} times:\n{stack}" for stack, count in self.stacks.most_common(4)]
        return "\n".join(lines)


class Watchdog:
    """Watches the event loop of the thread that makes it, from ``with`` to its end::

    with Watchdog() as watchdog:
        watchdog.run_until(lambda: panel.done, "the end of it")
    watchdog.hold(stall=0.050, p99=0.016)
    """

    def __init__(self) -> None:
        self.gaps: list[LoopGap] = []
        self._descriptors: dict[int, int] = {}
        """Of each thread's statistics, by the kernel's number of the thread."""
        self._clocks: dict[int, tuple[int, int]] = {}
        self._last = 0.0
        self._stacks: Counter[str] = Counter()
        self._sleeps: int | None = None
        self._collecting = 0.0
        self._collections: list[tuple[float, float, float]] = []
        self._main = threading.get_ident()
        self._ended = threading.Event()
        self._sampler = threading.Thread(
            target=self._sample_stacks, name="watchdog-lookout", daemon=True
        )
        self._timer = QTimer(interval=1, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def __enter__(self) -> Self:
        # What other tests have left in memory is not the panel's to be collected.
        gc.collect()
        gc.freeze()
        gc.callbacks.append(self._collected)
        beside = (os.getpid(), threading.get_native_id(), *_runtime())
        self._observer = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", _OBSERVER_CODE, *map(str, beside)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        _allow_tracing(self._observer.pid)
        self._clocks, self._sleeps = self._clocks_now(), _sleep_count()
        self._last = time.monotonic()
        self._sampler.start()
        self._timer.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._timer.stop()
        self._ended.set()
        self._sampler.join()
        output, _unused = self._observer.communicate()
        gc.callbacks.remove(self._collected)
        gc.unfreeze()
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._subtract_excused([line.split() for line in output.splitlines()])

    def run_until(self, condition: Callable[[], object], what: str, seconds: float = 60) -> None:
        """Run the loop until something holds. Not by ``QTest.qWait``, which sleeps in between."""
        loop, deadline = QEventLoop(), time.monotonic() + seconds
        timer = QTimer(interval=20)

        def look() -> None:
            if condition() or time.monotonic() > deadline:
                loop.quit()

        timer.timeout.connect(look)
        timer.start()
        if not condition():
            loop.exec()
        timer.stop()
        assert condition(), f"waited {seconds:.0f} s for {what}"

    def run(self, seconds: float) -> None:
        """Run the loop for so long."""
        until = time.monotonic() + seconds
        self.run_until(lambda: time.monotonic() >= until, "time to pass", seconds + 10)

    @property
    def worst(self) -> LoopGap:
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

    def assert_responsive(self, stall: float, p99: float) -> None:
        """Fail where a gap was longer than ``stall``, or more than one in a hundred moments had
        to wait longer than ``p99``; say which lines were seen."""
        assert len(self.gaps) > 100, f"the loop had {len(self.gaps)} turns: nothing was measured"
        longest = sorted(self.gaps, key=lambda gap: gap.held, reverse=True)[:4]
        report = "\n\n".join(map(str, longest))
        assert longest[0].held <= stall, f"a stall\n\n{report}"
        p99_measured = self.percentile(0.99)
        assert p99_measured <= p99, f"p99 is {p99_measured * 1000:.0f} ms\n\n{report}"

    @property
    def machine_share(self) -> float:
        """The share of the time that the machine took from this process, 0 to 1."""
        whole = sum(gap.length for gap in self.gaps)
        return 1 - sum(gap.held for gap in self.gaps) / whole

    def __str__(self) -> str:
        worst = self.worst
        return (
            f"{len(self.gaps)} turns, p99 {self.percentile(0.99) * 1000:.0f} ms, "
            f"longest {worst.held * 1000:.0f} ms of {worst.length * 1000:.0f} ms; "
            f"the machine took {self.machine_share:.0%} of the time"
        )

    def _tick(self) -> None:
        now, clocks, sleeps = time.monotonic(), self._clocks_now(), _sleep_count()
        length = now - self._last
        spent = {}
        for thread, (computed, waited) in clocks.items():
            before = self._clocks.get(thread, (0, 0))  # none of one that has begun meanwhile
            spent[thread] = (computed - before[0]) / 1e9, (waited - before[1]) / 1e9
        computed, waited = spent.pop(threading.get_native_id(), (0.0, 0.0))
        lookout = sum(spent.pop(self._sampler.native_id or 0, (0.0, 0.0)))
        slept = max(0.0, length - computed - waited)
        unused = max(0.0, slept - sum(one for one, _ in spent.values()))
        held, excusable = length, 0.0
        if clocks and sleeps is not None and self._sleeps is not None:
            own = min(computed, length)
            held = max(own, length - waited)
            if sleeps == self._sleeps:
                held = own  # it did not stop of itself: a quota or the machine has stopped it
            others_waited = sum(one for _, one in spent.values())
            excusable = min(held - own, lookout + min(unused, others_waited))
        if length > SAMPLE_AFTER and (others := self._others(sys._current_frames())):
            self._stacks[others] += 1
        self.gaps.append(LoopGap(self._last, length, held, self._stacks, excusable))
        self._stacks = Counter()
        self._last, self._clocks, self._sleeps = now, clocks, sleeps

    def _clocks_now(self) -> dict[int, tuple[int, int]]:
        """Nanoseconds that each thread has computed, and has waited for a processor; empty where
        nobody tells."""
        clocks: dict[int, tuple[int, int]] = {}
        for thread in threading.enumerate():
            number = thread.native_id
            if number is None:
                continue
            try:
                if number not in self._descriptors:
                    path = Path("/proc/self/task", str(number), "schedstat")
                    self._descriptors[number] = os.open(path, os.O_RDONLY)
                computed, waited, _ = os.pread(self._descriptors[number], 64, 0).split()
                clocks[number] = int(computed), int(waited)
            except OSError:
                continue  # it has just ended, or this is not Linux
        return clocks

    def _subtract_excused(self, records: list[list[str]]) -> None:
        """Take off what the process beside has seen."""
        spans: dict[str, list[tuple[float, float, float]]] = {"lock": [], "late": []}
        for kind, *numbers in records:
            begin, end, seconds = map(float, numbers)
            spans[kind].append((begin, end, seconds))
        for gap in self.gaps:
            gap.held -= min(gap.excusable, _within(gap, spans["lock"]))
            gap.held -= _within(gap, self._collections)
            gap.held = max(0.0, min(gap.held, gap.length - _within(gap, spans["late"])))

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting = time.monotonic()
            return
        now = time.monotonic()
        took = now - self._collecting
        if info["generation"] == 2:
            self._collections.append((self._collecting, now, took))
        if took > 0.005:
            words = f"  garbage of generation {info['generation']}: {took * 1000:.0f} ms"
            self._stacks[words] += 1

    def _sample_stacks(self) -> None:
        """Beside the loop, while it is late."""
        while not self._ended.wait(0.004):
            began = self._last
            if time.monotonic() - began > SAMPLE_AFTER:
                frames = sys._current_frames()
                stacks = _format_stack("the loop", frames[self._main], 12) + self._others(frames)
                if self._last == began:
                    self._stacks[stacks] += 1

    def _others(self, frames: dict[int, FrameType]) -> str:
        """The stacks of threads that do not just wait."""
        stacks = ""
        for thread in threading.enumerate():
            frame = frames.get(thread.ident or 0)
            if frame is None or thread is self._sampler or thread.ident == self._main:
                continue
            # A frame that has just begun, or is being left, may have no line.
            line = linecache.getline(frame.f_code.co_filename, frame.f_lineno or 0)
            if not any(word in line for word in _WAITING):
                stacks += _format_stack(thread.name, frame, 4)
        return stacks


def _sleep_count() -> int | None:
    """How often this thread has gone to sleep; None where nobody tells."""
    who = getattr(resource, "RUSAGE_THREAD", None)
    return None if who is None else resource.getrusage(who).ru_nvcsw


def objects() -> int:
    """How many objects Python's collector looks at; those from before the watchdog do not count."""
    return len(gc.get_objects())


def _within(gap: LoopGap, spans: list[tuple[float, float, float]]) -> float:
    """Seconds of these spans (begin, end, seconds that count), in the order of time, that lie
    within a gap for certain."""
    total, until = 0.0, gap.at + gap.length
    for begin, end, seconds in spans[bisect_left(spans, gap.at, key=itemgetter(1)) :]:
        if begin >= until:
            break
        total += max(0.0, seconds - max(0.0, gap.at - begin) - max(0.0, end - until))
    return total


def _runtime() -> tuple[int, int]:
    """Addresses between which Python keeps what belongs to its lock; none where nobody tells."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return 0, 0
    at = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
    spans = (map(functools.partial(int, base=16), one.split()[0].split("-")) for one in lines)
    return next((at, end) for begin, end in spans if begin <= at < end)


def _allow_tracing(process: int) -> None:
    """Where the kernel lets only ancestors look at a process (ptrace_scope 1), let a child."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(process), 0, 0, 0)  # PR_SET_PTRACER


def _format_stack(name: str, frame: FrameType, deep: int) -> str:
    summary = traceback.StackSummary.extract(traceback.walk_stack(frame), limit=deep)
    within = takewhile(lambda one: one.filename != __file__, summary)
    lines = (f"    {one.filename}:{one.lineno} {one.name}: {one.line}" for one in within)
    return "\n".join([f"  {name}", *lines, ""])
