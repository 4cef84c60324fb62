"""Calls carried to Qt's main thread: in order, in time, never after the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QObject, QThread, QTimer

from bridge_ui import translate
from bridge_ui.qt.bridge import MainThread, install_translations

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication


def until(app: QApplication, true: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        app.processEvents()
        assert time.monotonic() < deadline, "it did not happen"


def test_calls_from_many_threads_are_done_on_the_main_one_in_order(qapp: QApplication) -> None:
    main = MainThread()
    done: list[tuple[int, int]] = []
    wrong: list[QThread] = []

    def call(thread: int, number: int) -> None:
        if QThread.currentThread() is not qapp.thread():
            wrong.append(QThread.currentThread())
        done.append((thread, number))

    def work(thread: int) -> None:
        for number in range(500):
            main.post(partial(call, thread, number))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    until(qapp, lambda: len(done) == 2000)
    for thread in threads:
        thread.join()
    assert not wrong
    for which in range(4):
        assert [number for thread, number in done if thread == which] == sorted(
            number for thread, number in done if thread == which
        )
    main.close()


def test_thousands_of_calls_leave_the_loop_its_turns(qapp: QApplication) -> None:
    main = MainThread()
    done: list[int] = []
    gaps: list[float] = []
    last = time.perf_counter()

    def tick() -> None:
        nonlocal last
        now = time.perf_counter()
        gaps.append(now - last)
        last = now

    timer = QTimer()
    timer.timeout.connect(tick)
    timer.start(0)

    def call() -> None:
        time.sleep(0.001)
        done.append(1)

    for _ in range(300):
        main.post(call)
    until(qapp, lambda: len(done) == 300)
    timer.stop()
    assert len(gaps) > 10, "timers fire between portions"
    main.close()


def test_an_error_in_a_call_is_logged_and_stops_no_other(
    qapp: QApplication, caplog: pytest.LogCaptureFixture
) -> None:
    main = MainThread()
    done: list[str] = []

    def broken() -> None:
        raise ZeroDivisionError("no")

    main.post(broken)
    main.post(lambda: done.append("after"))
    until(qapp, lambda: done)
    assert "ZeroDivisionError" in caplog.text
    main.close()


def test_nothing_is_done_after_the_end(qapp: QApplication) -> None:
    main = MainThread()
    done: list[int] = []
    main.post(lambda: done.append(1))
    main.close()
    main.post(lambda: done.append(2))
    for _ in range(20):
        qapp.processEvents()
    assert done == []


def test_posting_to_a_bridge_whose_window_has_gone_does_no_harm(qapp: QApplication) -> None:
    window = QObject()
    main = MainThread(window)
    window.deleteLater()
    del window
    qapp.sendPostedEvents(None, 52)  # QEvent.DeferredDelete
    qapp.processEvents()
    thread = threading.Thread(target=lambda: main.post(lambda: None))
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_texts_go_through_qts_translators(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translate, "_lookup", str)
    install_translations()
    assert translate.tr("{n} frames", n=3) == "3 frames"
    assert translate.counted(1, "{n} frame", "{n} frames") == "1 frame"
