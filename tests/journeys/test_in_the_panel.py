"""A director at the panel: real mouse and keys, a real gateway, real pictures, small ones."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip(
    "PySide6.QtWidgets",
    reason="Qt cannot be loaded here; `make system` says what it needs",
    exc_type=ImportError,
)

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QPushButton, QWidget

from bridge_core.config import load
from bridge_ui.panel.opening import open_panel
from bridge_ui.standalone_host import StandaloneHost

if TYPE_CHECKING:
    from bridge_ui.panel.shell import Panel

CTRL = Qt.KeyboardModifier.ControlModifier


def until(true: Callable[[], object], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        QTest.qWait(20)


@pytest.fixture
def panel(desk, cut) -> Iterator[Panel]:
    app = QApplication.instance() or QApplication(["shotbridge-tests"])
    settings = load(environ=desk.environment).settings
    made = open_panel(settings, StandaloneHost(settings, cut))
    made.resize(1440, 880)
    made.show()
    made.activateWindow()
    yield made
    assert made.close_down(10.0) is None
    made.close()
    made.deleteLater()
    app.processEvents()


def _click(widget: QWidget) -> None:
    assert widget.isVisible()
    assert widget.isEnabled()
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def _choose_service(panel: Panel, words: str) -> None:
    QTest.keyClick(panel.shots.view, Qt.Key.Key_K, CTRL)
    line = panel.services.findChild(QLineEdit)
    QTest.keyClicks(line, words)
    QTest.keyClick(line, Qt.Key.Key_Return)


def _send(panel: Panel) -> None:
    button = panel.findChild(QPushButton, "send")
    until(button.isEnabled, "the button to be ready")
    _click(button)


def _succeeded(panel: Panel) -> int:
    return sum(bool(row.result) for row in panel.controllers.jobs.rows)


def _ready(panel: Panel) -> None:
    until(lambda: panel.controllers.session.connection.value.up, "the gateway")
    until(lambda: len(panel.controllers.shots.rows) == 2, "the cut's shots")
    until(lambda: panel.controllers.send.state.value.service, "the services")


def test_from_a_cut_to_an_approved_version(panel: Panel, desk, tmp_path: Path) -> None:
    _ready(panel)

    panel.shots.view.setFocus()
    QTest.keyClick(panel.shots.view, Qt.Key.Key_A, CTRL)
    _choose_service(panel, "round")
    assert panel.findChild(QPushButton, "send").text() == "Make 2 versions"
    _send(panel)
    until(lambda: _succeeded(panel) == 2, "both round trips")

    view = panel.shots.view
    spot = view.visualRect(view.model().index(0, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    _choose_service(panel, "upscale")
    _send(panel)
    until(lambda: _succeeded(panel) == 3, "the upscaled version")

    review = panel.controllers.review
    until(lambda: review.state.value.version, "a version under review")
    upscaled = next(c for c in review.state.value.choices if c.version and "Upscale" in c.label)
    review.choose_b(upscaled.id)
    player = panel.room.player
    until(lambda: player.picture("A") and player.picture("B"), "pictures of plate and version")
    assert player.picture("B").width() == 2 * player.picture("A").width()
    QTest.keyClick(panel.room.canvas, Qt.Key.Key_W)
    QTest.keyClick(panel.room.canvas, Qt.Key.Key_Right)
    assert panel.room.frame == 1004
    _click(next(b for b in panel.room.findChildren(QPushButton) if b.text() == "Approve v001"))
    until(lambda: "approved by Ada Lovelace" in review.state.value.told, "the approval")

    panel.show_page("made_by")
    lineage = panel.controllers.lineage
    until(lambda: lineage.state.value.facts, "the lineage")
    assert lineage.state.value.result == upscaled.id

    target = tmp_path / "with versions.otio"
    menu = panel.top.menu_button.menu()
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if "OpenRV" in action.text()).trigger()
    dialog = panel.findChild(QFileDialog)
    dialog.selectFile(str(target))
    dialog.accept()
    until(target.exists, "the cut with versions")

    approved = [v for v in desk.json("versions") if v["status"] == "approved"]
    assert [(v["service"], v["decisions"][-1]["by"]) for v in approved] == [
        ("upscale", "Ada Lovelace")
    ]


def test_the_gateway_dies_and_the_panel_comes_back(panel: Panel, desk) -> None:
    _ready(panel)
    _choose_service(panel, "round")
    _send(panel)
    until(lambda: _succeeded(panel) == 1, "the round trip")
    told = [row.sign.words for row in panel.controllers.shots.rows]

    said: list[str] = []
    unwatch = panel.controllers.session.connection.watch(lambda c: said.append(str(c.line)))
    desk.gateway().kill()
    until(lambda: "lost" in said or "connecting" in said, "the panel to notice")
    until(lambda: panel.controllers.session.connection.value.up, "the gateway to come back")
    unwatch()

    _send(panel)
    until(lambda: _succeeded(panel) == 2, "another round trip")
    assert told[1] == panel.controllers.shots.rows[1].sign.words
    assert len(panel.controllers.jobs.rows) == 2
