"""Measures how long an event loop delays its events, and reports what blocked it.

A timer in the event loop records its iterations; the time between two is a gap. As soon as a gap
grows, a sampling thread records the stacks of all threads; the loop's thread records those of the
others when it runs again, as a thread that held the GIL against both is still at the same line. So
a stall is reported with the lines that caused it.

Pauses of the machine are excluded, so that the measurement works on a busy machine. Linux reports
for each thread how long it ran and how long it waited for a processor (the first two numbers of
``/proc/thread-self/schedstat``, Documentation/scheduler/sched-stats.rst). A gap counts by the time
in which the loop's thread ran, and in which it slept for a reason within this process:

- Excluded: waiting for a processor, and the rest of a gap in which the thread never slept; then a
  quota or the machine stopped it. The kernel counts how often a thread sleeps (getrusage(2)).
- Sleep for the GIL counts only as much as other threads ran meanwhile, minus their waiting for a
  processor: a thread that holds the GIL for 60 ms has run for 60 ms, however long that took. All
  other sleep counts: for a timer, a disk, a network, a lock. An observer process checks every
  millisecond what the thread sleeps for (see ``_OBSERVER_CODE``); sleep that it did not identify as
  waiting for the GIL counts.
- Excluded: the time in which the sampling thread of this file held the GIL.
- Excluded: full garbage collections. When they run, and over which other objects, depends on the
  host. How many objects a panel adds is tested separately (:func:`objects`).
- Excluded: delays of the observer process, beyond its own waiting for a processor, while it only
  had to wake up: a paused virtual machine delays it as well.

Stalls caused by another thread that holds the GIL are only partly measured on a busy machine: the
time in which the loop's thread waits for a processor counts as the machine's. The same holds for a
thread that sleeps while holding the GIL, as C code may, for the time in which others wait.
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

#: Seconds after which the stacks of a gap are sampled.
SAMPLE_AFTER = 0.012
#: Observes until its standard input is closed, then prints lines of ``kind begin end seconds``,
#: with times of CLOCK_MONOTONIC. ``lock``: seconds for which the watched thread slept for the GIL.
#: ``late``: the observer itself was delayed.
#:
#: ``/proc/<pid>/task/<tid>/syscall`` (proc(5)) has the number of the system call in which a thread
#: sleeps and its arguments, the first of which is the futex(2); the futexes of the GIL are in
#: ``_PyRuntime``. The third number of schedstat counts how often a thread was scheduled: all its
#: sleep between two samples was for the GIL if it slept for it at both and ran at most once, or was
#: running at the first and was not scheduled since.
_OBSERVER_CODE = """
import os, select, sys, time
process, thread, first, last = map(int, sys.argv[1:])
now = lambda: time.clock_gettime(time.CLOCK_MONOTONIC)
try:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
except OSError:
    pass  # without root it identifies less, and more is counted
def open_file(path):
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None
def clocks(descriptor):
    return [int(one) for one in os.pread(descriptor, 64, 0).split()]
own = open_file("/proc/self/schedstat")
its = open_file(f"/proc/{process}/task/{thread}/schedstat")
call = open_file(f"/proc/{process}/task/{thread}/syscall")
def sample():
    computed, waited, runs = clocks(its)
    fields = os.pread(call, 256, 0).split()
    running = fields[0] == b"running"
    locked = not running and len(fields) > 1 and first <= int(fields[1], 16) < last
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
            current = sample()
        except OSError:
            current = None
        if current and before and current[3]:
            runs = current[2] - before[2]
            if (before[3] and runs <= 1) or (before[4] and runs == 0):
                slept = current[0] - before[0] - (current[1] - before[1])
                if slept > 0:
                    found.append(("lock", before[0], current[0], slept))
        before = current
    due, waited = now() + 0.001, clocks(own)[1] if own is not None else 0
for one in found:
    print(*one)
"""
#: Parts of source lines in which a thread waits without the GIL.
_WAITING = (".get(", ".wait(", "acquire(", "recv_into(", "select(", "poll(", ".sleep(")


@dataclass(slots=True)
class LoopGap:
    """Seconds between two iterations of the loop. ``held``: without pauses of the machine; waiting
    for a lock, a disk or a network counts like computing."""

    at: float
    length: float
    held: float
    stacks: Counter[str] = field(default_factory=Counter)
    """Sampled stacks, with their counts."""
    excusable: float = 0.0
    """The part of ``held`` in which other threads waited for a processor; they may hold the GIL."""

    def __str__(self) -> str:
        lines = [f"{self.held * 1000:.0f} ms held of {self.length * 1000:.0f} ms"]
        lines += [f"sampled {count} times:\n{stack}" for stack, count in self.stacks.most_common(4)]
        return "\n".join(lines)


class Watchdog:
    """Watches the event loop of the current thread, as a context manager::

    with Watchdog() as watchdog:
        watchdog.run_until(lambda: panel.done, "the end of it")
    watchdog.assert_responsive(stall=0.050, p99=0.016)
    """

    def __init__(self) -> None:
        self.gaps: list[LoopGap] = []
        self._descriptors: dict[int, int] = {}
        """Open schedstat files by native thread id."""
        self._clocks: dict[int, tuple[int, int]] = {}
        self._last = 0.0
        self._stacks: Counter[str] = Counter()
        self._sleeps: int | None = None
        self._collecting = 0.0
        self._collections: list[tuple[float, float, float]] = []
        self._main = threading.get_ident()
        self._ended = threading.Event()
        self._sampler = threading.Thread(
            target=self._sample_stacks, name="watchdog-sampler", daemon=True
        )
        self._timer = QTimer(interval=1, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def __enter__(self) -> Self:
        # Exclude objects of other tests from garbage collection.
        gc.collect()
        gc.freeze()
        gc.callbacks.append(self._collected)
        arguments = (os.getpid(), threading.get_native_id(), *_runtime())
        self._observer = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", _OBSERVER_CODE, *map(str, arguments)],
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
        """Run the loop until a condition is true; ``QTest.qWait`` would sleep in between."""
        loop, deadline = QEventLoop(), time.monotonic() + seconds
        timer = QTimer(interval=20)

        def check() -> None:
            if condition() or time.monotonic() > deadline:
                loop.quit()

        timer.timeout.connect(check)
        timer.start()
        if not condition():
            loop.exec()
        timer.stop()
        assert condition(), f"waited {seconds:.0f} s for {what}"

    def run(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self.run_until(lambda: time.monotonic() >= until, "time to pass", seconds + 10)

    @property
    def worst(self) -> LoopGap:
        return max(self.gaps, key=lambda gap: gap.held)

    def percentile(self, share: float) -> float:
        """Longest wait of an event, in seconds, in a ``share`` of all moments: an event during a
        gap waits for its end."""
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
        """Fail if a gap was longer than ``stall``, or the 99th percentile longer than ``p99``, with
        the sampled stacks."""
        assert len(self.gaps) > 100, (
            f"only {len(self.gaps)} iterations of the loop: nothing was measured"
        )
        longest = sorted(self.gaps, key=lambda gap: gap.held, reverse=True)[:4]
        report = "\n\n".join(map(str, longest))
        assert longest[0].held <= stall, f"a stall\n\n{report}"
        p99_measured = self.percentile(0.99)
        assert p99_measured <= p99, f"p99 is {p99_measured * 1000:.0f} ms\n\n{report}"

    @property
    def machine_share(self) -> float:
        """The share of the time taken by pauses of the machine, 0 to 1."""
        whole = sum(gap.length for gap in self.gaps)
        return 1 - sum(gap.held for gap in self.gaps) / whole

    def __str__(self) -> str:
        worst = self.worst
        return (
            f"{len(self.gaps)} iterations, p99 {self.percentile(0.99) * 1000:.0f} ms, "
            f"longest {worst.held * 1000:.0f} ms of {worst.length * 1000:.0f} ms; "
            f"the machine took {self.machine_share:.0%} of the time"
        )

    def _tick(self) -> None:
        now, clocks, sleeps = time.monotonic(), self._clocks_now(), _sleep_count()
        length = now - self._last
        spent = {}
        for thread, (computed, waited) in clocks.items():
            before = self._clocks.get(thread, (0, 0))  # none if the thread is new
            spent[thread] = (computed - before[0]) / 1e9, (waited - before[1]) / 1e9
        computed, waited = spent.pop(threading.get_native_id(), (0.0, 0.0))
        sampler_time = sum(spent.pop(self._sampler.native_id or 0, (0.0, 0.0)))
        slept = max(0.0, length - computed - waited)
        unused = max(0.0, slept - sum(one for one, _ in spent.values()))
        held, excusable = length, 0.0
        if clocks and sleeps is not None and self._sleeps is not None:
            own = min(computed, length)
            held = max(own, length - waited)
            if sleeps == self._sleeps:
                held = own  # it never slept: a quota or the machine stopped it
            others_waited = sum(one for _, one in spent.values())
            excusable = min(held - own, sampler_time + min(unused, others_waited))
        if length > SAMPLE_AFTER and (others := self._others(sys._current_frames())):
            self._stacks[others] += 1
        self.gaps.append(LoopGap(self._last, length, held, self._stacks, excusable))
        self._stacks = Counter()
        self._last, self._clocks, self._sleeps = now, clocks, sleeps

    def _clocks_now(self) -> dict[int, tuple[int, int]]:
        """Nanoseconds for which each thread ran and waited for a processor; empty if unknown."""
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
                continue  # the thread has ended, or this is not Linux
        return clocks

    def _subtract_excused(self, records: list[list[str]]) -> None:
        """Subtract what the observer process found."""
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
            text = f"  garbage of generation {info['generation']}: {took * 1000:.0f} ms"
            self._stacks[text] += 1

    def _sample_stacks(self) -> None:
        """Sample the stacks while the loop is late."""
        while not self._ended.wait(0.004):
            began = self._last
            if time.monotonic() - began > SAMPLE_AFTER:
                frames = sys._current_frames()
                stacks = _format_stack("the loop", frames[self._main], 12) + self._others(frames)
                if self._last == began:
                    self._stacks[stacks] += 1

    def _others(self, frames: dict[int, FrameType]) -> str:
        """Stacks of threads that are not waiting."""
        stacks = ""
        for thread in threading.enumerate():
            frame = frames.get(thread.ident or 0)
            if frame is None or thread is self._sampler or thread.ident == self._main:
                continue
            # A frame that is being entered or left may have no line.
            line = linecache.getline(frame.f_code.co_filename, frame.f_lineno or 0)
            if not any(call in line for call in _WAITING):
                stacks += _format_stack(thread.name, frame, 4)
        return stacks


def _sleep_count() -> int | None:
    """How often this thread has slept; None if unknown."""
    who = getattr(resource, "RUSAGE_THREAD", None)
    return None if who is None else resource.getrusage(who).ru_nvcsw


def objects() -> int:
    """Number of objects tracked by the garbage collector since the watchdog started."""
    return len(gc.get_objects())


def _within(gap: LoopGap, spans: list[tuple[float, float, float]]) -> float:
    """Minimum seconds of these spans (begin, end, counted seconds), sorted by time, that lie within
    a gap."""
    total, until = 0.0, gap.at + gap.length
    for begin, end, seconds in spans[bisect_left(spans, gap.at, key=itemgetter(1)) :]:
        if begin >= until:
            break
        total += max(0.0, seconds - max(0.0, gap.at - begin) - max(0.0, end - until))
    return total


def _runtime() -> tuple[int, int]:
    """Address range of ``_PyRuntime``, which contains the GIL; (0, 0) if unknown."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return 0, 0
    at = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
    spans = (map(functools.partial(int, base=16), one.split()[0].split("-")) for one in lines)
    return next((at, end) for begin, end in spans if begin <= at < end)


def _allow_tracing(process: int) -> None:
    """Allow a child process to inspect this one if only ancestors may (ptrace_scope 1)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(process), 0, 0, 0)  # PR_SET_PTRACER


def _format_stack(name: str, frame: FrameType, deep: int) -> str:
    summary = traceback.StackSummary.extract(traceback.walk_stack(frame), limit=deep)
    within = takewhile(lambda one: one.filename != __file__, summary)
    lines = (f"    {one.filename}:{one.lineno} {one.name}: {one.line}" for one in within)
    return "\n".join([f"  {name}", *lines, ""])
