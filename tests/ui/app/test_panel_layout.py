"""The wide and narrow layouts, used by mouse and by keyboard."""

from __future__ import annotations

import threading
import time

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QTabBar, QWidget

from bridge_ui.app.page_registry import PAGES
from bridge_ui.app.panel import Panel

PAGE_IDS = [page.id for page in PAGES]


def _click_row(panel: Panel, at: int, modifier: Qt.KeyboardModifier) -> None:
    view = panel.shots.view
    spot = view.visualRect(view.model().index(at, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, modifier, spot)


def test_wide_shows_shots_and_review_beside_the_tabs(make_panel) -> None:
    panel = make_panel()
    tabs = panel.findChild(QTabBar, "tabs")
    assert panel.shots.isVisible()
    assert panel.review.isVisible()
    assert [tabs.tabText(at) for at in range(tabs.count())] == ["Send", "Jobs", "Notes", "Lineage"]


def test_narrow_shows_one_page_at_a_time(make_panel) -> None:
    panel = make_panel()
    panel.resize(320, 700)
    QApplication.processEvents()
    tabs = panel.findChild(QTabBar, "tabs")
    assert tabs.count() == 6
    for name in PAGE_IDS:
        panel.show_page(name)
        assert [n for n in PAGE_IDS if panel._slots[n].isVisible()] == [name]
    panel.resize(1400, 860)
    QApplication.processEvents()
    assert panel.shots.isVisible()
    assert panel.review.isVisible()


def test_the_page_stays_when_the_width_changes(make_panel) -> None:
    panel = make_panel()
    panel.show_page("jobs")
    for width in (320, 1400, 320):
        panel.resize(width, 700)
        QApplication.processEvents()
        assert panel.current_page == "jobs"


@pytest.mark.parametrize("page", PAGE_IDS)
def test_every_page_fits_into_320_pixels(make_panel, page: str) -> None:
    panel = make_panel()
    panel.resize(320, 700)
    panel.show_page(page)
    QApplication.processEvents()
    assert panel.width() == 320, "the content is wider"
    for child in panel.findChildren(QWidget):
        if child.isVisible() and child.window() is panel:
            right = child.mapTo(panel, QPoint(child.width(), 0)).x()
            inside = child.visibleRegion().boundingRect().width()
            assert right <= 321 or inside < child.width(), f"{child} ends at {right}"


def test_clicks_select_shots_and_the_form_follows(make_panel) -> None:
    panel = make_panel()
    _click_row(panel, 2, Qt.KeyboardModifier.NoModifier)
    state = panel.controllers.send.state.value
    assert [one.id.shot for one in state.shots] == ["S_00002"]
    assert state.button_text == "Make v001"
    _click_row(panel, 4, Qt.KeyboardModifier.ShiftModifier)
    assert len(panel.controllers.send.state.value.shots) == 3
    assert panel.findChild(QPushButton, "send").text() == "Make 3 versions"


def test_the_first_shot_of_a_cut_is_selected_automatically(make_panel) -> None:
    panel = make_panel()
    QTest.qWait(10)
    assert panel.controllers.shots.state.value.selected == ("S_00000",)


def test_the_same_shots_stay_selected_when_the_list_changes(make_panel) -> None:
    panel = make_panel()
    _click_row(panel, 5, Qt.KeyboardModifier.NoModifier)
    panel.controllers.shots.reload()
    QApplication.processEvents()
    chosen = [index.row() for index in panel.shots.view.selectionModel().selectedIndexes()]
    assert chosen == [5]


def test_slash_focuses_the_search(make_panel) -> None:
    panel = make_panel()
    panel.shots.view.setFocus()
    QTest.keyClick(panel.shots.view, Qt.Key.Key_Slash)
    search = panel.findChild(QLineEdit, "search")
    QTest.keyClicks(search, "s_00007")
    assert [row.key for row in panel.controllers.shots.rows] == ["S_00007"]


def test_a_question_mark_shows_all_shortcuts_except_in_text_fields(make_panel) -> None:
    panel = make_panel()
    panel.shots.view.setFocus()
    QTest.keyClick(panel.shots.view, Qt.Key.Key_Question, Qt.KeyboardModifier.ShiftModifier)
    assert panel.shortcuts.isVisible()
    QTest.keyClick(panel.shortcuts, Qt.Key.Key_Escape)
    assert not panel.shortcuts.isVisible()
    assert panel.shots.view.hasFocus(), "the focus returns"
    search = panel.findChild(QLineEdit, "search")
    search.setFocus()
    QTest.keyClicks(search, "?")
    assert search.text() == "?"
    assert not panel.shortcuts.isVisible()


def test_a_service_is_chosen_by_typing(make_panel) -> None:
    panel = make_panel()
    panel.shots.view.setFocus()
    QTest.keyClick(panel.shots.view, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert panel.service_popover.isVisible()
    line = panel.service_popover.findChild(QLineEdit)
    QTest.keyClicks(line, "cuts foreground")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert panel.controllers.send.state.value.service.id == "matte"
    assert not panel.service_popover.isVisible()


def test_missing_steps_are_shown_and_the_button_is_disabled(make_panel) -> None:
    panel = make_panel()
    panel.controllers.shots.select([])
    assert not panel.findChild(QPushButton, "send").isEnabled()
    assert "select a shot" in panel.findChild(QLabel, "missing").text()


def test_unsupported_actions_are_not_offered(make_panel) -> None:
    panel = make_panel()
    menu = panel.toolbar.menu_button.menu()
    menu.aboutToShow.emit()
    assert [action.text() for action in menu.actions() if action.text()] == ["Reload"]


def test_ten_thousand_shots(make_panel) -> None:
    panel = make_panel(10_000)
    view = panel.shots.view
    assert view.model().rowCount() == 10_001
    view.scrollToBottom()
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_End)
    assert view.currentIndex().row() == 10_000
    assert "offline" in view.currentIndex().data()


def test_closing_ends_every_thread_and_may_be_repeated(make_panel) -> None:
    panel = make_panel()
    panel.stop(5.0)
    panel.stop(5.0)

    def left() -> list[str]:
        return [t.name for t in threading.enumerate() if t.name.startswith("shotbridge")]

    deadline = time.monotonic() + 20  # decoders finish their current frame
    while left() and time.monotonic() < deadline:
        QTest.qWait(20)
    assert left() == []
