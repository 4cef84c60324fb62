"""No text is cut off in a narrow dock or a wide window, with small and large fonts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLayout,
    QLineEdit,
    QPushButton,
    QStackedLayout,
    QToolButton,
    QWidget,
)

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note
from bridge_core.models.versions import DecisionRecord, ReviewStatus
from bridge_ui.app.page_registry import PAGES
from bridge_ui.app.panel import Panel
from bridge_ui.review.decisions.decision_widgets import VersionUnderReview
from bridge_ui.widgets.basic import WrapRow, hbox

PAGE_IDS = [page.id for page in PAGES]
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture(params=[9, 12, 16], ids=lambda size: f"{size} pt")
def type_size(qapp: QApplication, request: pytest.FixtureRequest) -> Iterator[int]:
    before = QApplication.font()
    QApplication.setFont(QFont(before.family(), request.param))
    yield request.param
    QApplication.setFont(before)


def truncated_widgets(root: QWidget) -> list[str]:
    """Visible widgets with less space than their text needs."""
    truncated = []
    for child in root.findChildren(QWidget):
        if not child.isVisible():
            continue
        available = child.contentsRect().width()
        match child:
            case QLabel() if child.text() and not child.wordWrap():
                required = child.sizeHint().width() - (child.width() - available)
            case QAbstractButton() if child.text() and not isinstance(child, QToolButton):
                required = _text_width(child)
            case QToolButton() if child.text() and _shows_text(child):
                required = _text_width(child)
            case _:
                continue
        if required > available + 1 and child.toolTip() != child.text():
            truncated.append(f"{type(child).__name__} {child.text()!r}: {available} of {required}")
    return truncated


def _text_width(button: QAbstractButton) -> int:
    lines = button.text().split("\n")
    text = max(button.fontMetrics().horizontalAdvance(line) for line in lines)
    icon = 0 if button.icon().isNull() else button.iconSize().width()
    return text + icon


def _shows_text(button: QToolButton) -> bool:
    return button.icon().isNull() or (
        button.toolButtonStyle() != Qt.ToolButtonStyle.ToolButtonIconOnly
    )


def widgets_outside(root: QWidget) -> list[str]:
    """Visible widgets that extend beyond the right edge of the panel."""
    outside_widgets = []
    for child in root.findChildren(QWidget):
        if child.isVisible() and child.window() is root.window():
            right = child.mapTo(root, QPoint(child.width(), 0)).x()
            if right > root.width() + 1:
                outside_widgets.append(
                    f"{type(child).__name__} {child.accessibleName()!r} ends at {right}"
                )
    return outside_widgets


def overlapping_widgets(root: QWidget) -> list[str]:
    """Widgets in the same layout that overlap."""
    overlaps = []
    for layout in root.findChildren(QLayout):
        items = [layout.itemAt(at) for at in range(layout.count())]
        visible = [w for i in items if (w := i.widget()) is not None and w.isVisible()]
        if isinstance(layout, QStackedLayout):
            continue
        for one, other in combinations(visible, 2):
            if one.geometry().intersects(other.geometry()):
                overlaps.append(f"{one} {one.geometry()} and {other} {other.geometry()}")
    return overlaps


def open_review(panel: Panel) -> None:
    """Show a version with a note and a decision, and all prompts."""
    review_widget = panel.review
    review_widget.annotations.set_notes(
        [
            Note(
                id="n",
                version_id="v",
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
    review_widget.set_version(VersionUnderReview("v", "Set extension v003", "S_010", record))
    review_widget.set_choices([("w", "Upscale v012"), ("v", "Set extension v003")], "w", "v")
    review_widget.targets.show_targets([("w", "Upscale v012"), ("v", "Set extension v003")], "v")
    if panel.font().pointSize() < 16:  # does not fit into 800 pixels
        review_widget.new_result.show_result("x", "Set extension v004")
    send, jobs = panel.controllers.send.state, panel.controllers.jobs.state
    question = "Set extension v003 of S_010 was just made like this. Make it again?"
    send.set(replace(send.value, question=question))
    jobs.set(replace(jobs.value, question=question))


def assert_everything_fits(panel: Panel) -> None:
    for _ in range(3):  # wrapped rows change their height
        QApplication.processEvents()
    assert widgets_outside(panel) == []
    assert truncated_widgets(panel) == []
    assert overlapping_widgets(panel) == []


@pytest.mark.parametrize("page", PAGE_IDS)
def test_no_text_is_cut_off_in_320_pixels(make_panel, type_size: int, page: str) -> None:
    panel = make_panel()
    open_review(panel)
    panel.resize(320, 800)
    panel.show_page(page)
    assert_everything_fits(panel)
    save_picture(panel, f"dock_{page}_{type_size}")
    assert panel.width() == 320
    if page == "review":
        assert panel.review.notes_list.height() > 60
        panel.review.start_decision(ReviewStatus.REJECTED)
        panel.review.set_drawing(True)
        assert_everything_fits(panel)


def test_no_text_is_cut_off_in_a_wide_window(make_panel, type_size: int) -> None:
    panel = make_panel()
    open_review(panel)
    panel.resize(1440, 880)
    for page in ("send", "jobs", "notes", "lineage"):
        panel.show_page(page)
        assert_everything_fits(panel)
    save_picture(panel, f"wide_{type_size}")


def test_a_wrapped_row_unwraps(qapp: QApplication) -> None:
    buttons = QPushButton("Cancel"), QPushButton("Ask for changes to v001")
    window = QWidget()
    window.setLayout(hbox(QLineEdit(), WrapRow(*buttons), grows=0))
    window.show()
    for width, lines in ((150, 2), (1000, 1)):
        window.resize(width, 100)
        for _ in range(3):
            QApplication.processEvents()
        assert len({one.geometry().center().y() for one in buttons}) == lines
    window.close()
    window.deleteLater()


@pytest.mark.parametrize("scale", [1.5, 2.5])
def test_no_text_is_cut_off_on_a_scaled_screen(scale: float) -> None:
    """Run these tests in another process, as Qt reads the scale once."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", __file__, "-q", "-k", "12 and pt"],
        env={**os.environ, "QT_SCALE_FACTOR": str(scale)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_screen_has_the_requested_scale(make_panel, type_size: int) -> None:
    assert make_panel().devicePixelRatioF() == float(os.environ.get("QT_SCALE_FACTOR", "1"))


def save_picture(panel: Panel, name: str) -> None:
    """Save a picture for manual inspection, if a folder is set."""
    folder = os.environ.get("SHOTBRIDGE_TEST_PICTURES")
    if folder:
        panel.grab().save(f"{folder}/{name}_{panel.devicePixelRatioF():.1f}.png")


def test_all_shortcuts_are_listed(make_panel, type_size: int) -> None:
    panel = make_panel()
    panel.shortcuts.toggle()
    QApplication.processEvents()
    if type_size == 9:
        last = next(one for one in panel.shortcuts.findChildren(QLabel) if one.text() == "Esc")
        bottom = last.mapTo(panel.shortcuts, QPoint(0, last.height())).y()
        assert bottom <= panel.shortcuts.height(), "without scrolling"
    panel.resize(320, 700)
    panel.shortcuts.toggle()
    panel.shortcuts.toggle()
    QApplication.processEvents()
    assert truncated_widgets(panel.shortcuts) == []
    assert widgets_outside(panel) == []
