"""An editor uses Resolve's companion window: sends a clip and a camera file, reviews the versions,
places them in the timeline, and imports a marker as a note. With a real gateway and a strict fake
of Resolve."""

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
from resolve_sample_project import placed_versions, render_state, sample_project

from bridge_core.config import load_settings
from bridge_resolve.window import CompanionWindow

if TYPE_CHECKING:
    from bridge_ui.app.panel import Panel

CTRL = Qt.KeyboardModifier.ControlModifier


def wait_until(condition: Callable[[], object], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        QTest.qWait(20)


def click(widget: QWidget | None) -> None:
    assert widget is not None
    wait_until(
        lambda: widget.isVisible() and widget.isEnabled(), f"{widget.objectName()} to be enabled"
    )
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def pixels(path: str) -> Any:
    return oiio.ImageBuf(path).get_pixels(oiio.HALF)


@pytest.fixture
def resolve(terminal) -> Iterator[Any]:
    app, timeline, items = sample_project(
        terminal.plates, range(1001, 1009), pixels=terminal.pixels
    )
    yield app, timeline, items


@pytest.fixture
def window(terminal, resolve) -> Iterator[CompanionWindow]:
    qt = QApplication.instance() or QApplication(["shotbridge-tests"])
    settings = load_settings({"work.handles": 2}, environ=terminal.environment).settings
    companion = CompanionWindow(lambda: settings, lambda: resolve[0])
    companion.resize(1440, 880)
    companion.show()
    companion.activateWindow()
    companion.search()
    yield companion
    companion.close()
    companion.deleteLater()
    qt.processEvents()


def ready(window: CompanionWindow) -> Panel:
    wait_until(lambda: window.panel is not None, "the panel")
    panel = window.panel
    assert panel is not None
    wait_until(lambda: hasattr(panel, "controllers") and panel._is_built, "the panel to be built")
    wait_until(lambda: panel.controllers.session.connection.value.is_connected, "the gateway")
    wait_until(lambda: len(panel.controllers.shots.rows) == 5, "the timeline's shots and problems")
    wait_until(lambda: panel.controllers.send.state.value.service, "the services")
    return panel


def choose(panel: Panel, row: int) -> None:
    view = panel.shots.view
    position = view.visualRect(view.model().index(row, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=position)


def send(panel: Panel, service: str) -> None:
    QTest.keyClick(panel.shots.view, Qt.Key.Key_K, CTRL)
    line_edit = panel.service_popover.findChild(QLineEdit)
    QTest.keyClicks(line_edit, service)
    QTest.keyClick(line_edit, Qt.Key.Key_Return)
    click(panel.findChild(QPushButton, "send"))


def approve(panel: Panel, row: int) -> None:
    choose(panel, row)
    shot = panel.controllers.shots.rows[row].shot
    review = panel.controllers.review
    wait_until(
        lambda: (v := review.state.value.version) is not None and v.shot == shot.id,
        "the version under review",
    )
    for _ in range(2):  # first the decision button, then the form's button
        buttons = panel.review.findChildren(QPushButton)
        click(next(b for b in buttons if b.text() == "Approve Round trip v001" and b.isVisible()))
    wait_until(lambda: "approved by Ada Lovelace" in review.state.value.message, "the approval")


def place(panel: Panel, mode: str) -> None:
    click(panel.findChild(QPushButton, "place"))
    menu = panel.placement.findChild(QMenu)
    next(action for action in menu.actions() if action.text() == mode).trigger()
    wait_until(lambda: "placed" in panel.controllers.placement.state.value.message, "the placement")


def place_all(panel: Panel, mode: str) -> None:
    """Place the versions of the selected shots, from the toolbar's menu."""
    menu = panel.toolbar.menu_button.menu()
    menu.aboutToShow.emit()
    (others,) = [one for one in menu.actions() if one.text() == "Place with another mode"]
    modes: Any = others.menu()
    next(action for action in modes.actions() if action.text() == mode).trigger()
    state = panel.controllers.placement.state
    wait_until(
        lambda: "new timeline" in state.value.message or state.value.problem, "the new timeline"
    )
    assert state.value.problem == ""


def test_from_the_timeline_and_back_into_it(window: CompanionWindow, resolve, terminal) -> None:
    app, timeline, (plate, _, camera) = resolve
    panel = ready(window)
    before = render_state(app)

    choose(panel, 0)
    view = panel.shots.view
    third_row = view.visualRect(view.model().index(2, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, CTRL, third_row)
    assert len(panel.controllers.shots.selected) == 2
    send(panel, "round")
    jobs = panel.controllers.jobs
    wait_until(lambda: sum(bool(row.result_id) for row in jobs.rows) == 2, "both round trips", 150)
    assert render_state(app) == before, "the user's render settings are restored"

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
        source = terminal.plates / "AB_0010" / f"AB_0010.{1003 + record - plate._start}.exr"
        wanted = pixels(str(source)).astype(np.float32)
        assert np.array_equal(shown, wanted), "a round trip in ACEScg is bit-exact"
    (above,) = timeline._tracks["video"][1].items
    assert (above._start, above._end) == (camera._start, camera._end)
    assert placed_versions(timeline).keys() == {plate._id, camera._id}
    rows = panel.controllers.shots.rows
    wait_until(
        lambda: rows[0].active_version_id and rows[2].active_version_id,
        "the panel to show the placed versions",
    )

    choose(panel, 0)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, CTRL, third_row)
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
    click(panel.findChild(QPushButton, "import-notes"))
    wait_until(lambda: "shotbridge" in plate._markers[5]["customData"], "the note to be imported")
    (version,) = [v for v in terminal.json("versions") if v["shot"]["shot"] == "AB_0010"]
    (note,) = panel.controllers.session.client.notes(version["id"])
    assert (note.text, note.by) == ("more contrast here", "Ada Lovelace")
    assert (note.frames.first, note.frames.last) == (1006, 1006)
    assert window.host is not None
    assert window.host.notes() == ()
