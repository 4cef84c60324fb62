"""The review widget with a real controller, whose session is never started."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from bridge_core.hosts.base import Host, HostCapability, HostScene
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.notes import Note
from bridge_core.models.settings import ClientSettings, Settings
from bridge_core.models.shots import Shot, ShotId
from bridge_core.models.versions import Proxies, ReviewStatus, Version
from bridge_ui.core.session import Session
from bridge_ui.review.controller import MediaChoice, ReviewController, ReviewState
from bridge_ui.review.report.report_data import ReportScope
from bridge_ui.review.review_widget import ReviewWidget
from bridge_ui.shots.controller import ShotsController
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.main_thread import MainThreadDispatcher

AT = datetime(2026, 1, 1, tzinfo=UTC)
SHOT = Shot(
    id=ShotId(show="BBB", sequence="A", shot="S_010"),
    plate=Plate(
        path="/plates/s.%04d.exr", range=FrameRange.of(993, 1032), start_timecode="01:00:00:00"
    ),
    cut_range=FrameRange.of(1009, 1016),
    head_handle=8,
    tail_handle=8,
)
VERSION = Version(
    id="v3",
    number=3,
    shot=SHOT.id,
    service="upscale",
    job_id="j",
    folder="/versions/v3",
    frames=tuple(range(1001, 1025)),
    outputs=(),
    proxies=Proxies(pattern="%04d.jpg", width=64, height=36, display="sRGB", view="ACES 2"),
    created=AT,
    requested_by="Ada",
)


class ShotlessHost(Host):
    """A host in which nothing is open."""

    @property
    def title(self) -> str:
        return "a host"

    @property
    def capabilities(self) -> frozenset[HostCapability]:
        return frozenset()

    def scene(self) -> HostScene:
        return HostScene("", "", (), ())


class RecordingReviewController(ReviewController):
    """Records calls instead of sending requests."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.calls: list[tuple[Any, ...]] = []
        self.note_done: Callable[[Note], None] | None = None
        self.decision_done: Callable[[], None] | None = None

    def choose_b(self, id: str) -> None:  # noqa: A002
        self.calls.append(("b", id))

    def swap(self) -> None:
        self.calls.append(("swap",))

    def decide(
        self,
        status: ReviewStatus,
        comment: str = "",
        *,
        version: str | None = None,
        done: Any = None,
    ) -> None:
        self.calls.append(("decide", status, comment, version))
        self.decision_done = done

    def revise_from_note(self, note: Note, on_request: Callable[..., None]) -> None:
        self.calls.append(("revise", note.id))

    def add_note(
        self,
        text: str,
        strokes: Any = (),
        frames: Any = None,
        *,
        drawn_on: int | None = None,
        version: str | None = None,
        done: Any = None,
    ) -> None:
        self.calls.append(("note", text, frames, drawn_on, version))
        self.note_done = done


@pytest.fixture
def review_widget(
    qapp: QApplication, tmp_path: Path, red: Any, blue: Any
) -> Iterator[ReviewWidget]:
    # No gateway listens there.
    client = ClientSettings(state_dir=tmp_path, user="Ada", url="http://127.0.0.1:9", retries=0)
    settings = Settings(client=client)
    main_thread = MainThreadDispatcher()
    session = Session(settings, ShotlessHost(), main_thread.post)
    review = RecordingReviewController(session)
    shots = ShotsController(session)
    widget = ReviewWidget(session, shots, review, ThemeColours())
    widget.resize(1000, 700)
    widget.show()
    widget.activateWindow()
    choices = (MediaChoice("plate", "Plate"), MediaChoice("v3", "Upscale v003", version=VERSION))
    review.state.set(ReviewState(shot=SHOT, choices=choices, a="plate", b="v3", version=VERSION))
    review.a.set(red)
    review.b.set(blue)
    wait_until(lambda: widget.frame == 1009 and widget.player.picture("B") is not None)
    yield widget
    widget.stop()
    assert widget.player.cache.join(20)
    review.close()
    shots.close()
    session.close(5.0)
    main_thread.close()
    widget.close()
    widget.deleteLater()
    qapp.processEvents()


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited too long"
        QTest.qWait(5)


def recording_controller(review_widget: ReviewWidget) -> RecordingReviewController:
    assert isinstance(review_widget._review, RecordingReviewController)
    return review_widget._review


def test_shows_the_work_range_and_the_plates_timecode(review_widget: ReviewWidget) -> None:
    clock = review_widget.player.clock
    assert (clock.range.first, clock.range.last) == (1001, 1024)
    assert review_widget.transport.position_text(clock) == "01:00:00:16  1009"
    assert (
        review_widget.decision_buttons.button(ReviewStatus.APPROVED).text()
        == "Approve Upscale v003"
    )


def test_drop_frame_follows_the_plate(review_widget: ReviewWidget) -> None:
    rate = Fraction(30000, 1001)
    frames = FrameRange.of(0, 3999, rate)
    plate = Plate(path="/plates/d.mov", range=frames, start_timecode="01:00:00;00")
    shot = SHOT.model_copy(update={"plate": plate, "cut_range": FrameRange.of(1700, 1900, rate)})
    review = recording_controller(review_widget)
    review.state.set(replace(review.state.value, shot=shot))
    review_widget.go_to_frame(1799)
    assert review_widget.transport.position_text(review_widget.player.clock) == "01:00:59;29  1799"
    review_widget.go_to_frame(1800)
    assert review_widget.transport.position_text(review_widget.player.clock) == "01:01:00;02  1800"
    field = review_widget.transport.frame_field
    for text, frame in (
        ("01:00:58;00", 1740),
        ("01:01:00:10", 1808),
        ("01:01:00:00", 1808),  # a dropped timecode: the frame does not change
        ("01:00:59.29", 1799),
    ):
        QTest.keyClick(review_widget.canvas, Qt.Key.Key_G)
        field.clear()
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert review_widget.frame == frame


def test_user_input_reaches_the_controller(review_widget: ReviewWidget) -> None:
    QTest.keyClick(review_widget.canvas, Qt.Key.Key_A, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(review_widget.decision_form.line_edit, "Lovely")
    QTest.keyClick(review_widget.decision_form.line_edit, Qt.Key.Key_Return)
    assert review_widget.decision_form.line_edit.text() == "Lovely"
    decision_done = recording_controller(review_widget).decision_done
    assert decision_done is not None
    decision_done()
    assert review_widget.decision_form.isHidden()
    QTest.keyClick(review_widget.canvas, Qt.Key.Key_S)
    assert recording_controller(review_widget).calls == [
        ("decide", ReviewStatus.APPROVED, "Lovely", "v3"),
        ("swap",),
    ]


def test_text_is_kept_until_the_gateway_has_it(review_widget: ReviewWidget) -> None:
    review_widget.note_editor.line_edit.setText("Hold it")
    review_widget.note_editor.submitted.emit()
    assert recording_controller(review_widget).calls == [
        ("note", "Hold it", FrameRange.of(1009, 1009, 24), 1009, "v3")
    ]
    assert review_widget.note_editor.line_edit.text() == "Hold it"
    note_done = recording_controller(review_widget).note_done
    assert note_done is not None
    note_done(Note(id="n", version_id="v3", text="Hold it", by="Ada", at=AT))
    assert review_widget.note_editor.line_edit.text() == ""


@pytest.mark.parametrize(
    ("scope", "frames"), [("From in to out point", (1012, 1014)), ("The whole version", None)]
)
def test_a_drawing_keeps_its_frame_in_every_scope(
    review_widget: ReviewWidget, scope: str, frames: tuple[int, int] | None
) -> None:
    review_widget.go_to_frame(1012)
    review_widget.player.mark_in()
    review_widget.go_to_frame(1014)
    review_widget.player.mark_out()
    review_widget.go_to_frame(1010)
    review_widget.annotations.sketch.add_text(1010, (0.5, 0.5), "this", colour="#ffffff")
    review_widget.annotations.refresh()
    [action] = [a for a in review_widget.note_editor.findChildren(QAction) if a.text() == scope]
    action.trigger()
    review_widget.note_editor.submitted.emit()
    expected = FrameRange.of(*frames, 24) if frames else None
    assert recording_controller(review_widget).calls == [("note", "", expected, 1010, "v3")]


def test_a_note_that_becomes_a_request_shows_its_test_frame(review_widget: ReviewWidget) -> None:
    note = Note(
        id="n", version_id="v3", frames=FrameRange.of(1011, 1014), text="Hold", by="Ada", at=AT
    )
    review_widget.annotations.set_notes([note])
    review_widget.notes_list.revision_requested.emit(note)
    assert review_widget.frame == 1011
    assert recording_controller(review_widget).calls == [("revise", "n")]


def test_another_version_of_the_shot_keeps_the_frame(
    review_widget: ReviewWidget, blue: Any
) -> None:
    review_widget.go_to_frame(1014)
    recording_controller(review_widget).b.set(replace(blue, key="v4"))
    assert review_widget.frame == 1014


def test_drafts_and_marks_stay_with_their_shot_and_version(review_widget: ReviewWidget) -> None:
    review = recording_controller(review_widget)
    first = review.state.value
    review_widget.player.mark_in()
    review_widget.annotations.sketch.add_text(1009, (0.5, 0.5), "this", colour="#ffffff")
    review_widget.note_editor.line_edit.setText("remove this crane")
    QTest.keyClick(review_widget.canvas, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(review_widget.decision_form.line_edit, "softer")

    newer = VERSION.model_copy(update={"id": "v4", "number": 4})
    review.state.set(replace(first, b="v4", version=newer))
    assert review_widget.decision_form.isHidden()
    assert (
        review_widget.decision_form.line_edit.text(),
        review_widget.annotations.has_unsaved,
    ) == ("", False)

    other = SHOT.model_copy(update={"id": ShotId(show="BBB", sequence="A", shot="S_020")})
    review.state.set(replace(first, shot=other, version=None))
    review.state.set(replace(first, shot=other, version=VERSION.model_copy(update={"id": "w1"})))
    assert review_widget.player.clock.in_point == 1001
    review_widget.note_editor.line_edit.setText("hold it")
    review_widget.note_editor.submitted.emit()
    assert review.calls == [("note", "hold it", FrameRange.of(1009, 1009, 24), 1009, "w1")]
    assert review_widget.annotations.unsaved_note().strokes == ()

    review.state.set(first)
    assert review_widget.player.clock.in_point == 1009
    assert review_widget.note_editor.line_edit.text() == "remove this crane"
    assert [one.text for one in review_widget.annotations.unsaved_note().strokes] == ["this"]
    QTest.keyClick(review_widget.canvas, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    assert review_widget.decision_form.line_edit.text() == "softer"


def test_failed_frames_are_requested_again_after_a_reconnect(
    review_widget: ReviewWidget, red: Any
) -> None:
    outage = replace(red, key="during the outage", broken=set(red.frames))
    recording_controller(review_widget).a.set(outage)
    wait_until(lambda: review_widget.player.cache.error("A", 1009))
    outage.broken.clear()
    recording_controller(review_widget)._session._connected_watchers.notify(None)
    assert review_widget.player.cache.error("A", 1009) is None
    wait_until(lambda: review_widget.player.picture("A") is not None)


def test_reports_are_offered_for_what_is_open(review_widget: ReviewWidget) -> None:
    assert review_widget.report_export.available_scopes() == [
        (ReportScope.VERSION, "S_010 Upscale v003")
    ]
    menu = review_widget.menu_button.rebuild_menu()
    texts = [action.text() for action in menu.actions() if action.text()]
    assert texts[0] == "Review report of S_010 Upscale v003 …"
    recording_controller(review_widget).state.set(ReviewState())
    assert review_widget.report_export.available_scopes() == []


def test_a_report_that_cannot_be_written_says_why(
    review_widget: ReviewWidget, tmp_path: Path
) -> None:
    review_widget.report_export.write(ReportScope.VERSION, tmp_path / "review.pdf")
    wait_until(lambda: review_widget.message.text().startswith("⚠"))
    assert not list(tmp_path.glob("*.pdf"))


def test_no_shot_is_shown_without_errors(review_widget: ReviewWidget) -> None:
    recording_controller(review_widget).state.set(ReviewState())
    recording_controller(review_widget).a.set(None)
    recording_controller(review_widget).b.set(None)
    assert review_widget.frame is None
