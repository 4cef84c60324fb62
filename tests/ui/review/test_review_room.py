"""The room with the real controller behind it, whose session was never started."""

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

from bridge_core.host import Capability, Host, Scene
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.notes import Note
from bridge_core.models.settings import ClientSettings, Settings
from bridge_core.models.shots import Shot, ShotId
from bridge_core.models.versions import Proxies, ReviewStatus, Version
from bridge_ui.controllers.review import Choice, ReviewController, ReviewState
from bridge_ui.controllers.session import Session
from bridge_ui.controllers.shots import ShotsController
from bridge_ui.review.more import Scope
from bridge_ui.review.room import ReviewRoom
from bridge_ui.theme.tones import Tones

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
    job="j",
    folder="/versions/v3",
    frames=tuple(range(1001, 1025)),
    outputs=(),
    proxies=Proxies(pattern="%04d.jpg", width=64, height=36, display="sRGB", view="ACES 2"),
    created=AT,
    asked_by="Ada",
)


class NoHost(Host):
    """A host in which nothing is open."""

    @property
    def title(self) -> str:
        return "a host"

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset()

    def scene(self) -> Scene:
        return Scene("", "", (), ())


class Heard(ReviewController):
    """Writes down what it is asked instead of asking a gateway."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.calls: list[tuple[Any, ...]] = []
        self.keep: Callable[[Note], None] | None = None
        self.decided: Callable[[], None] | None = None

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
        self.decided = done

    def make_again(self, note: Note, then: Callable[..., None]) -> None:
        self.calls.append(("again", note.id))

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
        self.keep = done


@pytest.fixture
def room(qapp: QApplication, tmp_path: Path, red: Any, blue: Any) -> Iterator[ReviewRoom]:
    # Nobody listens there.
    nobody = ClientSettings(state_dir=tmp_path, user="Ada", url="http://127.0.0.1:9", retries=0)
    settings = Settings(client=nobody)
    session = Session(settings, NoHost(), lambda call: call())
    review = Heard(session)
    shots = ShotsController(session)
    made = ReviewRoom(session, shots, review, Tones())
    made.resize(1000, 700)
    made.show()
    made.activateWindow()
    choices = (Choice("plate", "Plate"), Choice("v3", "Upscale v003", version=VERSION))
    review.state.set(ReviewState(shot=SHOT, choices=choices, a="plate", b="v3", version=VERSION))
    review.a.set(red)
    review.b.set(blue)
    until(lambda: made.frame == 1009 and made.player.picture("B") is not None)
    yield made
    made.close_down()
    assert made.player.cache.join(20)
    review.close()
    shots.close()
    session.close(5.0)
    made.close()
    made.deleteLater()
    qapp.processEvents()


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "waited too long"
        QTest.qWait(5)


def heard(room: ReviewRoom) -> Heard:
    assert isinstance(room._review, Heard)
    return room._review


def test_it_shows_the_work_range_and_the_plates_timecode(room: ReviewRoom) -> None:
    clock = room.player.clock
    assert (clock.range.first, clock.range.last) == (1001, 1024)
    assert room.transport.words(clock) == "01:00:00:16  1009"
    assert room.decisions.button(ReviewStatus.APPROVED).text() == "Approve Upscale v003"


def test_drop_frame_is_counted_as_the_plate_counts_it(room: ReviewRoom) -> None:
    rate = Fraction(30000, 1001)
    first = FrameRange.of(0, 3999, rate)
    plate = Plate(path="/plates/d.mov", range=first, start_timecode="01:00:00;00")
    shot = SHOT.model_copy(update={"plate": plate, "cut_range": FrameRange.of(1700, 1900, rate)})
    heard(room).state.set(replace(heard(room).state.value, shot=shot))
    room.go_to(1799)
    assert room.transport.words(room.player.clock) == "01:00:59;29  1799"
    room.go_to(1800)
    assert room.transport.words(room.player.clock) == "01:01:00;02  1800"
    field = room.transport.field
    for words, frame in (
        ("01:00:58;00", 1740),
        ("01:01:00:10", 1808),
        ("01:01:00:00", 1808),  # left out of the counting: nothing is gone to
        ("01:00:59.29", 1799),
    ):
        QTest.keyClick(room.canvas, Qt.Key.Key_G)
        field.clear()
        QTest.keyClicks(field, words)
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert room.frame == frame


def test_what_a_person_wants_reaches_the_controller(room: ReviewRoom) -> None:
    QTest.keyClick(room.canvas, Qt.Key.Key_A, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(room.comment.words, "Lovely")
    QTest.keyClick(room.comment.words, Qt.Key.Key_Return)
    assert room.comment.words.text() == "Lovely"
    decided = heard(room).decided
    assert decided is not None
    decided()
    assert room.comment.isHidden()
    QTest.keyClick(room.canvas, Qt.Key.Key_S)
    assert heard(room).calls == [("decide", ReviewStatus.APPROVED, "Lovely", "v3"), ("swap",)]


def test_words_stay_until_the_gateway_has_them(room: ReviewRoom) -> None:
    room.note_field.words.setText("Hold it")
    room.note_field.wanted.emit()
    assert heard(room).calls == [("note", "Hold it", FrameRange.of(1009, 1009, 24), 1009, "v3")]
    assert room.note_field.words.text() == "Hold it"
    keep = heard(room).keep
    assert keep is not None
    keep(Note(id="n", version="v3", text="Hold it", by="Ada", at=AT))
    assert room.note_field.words.text() == ""


@pytest.mark.parametrize(
    ("reach", "frames"), [("From in to out point", (1012, 1014)), ("The whole version", None)]
)
def test_a_drawing_keeps_its_frame_whatever_its_words_speak_of(
    room: ReviewRoom, reach: str, frames: tuple[int, int] | None
) -> None:
    room.go_to(1012)
    room.player.mark_in()
    room.go_to(1014)
    room.player.mark_out()
    room.go_to(1010)
    room.marks.sketch.write(1010, (0.5, 0.5), "this", colour="#ffffff")
    room.marks.show()
    [action] = [a for a in room.note_field.findChildren(QAction) if a.text() == reach]
    action.trigger()
    room.note_field.wanted.emit()
    told = FrameRange.of(*frames, 24) if frames else None
    assert heard(room).calls == [("note", "", told, 1010, "v3")]


def test_a_note_that_becomes_a_request_shows_the_frame_to_try(room: ReviewRoom) -> None:
    asked = Note(
        id="n", version="v3", frames=FrameRange.of(1011, 1014), text="Hold", by="Ada", at=AT
    )
    room.set_notes([asked])
    room.notes_list.again.emit(asked)
    assert room.frame == 1011
    assert heard(room).calls == [("again", "n")]


def test_another_version_of_the_shot_keeps_the_frame(room: ReviewRoom, blue: Any) -> None:
    room.go_to(1014)
    heard(room).b.set(replace(blue, key="v4"))
    assert room.frame == 1014


def test_what_was_begun_on_one_shot_never_lands_on_another(room: ReviewRoom, red: Any) -> None:
    """Nor on the version that a running job has become beside it."""
    review, first = heard(room), heard(room).state.value
    room.player.mark_in()
    room.marks.sketch.write(1009, (0.5, 0.5), "this", colour="#ffffff")
    room.note_field.words.setText("remove this crane")
    QTest.keyClick(room.canvas, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(room.comment.words, "softer")

    made = VERSION.model_copy(update={"id": "v4", "number": 4})
    review.state.set(replace(first, b="v4", version=made))
    assert room.comment.isHidden()
    assert (room.comment.words.text(), room.marks.begun) == ("", False)

    other = SHOT.model_copy(update={"id": ShotId(show="BBB", sequence="A", shot="S_020")})
    review.state.set(replace(first, shot=other, version=None))
    review.state.set(replace(first, shot=other, version=VERSION.model_copy(update={"id": "w1"})))
    assert room.player.clock.in_point == 1001
    room.note_field.words.setText("hold it")
    room.note_field.wanted.emit()
    assert review.calls == [("note", "hold it", FrameRange.of(1009, 1009, 24), 1009, "w1")]
    assert room.marks.draft().strokes == ()

    review.state.set(first)
    assert room.player.clock.in_point == 1009
    assert room.note_field.words.text() == "remove this crane"
    assert [one.text for one in room.marks.draft().strokes] == ["this"]
    QTest.keyClick(room.canvas, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    assert room.comment.words.text() == "softer"


def test_what_an_outage_held_back_is_asked_for_once_the_line_stands(
    room: ReviewRoom, red: Any
) -> None:
    outage = replace(red, key="during the outage", broken=set(red.frames))
    heard(room).a.set(outage)
    until(lambda: room.player.cache.failure("A", 1009))
    outage.broken.clear()
    heard(room)._session._connected.tell(None)
    assert room.player.cache.failure("A", 1009) is None
    until(lambda: room.player.picture("A") is not None)


def test_sheets_are_offered_for_what_is_there(room: ReviewRoom) -> None:
    assert room.sheets.offers() == [(Scope.VERSION, "S_010 Upscale v003")]
    words = [action.text() for action in room.more.fill().actions() if action.text()]
    assert words[0] == "Review sheet of S_010 Upscale v003 …"
    heard(room).state.set(ReviewState())
    assert room.sheets.offers() == []


def test_a_sheet_that_cannot_be_made_says_why(room: ReviewRoom, tmp_path: Path) -> None:
    room.sheets.write(Scope.VERSION, tmp_path / "review.pdf")
    until(lambda: room._news.text().startswith("⚠"))
    assert not list(tmp_path.glob("*.pdf"))


def test_no_shot_is_no_fault(room: ReviewRoom) -> None:
    heard(room).state.set(ReviewState())
    heard(room).a.set(None)
    heard(room).b.set(None)
    assert room.frame is None
