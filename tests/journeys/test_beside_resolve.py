"""An editor in Resolve: a clip and a camera file go out, are reviewed in the companion window, and
come back into the timeline; a marker becomes a note. Real mouse, real gateway, strict fake."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import OpenImageIO as oiio
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip(
    "PySide6.QtWidgets",
    reason="Qt cannot be loaded here; `make system` says what it needs",
    exc_type=ImportError,
)

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QPushButton, QWidget
from resolve_worlds import placed, reel, state_of

from bridge_core.config import load
from bridge_resolve.window import Companion

if TYPE_CHECKING:
    from bridge_ui.panel.shell import Panel

CTRL = Qt.KeyboardModifier.ControlModifier


def until(true: Callable[[], object], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        QTest.qWait(20)


def click(widget: QWidget | None) -> None:
    assert widget is not None
    until(lambda: widget.isVisible() and widget.isEnabled(), f"{widget.objectName()} to be ready")
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def pixels(path: str) -> Any:
    return oiio.ImageBuf(path).get_pixels(oiio.HALF)


@pytest.fixture
def resolve(desk) -> Iterator[Any]:
    app, timeline, items = reel(desk.plates, range(1001, 1009), pixels=desk.pixels)
    yield app, timeline, items


@pytest.fixture
def window(desk, resolve) -> Iterator[Companion]:
    qt = QApplication.instance() or QApplication(["shotbridge-tests"])
    settings = load({"work.handles": 2}, environ=desk.environment).settings
    made = Companion(lambda: settings, lambda: resolve[0])
    made.resize(1440, 880)
    made.show()
    made.activateWindow()
    made.look()
    yield made
    made.close()
    made.deleteLater()
    qt.processEvents()


def ready(window: Companion) -> Panel:
    until(lambda: window.panel is not None, "the panel")
    panel = window.panel
    assert panel is not None
    until(
        lambda: hasattr(panel, "controllers") and panel._furnished, "the panel to be put together"
    )
    until(lambda: panel.controllers.session.connection.value.up, "the gateway")
    until(lambda: len(panel.controllers.shots.rows) == 5, "the timeline's shots and problems")
    until(lambda: panel.controllers.send.state.value.service, "the services")
    return panel


def choose(panel: Panel, row: int) -> None:
    view = panel.shots.view
    spot = view.visualRect(view.model().index(row, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)


def send(panel: Panel, service: str) -> None:
    QTest.keyClick(panel.shots.view, Qt.Key.Key_K, CTRL)
    line = panel.services.findChild(QLineEdit)
    QTest.keyClicks(line, service)
    QTest.keyClick(line, Qt.Key.Key_Return)
    click(panel.findChild(QPushButton, "send"))


def approve(panel: Panel, row: int) -> None:
    choose(panel, row)
    shot = panel.controllers.shots.rows[row].shot
    review = panel.controllers.review
    until(
        lambda: (v := review.state.value.version) is not None and v.shot == shot.id,
        "the version under review",
    )
    for _ in range(2):  # the button, and the same again beside the line for words
        buttons = panel.room.findChildren(QPushButton)
        click(next(b for b in buttons if b.text() == "Approve Round trip v001" and b.isVisible()))
    until(lambda: "approved by Ada Lovelace" in review.state.value.told, "the approval")


def place(panel: Panel, way: str) -> None:
    click(panel.findChild(QPushButton, "place"))
    menu = panel.place.findChild(QMenu)
    next(action for action in menu.actions() if action.text() == way).trigger()
    until(lambda: "placed" in panel.controllers.placing.state.value.told, "the placing")


def place_all(panel: Panel, way: str) -> None:
    """Of the selected shots, from the menu at the top."""
    menu = panel.top.menu_button.menu()
    menu.aboutToShow.emit()
    (others,) = [one for one in menu.actions() if one.text() == "Place them in another way"]
    next(action for action in others.menu().actions() if action.text() == way).trigger()
    state = panel.controllers.placing.state
    until(lambda: "new timeline" in state.value.told or state.value.problem, "the new timeline")
    assert state.value.problem == ""


def test_from_the_timeline_and_back_into_it(window: Companion, resolve, desk) -> None:
    app, timeline, (plate, _, camera) = resolve
    panel = ready(window)
    before = state_of(app)

    choose(panel, 0)
    view = panel.shots.view
    spot = view.visualRect(view.model().index(2, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, CTRL, spot)
    assert len(panel.controllers.shots.selected) == 2
    send(panel, "round")
    jobs = panel.controllers.jobs
    until(lambda: sum(bool(row.result) for row in jobs.rows) == 2, "both round trips", 150)
    assert state_of(app) == before, "the user's render settings are back"

    approve(panel, 0)
    place(panel, "Take of the clip")
    approve(panel, 2)
    place(panel, "Clip on a track above")

    take_item = plate._take.item
    take = take_item._media
    assert "library" in take.path
    assert plate.GetSelectedTakeIndex() == 2
    for record in range(plate._start, plate._end):
        shown = timeline._picture(record)
        source = desk.plates / "AB_0010" / f"AB_0010.{1003 + record - plate._start}.exr"
        wanted = pixels(str(source)).astype(np.float32)
        assert np.array_equal(shown, wanted), "a round trip in ACEScg is bit-exact"
    (above,) = timeline._tracks["video"][1].items
    assert (above._start, above._end) == (camera._start, camera._end)
    assert placed(timeline).keys() == {plate._id, camera._id}
    rows = panel.controllers.shots.rows
    until(lambda: rows[0].in_use and rows[2].in_use, "the panel to see what stands in Resolve")

    choose(panel, 0)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, CTRL, spot)
    place_all(panel, "In a new timeline, beside this one")
    (new,) = [one for one in app._project._timelines if one is not timeline]
    assert new._name == "Reel 1 with versions"
    assert app._project._current is timeline
    again = {item._start: item for item in new._tracks["video"][0].items}
    assert again[plate._start]._take.item is take_item
    assert "library" in again[camera._start]._take.item._media.path

    assert plate.AddMarker(5, "Blue", "Marker 1", "more contrast here", 1)
    panel.controllers.shots.reload()
    choose(panel, 0)
    panel.show_page("notes")
    click(panel.findChild(QPushButton, "take-notes"))
    until(lambda: "shotbridge" in plate._markers[5]["customData"], "the note to be kept")
    (version,) = [v for v in desk.json("versions") if v["shot"]["shot"] == "AB_0010"]
    (note,) = panel.controllers.session.client.notes(version["id"])
    assert (note.text, note.by) == ("more contrast here", "Ada Lovelace")
    assert (note.frames.first, note.frames.last) == (1006, 1006)
    assert window.host is not None
    assert window.host.notes() == ()
