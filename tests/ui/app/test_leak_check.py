"""Leaks and messages are detected."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
from leak_check import MessageCollector, ResourceSnapshot
from PySide6.QtCore import QTimer, qWarning
from PySide6.QtWidgets import QApplication, QWidget


def test_leaks_are_detected(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = ResourceSnapshot.take()
    assert ResourceSnapshot.take().growth_since(before) == {}
    left = QWidget()
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait, name="forgotten")
    thread.start()
    with (tmp_path / "forgotten.exr").open("wb"):
        growth = ResourceSnapshot.take().growth_since(before)
    ended.set()
    thread.join()
    assert growth["threads"] == ["forgotten"]
    assert growth["temporary"] == ["forgotten.exr"]
    assert {"widgets", "windows"} <= growth.keys()
    if Path("/proc/self/fd").exists():
        assert growth["files"] == [str(tmp_path / "forgotten.exr")]
    left.deleteLater()
    del left
    assert ResourceSnapshot.take().growth_since(before) == {"temporary": ["forgotten.exr"]}


def test_warnings_and_errors_are_collected(qapp: QApplication) -> None:
    def broken() -> None:
        raise ZeroDivisionError("no")

    with MessageCollector() as complaints:
        qWarning("a painter is not active")
        QTimer.singleShot(0, broken)
        qapp.processEvents()
        thread = threading.Thread(target=broken)
        thread.start()
        thread.join()
        logging.getLogger("bridge_ui.panel").warning("a call failed")
    text = "\n".join(complaints.messages)
    assert "Qt: a painter is not active" in text
    assert "in a slot: ZeroDivisionError" in text
    assert "in a thread: ZeroDivisionError" in text
    assert "log: a call failed" in text
