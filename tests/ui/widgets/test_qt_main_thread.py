"""Calls on Qt's main thread run in order, without starving it, and never after closing."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import PySide6
import pytest
from PySide6.QtCore import QLocale, QObject, QThread, QTimer

from bridge_core.models.versions import DecisionRecord, ReviewStatus
from bridge_ui.core import translate
from bridge_ui.core.display_text import decision_text
from bridge_ui.widgets.main_thread import MainThreadDispatcher, install_translations

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication


REPO = Path(__file__).parents[3]


def wait_until(app: QApplication, condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        app.processEvents()
        assert time.monotonic() < deadline, "timed out"


def test_calls_from_many_threads_run_on_the_main_thread_in_order(qapp: QApplication) -> None:
    main = MainThreadDispatcher()
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
    wait_until(qapp, lambda: len(done) == 2000)
    for thread in threads:
        thread.join()
    assert not wrong
    for which in range(4):
        assert [number for thread, number in done if thread == which] == sorted(
            number for thread, number in done if thread == which
        )
    main.close()


def test_many_calls_do_not_starve_the_event_loop(qapp: QApplication) -> None:
    main = MainThreadDispatcher()
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
    wait_until(qapp, lambda: len(done) == 300)
    timer.stop()
    assert len(gaps) > 10, "timers fire between batches"
    main.close()


def test_an_error_in_a_call_is_logged_and_others_still_run(
    qapp: QApplication, caplog: pytest.LogCaptureFixture
) -> None:
    main = MainThreadDispatcher()
    done: list[str] = []

    def broken() -> None:
        raise ZeroDivisionError("no")

    main.post(broken)
    main.post(lambda: done.append("after"))
    wait_until(qapp, lambda: done)
    assert "ZeroDivisionError" in caplog.text
    main.close()


def test_no_call_runs_after_closing(qapp: QApplication) -> None:
    main = MainThreadDispatcher()
    done: list[int] = []
    main.post(lambda: done.append(1))
    main.close()
    main.post(lambda: done.append(2))
    for _ in range(20):
        qapp.processEvents()
    assert done == []


def test_posting_after_the_window_was_deleted_is_harmless(qapp: QApplication) -> None:
    window = QObject()
    main = MainThreadDispatcher(window)
    window.deleteLater()
    del window
    qapp.sendPostedEvents(None, 52)  # QEvent.DeferredDelete
    qapp.processEvents()
    thread = threading.Thread(target=lambda: main.post(lambda: None))
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


GERMAN = {
    "{n} frame": "{n} Bild",
    "{n} frames": "{n} Bilder",
    "{sign} {status} by {who}, {when}": "{sign} {status}, {who}, {when}",
    "Draw on the picture (D)": "Ins Bild zeichnen (D)",
}


def extract_catalogue(folder: Path) -> ET.ElementTree[ET.Element]:
    """The catalogue for translators."""
    program = [sys.executable, str(REPO / "packaging" / "translations.py"), "de", "--into", folder]
    subprocess.run(program, check=True)
    return ET.parse(folder / "shotbridge_de.ts")


def test_texts_are_translated_with_qts_tools(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translate, "_lookup", str)
    catalogue = extract_catalogue(tmp_path)
    for message in catalogue.iter("message"):
        translated, translation = (
            GERMAN.get(str(message.findtext("source"))),
            message.find("translation"),
        )
        if translated is not None and translation is not None:
            translation.text = translated
            del translation.attrib["type"]
    gone = ET.SubElement(next(catalogue.iter("context")), "message")
    ET.SubElement(gone, "source").text = "a text of an older panel"
    ET.SubElement(gone, "translation").text = "ein alter Text"
    catalogue.write(tmp_path / "shotbridge_de.ts", encoding="utf-8")
    kept = {
        str(message.findtext("source")): message.find("translation")
        for message in extract_catalogue(tmp_path).iter("message")
    }
    translated = {text: one.text for text, one in kept.items() if one is not None and one.text}
    assert translated == {**GERMAN, "a text of an older panel": "ein alter Text"}

    release = Path(PySide6.__file__).with_name("lrelease")
    subprocess.run([release, "-silent", tmp_path / "shotbridge_de.ts"], check=True)
    install_translations(tmp_path, QLocale("de_AT"))
    assert translate.tr_count(1, "{n} frame", "{n} frames") == "1 Bild"
    assert translate.tr_count(3, "{n} frame", "{n} frames") == "3 Bilder"
    assert translate.tr("Reject") == "Reject", "not translated yet"
    record = DecisionRecord(status=ReviewStatus.APPROVED, by="Ada", at=datetime.now(UTC))
    assert decision_text(record).startswith("✓ approved, Ada, 2")


def test_without_a_catalogue_texts_are_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translate, "_lookup", str)
    install_translations(tmp_path, QLocale("de"))
    assert translate.tr("{n} frames", n=3) == "3 frames"
