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
from bridge_ui.review.decisions import UnderReview
from bridge_ui.review.keys import KEYS
from bridge_ui.review.look import Compare
from bridge_ui.review.noting import NoteDraft
from bridge_ui.review.pictures import painting
from bridge_ui.review.stage import Stage

ALL, CUT = FrameRange.of(1001, 1024, 24), FrameRange.of(1005, 1020, 24)
Key, NONE = Qt.Key, Qt.KeyboardModifier.NoModifier
SHIFT, CTRL, ALT = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "waited too long"
        QTest.qWait(5)


def press(stage: Stage, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(stage.canvas, key, modifiers)


def middle(stage: Stage, across: float, down: float = 0.5) -> QPoint:
    place = stage.canvas.picture_rect()
    return QPoint(
        round(place.left() + across * place.width()), round(place.top() + down * place.height())
    )


def colour(stage: Stage, across: float, down: float = 0.3) -> QColor:
    return stage.canvas.grab().toImage().pixelColor(middle(stage, across, down))


def near(a: QColor, red: int, green: int, blue: int) -> bool:
    return max(abs(a.red() - red), abs(a.green() - green), abs(a.blue() - blue)) <= 6


def note(frames: FrameRange | None, text: str = "Hold it still", name: str = "n1") -> Note:
    return Note(
        id=name,
        version="v3",
        frames=frames,
        text=text,
        by="Ada",
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def draw(stage: Stage) -> None:
    """Two strokes with the pen."""
    press(stage, Key.Key_D)
    for start, end in ((0.3, 0.45), (0.6, 0.7)):
        QTest.mousePress(stage.canvas, Qt.MouseButton.LeftButton, pos=middle(stage, start))
        QTest.mouseMove(stage.canvas, middle(stage, end, 0.6))
        QTest.mouseRelease(stage.canvas, Qt.MouseButton.LeftButton, pos=middle(stage, end, 0.6))


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
    with painting(image) as painter:
        raise ValueError("a brush that is none")
    assert not painter.isActive()
    assert "a brush that is none" in caplog.text


def test_it_begins_at_the_cut_and_wipes(stage: Stage) -> None:
    assert stage.frame == 1005
    assert near(colour(stage, 0.25), 200, 40, 40)
    assert near(colour(stage, 0.75), 40, 40, 200)


def test_the_wipe_is_dragged(stage: Stage) -> None:
    QTest.mousePress(stage.canvas, Qt.MouseButton.LeftButton, pos=middle(stage, 0.5))
    QTest.mouseMove(stage.canvas, middle(stage, 0.8))
    QTest.mouseRelease(stage.canvas, Qt.MouseButton.LeftButton, pos=middle(stage, 0.8))
    assert stage.canvas.look.wipe == pytest.approx(0.8, abs=0.01)
    assert near(colour(stage, 0.7), 200, 40, 40)
    assert near(colour(stage, 0.9), 40, 40, 200)


@pytest.mark.parametrize(
    ("key", "mode", "seen"),
    [
        (Key.Key_1, Compare.A, (200, 40, 40)),
        (Key.Key_2, Compare.B, (40, 40, 200)),
        (Key.Key_5, Compare.OVERLAY, (120, 40, 120)),
    ],
)
def test_modes_by_key(stage: Stage, key: Qt.Key, mode: Compare, seen: tuple[int, int, int]) -> None:
    press(stage, key)
    assert stage.canvas.look.compare is mode
    assert near(colour(stage, 0.5), *seen)


def test_difference_shows_what_differs_times_its_gain(stage: Stage) -> None:
    press(stage, Key.Key_4)
    stage.canvas.set_look(gain=1.0)
    assert near(colour(stage, 0.5), 160, 0, 160)
    press(stage, Key.Key_S)
    stage.open(ALL, CUT, {"A": stage._sources["A"], "B": stage._sources["A"]})
    stage.canvas.set_look(gain=64.0)
    assert near(colour(stage, 0.5), 0, 0, 0)


def test_side_by_side_shows_both_whole(stage: Stage) -> None:
    press(stage, Key.Key_6)
    image = stage.canvas.grab().toImage()
    half = stage.canvas.width() // 4
    assert near(image.pixelColor(half, stage.canvas.height() // 2), 200, 40, 40)
    assert near(image.pixelColor(3 * half, stage.canvas.height() // 2), 40, 40, 200)


def test_exposure_and_gamma_change_what_is_seen_and_come_back(stage: Stage) -> None:
    press(stage, Key.Key_1)
    for _ in range(4):
        press(stage, Key.Key_BracketRight)
    assert stage.canvas.look.exposure == 1.0
    brighter = 40 * 2 ** (1 / 2.2)
    assert near(colour(stage, 0.5), 255, round(brighter), round(brighter))
    press(stage, Key.Key_Backspace)
    assert near(colour(stage, 0.5), 200, 40, 40)


def test_playing_stepping_and_marks_by_key(stage: Stage) -> None:
    press(stage, Key.Key_Right)
    press(stage, Key.Key_Right, SHIFT)
    assert stage.frame == 1016
    press(stage, Key.Key_O)
    press(stage, Key.Key_Left, SHIFT)
    press(stage, Key.Key_I)
    clock = stage.player.clock
    assert (clock.in_point, clock.out_point) == (1006, 1016)
    press(stage, Key.Key_End)
    assert stage.frame == 1016
    seen: list[int] = []
    stage.frame_changed.connect(seen.append)
    press(stage, Key.Key_Space)
    until(lambda: len(set(seen)) == 11)
    assert set(seen) == set(range(1006, 1017))
    press(stage, Key.Key_K)
    assert not clock.playing
    for key, speed in ((Key.Key_L, 1), (Key.Key_L, 2), (Key.Key_J, -1), (Key.Key_J, -2)):
        press(stage, key)
        assert clock.speed == speed
    press(stage, Key.Key_X)
    assert (clock.in_point, clock.out_point) == (1001, 1024)


def test_every_key_does_something_and_hosts_cannot_take_it(stage: Stage) -> None:
    for text, name in KEYS.items():
        assert name in stage._actions._table, text
    for key, taken in ((Key.Key_Space, True), (Key.Key_J, True), (Key.Key_Q, False)):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, NONE)
        event.ignore()
        QApplication.sendEvent(stage, event)
        assert event.isAccepted() is taken


def test_what_is_written_in_a_note_plays_nothing(stage: Stage) -> None:
    press(stage, Key.Key_N)
    words = stage.note_field.words
    until(words.hasFocus)
    QTest.keyClicks(words, "jump: looks dim")
    assert words.text() == "jump: looks dim"
    assert stage.frame == 1005
    assert not stage.canvas.drawing
    said: list[NoteDraft] = []
    stage.note_wanted.connect(said.append)
    QTest.keyClick(words, Key.Key_Return)
    assert said == [NoteDraft("jump: looks dim", (), FrameRange.of(1005, 1005, 24), 1005, "v3")]
    assert words.text(), "kept until the gateway has it"
    stage.note_kept(said[0])
    assert not words.text()


def test_the_pen_draws_undoes_and_gives_its_strokes_to_the_note(stage: Stage) -> None:
    draw(stage)
    strokes = stage.marks.sketch.on(1005)
    assert [len(one.points) >= 2 for one in strokes] == [True, True]
    assert strokes[0].points[0] == pytest.approx((0.3, 0.5), abs=0.01)
    assert near(colour(stage, 0.3, 0.5), 255, 180, 84)
    press(stage, Key.Key_Z, CTRL)
    assert len(stage.marks.sketch.on(1005)) == 1
    press(stage, Key.Key_Z, CTRL | SHIFT)
    assert stage.marks.sketch.on(1005) == strokes
    said: list[NoteDraft] = []
    stage.note_wanted.connect(said.append)
    stage.note_field.wanted.emit()
    assert said[0].strokes == strokes
    assert all(Stroke.model_validate(one.model_dump()) == one for one in strokes)
    stage.note_kept(said[0])
    assert stage.marks.sketch.frames == ()
    press(stage, Key.Key_Escape)
    assert not stage.canvas.drawing


def test_text_is_written_on_the_picture(stage: Stage) -> None:
    press(stage, Key.Key_D)
    stage.tray.choose(StrokeTool.TEXT)
    QTest.mouseClick(stage.canvas, Qt.MouseButton.LeftButton, pos=middle(stage, 0.2))
    [field] = stage.canvas.findChildren(QLineEdit)
    QTest.keyClicks(field, "<b>hold</b> this")
    QTest.keyClick(field, Key.Key_Return)
    [stroke] = stage.marks.sketch.on(1005)
    assert (stroke.tool, stroke.text) == (StrokeTool.TEXT, "<b>hold</b> this")


def test_drawn_notes_are_seen_on_their_frames_only(stage: Stage) -> None:
    box = Stroke(tool=StrokeTool.BOX, points=((0.1, 0.2), (0.4, 0.8)), colour="#ffffff", width=0.02)
    drawn = note(FrameRange.of(1010, 1012)).model_copy(update={"strokes": (box,)})
    stage.set_notes([drawn])
    assert near(colour(stage, 0.1, 0.5), 200, 40, 40)
    press(stage, Key.Key_Down)
    assert stage.frame == 1010
    assert near(colour(stage, 0.1, 0.5), 255, 255, 255)
    stage.go_to(1013)
    assert near(colour(stage, 0.1, 0.5), 200, 40, 40)


@pytest.mark.parametrize("frames", [FrameRange.of(1015, 1020, 24), None])
def test_a_drawing_stays_on_its_frame_whatever_its_note_speaks_of(
    stage: Stage, frames: FrameRange | None
) -> None:
    box = Stroke(tool=StrokeTool.BOX, points=((0.1, 0.2), (0.4, 0.8)), colour="#ffffff", width=0.02)
    said = note(frames).model_copy(update={"strokes": (box,), "drawn_on": 1010})
    stage.set_notes([said])
    press(stage, Key.Key_Down)
    assert stage.frame == 1010
    assert near(colour(stage, 0.1, 0.5), 255, 255, 255)
    for frame in (1005, 1015):
        stage.go_to(frame)
        assert near(colour(stage, 0.1, 0.5), 200, 40, 40)


def test_scrubbing_goes_to_the_frame_under_the_mouse(stage: Stage) -> None:
    bar = stage.bar
    QTest.mousePress(bar, Qt.MouseButton.LeftButton, pos=QPoint(2, 10))
    assert stage.frame == 1001
    QTest.mouseMove(bar, QPoint(bar.width() - 2, 10))
    QTest.mouseRelease(bar, Qt.MouseButton.LeftButton, pos=QPoint(bar.width() - 2, 10))
    assert [bar.frame_at(bar.x_of(frame) + 0.5) for frame in ALL.frames()] == list(ALL.frames())


def test_going_to_a_frame_by_number_and_by_timecode(stage: Stage) -> None:
    field = stage.transport.field
    for words, frame in (("1017", 1017), ("00:00:42:00", 1008), ("9999", 1024)):
        press(stage, Key.Key_G)
        field.clear()
        QTest.keyClicks(field, words)
        QTest.keyClick(field, Key.Key_Return)
        assert stage.frame == frame


def test_a_rejection_says_why_and_an_approval_may(stage: Stage) -> None:
    told: list[tuple[object, str]] = []
    stage.decided.connect(lambda status, words: told.append((status, words)))
    comment, buttons = stage.comment, stage.decisions
    QTest.mouseClick(buttons.button(ReviewStatus.APPROVED), Qt.MouseButton.LeftButton)
    assert comment.words.hasFocus()
    QTest.keyClick(comment.words, Key.Key_Return)
    QTest.mouseClick(buttons.button(ReviewStatus.REJECTED), Qt.MouseButton.LeftButton)
    assert not comment.decide.isEnabled()
    QTest.keyClick(comment.words, Key.Key_Return)
    QTest.keyClicks(comment.words, "too soft")
    QTest.mouseClick(comment.decide, Qt.MouseButton.LeftButton)
    assert told == [(ReviewStatus.APPROVED, ""), (ReviewStatus.REJECTED, "too soft")]
    assert comment.words.text() == "too soft", "until the gateway has it"
    stage.decision_kept("v3")
    assert comment.isHidden()
    assert comment.words.text() == ""


def test_notes_say_what_is_to_change_as_well(stage: Stage) -> None:
    stage.set_version(UnderReview("v3", "v003", "S_010", notes=2))
    press(stage, Key.Key_C, SHIFT)
    assert stage.comment.decide.isEnabled()
    QTest.keyClick(stage.comment.words, Key.Key_Escape)
    assert stage.comment.isHidden()
    assert stage.canvas.hasFocus()


def test_what_was_begun_for_one_version_is_never_decided_about_another(stage: Stage) -> None:
    told: list[object] = []
    stage.decided.connect(lambda *said: told.append(said))
    press(stage, Key.Key_A, SHIFT)
    stage.set_version(UnderReview("matte-v3", "v003", "S_010"))
    assert stage.comment.isHidden()
    QTest.keyClick(stage.comment.words, Key.Key_Return)
    assert told == []
    stage.set_version(None)
    press(stage, Key.Key_A, SHIFT)
    assert stage.comment.isHidden()


def test_what_was_begun_about_one_version_waits_for_it(stage: Stage) -> None:
    said: list[NoteDraft] = []
    stage.note_wanted.connect(said.append)
    draw(stage)
    stage.note_field.words.setText("remove this crane")
    press(stage, Key.Key_R, SHIFT)
    QTest.keyClicks(stage.comment.words, "too soft")
    begun = stage.marks.sketch.on(1005)

    stage.set_version(UnderReview("v4", "v004", "S_010"))
    assert "about S_010 v003 waits there" in stage._news.text()
    assert near(colour(stage, 0.3, 0.5), 200, 40, 40), "its drawing is not seen here"
    assert stage.note_field.words.text() == ""
    press(stage, Key.Key_R, SHIFT)
    assert stage.comment.words.text() == ""
    QTest.keyClicks(stage.comment.words, "too hard")
    stage.note_field.words.setText("remove that one")
    stage.note_field.wanted.emit()
    one_frame = FrameRange.of(1005, 1005, 24)
    assert said == [NoteDraft("remove that one", (), one_frame, 1005, "v4")]

    stage.set_version(None)
    stage.set_version(UnderReview("v3", "v003", "S_010"))
    assert near(colour(stage, 0.3, 0.5), 255, 180, 84)
    stage.note_field.wanted.emit()
    assert said[1:] == [NoteDraft("remove this crane", begun, one_frame, 1005, "v3")]
    press(stage, Key.Key_R, SHIFT)
    assert stage.comment.words.text() == "too soft"


def test_what_is_kept_meanwhile_makes_room_where_it_was_begun(stage: Stage) -> None:
    """The gateway takes its time, and somebody looks at another version meanwhile."""
    draw(stage)
    stage.note_field.words.setText("remove this crane")
    draft = stage.marks.draft()
    press(stage, Key.Key_R, SHIFT)
    QTest.keyClicks(stage.comment.words, "too soft")
    stage.set_version(UnderReview("v4", "v004", "S_010"))
    stage.note_field.words.setText("remove this crane")
    press(stage, Key.Key_R, SHIFT)
    QTest.keyClicks(stage.comment.words, "too soft")
    stage.note_kept(draft)
    stage.decision_kept("v3")
    assert stage.note_field.words.text() == "remove this crane"
    assert stage.comment.isVisible()
    assert stage.comment.words.text() == "too soft"
    stage.set_version(UnderReview("v3", "v003", "S_010"))
    assert not stage.marks.begun
    press(stage, Key.Key_R, SHIFT)
    assert stage.comment.words.text() == ""


def test_words_on_the_picture_stay_with_the_version_they_were_written_on(stage: Stage) -> None:
    press(stage, Key.Key_D)
    stage.tray.choose(StrokeTool.TEXT)
    QTest.mouseClick(stage.canvas, Qt.MouseButton.LeftButton, pos=middle(stage, 0.2))
    QTest.keyClicks(stage.canvas.findChildren(QLineEdit)[0], "hold")
    stage.set_version(UnderReview("v4", "v004", "S_010"))
    assert stage.marks.sketch.frames == ()
    stage.set_version(UnderReview("v3", "v003", "S_010"))
    assert [one.text for one in stage.marks.sketch.on(1005)] == ["hold"]


def test_without_a_version_there_is_no_pen(stage: Stage) -> None:
    press(stage, Key.Key_D)
    stage.set_version(None)
    assert not stage.canvas.drawing
    press(stage, Key.Key_D)
    assert not stage.canvas.drawing


def test_another_version_takes_the_keys_from_nobody_else(stage: Stage) -> None:
    window = QWidget()
    elsewhere, lines = QLineEdit(), QVBoxLayout(window)
    lines.addWidget(elsewhere)
    lines.addWidget(stage)
    window.show()
    window.activateWindow()
    until(window.isActiveWindow)
    press(stage, Key.Key_D)
    press(stage, Key.Key_R, SHIFT)
    elsewhere.setFocus()
    stage.set_version(UnderReview("v4", "v004", "S_010"))
    stage.set_version(None)
    assert elsewhere.hasFocus()
    stage.setParent(None)
    window.close()


def test_a_note_that_is_on_its_way_is_not_sent_twice(stage: Stage) -> None:
    said: list[NoteDraft] = []
    stage.note_wanted.connect(said.append)
    press(stage, Key.Key_N)
    QTest.keyClicks(stage.note_field.words, "hold")
    stage.note_wanted.connect(lambda _draft: stage.set_busy(True))
    for _ in range(2):
        QTest.keyClick(stage.note_field.words, Key.Key_Return)
    assert len(said) == 1
    stage.set_busy(False)
    QTest.keyClick(stage.note_field.words, Key.Key_Return)
    assert len(said) == 2


def test_in_and_out_point_belong_to_the_shot(stage: Stage) -> None:
    sources, clock = dict(stage._sources), stage.player.clock
    stage.go_to(1010)
    press(stage, Key.Key_I)
    stage.go_to(1015)
    press(stage, Key.Key_O)
    press(stage, Key.Key_Space)
    stage.open(ALL, CUT, sources, of="another shot")
    assert stage.frame == 1005
    assert not stage.player.clock.playing
    assert (stage.player.clock.in_point, stage.player.clock.out_point) == (1001, 1024)
    stage.open(ALL, CUT, sources)
    assert stage.player.clock is clock
    assert (clock.in_point, clock.out_point, clock.speed) == (1010, 1015, 0)
    assert 1010 <= clock.frame <= 1015


def test_a_decision_stands_with_name_time_and_words(stage: Stage) -> None:
    record = DecisionRecord(
        status=ReviewStatus.CHANGES_REQUESTED,
        by="Ada",
        comment="hold the leaves",
        at=datetime(2026, 1, 31, 12, tzinfo=UTC),
    )
    wanted: list[None] = []
    stage.next_wanted.connect(lambda: wanted.append(None))
    stage.set_version(UnderReview("v3", "v003", "S_010", record))
    words = " ".join(one.text() for one in stage.findChildren(QLabel) if one.isVisible())
    assert "v003 ↺ changes requested by Ada, 2026-01-31" in words
    assert "hold the leaves" in words
    [button] = [b for b in stage.findChildren(QPushButton) if "next version" in b.text()]
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert wanted


def test_a_frame_that_cannot_be_had_says_why_and_playback_goes_on(
    stage: Stage, red: object
) -> None:
    red.broken = {1007}  # type: ignore[attr-defined]
    red.key = "plate again"  # type: ignore[attr-defined]
    stage.open(ALL, CUT, dict(stage._sources))
    stage.go_to(1007)
    until(lambda: stage.player.cache.failure("A", 1007))
    until(lambda: "gateway does not answer" in stage.canvas._told["A"])
    stage.go_to(1006)
    press(stage, Key.Key_L)
    until(lambda: (stage.frame or 0) > 1009)


def test_a_narrow_dock_holds_everything_within_its_width(stage: Stage) -> None:
    stage.set_notes([note(None), note(ALL, "Twice", "n2")])
    stage.resize(320, 700)
    QTest.qWait(20)
    assert stage.width() == 320
    for child in (stage.canvas, stage.bar, stage.note_field, stage.transport, stage.decisions):
        left = child.mapTo(stage, QPoint(0, 0)).x()
        assert left >= 0
        assert left + child.width() <= 320


@pytest.mark.parametrize("width", [320, 1000])
def test_tab_reaches_every_button(stage: Stage, width: int) -> None:
    stage.resize(width, 900)
    stage.set_notes([note(FrameRange.of(1010, 1012))])
    press(stage, Key.Key_D)
    stage.set_compare(Compare.OVERLAY)
    QTest.qWait(20)
    reached: list[QWidget | None] = []
    stage.canvas.setFocus()
    while QApplication.focusWidget() not in reached:
        reached.append(QApplication.focusWidget())
        QTest.keyClick(QApplication.focusWidget(), Key.Key_Tab)

    def met(one: QAbstractButton) -> bool:
        """One of a group is reached, and arrows lead to the others."""
        group = one.group()
        return any(other in reached for other in (group.buttons() if group else [one]))

    missed = [
        one.accessibleName() or one.text()
        for one in stage.findChildren(QAbstractButton)
        if one.isVisible() and one.isEnabled() and not met(one)
    ]
    assert missed == []
    seen = [one for one in stage.findChildren(QAbstractButton) if one.isVisible()]
    assert all(one.accessibleName() or one.text() for one in seen), "each has a name to be spoken"


def test_nothing_to_look_at_says_so_and_keys_do_no_harm(stage: Stage) -> None:
    stage.open(None, None, {})
    assert stage.frame is None
    for key in (Key.Key_Space, Key.Key_L, Key.Key_Right, Key.Key_D, Key.Key_End, Key.Key_1):
        press(stage, key)
    stage.grab()
    assert stage.frame is None


def test_zoom_keeps_what_is_under_the_pointer_and_fit_comes_back(stage: Stage) -> None:
    fitted = stage.canvas.picture_rect()
    at = stage.canvas.rect().center()
    press(stage, Key.Key_Plus)
    press(stage, Key.Key_Plus)
    zoomed = stage.canvas.picture_rect()
    assert zoomed.width() == pytest.approx(fitted.width() * 1.25**2)
    assert zoomed.center().x() == pytest.approx(at.x(), abs=1)
    press(stage, Key.Key_F)
    assert stage.canvas.picture_rect() == fitted


def test_the_caption_speaks_of_what_is_shown(stage: Stage) -> None:
    stage.set_about("640×360", "320×180")
    for mode, words in (
        (Compare.A, "640×360"),
        (Compare.B, "320×180"),
        (Compare.WIPE, "640×360 → 320×180"),
    ):
        stage.set_compare(mode)
        assert stage.canvas._corners[1] == words
    stage.set_about("640×360", "")
    stage.set_compare(Compare.B)
    assert stage.canvas._corners[1] == "", "nothing is known of what is being made"


def test_dropped_pictures_move_nothing(stage: Stage) -> None:
    clock, transport = stage.player.clock, stage.transport
    before = transport.sizeHint(), stage.decisions.geometry()
    clock.dropped = 1234
    transport.show_clock(clock)
    QTest.qWait(20)
    assert (transport.sizeHint(), stage.decisions.geometry()) == before
    assert "1234 dropped" in transport._speed.toolTip()
