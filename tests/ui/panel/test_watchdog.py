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

from watchdog import Watchdog

STALL, P99 = 0.050, 0.016


def _computes_too_long() -> None:
    until = time.thread_time() + 0.080  # computing, not waiting for a processor
    while time.thread_time() < until:
        sum(range(100))


def _waits_for_the_disk() -> None:
    time.sleep(0.080)


def _waits_for_a_thread() -> None:
    threading.Event().wait(0.080)


def enough(watchdog: Watchdog) -> None:
    """As many turns as a measurement takes."""
    watchdog.run_until(lambda: len(watchdog.gaps) > 120, "turns of the loop")


@pytest.fixture(params=["nothing beside", "both cores taken"])
def _beside(request: pytest.FixtureRequest) -> Iterator[None]:
    """Other work on every core, and threads of our own that wait for a core and keep no lock."""
    if request.param == "nothing beside":
        yield
        return
    ended = threading.Event()

    def hashes() -> None:
        while not ended.is_set():
            hashlib.sha256(bytes(1_000_000))

    threads = [threading.Thread(target=hashes) for _ in range(2)]
    burning = [
        subprocess.Popen([sys.executable, "-S", "-E", "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        for process in burning:
            process.kill()
            process.wait()


@pytest.mark.usefixtures("_beside")
@pytest.mark.parametrize("stalls", [_computes_too_long, _waits_for_the_disk, _waits_for_a_thread])
def test_a_stall_of_80_ms_is_seen_and_its_line_named(
    qapp: QApplication, stalls: Callable[[], None]
) -> None:
    stalled = []
    timer = QTimer(interval=100)
    timer.timeout.connect(lambda: stalled.append(stalls()))
    with Watchdog() as watchdog:
        timer.start()
        # Several: a busy machine may have taken one for its own.
        watchdog.run_until(lambda: len(stalled) > 5, "stalls")
        timer.stop()
        enough(watchdog)
    with pytest.raises(AssertionError) as told:
        watchdog.hold(STALL, P99)
    assert stalls.__name__ in str(told.value)
    assert watchdog.worst.held > STALL


def _keeps_the_lock(number: int, ended: threading.Event) -> None:
    while not ended.is_set():
        sum(range(number))  # one call into C, which lets nobody in before its end


def test_a_thread_that_keeps_pythons_lock_is_named(qapp: QApplication) -> None:
    number, took = 1_000_000, 0.0
    while took < 2 * STALL:
        number *= 2
        began = time.thread_time()
        sum(range(number))
        took = time.thread_time() - began
    ended = threading.Event()
    thread = threading.Thread(target=_keeps_the_lock, args=(number, ended))
    with Watchdog() as watchdog:
        enough(watchdog)
        thread.start()
        watchdog.run(1.2)
        # Only now: whoever looks at a thread after its end sees nothing of what it did.
        ended.set()
        thread.join()
    with pytest.raises(AssertionError) as told:
        watchdog.hold(STALL, P99)
    assert _keeps_the_lock.__name__ in str(told.value)


def test_many_short_delays_are_seen_by_their_share(qapp: QApplication) -> None:
    delays = []
    timer = QTimer(interval=0)
    timer.timeout.connect(lambda: delays.append(time.sleep(0.025)))
    with Watchdog() as watchdog:
        timer.start()
        watchdog.run_until(lambda: len(delays) > 30, "delays")
        timer.stop()
        enough(watchdog)
    with pytest.raises(AssertionError, match="p99 is"):
        watchdog.hold(1.0, P99)


def test_a_quiet_loop_holds(qapp: QApplication) -> None:
    def held() -> float:
        with Watchdog() as watchdog:
            enough(watchdog)
        return max(watchdog.worst.held / STALL, watchdog.percentile(0.99) / P99)

    # Not everything that a busy machine does to a process is told by it.
    assert any(held() <= 1 for _ in range(3))
