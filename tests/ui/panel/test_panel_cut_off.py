"""A narrow dock with small and large type: every word is there to be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QToolButton,
    QWidget,
)

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note
from bridge_core.models.versions import DecisionRecord, ReviewStatus
from bridge_ui.panel.shell import Panel
from bridge_ui.review.decisions import UnderReview

PAGES = ("shots", "send", "jobs", "review", "notes", "made_by")
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture(params=[9, 12, 16], ids=lambda size: f"{size} pt")
def type_size(qapp: QApplication, request: pytest.FixtureRequest) -> Iterator[int]:
    before = QApplication.font()
    QApplication.setFont(QFont(before.family(), request.param))
    yield request.param
    QApplication.setFont(before)


def cut_off(root: QWidget) -> list[str]:
    """What in sight has less room than its words take."""
    found = []
    for child in root.findChildren(QWidget):
        if not child.isVisible():
            continue
        room = child.contentsRect().width()
        match child:
            case QLabel() if child.text() and not child.wordWrap():
                needs = child.sizeHint().width() - (child.width() - room)
            case QAbstractButton() if child.text() and not isinstance(child, QToolButton):
                needs = _words(child)
            case QToolButton() if child.text() and _says_words(child):
                needs = _words(child)
            case _:
                continue
        if needs > room + 1 and child.toolTip() != child.text():
            found.append(f"{type(child).__name__} {child.text()!r}: {room} of {needs}")
    return found


def _words(button: QAbstractButton) -> int:
    lines = button.text().split("\n")
    words = max(button.fontMetrics().horizontalAdvance(line) for line in lines)
    icon = 0 if button.icon().isNull() else button.iconSize().width()
    return words + icon


def _says_words(button: QToolButton) -> bool:
    return button.icon().isNull() or (
        button.toolButtonStyle() != Qt.ToolButtonStyle.ToolButtonIconOnly
    )


def outside(root: QWidget) -> list[str]:
    """What ends right of the panel without being scrolled away or clipped on purpose."""
    found = []
    for child in root.findChildren(QWidget):
        if child.isVisible() and child.window() is root.window():
            right = child.mapTo(root, QPoint(child.width(), 0)).x()
            if right > root.width() + 1:
                found.append(f"{type(child).__name__} {child.accessibleName()!r} ends at {right}")
    return found


def open_review(panel: Panel) -> None:
    """A version that was rejected once, with a note, and a decision that is being made."""
    room = panel.room
    room.set_notes(
        [
            Note(
                id="n",
                version="v",
                frames=FrameRange.of(1010, 1020),
                text="The leaves shimmer here: hold them still.",
                by="Ada Lovelace",
                at=AT,
            )
        ]
    )
    record = DecisionRecord(
        status=ReviewStatus.CHANGES_REQUESTED, by="Ada Lovelace", comment="calmer", at=AT
    )
    room.set_version(UnderReview("v", "v003", "S_010", record))
    room.set_choices([("plate", "Plate"), ("v", "Set extension v003")], "plate", "v")


@pytest.mark.parametrize("page", PAGES)
def test_no_word_is_cut_off_in_320_pixels(make_panel, type_size: int, page: str) -> None:
    panel = make_panel()
    open_review(panel)
    panel.resize(320, 800)
    panel.show_page(page)
    QApplication.processEvents()
    assert panel.width() == 320
    assert outside(panel) == []
    assert cut_off(panel) == []
    if page == "review":
        assert panel.room.notes_list.height() > 60
        panel.room.ask(ReviewStatus.REJECTED)
        panel.room.draw(True)
        QApplication.processEvents()
        assert cut_off(panel) == []
        assert outside(panel) == []


def test_all_keys_are_on_the_sheet(make_panel, type_size: int) -> None:
    panel = make_panel()
    panel.keys.toggle()
    QApplication.processEvents()
    if type_size == 9:
        last = next(one for one in panel.keys.findChildren(QLabel) if one.text() == "Esc")
        bottom = last.mapTo(panel.keys, QPoint(0, last.height())).y()
        assert bottom <= panel.keys.height(), "without scrolling"
    panel.resize(320, 700)
    panel.keys.toggle()
    panel.keys.toggle()
    QApplication.processEvents()
    assert cut_off(panel.keys) == []
    assert outside(panel) == []
