"""Thousands of random events, from fixed seeds."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import database_filler
import psutil
import PySide6
import pytest
from leak_check import MessageCollector, ResourceSnapshot, settle
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QWidget
from running_panel import gateway_settings, opened_panel
from shiboken6 import isValid
from small_exr import exr
from user_input import menus_closed

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Stroke, StrokeTool
from bridge_core.models.settings import ClientSettings, Settings
from bridge_core.models.versions import ReviewStatus
from bridge_ui.app.opening import open_panel

if TYPE_CHECKING:
    from conftest import MakePanel

    from bridge_core.hosts.base import Host
    from bridge_ui.app.panel import Panel

KEYS = (
    *(key for key in Qt.Key if Qt.Key.Key_Space <= key <= Qt.Key.Key_AsciiTilde),
    *(Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Tab, Qt.Key.Key_Backtab),
    *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down),
    *(Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown),
    *(Qt.Key.Key_Backspace, Qt.Key.Key_Delete),
)
MODIFIERS = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
#: PySide6 6.5 keeps the lambdas that were connected to deleted widgets until the next panel opens.
_KEPT_BY_PYSIDE = 1 if PySide6.__version_info__ < (6, 6) else 0
SIZES = ((320, 700), (1400, 860), (700, 300), (2200, 1200))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of the test's own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_nothing_breaks_and_nothing_is_left(make_panel: MakePanel, temporary: Path) -> None:
    _run_monkey(lambda: make_panel(60), 1)


def test_nothing_breaks_while_there_is_much_to_review(
    qapp: QApplication, temporary: Path, tmp_path: Path, shots_host: Callable[..., Host]
) -> None:
    """With a real gateway: versions, notes, a decision, and jobs running meanwhile."""
    plates = tmp_path / "plates"
    plates.mkdir()
    for number in range(3):
        for frame in database_filler.FRAMES:
            picture = exr((number / 2, frame % 100 / 50, 0.2), (48, 32))
            (plates / f"S_{number:05d}.{frame:04}.exr").write_bytes(picture)
    with gateway_settings(tmp_path / "studio") as settings:
        host = shots_host(3, str(plates))
        with opened_panel(settings, host) as panel:
            _review_something(panel)
        database = settings.gateway.data_dir / "gateway.sqlite"
        writer = subprocess.Popen(
            [sys.executable, database_filler.__file__, str(database), "5", "60"]
        )
        try:
            _run_monkey(lambda: _open_with_version(settings, host), 20261122)
        finally:
            writer.kill()
            writer.wait()


def _run_monkey(make: Callable[[], Panel], seed: int) -> None:
    _warm_up_qt(make())
    before = ResourceSnapshot.take()
    with MessageCollector() as complaints:
        panel = make()
        with menus_closed():
            _send_random_events(panel, random.Random(seed), complaints)
        _show_again(panel)
        gone = _end(panel)
        del panel
        after = ResourceSnapshot.take()
    assert not complaints.messages
    assert gone() is None, "the panel is still referenced"
    assert after.growth_since(before) == {}


def _review_something(panel: Panel) -> None:
    """Create a version of two shots; one gets a drawn note and a decision."""
    on = panel.controllers
    _wait_until(
        lambda: on.session.connection.value.is_connected and on.send.state.value.service,
        "the gateway",
    )
    on.shots.select([row.key for row in list(on.shots.rows)[:2]])
    on.send.choose_service("round_trip")
    _wait_until(lambda: on.send.state.value.can_send, "the quotes")
    on.send.send()
    _wait_until(lambda: sum(bool(row.result_id) for row in on.jobs.rows) == 2, "two versions")
    on.shots.select([on.shots.rows[0].key])
    _wait_until(lambda: on.review.state.value.version, "a version under review")
    stroke = Stroke(tool=StrokeTool.ELLIPSE, points=((0.2, 0.2), (0.6, 0.6)))
    on.review.add_note("the leaves", [stroke], FrameRange.of(1010, 1010))
    on.review.decide(ReviewStatus.CHANGES_REQUESTED, "calmer")
    _wait_until(lambda: on.review.state.value.notes and on.review.state.value.decisions, "both")


def _open_with_version(settings: Settings, host: Host) -> Panel:
    """Open a panel with a version and its plate on screen."""
    panel = open_panel(settings, host)
    panel.resize(1400, 860)
    panel.show()
    panel.activateWindow()
    _wait_until(lambda: panel.controllers.shots.rows, "the shots")
    on = panel.controllers
    on.shots.select([on.shots.rows[0].key])
    player = panel.review.player
    _wait_until(lambda: player.picture("A") and player.picture("B"), "pictures of both sides")
    _wait_until(lambda: on.review.state.value.notes and on.jobs.rows, "notes and jobs")
    return panel


def _wait_until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        QTest.qWait(20)


def _warm_up_qt(panel: Panel) -> None:
    """Open a file dialog: Qt's first one loads MIME types and watches folders permanently."""
    dialog = QFileDialog(panel)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
    QTest.qWait(300)
    dialog.close()
    _end(panel)


def _send_random_events(panel: Panel, dice: random.Random, complaints: MessageCollector) -> None:
    for turn in range(1500):
        parts = [w for w in panel.findChildren(QWidget) if w.isVisible()]
        target = dice.choice(parts)
        spot = QPoint(
            dice.randrange(max(1, target.width())), dice.randrange(max(1, target.height()))
        )
        match dice.randrange(6):
            case 0 | 1:
                QTest.keyClick(target, dice.choice(KEYS), dice.choice(MODIFIERS))
            case 2 | 3:
                QTest.mouseClick(target, Qt.MouseButton.LeftButton, dice.choice(MODIFIERS), spot)
            case 4:
                QTest.mouseMove(target, spot)
            case _:
                QTest.mouseDClick(target, Qt.MouseButton.LeftButton, pos=spot)
        _close_popups()
        if turn % 200 == 0:
            panel.resize(*dice.choice(SIZES))
            QApplication.processEvents()
        assert not complaints.messages, f"turn {turn}, {target}"
        assert isValid(panel)


def _show_again(panel: Panel) -> None:
    """Showing the same pages again creates no widgets."""
    pages = ("notes", "send", "lineage", "jobs")
    for name in pages:
        panel.show_page(name)  # creates the page
    settle()
    before = len(panel.findChildren(QWidget))
    for name in pages * 20:
        panel.show_page(name)
        panel.controllers.shots.reload()
        QApplication.processEvents()
    settle()
    assert len(panel.findChildren(QWidget)) <= before


def test_opened_and_closed_twenty_times(
    qapp: QApplication, temporary: Path, tmp_path: Path, shots_host: Callable[[int], Host]
) -> None:
    settings = Settings(
        # Nothing listens there; the panel keeps connecting.
        client=ClientSettings(url="http://127.0.0.1:9", state_dir=tmp_path, user="Ada Lovelace")
    )
    snapshots: list[tuple[ResourceSnapshot, int]] = []
    kept: list[weakref.ref[Panel]] = []
    with MessageCollector() as complaints:
        for _ in range(20):
            kept.append(_open_and_close(settings, shots_host(200)))
            snapshots.append((ResourceSnapshot.take(), psutil.Process().memory_info().rss))
    assert not complaints.messages
    alive = [one for one in kept if one() is not None]
    assert len(alive) <= _KEPT_BY_PYSIDE, "a panel is still referenced"
    # The first ones load what the next ones reuse.
    assert snapshots[-1][0].growth_since(snapshots[2][0]) == {}
    assert snapshots[-1][1] - snapshots[4][1] < 12_000_000, [rss for _, rss in snapshots]


def _open_and_close(settings: Settings, host: Host) -> weakref.ref[Panel]:
    panel = open_panel(settings, host)
    panel.resize(1400, 860)
    ready: list[bool] = []
    panel.ready.connect(lambda: ready.append(True))
    panel.show()
    deadline = time.monotonic() + 20
    while not ready:
        assert time.monotonic() < deadline, "the panel did not open"
        QTest.qWait(5)
    for name in ("send", "jobs", "notes", "lineage"):
        panel.show_page(name)
        QApplication.processEvents()
    return _end(panel)


def _end(panel: Panel) -> weakref.ref[Panel]:
    panel.stop(10.0)
    panel.close()
    panel.deleteLater()
    return weakref.ref(panel)


def _close_popups() -> None:
    """Close menus and dialogs, which would receive all further events."""
    popup = QApplication.activePopupWidget()
    while popup is not None:
        popup.close()
        popup = QApplication.activePopupWidget()
    for window in QApplication.topLevelWidgets():
        if isinstance(window, QFileDialog | QMenu) and window.isVisible():
            window.close()
