"""The watchdog detects every stall with its line, and passes without one."""

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
    """Run enough iterations for a measurement."""
    watchdog.run_until(lambda: len(watchdog.gaps) > 120, "iterations of the loop")


@pytest.fixture(params=["idle", "all cores busy"])
def background_load(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Load on all cores, or none; whether there is."""
    busy = request.param == "all cores busy"
    burning = [
        subprocess.Popen([sys.executable, "-S", "-E", "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
        if busy
    ]
    try:
        yield busy
    finally:
        for process in burning:
            process.kill()
            process.wait()


@pytest.fixture
def _threads(background_load: bool) -> Iterator[None]:
    """With load, also threads of this process that wait for a processor without the GIL."""
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
def test_every_stall_of_80_ms_is_detected_with_its_line(
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


def _holds_the_gil(number: int) -> None:
    sum(range(number))  # a single C call, which does not release the GIL


@pytest.mark.usefixtures("background_load")
def test_a_thread_that_holds_the_gil_is_detected(qapp: QApplication) -> None:
    number, took = 1_000_000, 0.0
    # Its computing while the loop waits for a processor is not counted.
    while took < 4 * STALL:
        number *= 2
        began = time.thread_time()
        sum(range(number))
        took = time.thread_time() - began
    go, kept = threading.Semaphore(0), []

    def keep() -> None:
        for _ in range(TIMES):
            go.acquire()
            _holds_the_gil(number)
            kept.append(True)

    thread = threading.Thread(target=keep)
    timer = QTimer(interval=30, singleShot=True)
    timer.timeout.connect(go.release)
    thread.start()
    with Watchdog() as watchdog:
        for at in range(TIMES):
            timer.start()
            # One at a time: two in a row would be one stall.
            watchdog.run_until(lambda: len(kept) > at, "the GIL to be held")  # noqa: B023
        run_long_enough(watchdog)
    thread.join()
    with pytest.raises(AssertionError) as excinfo:
        watchdog.assert_responsive(STALL, P99)
    assert _holds_the_gil.__name__ in str(excinfo.value)
    # What another thread does while the loop waits for a processor is not counted.
    assert observed_stalls(watchdog) >= TIMES // 2


def test_many_short_delays_are_detected(qapp: QApplication) -> None:
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


def test_an_idle_loop_passes(qapp: QApplication) -> None:
    def held() -> float:
        with Watchdog() as watchdog:
            run_long_enough(watchdog)
        return max(watchdog.worst.held / STALL, watchdog.percentile(0.99) / P99)

    # Not every pause of a busy machine can be excluded.
    assert any(held() <= 1 for _ in range(3))
