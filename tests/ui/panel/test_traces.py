"""What looks for leaks sees them."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer, qWarning
from PySide6.QtWidgets import QApplication, QWidget
from traces import Complaints, Left


def test_what_is_left_is_seen(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = Left.now()
    assert Left.now().beyond(before) == {}
    left = QWidget()
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait, name="forgotten")
    thread.start()
    with (tmp_path / "forgotten.exr").open("wb"):
        found = Left.now().beyond(before)
    ended.set()
    thread.join()
    assert found["threads"] == ["forgotten"]
    assert found["temporary"] == ["forgotten.exr"]
    assert {"widgets", "windows"} <= found.keys()
    if Path("/proc/self/fd").exists():
        assert found["files"] == [str(tmp_path / "forgotten.exr")]
    left.deleteLater()
    del left
    assert Left.now().beyond(before) == {"temporary": ["forgotten.exr"]}


def test_what_goes_wrong_on_the_way_is_heard(qapp: QApplication) -> None:
    def broken() -> None:
        raise ZeroDivisionError("no")

    with Complaints() as complaints:
        qWarning("a painter is not active")
        QTimer.singleShot(0, broken)
        qapp.processEvents()
        thread = threading.Thread(target=broken)
        thread.start()
        thread.join()
        logging.getLogger("bridge_ui.panel").warning("a call failed")
    told = "\n".join(complaints.told)
    assert "Qt: a painter is not active" in told
    assert "in a slot: ZeroDivisionError" in told
    assert "in a thread: ZeroDivisionError" in told
    assert "log: a call failed" in told
