"""The watchdog itself: a stall is seen and its line is named, whoever it was; quiet is quiet."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QTimer

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

from event_loop_watchdog import Watchdog

STALL, P99 = 0.050, 0.016


LENGTH, TIMES = 0.080, 5


def _computes_too_long() -> None:
    until = time.thread_time() + LENGTH  # computing, not waiting for a processor
    while time.thread_time() < until:
        sum(range(100))


def _waits_for_the_disk() -> None:
    time.sleep(LENGTH)


def _waits_for_a_thread() -> None:
    threading.Event().wait(LENGTH)


def _waits_for_a_lock() -> None:
    lock, locked = threading.Lock(), threading.Event()

    def sleeps() -> None:
        with lock:
            locked.set()
            time.sleep(LENGTH)

    thread = threading.Thread(target=sleeps)
    thread.start()
    locked.wait()
    with lock:
        pass
    thread.join()


def run_long_enough(watchdog: Watchdog) -> None:
    """As many turns as a measurement takes."""
    watchdog.run_until(lambda: len(watchdog.gaps) > 120, "turns of the loop")


@pytest.fixture(params=["nothing beside", "both cores taken"])
def background_load(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Other work on every core; whether there is."""
    taken = request.param == "both cores taken"
    burning = [
        subprocess.Popen([sys.executable, "-S", "-E", "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
        if taken
    ]
    try:
        yield taken
    finally:
        for process in burning:
            process.kill()
            process.wait()


@pytest.fixture
def _threads(background_load: bool) -> Iterator[None]:
    """With it, threads of our own that wait for a core and keep no lock."""
    ended = threading.Event()

    def hashes() -> None:
        while not ended.is_set():
            hashlib.sha256(bytes(1_000_000))

    threads = [threading.Thread(target=hashes) for _ in range(2) if background_load]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def observed_stalls(watchdog: Watchdog) -> int:
    return sum(gap.held > STALL for gap in watchdog.gaps)


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize(
    "stalls", [_computes_too_long, _waits_for_the_disk, _waits_for_a_thread, _waits_for_a_lock]
)
def test_every_stall_of_80_ms_is_seen_and_its_line_named(
    qapp: QApplication, stalls: Callable[[], None]
) -> None:
    stalled = []
    timer = QTimer(interval=30)
    timer.timeout.connect(lambda: stalled.append(stalls()))
    with Watchdog() as watchdog:
        timer.start()
        watchdog.run_until(lambda: len(stalled) >= TIMES, "stalls")
        timer.stop()
        run_long_enough(watchdog)
    with pytest.raises(AssertionError) as excinfo:
        watchdog.assert_responsive(STALL, P99)
    assert stalls.__name__ in str(excinfo.value)
    assert observed_stalls(watchdog) >= TIMES


def _keeps_the_lock(number: int) -> None:
    sum(range(number))  # one call into C, which lets nobody in before its end


@pytest.mark.usefixtures("beside")
def test_a_thread_that_keeps_pythons_lock_is_seen_and_named(qapp: QApplication) -> None:
    number, took = 1_000_000, 0.0
    # What it computes while the loop itself waits for a core is not seen to hold up the loop.
    while took < 4 * STALL:
        number *= 2
        began = time.thread_time()
        sum(range(number))
        took = time.thread_time() - began
    go, kept = threading.Semaphore(0), []

    def keep() -> None:
        for _ in range(TIMES):
            go.acquire()
            _keeps_the_lock(number)
            kept.append(True)

    thread = threading.Thread(target=keep)
    timer = QTimer(interval=30, singleShot=True)
    timer.timeout.connect(go.release)
    thread.start()
    with Watchdog() as watchdog:
        for at in range(TIMES):
            timer.start()
            # One after the other: two in a row are one stall.
            watchdog.run_until(lambda: len(kept) > at, "the lock to be kept")  # noqa: B023
        run_long_enough(watchdog)
    thread.join()
    with pytest.raises(AssertionError) as excinfo:
        watchdog.assert_responsive(STALL, P99)
    assert _keeps_the_lock.__name__ in str(excinfo.value)
    # Of a thread beside the loop's own, what passes while the loop waits for a core is not seen.
    assert observed_stalls(watchdog) >= TIMES // 2


def test_many_short_delays_are_seen_by_their_share(qapp: QApplication) -> None:
    delays = []
    timer = QTimer(interval=0)
    timer.timeout.connect(lambda: delays.append(time.sleep(0.025)))
    with Watchdog() as watchdog:
        timer.start()
        watchdog.run_until(lambda: len(delays) > 30, "delays")
        timer.stop()
        run_long_enough(watchdog)
    with pytest.raises(AssertionError, match="p99 is"):
        watchdog.assert_responsive(1.0, P99)


def test_a_quiet_loop_holds(qapp: QApplication) -> None:
    def held() -> float:
        with Watchdog() as watchdog:
            run_long_enough(watchdog)
        return max(watchdog.worst.held / STALL, watchdog.percentile(0.99) / P99)

    # Not everything that a busy machine does to a process is told by it.
    assert any(held() <= 1 for _ in range(3))
