"""The viewer, used by keyboard and mouse, on pictures of one colour."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QImage, QKeyEvent, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note, Stroke, StrokeTool
from bridge_core.models.versions import DecisionRecord, ReviewStatus
from bridge_ui.review.annotations.note_widgets import NoteInput
from bridge_ui.review.compare.viewer_settings import CompareMode
from bridge_ui.review.decisions.decision_widgets import VersionUnderReview
from bridge_ui.review.player.frame_sources import FrameSource
from bridge_ui.review.review_shortcuts import SHORTCUTS
from bridge_ui.review.viewer_widget import ViewerWidget
from bridge_ui.widgets.basic import safe_painter

ALL, CUT = FrameRange.of(1001, 1024, 24), FrameRange.of(1005, 1020, 24)
Key, NONE = Qt.Key, Qt.KeyboardModifier.NoModifier
SHIFT, CTRL, ALT = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited too long"
        QTest.qWait(5)


def press(viewer: ViewerWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(viewer.canvas, key, modifiers)


def position(viewer: ViewerWidget, x: float, y: float = 0.5) -> QPoint:
    """In the canvas, from fractions of the picture's width and height."""
    rect = viewer.canvas.picture_rect()
    return QPoint(round(rect.left() + x * rect.width()), round(rect.top() + y * rect.height()))


def colour(viewer: ViewerWidget, x: float, y: float = 0.3) -> QColor:
    return viewer.canvas.grab().toImage().pixelColor(position(viewer, x, y))


def near(a: QColor, red: int, green: int, blue: int) -> bool:
    return max(abs(a.red() - red), abs(a.green() - green), abs(a.blue() - blue)) <= 6


def note(frames: FrameRange | None, text: str = "Hold it still", name: str = "n1") -> Note:
    return Note(
        id=name,
        version_id="v3",
        frames=frames,
        text=text,
        by="Ada",
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def draw(viewer: ViewerWidget) -> None:
    """Two strokes with the pen."""
    press(viewer, Key.Key_D)
    for start, end in ((0.3, 0.45), (0.6, 0.7)):
        QTest.mousePress(viewer.canvas, Qt.MouseButton.LeftButton, pos=position(viewer, start))
        QTest.mouseMove(viewer.canvas, position(viewer, end, 0.6))
        QTest.mouseRelease(viewer.canvas, Qt.MouseButton.LeftButton, pos=position(viewer, end, 0.6))


def test_a_painter_call_that_returns_nothing_keeps_none_alive(qapp: QApplication) -> None:
    """PySide6 6.12.0 drops a reference to None with each call, and aborts after thousands."""
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    before = sys.getrefcount(None)
    for _ in range(1000):
        painter.setOpacity(0.5)
    after = sys.getrefcount(None)
    painter.end()
    assert abs(after - before) < 100


def test_an_error_while_painting_is_logged_and_the_painter_ended(
    qapp: QApplication, caplog: pytest.LogCaptureFixture
) -> None:
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    with safe_painter(image) as painter:
        raise ValueError("not a brush")
    assert not painter.isActive()
    assert "not a brush" in caplog.text


def test_opens_at_the_cuts_first_frame_with_a_wipe(viewer: ViewerWidget) -> None:
    assert viewer.frame == 1005
    assert near(colour(viewer, 0.25), 200, 40, 40)
    assert near(colour(viewer, 0.75), 40, 40, 200)


def test_the_wipe_is_dragged(viewer: ViewerWidget) -> None:
    QTest.mousePress(viewer.canvas, Qt.MouseButton.LeftButton, pos=position(viewer, 0.5))
    QTest.mouseMove(viewer.canvas, position(viewer, 0.8))
    QTest.mouseRelease(viewer.canvas, Qt.MouseButton.LeftButton, pos=position(viewer, 0.8))
    assert viewer.canvas.settings.wipe == pytest.approx(0.8, abs=0.01)
    assert near(colour(viewer, 0.7), 200, 40, 40)
    assert near(colour(viewer, 0.9), 40, 40, 200)


@pytest.mark.parametrize(
    ("key", "mode", "expected"),
    [
        (Key.Key_1, CompareMode.A, (200, 40, 40)),
        (Key.Key_2, CompareMode.B, (40, 40, 200)),
        (Key.Key_5, CompareMode.OVERLAY, (120, 40, 120)),
    ],
)
def test_modes_by_key(
    viewer: ViewerWidget, key: Qt.Key, mode: CompareMode, expected: tuple[int, int, int]
) -> None:
    press(viewer, key)
    assert viewer.canvas.settings.compare is mode
    assert near(colour(viewer, 0.5), *expected)


def test_difference_is_multiplied_by_its_gain(viewer: ViewerWidget, red: FrameSource) -> None:
    press(viewer, Key.Key_4)
    viewer.canvas.update_settings(gain=1.0)
    assert near(colour(viewer, 0.5), 160, 0, 160)
    press(viewer, Key.Key_S)
    viewer.open(ALL, CUT, {"A": red, "B": red})
    viewer.canvas.update_settings(gain=64.0)
    assert near(colour(viewer, 0.5), 0, 0, 0)


def test_side_by_side_shows_both_whole(viewer: ViewerWidget) -> None:
    press(viewer, Key.Key_6)
    image = viewer.canvas.grab().toImage()
    half = viewer.canvas.width() // 4
    assert near(image.pixelColor(half, viewer.canvas.height() // 2), 200, 40, 40)
    assert near(image.pixelColor(3 * half, viewer.canvas.height() // 2), 40, 40, 200)


def test_exposure_changes_the_display_and_is_reset(viewer: ViewerWidget) -> None:
    press(viewer, Key.Key_1)
    for _ in range(4):
        press(viewer, Key.Key_BracketRight)
    assert viewer.canvas.settings.exposure == 1.0
    brighter = 40 * 2 ** (1 / 2.2)
    assert near(colour(viewer, 0.5), 255, round(brighter), round(brighter))
    press(viewer, Key.Key_Backspace)
    assert near(colour(viewer, 0.5), 200, 40, 40)


def test_playing_stepping_and_marks_by_key(viewer: ViewerWidget) -> None:
    press(viewer, Key.Key_Right)
    press(viewer, Key.Key_Right, SHIFT)
    assert viewer.frame == 1016
    press(viewer, Key.Key_O)
    press(viewer, Key.Key_Left, SHIFT)
    press(viewer, Key.Key_I)
    clock = viewer.player.clock
    assert (clock.in_point, clock.out_point) == (1006, 1016)
    press(viewer, Key.Key_End)
    assert viewer.frame == 1016
    frames_shown: list[int] = []
    viewer.frame_changed.connect(frames_shown.append)
    press(viewer, Key.Key_Space)
    wait_until(lambda: len(set(frames_shown)) == 11)
    assert set(frames_shown) == set(range(1006, 1017))
    press(viewer, Key.Key_K)
    assert not clock.is_playing
    for key, speed in ((Key.Key_L, 1), (Key.Key_L, 2), (Key.Key_J, -1), (Key.Key_J, -2)):
        press(viewer, key)
        assert clock.speed == speed
    press(viewer, Key.Key_X)
    assert (clock.in_point, clock.out_point) == (1001, 1024)


def test_every_shortcut_has_an_action_and_is_taken_from_the_host(viewer: ViewerWidget) -> None:
    for text, name in SHORTCUTS.items():
        assert name in viewer._actions._table, text
    for key, taken in ((Key.Key_Space, True), (Key.Key_J, True), (Key.Key_Q, False)):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, NONE)
        event.ignore()
        QApplication.sendEvent(viewer, event)
        assert event.isAccepted() is taken


def test_keys_typed_in_a_note_run_no_action(viewer: ViewerWidget) -> None:
    press(viewer, Key.Key_N)
    line_edit = viewer.note_editor.line_edit
    wait_until(line_edit.hasFocus)
    QTest.keyClicks(line_edit, "jump: looks dim")
    assert line_edit.text() == "jump: looks dim"
    assert viewer.frame == 1005
    assert not viewer.canvas.is_drawing
    submitted: list[NoteInput] = []
    viewer.note_submitted.connect(submitted.append)
    QTest.keyClick(line_edit, Key.Key_Return)
    assert submitted == [
        NoteInput("jump: looks dim", (), FrameRange.of(1005, 1005, 24), 1005, "v3")
    ]
    assert line_edit.text(), "kept until the gateway has it"
    viewer.annotations.note_saved(submitted[0])
    assert not line_edit.text()


def test_strokes_are_drawn_undone_and_added_to_the_note(viewer: ViewerWidget) -> None:
    draw(viewer)
    strokes = viewer.annotations.sketch.strokes_on(1005)
    assert [len(one.points) >= 2 for one in strokes] == [True, True]
    assert strokes[0].points[0] == pytest.approx((0.3, 0.5), abs=0.01)
    assert near(colour(viewer, 0.3, 0.5), 255, 180, 84)
    press(viewer, Key.Key_Z, CTRL)
    assert len(viewer.annotations.sketch.strokes_on(1005)) == 1
    press(viewer, Key.Key_Z, CTRL | SHIFT)
    assert viewer.annotations.sketch.strokes_on(1005) == strokes
    submitted: list[NoteInput] = []
    viewer.note_submitted.connect(submitted.append)
    viewer.note_editor.submitted.emit()
    assert submitted[0].strokes == strokes
    assert all(Stroke.model_validate(one.model_dump()) == one for one in strokes)
    viewer.annotations.note_saved(submitted[0])
    assert viewer.annotations.sketch.frames == ()
    press(viewer, Key.Key_Escape)
    assert not viewer.canvas.is_drawing


def test_text_is_typed_on_the_picture(viewer: ViewerWidget) -> None:
    press(viewer, Key.Key_D)
    viewer.drawing_toolbar.select_tool(StrokeTool.TEXT)
    QTest.mouseClick(viewer.canvas, Qt.MouseButton.LeftButton, pos=position(viewer, 0.2))
    [field] = viewer.canvas.findChildren(QLineEdit)
    QTest.keyClicks(field, "<b>hold</b> this")
    QTest.keyClick(field, Key.Key_Return)
    [stroke] = viewer.annotations.sketch.strokes_on(1005)
    assert (stroke.tool, stroke.text) == (StrokeTool.TEXT, "<b>hold</b> this")


def test_strokes_of_notes_are_shown_on_their_frames_only(viewer: ViewerWidget) -> None:
    box = Stroke(tool=StrokeTool.BOX, points=((0.1, 0.2), (0.4, 0.8)), colour="#ffffff", width=0.02)
    drawn = note(FrameRange.of(1010, 1012)).model_copy(update={"strokes": (box,)})
    viewer.annotations.set_notes([drawn])
    assert near(colour(viewer, 0.1, 0.5), 200, 40, 40)
    press(viewer, Key.Key_Down)
    assert viewer.frame == 1010
    assert near(colour(viewer, 0.1, 0.5), 255, 255, 255)
    viewer.go_to_frame(1013)
    assert near(colour(viewer, 0.1, 0.5), 200, 40, 40)


@pytest.mark.parametrize("frames", [FrameRange.of(1015, 1020, 24), None])
def test_a_drawing_is_shown_on_its_own_frame_only(
    viewer: ViewerWidget, frames: FrameRange | None
) -> None:
    box = Stroke(tool=StrokeTool.BOX, points=((0.1, 0.2), (0.4, 0.8)), colour="#ffffff", width=0.02)
    drawn_note = note(frames).model_copy(update={"strokes": (box,), "drawn_on": 1010})
    viewer.annotations.set_notes([drawn_note])
    press(viewer, Key.Key_Down)
    assert viewer.frame == 1010
    assert near(colour(viewer, 0.1, 0.5), 255, 255, 255)
    for frame in (1005, 1015):
        viewer.go_to_frame(frame)
        assert near(colour(viewer, 0.1, 0.5), 200, 40, 40)


def test_scrubbing_goes_to_the_frame_under_the_mouse(viewer: ViewerWidget) -> None:
    bar = viewer.timeline
    QTest.mousePress(bar, Qt.MouseButton.LeftButton, pos=QPoint(2, 10))
    assert viewer.frame == 1001
    QTest.mouseMove(bar, QPoint(bar.width() - 2, 10))
    QTest.mouseRelease(bar, Qt.MouseButton.LeftButton, pos=QPoint(bar.width() - 2, 10))
    assert [bar.frame_at(bar.x_of(frame) + 0.5) for frame in ALL.frames()] == list(ALL.frames())


def test_going_to_a_frame_by_number_and_by_timecode(viewer: ViewerWidget) -> None:
    field = viewer.transport.frame_field
    for text, frame in (("1017", 1017), ("00:00:42:00", 1008), ("9999", 1024)):
        press(viewer, Key.Key_G)
        field.clear()
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Key.Key_Return)
        assert viewer.frame == frame


def test_a_rejection_needs_a_reason_and_an_approval_does_not(viewer: ViewerWidget) -> None:
    decisions: list[tuple[object, str]] = []
    viewer.decision_form.submitted.connect(
        lambda status, comment: decisions.append((status, comment))
    )
    form, buttons = viewer.decision_form, viewer.decision_buttons
    QTest.mouseClick(buttons.button(ReviewStatus.APPROVED), Qt.MouseButton.LeftButton)
    assert form.line_edit.hasFocus()
    QTest.keyClick(form.line_edit, Key.Key_Return)
    QTest.mouseClick(buttons.button(ReviewStatus.REJECTED), Qt.MouseButton.LeftButton)
    assert not form.submit_button.isEnabled()
    QTest.keyClick(form.line_edit, Key.Key_Return)
    QTest.keyClicks(form.line_edit, "too soft")
    QTest.mouseClick(form.submit_button, Qt.MouseButton.LeftButton)
    assert decisions == [(ReviewStatus.APPROVED, ""), (ReviewStatus.REJECTED, "too soft")]
    assert form.line_edit.text() == "too soft", "kept until the gateway has it"
    viewer.decision_form.decision_saved("v3")
    assert form.isHidden()
    assert form.line_edit.text() == ""


def test_a_note_is_reason_enough(viewer: ViewerWidget) -> None:
    viewer.set_version(VersionUnderReview("v3", "v003", "S_010", note_count=2))
    press(viewer, Key.Key_C, SHIFT)
    assert viewer.decision_form.submit_button.isEnabled()
    QTest.keyClick(viewer.decision_form.line_edit, Key.Key_Escape)
    assert viewer.decision_form.isHidden()
    assert viewer.canvas.hasFocus()


def test_the_decision_form_closes_when_the_version_changes(
    viewer: ViewerWidget,
) -> None:
    decisions: list[object] = []
    viewer.decision_form.submitted.connect(lambda *decision: decisions.append(decision))
    press(viewer, Key.Key_A, SHIFT)
    viewer.set_version(VersionUnderReview("matte-v3", "v003", "S_010"))
    assert viewer.decision_form.isHidden()
    QTest.keyClick(viewer.decision_form.line_edit, Key.Key_Return)
    assert decisions == []
    viewer.set_version(None)
    press(viewer, Key.Key_A, SHIFT)
    assert viewer.decision_form.isHidden()


def test_drafts_are_kept_with_their_version(viewer: ViewerWidget) -> None:
    submitted: list[NoteInput] = []
    viewer.note_submitted.connect(submitted.append)
    draw(viewer)
    viewer.note_editor.line_edit.setText("remove this crane")
    press(viewer, Key.Key_R, SHIFT)
    QTest.keyClicks(viewer.decision_form.line_edit, "too soft")
    strokes = viewer.annotations.sketch.strokes_on(1005)

    viewer.set_version(VersionUnderReview("v4", "v004", "S_010"))
    assert "Your unsaved note for S_010 v003 is kept" in viewer.message.text()
    assert near(colour(viewer, 0.3, 0.5), 200, 40, 40), "the other version's drawing is not shown"
    assert viewer.note_editor.line_edit.text() == ""
    press(viewer, Key.Key_R, SHIFT)
    assert viewer.decision_form.line_edit.text() == ""
    QTest.keyClicks(viewer.decision_form.line_edit, "too hard")
    viewer.note_editor.line_edit.setText("remove that one")
    viewer.note_editor.submitted.emit()
    one_frame = FrameRange.of(1005, 1005, 24)
    assert submitted == [NoteInput("remove that one", (), one_frame, 1005, "v4")]

    viewer.set_version(None)
    viewer.set_version(VersionUnderReview("v3", "v003", "S_010"))
    assert near(colour(viewer, 0.3, 0.5), 255, 180, 84)
    viewer.note_editor.submitted.emit()
    assert submitted[1:] == [NoteInput("remove this crane", strokes, one_frame, 1005, "v3")]
    press(viewer, Key.Key_R, SHIFT)
    assert viewer.decision_form.line_edit.text() == "too soft"


def test_a_late_reply_clears_only_the_drafts_of_its_version(viewer: ViewerWidget) -> None:
    """Another version is shown while the gateway saves a note and a decision."""
    draw(viewer)
    viewer.note_editor.line_edit.setText("remove this crane")
    unsaved = viewer.annotations.unsaved_note()
    press(viewer, Key.Key_R, SHIFT)
    QTest.keyClicks(viewer.decision_form.line_edit, "too soft")
    viewer.set_version(VersionUnderReview("v4", "v004", "S_010"))
    viewer.note_editor.line_edit.setText("remove this crane")
    press(viewer, Key.Key_R, SHIFT)
    QTest.keyClicks(viewer.decision_form.line_edit, "too soft")
    viewer.annotations.note_saved(unsaved)
    viewer.decision_form.decision_saved("v3")
    assert viewer.note_editor.line_edit.text() == "remove this crane"
    assert viewer.decision_form.isVisible()
    assert viewer.decision_form.line_edit.text() == "too soft"
    viewer.set_version(VersionUnderReview("v3", "v003", "S_010"))
    assert not viewer.annotations.has_unsaved
    press(viewer, Key.Key_R, SHIFT)
    assert viewer.decision_form.line_edit.text() == ""


def test_text_being_typed_stays_with_its_version(
    viewer: ViewerWidget,
) -> None:
    press(viewer, Key.Key_D)
    viewer.drawing_toolbar.select_tool(StrokeTool.TEXT)
    QTest.mouseClick(viewer.canvas, Qt.MouseButton.LeftButton, pos=position(viewer, 0.2))
    QTest.keyClicks(viewer.canvas.findChildren(QLineEdit)[0], "hold")
    viewer.set_version(VersionUnderReview("v4", "v004", "S_010"))
    assert viewer.annotations.sketch.frames == ()
    viewer.set_version(VersionUnderReview("v3", "v003", "S_010"))
    assert [one.text for one in viewer.annotations.sketch.strokes_on(1005)] == ["hold"]


def test_without_a_version_nothing_is_drawn(viewer: ViewerWidget) -> None:
    press(viewer, Key.Key_D)
    viewer.set_version(None)
    assert not viewer.canvas.is_drawing
    press(viewer, Key.Key_D)
    assert not viewer.canvas.is_drawing


def test_another_version_does_not_take_the_focus(viewer: ViewerWidget) -> None:
    window = QWidget()
    elsewhere, layout = QLineEdit(), QVBoxLayout(window)
    layout.addWidget(elsewhere)
    layout.addWidget(viewer)
    window.show()
    window.activateWindow()
    wait_until(window.isActiveWindow)
    press(viewer, Key.Key_D)
    press(viewer, Key.Key_R, SHIFT)
    elsewhere.setFocus()
    viewer.set_version(VersionUnderReview("v4", "v004", "S_010"))
    viewer.set_version(None)
    assert elsewhere.hasFocus()
    viewer.setParent(None)
    window.close()


def test_a_note_that_is_being_sent_is_not_sent_twice(viewer: ViewerWidget) -> None:
    submitted: list[NoteInput] = []
    viewer.note_submitted.connect(submitted.append)
    press(viewer, Key.Key_N)
    QTest.keyClicks(viewer.note_editor.line_edit, "hold")
    viewer.note_submitted.connect(lambda _draft: viewer.set_busy(True))
    for _ in range(2):
        QTest.keyClick(viewer.note_editor.line_edit, Key.Key_Return)
    assert len(submitted) == 1
    viewer.set_busy(False)
    QTest.keyClick(viewer.note_editor.line_edit, Key.Key_Return)
    assert len(submitted) == 2


def test_in_and_out_point_belong_to_the_shot(
    viewer: ViewerWidget, red: FrameSource, blue: FrameSource
) -> None:
    sources, clock = {"A": red, "B": blue}, viewer.player.clock
    viewer.go_to_frame(1010)
    press(viewer, Key.Key_I)
    viewer.go_to_frame(1015)
    press(viewer, Key.Key_O)
    press(viewer, Key.Key_Space)
    viewer.open(ALL, CUT, sources, position_key="another shot")
    assert viewer.frame == 1005
    assert not viewer.player.clock.is_playing
    assert (viewer.player.clock.in_point, viewer.player.clock.out_point) == (1001, 1024)
    viewer.open(ALL, CUT, sources)
    assert viewer.player.clock is clock
    assert (clock.in_point, clock.out_point, clock.speed) == (1010, 1015, 0)
    assert 1010 <= clock.frame <= 1015


def test_a_decision_is_shown_with_name_time_and_comment(viewer: ViewerWidget) -> None:
    record = DecisionRecord(
        status=ReviewStatus.CHANGES_REQUESTED,
        by="Ada",
        comment="hold the leaves",
        at=datetime(2026, 1, 31, 12, tzinfo=UTC),
    )
    requests: list[None] = []
    viewer.decision_summary.next_version_requested.connect(lambda: requests.append(None))
    viewer.set_version(VersionUnderReview("v3", "v003", "S_010", record))
    text = " ".join(one.text() for one in viewer.findChildren(QLabel) if one.isVisible())
    assert "v003 ↺ changes requested by Ada, 2026-01-31" in text
    assert "hold the leaves" in text
    [button] = [b for b in viewer.findChildren(QPushButton) if "next version" in b.text()]
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert requests


def test_a_frame_that_cannot_be_loaded_says_why_and_playback_continues(
    viewer: ViewerWidget, red: Any, blue: FrameSource
) -> None:
    red.broken = {1007}
    red.key = "plate again"
    viewer.open(ALL, CUT, {"A": red, "B": blue})
    viewer.go_to_frame(1007)
    wait_until(lambda: viewer.player.cache.error("A", 1007))
    wait_until(lambda: "gateway does not answer" in viewer.canvas._messages["A"])
    viewer.go_to_frame(1006)
    press(viewer, Key.Key_L)
    wait_until(lambda: (viewer.frame or 0) > 1009)


def test_everything_fits_into_a_narrow_dock(viewer: ViewerWidget) -> None:
    viewer.annotations.set_notes([note(None), note(ALL, "Twice", "n2")])
    viewer.resize(320, 700)
    QTest.qWait(20)
    assert viewer.width() == 320
    for child in (
        viewer.canvas,
        viewer.timeline,
        viewer.note_editor,
        viewer.transport,
        viewer.decision_buttons,
    ):
        left = child.mapTo(viewer, QPoint(0, 0)).x()
        assert left >= 0
        assert left + child.width() <= 320


@pytest.mark.parametrize("width", [320, 1000])
def test_tab_reaches_every_button(viewer: ViewerWidget, width: int) -> None:
    viewer.resize(width, 900)
    viewer.annotations.set_notes([note(FrameRange.of(1010, 1012))])
    press(viewer, Key.Key_D)
    viewer.set_compare_mode(CompareMode.OVERLAY)
    QTest.qWait(20)
    reached: list[QWidget | None] = []
    viewer.canvas.setFocus()
    while QApplication.focusWidget() not in reached:
        reached.append(QApplication.focusWidget())
        QTest.keyClick(QApplication.focusWidget(), Key.Key_Tab)

    def is_reached(one: QAbstractButton) -> bool:
        """In a group, Tab reaches one button and arrow keys the others."""
        group = one.group()
        return any(other in reached for other in (group.buttons() if group else [one]))

    missed = [
        one.accessibleName() or one.text()
        for one in viewer.findChildren(QAbstractButton)
        if one.isVisible() and one.isEnabled() and not is_reached(one)
    ]
    assert missed == []
    buttons = [one for one in viewer.findChildren(QAbstractButton) if one.isVisible()]
    assert all(one.accessibleName() or one.text() for one in buttons), (
        "each has a name for screen readers"
    )


def test_shortcuts_are_harmless_while_nothing_is_open(viewer: ViewerWidget) -> None:
    viewer.open(None, None, {})
    assert viewer.frame is None
    for key in (Key.Key_Space, Key.Key_L, Key.Key_Right, Key.Key_D, Key.Key_End, Key.Key_1):
        press(viewer, key)
    viewer.grab()
    assert viewer.frame is None


def test_zoom_keeps_the_centre_and_fit_resets_it(viewer: ViewerWidget) -> None:
    fitted = viewer.canvas.picture_rect()
    centre = viewer.canvas.rect().center()
    press(viewer, Key.Key_Plus)
    press(viewer, Key.Key_Plus)
    zoomed = viewer.canvas.picture_rect()
    assert zoomed.width() == pytest.approx(fitted.width() * 1.25**2)
    assert zoomed.center().x() == pytest.approx(centre.x(), abs=1)
    press(viewer, Key.Key_F)
    assert viewer.canvas.picture_rect() == fitted


def test_the_caption_describes_the_visible_sides(viewer: ViewerWidget) -> None:
    viewer.set_source_info("640×360", "320×180")
    for mode, caption in (
        (CompareMode.A, "640×360"),
        (CompareMode.B, "320×180"),
        (CompareMode.WIPE, "640×360 → 320×180"),
    ):
        viewer.set_compare_mode(mode)
        assert viewer.canvas._corner_captions[1] == caption
    viewer.set_source_info("640×360", "")
    viewer.set_compare_mode(CompareMode.B)
    assert viewer.canvas._corner_captions[1] == "", "a running job has no facts yet"


def test_the_count_of_dropped_frames_moves_no_widget(viewer: ViewerWidget) -> None:
    clock, transport = viewer.player.clock, viewer.transport
    before = transport.sizeHint(), viewer.decision_buttons.geometry()
    clock.dropped_count = 1234
    viewer.player.state_changed.emit()
    QTest.qWait(20)
    assert (transport.sizeHint(), viewer.decision_buttons.geometry()) == before
    assert "1234 dropped" in transport._speed_label.toolTip()
