"""A director at the panel: real mouse and keys, a real gateway, real pictures, small ones."""

from __future__ import annotations

import base64
import os
import re
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

import pypdfium2
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMenu, QPushButton, QWidget

from bridge_core.config import load
from bridge_core.timeline.reading import read_cut
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


def _click_shot(panel: Panel, at: int) -> None:
    view = panel.shots.view
    spot = view.visualRect(view.model().index(at, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)


def _drag(canvas: QWidget, *points: tuple[float, float]) -> None:
    """The left button, over parts of the picture's width and height."""
    place = canvas.picture_rect()
    spots = [
        QPointF(place.left() + x * place.width(), place.top() + y * place.height()).toPoint()
        for x, y in points
    ]
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=spots[0])
    for spot in spots[1:]:
        QTest.mouseMove(canvas, spot)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=spots[-1])


def _save_as(panel: Panel, menu: QMenu, words: str, target: Path) -> None:
    """Choose a menu's entry, and a file in the dialog that it opens."""
    next(action for action in menu.actions() if words in action.text()).trigger()
    until(lambda: _dialogs(panel), "the dialog")
    dialog = _dialogs(panel)[-1]
    ending = next((f for f in dialog.nameFilters() if f"*{target.suffix}" in f), "")
    dialog.selectNameFilter(ending)
    dialog.filterSelected.emit(ending)
    assert Path(dialog.selectedFiles()[0]).suffix == target.suffix
    dialog.selectFile(str(target))
    dialog.accept()
    until(lambda: target.exists() and not _dialogs(panel), f"{target.name}")


def _dialogs(panel: Panel) -> list[QFileDialog]:
    return [one for one in panel.findChildren(QFileDialog) if one.isVisible()]


def test_from_a_cut_to_an_approved_version(panel: Panel, desk, tmp_path: Path) -> None:
    _ready(panel)
    jobs, review = panel.controllers.jobs, panel.controllers.review
    states: set[str] = set()
    jobs.rows.watch(lambda _change: states.update(row.sign.mark for row in jobs.rows))

    # Two shots, two services.
    for at, service in enumerate(("upscale", "matte")):
        _click_shot(panel, at)
        _choose_service(panel, service)
        assert panel.findChild(QPushButton, "send").text() == "Make v001"
        _send(panel)
        until(lambda at=at: len(jobs.rows) > at, "the job in the list")
    until(lambda: _succeeded(panel) == 2, "both versions")
    assert {"▸", "✓"} <= states, "it was seen to run, and to end"

    # Look: plate beside version, play, wipe.
    _click_shot(panel, 0)
    until(lambda: review.state.value.version, "a version under review")
    room, canvas, player = panel.room, panel.room.canvas, panel.room.player
    until(lambda: player.picture("A") and player.picture("B"), "pictures of plate and version")
    assert player.picture("B").width() == 2 * player.picture("A").width()
    seen: list[int] = []
    room.frame_changed.connect(seen.append)
    QTest.keyClick(canvas, Qt.Key.Key_Space)
    until(lambda: len(set(seen)) == 8, "every frame to be played")
    QTest.keyClick(canvas, Qt.Key.Key_K)
    assert not player.clock.playing
    QTest.keyClick(canvas, Qt.Key.Key_Home)
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    assert room.frame == 1002
    QTest.keyClick(canvas, Qt.Key.Key_W)
    _drag(canvas, (0.5, 0.5), (0.3, 0.5), (0.25, 0.5))
    assert canvas.look.wipe == pytest.approx(0.25, abs=0.02)

    # Say something, with a drawing.
    QTest.keyClick(canvas, Qt.Key.Key_D)
    _drag(canvas, (0.2, 0.5), (0.5, 0.5), (0.8, 0.5))
    QTest.keyClick(canvas, Qt.Key.Key_N)
    QTest.keyClicks(room.note_field.words, "Hold the horizon")
    QTest.keyClick(room.note_field.words, Qt.Key.Key_Return)
    until(lambda: review.state.value.notes, "the note to be safe")
    assert room.note_field.words.text() == ""

    # Approve, with a word.
    QTest.keyClick(canvas, Qt.Key.Key_A, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(room.comment.words, "Lovely")
    QTest.keyClick(room.comment.words, Qt.Key.Key_Return)
    until(lambda: review.state.value.decisions, "the approval")
    until(lambda: room.comment.isHidden(), "its words to be safe")
    panel.show_page("made_by")
    lineage = panel.controllers.lineage
    until(lambda: lineage.state.value.facts, "the lineage")
    assert lineage.state.value.result == review.state.value.version.id

    # Hand on: the cut, and the review.
    cut = tmp_path / "with versions.otio"
    menu = panel.top.menu_button.menu()
    menu.aboutToShow.emit()
    _save_as(panel, menu, "OpenRV", cut)
    pdf, html = tmp_path / "review.pdf", tmp_path / "review.html"
    for target in (pdf, html):
        _save_as(panel, room.more.fill(), "of reel 1", target)
    _says(cut.read_text(encoding="utf-8"), "Hold the horizon")
    told = html.read_text(encoding="utf-8")
    _says(told, "Hold the horizon", "AB_0010", "AB_0020", "approved by Ada Lovelace")
    _says(told, "Lovely", "frame 1002", "Upscale v001", "Matte v001")
    code = re.findall(r'alt="Frame 1002" src="data:image/jpeg;base64,([^"]+)"', told)
    drawn = QImage.fromData(base64.b64decode(code[0]))
    middle = drawn.pixelColor(drawn.width() // 2, drawn.height() // 2)
    assert middle.red() > middle.blue() + 80, "the stroke is on the frame"
    with pypdfium2.PdfDocument(pdf) as document:
        pages = [
            document[number].get_textpage().get_text_range() for number in range(len(document))
        ]
    _says(" ".join(pages), "Hold the horizon", "Lovely", "Upscale v001", "Matte v001")

    approved = [v for v in desk.json("versions") if v["status"] == "approved"]
    [decision] = approved[0]["decisions"]
    assert [v["service"] for v in approved] == ["upscale"]
    assert (decision["by"], decision["comment"]) == ("Ada Lovelace", "Lovely")
    carried = {shot.shot.id.shot: shot.versions for shot in read_cut(cut).shots}
    assert [v.active for v in carried["AB_0010"]] == [True]
    assert len(carried["AB_0020"]) == 1


def _says(text: str, *words: str) -> None:
    for word in words:
        assert word in text
