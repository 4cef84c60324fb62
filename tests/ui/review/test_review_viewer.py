"""The review room with real keys and a real mouse, on pictures of one colour."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

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
from bridge_ui.review.annotations.note_widgets import NoteDraft
from bridge_ui.review.compare.viewer_settings import CompareMode
from bridge_ui.review.decisions.decision_widgets import VersionUnderReview
from bridge_ui.review.player.qt_images import safe_painter
from bridge_ui.review.qt_shortcuts import SHORTCUTS
from bridge_ui.review.viewer_widget import ViewerWidget

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


def middle(viewer: ViewerWidget, across: float, down: float = 0.5) -> QPoint:
    picture_rect = viewer.canvas.picture_rect()
    return QPoint(
        round(picture_rect.left() + across * picture_rect.width()),
        round(picture_rect.top() + down * picture_rect.height()),
    )


def colour(viewer: ViewerWidget, across: float, down: float = 0.3) -> QColor:
    return viewer.canvas.grab().toImage().pixelColor(middle(viewer, across, down))


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
        QTest.mousePress(viewer.canvas, Qt.MouseButton.LeftButton, pos=middle(viewer, start))
        QTest.mouseMove(viewer.canvas, middle(viewer, end, 0.6))
        QTest.mouseRelease(viewer.canvas, Qt.MouseButton.LeftButton, pos=middle(viewer, end, 0.6))


def test_a_painter_call_that_returns_nothing_keeps_none_alive(qapp: QApplication) -> None:
    """PySide6 6.12.0 drops a reference to None in every such call, and aborts after thousands."""
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    before = sys.getrefcount(None)
    for _ in range(1000):
        painter.setOpacity(0.5)
    after = sys.getrefcount(None)
    painter.end()
    assert abs(after - before) < 100


def test_a_fault_while_painting_is_logged_and_the_painter_ended(
    qapp: QApplication, caplog: pytest.LogCaptureFixture
) -> None:
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    with safe_painter(image) as painter:
        raise ValueError("a brush that is none")
    assert not painter.isActive()
    assert "a brush that is none" in caplog.text


def test_it_begins_at_the_cut_and_wipes(viewer: ViewerWidget) -> None:
    assert viewer.frame == 1005
    assert near(colour(viewer, 0.25), 200, 40, 40)
    assert near(colour(viewer, 0.75), 40, 40, 200)


def test_the_wipe_is_dragged(viewer: ViewerWidget) -> None:
    QTest.mousePress(viewer.canvas, Qt.MouseButton.LeftButton, pos=middle(viewer, 0.5))
    QTest.mouseMove(viewer.canvas, middle(viewer, 0.8))
    QTest.mouseRelease(viewer.canvas, Qt.MouseButton.LeftButton, pos=middle(viewer, 0.8))
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


def test_difference_shows_what_differs_times_its_gain(viewer: ViewerWidget) -> None:
    press(viewer, Key.Key_4)
    viewer.canvas.update_settings(gain=1.0)
    assert near(colour(viewer, 0.5), 160, 0, 160)
    press(viewer, Key.Key_S)
    viewer.open(ALL, CUT, {"A": viewer._sources["A"], "B": viewer._sources["A"]})
    viewer.canvas.update_settings(gain=64.0)
    assert near(colour(viewer, 0.5), 0, 0, 0)


def test_side_by_side_shows_both_whole(viewer: ViewerWidget) -> None:
    press(viewer, Key.Key_6)
    image = viewer.canvas.grab().toImage()
    half = viewer.canvas.width() // 4
    assert near(image.pixelColor(half, viewer.canvas.height() // 2), 200, 40, 40)
    assert near(image.pixelColor(3 * half, viewer.canvas.height() // 2), 40, 40, 200)


def test_exposure_and_gamma_change_what_is_seen_and_come_back(viewer: ViewerWidget) -> None:
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


def test_every_key_does_something_and_hosts_cannot_take_it(viewer: ViewerWidget) -> None:
    for text, name in SHORTCUTS.items():
        assert name in viewer._actions._table, text
    for key, taken in ((Key.Key_Space, True), (Key.Key_J, True), (Key.Key_Q, False)):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, NONE)
        event.ignore()
        QApplication.sendEvent(viewer, event)
        assert event.isAccepted() is taken


def test_what_is_written_in_a_note_plays_nothing(viewer: ViewerWidget) -> None:
    press(viewer, Key.Key_N)
    words = viewer.note_editor.line_edit
    wait_until(words.hasFocus)
    QTest.keyClicks(words, "jump: looks dim")
    assert words.text() == "jump: looks dim"
    assert viewer.frame == 1005
    assert not viewer.canvas.is_drawing
    drafts: list[NoteDraft] = []
    viewer.note_submitted.connect(drafts.append)
    QTest.keyClick(words, Key.Key_Return)
    assert drafts == [NoteDraft("jump: looks dim", (), FrameRange.of(1005, 1005, 24), 1005, "v3")]
    assert words.text(), "kept until the gateway has it"
    viewer.note_saved(drafts[0])
    assert not words.text()


def test_the_pen_draws_undoes_and_gives_its_strokes_to_the_note(viewer: ViewerWidget) -> None:
    draw(viewer)
    strokes = viewer.annotations.sketch.strokes_on(1005)
    assert [len(one.points) >= 2 for one in strokes] == [True, True]
    assert strokes[0].points[0] == pytest.approx((0.3, 0.5), abs=0.01)
    assert near(colour(viewer, 0.3, 0.5), 255, 180, 84)
    press(viewer, Key.Key_Z, CTRL)
    assert len(viewer.annotations.sketch.strokes_on(1005)) == 1
    press(viewer, Key.Key_Z, CTRL | SHIFT)
    assert viewer.annotations.sketch.strokes_on(1005) == strokes
    drafts: list[NoteDraft] = []
    viewer.note_submitted.connect(drafts.append)
    viewer.note_editor.submitted.emit()
    assert drafts[0].strokes == strokes
    assert all(Stroke.model_validate(one.model_dump()) == one for one in strokes)
    viewer.note_saved(drafts[0])
    assert viewer.annotations.sketch.frames == ()
    press(viewer, Key.Key_Escape)
    assert not viewer.canvas.is_drawing


def test_text_is_written_on_the_picture(viewer: ViewerWidget) -> None:
    press(viewer, Key.Key_D)
    viewer.drawing_toolbar.select_tool(StrokeTool.TEXT)
    QTest.mouseClick(viewer.canvas, Qt.MouseButton.LeftButton, pos=middle(viewer, 0.2))
    [field] = viewer.canvas.findChildren(QLineEdit)
    QTest.keyClicks(field, "<b>hold</b> this")
    QTest.keyClick(field, Key.Key_Return)
    [stroke] = viewer.annotations.sketch.strokes_on(1005)
    assert (stroke.tool, stroke.text) == (StrokeTool.TEXT, "<b>hold</b> this")


def test_drawn_notes_are_seen_on_their_frames_only(viewer: ViewerWidget) -> None:
    box = Stroke(tool=StrokeTool.BOX, points=((0.1, 0.2), (0.4, 0.8)), colour="#ffffff", width=0.02)
    drawn = note(FrameRange.of(1010, 1012)).model_copy(update={"strokes": (box,)})
    viewer.set_notes([drawn])
    assert near(colour(viewer, 0.1, 0.5), 200, 40, 40)
    press(viewer, Key.Key_Down)
    assert viewer.frame == 1010
    assert near(colour(viewer, 0.1, 0.5), 255, 255, 255)
    viewer.go_to_frame(1013)
    assert near(colour(viewer, 0.1, 0.5), 200, 40, 40)


@pytest.mark.parametrize("frames", [FrameRange.of(1015, 1020, 24), None])
def test_a_drawing_stays_on_its_frame_whatever_its_note_speaks_of(
    viewer: ViewerWidget, frames: FrameRange | None
) -> None:
    box = Stroke(tool=StrokeTool.BOX, points=((0.1, 0.2), (0.4, 0.8)), colour="#ffffff", width=0.02)
    drawn_note = note(frames).model_copy(update={"strokes": (box,), "drawn_on": 1010})
    viewer.set_notes([drawn_note])
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
    for words, frame in (("1017", 1017), ("00:00:42:00", 1008), ("9999", 1024)):
        press(viewer, Key.Key_G)
        field.clear()
        QTest.keyClicks(field, words)
        QTest.keyClick(field, Key.Key_Return)
        assert viewer.frame == frame


def test_a_rejection_says_why_and_an_approval_may(viewer: ViewerWidget) -> None:
    decisions: list[tuple[object, str]] = []
    viewer.decision_submitted.connect(lambda status, words: decisions.append((status, words)))
    comment, buttons = viewer.decision_form, viewer.decision_buttons
    QTest.mouseClick(buttons.button(ReviewStatus.APPROVED), Qt.MouseButton.LeftButton)
    assert comment.line_edit.hasFocus()
    QTest.keyClick(comment.line_edit, Key.Key_Return)
    QTest.mouseClick(buttons.button(ReviewStatus.REJECTED), Qt.MouseButton.LeftButton)
    assert not comment.submit_button.isEnabled()
    QTest.keyClick(comment.line_edit, Key.Key_Return)
    QTest.keyClicks(comment.line_edit, "too soft")
    QTest.mouseClick(comment.submit_button, Qt.MouseButton.LeftButton)
    assert decisions == [(ReviewStatus.APPROVED, ""), (ReviewStatus.REJECTED, "too soft")]
    assert comment.line_edit.text() == "too soft", "until the gateway has it"
    viewer.decision_saved("v3")
    assert comment.isHidden()
    assert comment.line_edit.text() == ""


def test_notes_say_what_is_to_change_as_well(viewer: ViewerWidget) -> None:
    viewer.set_version(VersionUnderReview("v3", "v003", "S_010", note_count=2))
    press(viewer, Key.Key_C, SHIFT)
    assert viewer.decision_form.submit_button.isEnabled()
    QTest.keyClick(viewer.decision_form.line_edit, Key.Key_Escape)
    assert viewer.decision_form.isHidden()
    assert viewer.canvas.hasFocus()


def test_what_was_begun_for_one_version_is_never_decided_about_another(
    viewer: ViewerWidget,
) -> None:
    decisions: list[object] = []
    viewer.decision_submitted.connect(lambda *decision: decisions.append(decision))
    press(viewer, Key.Key_A, SHIFT)
    viewer.set_version(VersionUnderReview("matte-v3", "v003", "S_010"))
    assert viewer.decision_form.isHidden()
    QTest.keyClick(viewer.decision_form.line_edit, Key.Key_Return)
    assert decisions == []
    viewer.set_version(None)
    press(viewer, Key.Key_A, SHIFT)
    assert viewer.decision_form.isHidden()


def test_what_was_begun_about_one_version_waits_for_it(viewer: ViewerWidget) -> None:
    drafts: list[NoteDraft] = []
    viewer.note_submitted.connect(drafts.append)
    draw(viewer)
    viewer.note_editor.line_edit.setText("remove this crane")
    press(viewer, Key.Key_R, SHIFT)
    QTest.keyClicks(viewer.decision_form.line_edit, "too soft")
    begun = viewer.annotations.sketch.strokes_on(1005)

    viewer.set_version(VersionUnderReview("v4", "v004", "S_010"))
    assert "Your draft for S_010 v003 is kept" in viewer._message.text()
    assert near(colour(viewer, 0.3, 0.5), 200, 40, 40), "its drawing is not seen here"
    assert viewer.note_editor.line_edit.text() == ""
    press(viewer, Key.Key_R, SHIFT)
    assert viewer.decision_form.line_edit.text() == ""
    QTest.keyClicks(viewer.decision_form.line_edit, "too hard")
    viewer.note_editor.line_edit.setText("remove that one")
    viewer.note_editor.submitted.emit()
    one_frame = FrameRange.of(1005, 1005, 24)
    assert drafts == [NoteDraft("remove that one", (), one_frame, 1005, "v4")]

    viewer.set_version(None)
    viewer.set_version(VersionUnderReview("v3", "v003", "S_010"))
    assert near(colour(viewer, 0.3, 0.5), 255, 180, 84)
    viewer.note_editor.submitted.emit()
    assert drafts[1:] == [NoteDraft("remove this crane", begun, one_frame, 1005, "v3")]
    press(viewer, Key.Key_R, SHIFT)
    assert viewer.decision_form.line_edit.text() == "too soft"


def test_what_is_kept_meanwhile_clears_the_field_where_it_was_begun(viewer: ViewerWidget) -> None:
    """The gateway takes its time, and somebody looks at another version meanwhile."""
    draw(viewer)
    viewer.note_editor.line_edit.setText("remove this crane")
    draft = viewer.annotations.draft()
    press(viewer, Key.Key_R, SHIFT)
    QTest.keyClicks(viewer.decision_form.line_edit, "too soft")
    viewer.set_version(VersionUnderReview("v4", "v004", "S_010"))
    viewer.note_editor.line_edit.setText("remove this crane")
    press(viewer, Key.Key_R, SHIFT)
    QTest.keyClicks(viewer.decision_form.line_edit, "too soft")
    viewer.note_saved(draft)
    viewer.decision_saved("v3")
    assert viewer.note_editor.line_edit.text() == "remove this crane"
    assert viewer.decision_form.isVisible()
    assert viewer.decision_form.line_edit.text() == "too soft"
    viewer.set_version(VersionUnderReview("v3", "v003", "S_010"))
    assert not viewer.annotations.has_unsaved
    press(viewer, Key.Key_R, SHIFT)
    assert viewer.decision_form.line_edit.text() == ""


def test_words_on_the_picture_stay_with_the_version_they_were_written_on(
    viewer: ViewerWidget,
) -> None:
    press(viewer, Key.Key_D)
    viewer.drawing_toolbar.select_tool(StrokeTool.TEXT)
    QTest.mouseClick(viewer.canvas, Qt.MouseButton.LeftButton, pos=middle(viewer, 0.2))
    QTest.keyClicks(viewer.canvas.findChildren(QLineEdit)[0], "hold")
    viewer.set_version(VersionUnderReview("v4", "v004", "S_010"))
    assert viewer.annotations.sketch.frames == ()
    viewer.set_version(VersionUnderReview("v3", "v003", "S_010"))
    assert [one.text for one in viewer.annotations.sketch.strokes_on(1005)] == ["hold"]


def test_without_a_version_there_is_no_pen(viewer: ViewerWidget) -> None:
    press(viewer, Key.Key_D)
    viewer.set_version(None)
    assert not viewer.canvas.is_drawing
    press(viewer, Key.Key_D)
    assert not viewer.canvas.is_drawing


def test_another_version_takes_the_keys_from_nobody_else(viewer: ViewerWidget) -> None:
    window = QWidget()
    elsewhere, lines = QLineEdit(), QVBoxLayout(window)
    lines.addWidget(elsewhere)
    lines.addWidget(viewer)
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


def test_a_note_that_is_on_its_way_is_not_sent_twice(viewer: ViewerWidget) -> None:
    drafts: list[NoteDraft] = []
    viewer.note_submitted.connect(drafts.append)
    press(viewer, Key.Key_N)
    QTest.keyClicks(viewer.note_editor.line_edit, "hold")
    viewer.note_submitted.connect(lambda _draft: viewer.set_busy(True))
    for _ in range(2):
        QTest.keyClick(viewer.note_editor.line_edit, Key.Key_Return)
    assert len(drafts) == 1
    viewer.set_busy(False)
    QTest.keyClick(viewer.note_editor.line_edit, Key.Key_Return)
    assert len(drafts) == 2


def test_in_and_out_point_belong_to_the_shot(viewer: ViewerWidget) -> None:
    sources, clock = dict(viewer._sources), viewer.player.clock
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
    wanted: list[None] = []
    viewer.next_version_requested.connect(lambda: wanted.append(None))
    viewer.set_version(VersionUnderReview("v3", "v003", "S_010", record))
    words = " ".join(one.text() for one in viewer.findChildren(QLabel) if one.isVisible())
    assert "v003 ↺ changes requested by Ada, 2026-01-31" in words
    assert "hold the leaves" in words
    [button] = [b for b in viewer.findChildren(QPushButton) if "next version" in b.text()]
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert wanted


def test_a_frame_that_cannot_be_had_says_why_and_playback_goes_on(
    viewer: ViewerWidget, red: object
) -> None:
    red.broken = {1007}  # type: ignore[attr-defined]
    red.key = "plate again"  # type: ignore[attr-defined]
    viewer.open(ALL, CUT, dict(viewer._sources))
    viewer.go_to_frame(1007)
    wait_until(lambda: viewer.player.cache.error("A", 1007))
    wait_until(lambda: "gateway does not answer" in viewer.canvas._messages["A"])
    viewer.go_to_frame(1006)
    press(viewer, Key.Key_L)
    wait_until(lambda: (viewer.frame or 0) > 1009)


def test_a_narrow_dock_holds_everything_within_its_width(viewer: ViewerWidget) -> None:
    viewer.set_notes([note(None), note(ALL, "Twice", "n2")])
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
    viewer.set_notes([note(FrameRange.of(1010, 1012))])
    press(viewer, Key.Key_D)
    viewer.set_compare_mode(CompareMode.OVERLAY)
    QTest.qWait(20)
    reached: list[QWidget | None] = []
    viewer.canvas.setFocus()
    while QApplication.focusWidget() not in reached:
        reached.append(QApplication.focusWidget())
        QTest.keyClick(QApplication.focusWidget(), Key.Key_Tab)

    def met(one: QAbstractButton) -> bool:
        """One of a group is reached, and arrows lead to the others."""
        group = one.group()
        return any(other in reached for other in (group.buttons() if group else [one]))

    missed = [
        one.accessibleName() or one.text()
        for one in viewer.findChildren(QAbstractButton)
        if one.isVisible() and one.isEnabled() and not met(one)
    ]
    assert missed == []
    buttons = [one for one in viewer.findChildren(QAbstractButton) if one.isVisible()]
    assert all(one.accessibleName() or one.text() for one in buttons), (
        "each has a name to be spoken"
    )


def test_nothing_to_look_at_says_so_and_keys_do_no_harm(viewer: ViewerWidget) -> None:
    viewer.open(None, None, {})
    assert viewer.frame is None
    for key in (Key.Key_Space, Key.Key_L, Key.Key_Right, Key.Key_D, Key.Key_End, Key.Key_1):
        press(viewer, key)
    viewer.grab()
    assert viewer.frame is None


def test_zoom_keeps_what_is_under_the_pointer_and_fit_comes_back(viewer: ViewerWidget) -> None:
    fitted = viewer.canvas.picture_rect()
    at = viewer.canvas.rect().center()
    press(viewer, Key.Key_Plus)
    press(viewer, Key.Key_Plus)
    zoomed = viewer.canvas.picture_rect()
    assert zoomed.width() == pytest.approx(fitted.width() * 1.25**2)
    assert zoomed.center().x() == pytest.approx(at.x(), abs=1)
    press(viewer, Key.Key_F)
    assert viewer.canvas.picture_rect() == fitted


def test_the_caption_speaks_of_what_is_shown(viewer: ViewerWidget) -> None:
    viewer.set_source_info("640×360", "320×180")
    for mode, words in (
        (CompareMode.A, "640×360"),
        (CompareMode.B, "320×180"),
        (CompareMode.WIPE, "640×360 → 320×180"),
    ):
        viewer.set_compare_mode(mode)
        assert viewer.canvas._corner_captions[1] == words
    viewer.set_source_info("640×360", "")
    viewer.set_compare_mode(CompareMode.B)
    assert viewer.canvas._corner_captions[1] == "", "nothing is known of what is being made"


def test_dropped_pictures_move_nothing(viewer: ViewerWidget) -> None:
    clock, transport = viewer.player.clock, viewer.transport
    before = transport.sizeHint(), viewer.decision_buttons.geometry()
    clock.dropped_count = 1234
    transport.show_clock(clock)
    QTest.qWait(20)
    assert (transport.sizeHint(), viewer.decision_buttons.geometry()) == before
    assert "1234 dropped" in transport._speed_label.toolTip()
