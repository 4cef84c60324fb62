"""The watchdog itself: a stall is seen and its line is named, whoever it was; quiet is quiet."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QTimer

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

from watchdog import Watchdog

STALL, P99 = 0.050, 0.016


def _computes_too_long() -> None:
    until = time.perf_counter() + 0.080
    while time.perf_counter() < until:
        sum(range(100))


def _waits_for_the_disk() -> None:
    time.sleep(0.080)


@pytest.mark.parametrize("stalls", [_computes_too_long, _waits_for_the_disk])
def test_a_stall_of_80_ms_is_seen_and_its_line_named(
    qapp: QApplication, stalls: Callable[[], None]
) -> None:
    with Watchdog() as watchdog:
        watchdog.run(0.3)
        QTimer.singleShot(0, stalls)
        watchdog.run(0.3)
    with pytest.raises(AssertionError) as told:
        watchdog.hold(STALL, P99)
    assert stalls.__name__ in str(told.value)
    assert watchdog.worst.held > STALL


def _parses_a_heap(text: str) -> None:
    json.loads(text)


def test_a_thread_that_keeps_pythons_lock_is_named(qapp: QApplication) -> None:
    text, took = "[1.5, 2.5]", 0.0
    while took < 0.080:
        text = f"[{', '.join([text] * 8)}]"
        began = time.perf_counter()
        json.loads(text)
        took = time.perf_counter() - began
    with Watchdog() as watchdog:
        watchdog.run(0.3)
        thread = threading.Thread(target=_parses_a_heap, args=(text,))
        thread.start()
        watchdog.run(0.3)
        thread.join()
    with pytest.raises(AssertionError) as told:
        watchdog.hold(STALL, P99)
    assert _parses_a_heap.__name__ in str(told.value)


def test_many_short_delays_are_seen_by_their_share(qapp: QApplication) -> None:
    timer = QTimer(interval=0)
    timer.timeout.connect(lambda: time.sleep(0.025))
    with Watchdog() as watchdog:
        timer.start()
        watchdog.run(0.8)
        timer.stop()
        watchdog.run(0.2)
    with pytest.raises(AssertionError, match="p99 is"):
        watchdog.hold(1.0, P99)


def test_a_quiet_loop_holds(qapp: QApplication) -> None:
    with Watchdog() as watchdog:
        watchdog.run(0.5)
    watchdog.hold(STALL, P99)
