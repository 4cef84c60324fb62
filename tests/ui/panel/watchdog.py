"""Measures how long an event loop keeps its events waiting, and names who kept them.

A timer on the loop says when it had its last turn; whatever lies between two turns is a gap. A
process beside it sees when a gap grows, and has the stacks of all threads written down by
``faulthandler``, which needs no lock of Python's: so a stall that is too long comes with the lines
that held it up, also where another thread kept that lock all the time.

The machine's own pauses are no stall of the panel's:

- Linux tells for each thread how long it computed, and how long it was ready to and got no
  processor (the first two numbers of ``/proc/thread-self/schedstat``,
  Documentation/scheduler/sched-stats.rst): what the loop's own thread waited so does not count,
  nor what the busiest other one did, which may have held Python's lock meanwhile;
- the process beside it does nothing but wake up and see whether it is late: a virtual machine
  that is stopped for a moment stops it, too.
"""

from __future__ import annotations

import faulthandler
import gc
import linecache
import mmap
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from PySide6.QtCore import QEventLoop, Qt, QTimer

#: Seconds. A gap that grows beyond it has its stacks written down.
LOOK = 0.012
_BESIDE = """
import mmap, os, signal, struct, sys, time
parent, look = int(sys.argv[1]), float(sys.argv[3])
with open(sys.argv[2], "r+b") as file:
    beat = mmap.mmap(file.fileno(), 8)
now = lambda: time.clock_gettime(time.CLOCK_MONOTONIC)
due, looked = now() + 0.002, 0.0
while os.getppid() == parent:
    time.sleep(0.002)
    woken = now()
    if woken - due > 0.010:
        print(due, woken, flush=True)
    last = max(looked, struct.unpack("d", beat)[0])
    if woken - last > look:
        looked = woken
        os.kill(parent, signal.SIGUSR1)
    due = now() + 0.002
"""
_THREAD = re.compile(r"hread 0x([0-9a-f]+) .*\n((?:  File .*\n)+)")
_LINE = re.compile(r'  File "(.+)", line (\d+) in (.+)')


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
        self._collecting = 0.0
        self._timer = QTimer(interval=1, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def __enter__(self) -> Self:
        # What other tests have left in memory is not the panel's to be collected.
        gc.collect()
        gc.freeze()
        gc.callbacks.append(self._collected)
        self._stacks = tempfile.TemporaryFile()
        self._read = 0
        self._shared = tempfile.NamedTemporaryFile()
        self._shared.write(bytes(8))
        self._shared.flush()
        self._beat = mmap.mmap(self._shared.fileno(), 8)
        self._beat_at(time.monotonic())
        faulthandler.register(signal.SIGUSR1, self._stacks, all_threads=True)
        given = [str(os.getpid()), self._shared.name, str(LOOK)]
        self._beside = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", _BESIDE, *given],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._clocks = self._clocks_now()
        self._beat_at(time.monotonic())
        self._timer.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._timer.stop()
        self._beside.terminate()
        told, _unused = self._beside.communicate()
        faulthandler.unregister(signal.SIGUSR1)
        gc.callbacks.remove(self._collected)
        gc.unfreeze()
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._beat.close()
        self._shared.close()
        self._stacks.close()
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
        return (
            f"{len(self.gaps)} turns, p99 {self.percentile(0.99) * 1000:.0f} ms, "
            f"longest {self.worst.held * 1000:.0f} ms of {self.worst.length * 1000:.0f} ms"
        )

    def _tick(self) -> None:
        now, clocks = time.monotonic(), self._clocks_now()
        length = now - self._last
        spent = {
            thread: (computed - self._clocks[thread][0], waited - self._clocks[thread][1])
            for thread, (computed, waited) in clocks.items()
            if thread in self._clocks
        }
        computed, waited = spent.pop(threading.get_native_id(), (0, 0))
        _, other = max(spent.values(), default=(0, 0))
        held = max(min(computed / 1e9, length), length - (waited + other) / 1e9)
        if length > LOOK:
            self._read_stacks()
        self.gaps.append(Gap(self._last, length, held, self._seen))
        self._seen = Counter()
        self._clocks = clocks
        self._beat_at(now)

    def _beat_at(self, now: float) -> None:
        self._last = now
        struct.pack_into("d", self._beat, 0, now)

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

    def _read_stacks(self) -> None:
        """What was written down since the last time: the loop's stack, and those of threads that
        do not just wait."""
        text = os.pread(self._stacks.fileno(), 1 << 20, self._read)
        self._read += len(text)
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for number, listed in _THREAD.findall(text.decode("utf-8", "replace")):
            ident = int(number, 16)
            lines = [_spelt(*found) for found in _LINE.findall(listed)]
            main = ident == threading.get_ident()
            if main or not any(word in lines[0] for word in _WAITING):
                name = "the loop" if main else names.get(ident, "a thread that has ended")
                shown = [line for line in lines if __file__ not in line][: 12 if main else 4]
                self._seen["\n".join([f"  {name}", *shown])] += 1


#: In the line of a thread that leaves Python's lock to others.
_WAITING = (".get(", ".wait(", "recv_into(", "select(", "acquire(", "poll(", ".sleep(")


def _spelt(file: str, line: str, function: str) -> str:
    return f"    {file}:{line} {function}: {linecache.getline(file, int(line)).strip()}"
