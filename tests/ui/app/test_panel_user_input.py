"""The panel used by mouse and keyboard, with a real gateway.

Decisions apply to the version on screen, pending versions are counted, no key repeats a request,
and a note belongs to the shots for which it was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import database_filler
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QPushButton, QWidget
from running_panel import gateway_settings, opened_panel
from terminal import write_cut, write_plate
from user_input import QtTestUserInput, menus_closed, wait_until

from bridge_core.client import Client
from bridge_core.models.requests import Request
from bridge_core.models.settings import Settings
from bridge_core.models.versions import Decision, ReviewStatus, Version
from bridge_ui.app.panel import Panel
from bridge_ui.app.standalone_host import StandaloneHost
from bridge_ui.review.compare.viewer_settings import CompareMode

FRAMES = range(1001, 1009)
#: Shot, service and number of the existing versions, oldest first.
STORED = (
    (0, "upscale", 1),
    (0, "matte", 1),
    (0, "matte", 2),
    (1, "matte", 1),
    (1, "upscale", 1),
    (2, "matte", 1),
)


@dataclass
class StudioFixture:
    settings: Settings
    cut: Path
    versions: dict[tuple[int, str, int], Version]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioFixture]:
    folder = tmp_path_factory.mktemp("Größe und Länge")
    with gateway_settings(folder) as settings:
        names = [f"S_{at:05d}" for at in range(8)]
        plates = {one: write_plate(folder / "plates" / one, one, FRAMES) for one in names}
        cut = write_cut(folder / "reel_01.otio", plates, FRAMES)
        shots = [item.shot for item in StandaloneHost(settings, cut).scene().shots]
        samples = database_filler.versions([at for at, _, _ in STORED])
        stored = {
            which: one.model_copy(
                update={
                    "shot": shots[which[0]].id,
                    "service": which[1],
                    "number": which[2],
                    "content_hash": f"{at:064x}",
                    "frames": tuple(FRAMES),
                }
            )
            for at, (which, one) in enumerate(zip(STORED, samples, strict=True))
        }
        database_filler.insert_versions(
            settings.gateway.data_dir / "gateway.sqlite", stored.values()
        )
        with Client(settings) as client:
            approved = stored[1, "upscale", 1]
            client.decide(
                approved.id,
                Decision(status=ReviewStatus.APPROVED, content_hash=approved.content_hash),
                user="Ben",
            )
        yield StudioFixture(settings, cut, stored)


class PanelUser:
    def __init__(self, panel: Panel, studio: StudioFixture) -> None:
        self.panel, self.studio, self.user_input = panel, studio, QtTestUserInput()
        self.on = panel.controllers

    def select(self, at: int, modifier: str = "") -> None:
        view = self.panel.shots.view
        spot = view.visualRect(view.model().index(at, 0)).center()
        self.user_input.click(view.viewport(), spot, modifier)

    def review(self, at: int) -> None:
        """Select a shot and wait until all its versions are listed."""
        self.select(at)
        wanted = {one.id for which, one in self.studio.versions.items() if which[0] == at}
        state = self.on.review.state
        wait_until(lambda: wanted <= {c.id for c in state.value.choices}, "the versions")
        self.user_input.click(self.panel.review.canvas, QPoint(5, 5))

    def pick(self, side: str, text: str) -> None:
        """Choose what a side shows."""
        choices = self.panel.review.side_choosers[side].combo_box
        at = next(n for n in range(choices.count()) if choices.itemText(n) == text)
        self.user_input.click(choices)
        listed = choices.view()
        wait_until(listed.isVisible, "the list")
        self.user_input.click(
            listed.viewport(), listed.visualRect(choices.model().index(at, 0)).center()
        )
        wait_until(lambda: choices.currentIndex() == at and not listed.isVisible(), text)

    def choose_service(self, text: str) -> None:
        self.user_input.press_key("Ctrl+K")
        wait_until(self.panel.service_popover.isVisible, "the services")
        self.user_input.type_text(text)
        self.user_input.press_key("Return")
        wait_until(lambda: self.on.send.state.value.service.title == text, text)

    def approve(self, text: str) -> None:
        self.user_input.press_key("Shift+A")
        wait_until(self.panel.review.decision_form.line_edit.hasFocus, "the comment field")
        self.user_input.type_text(text)
        self.user_input.press_key("Return")
        wait_until(self.panel.review.decision_form.isHidden, "the decision to be stored")

    def draw(self, *path: tuple[float, float], over: QPointF | None = None) -> None:
        canvas = self.panel.review.canvas
        picture_rect = canvas.picture_rect()
        self.user_input.drag(
            canvas,
            [
                QPointF(picture_rect.left() + x * picture_rect.width(), picture_rect.center().y())
                for x, _ in path
            ]
            if over is None
            else [over, over + QPointF(20, 20)],
        )

    def note(self, text: str) -> None:
        self.user_input.press_key("N")
        wait_until(self.panel.review.note_editor.line_edit.hasFocus, "the note field")
        self.user_input.type_text(text)
        self.user_input.press_key("Return")
        wait_until(
            lambda: not self.panel.review.note_editor.line_edit.text(), "the note to be stored"
        )

    def find_button(self, name: str) -> QPushButton:
        return self.panel.findChild(QPushButton, name)

    def approve_button(self) -> str:
        return self.panel.review.decision_buttons.button(ReviewStatus.APPROVED).text()

    def write_note(self, text: str) -> None:
        """Write the note of the form."""
        self.user_input.click(self.panel.findChild(QWidget, "note"))
        self.user_input.type_text(text)

    def send_summary(self) -> dict[str, str]:
        return {line.title: line.text for line in self.on.send.state.value.summary}

    def press_send(self) -> None:
        """Wait for the button to be enabled, and click it."""
        button = self.find_button("send")
        wait_until(button.isEnabled, "the button to be ready")
        self.user_input.click(button)

    def jobs_of(self, at: int) -> list[Request]:
        """The requests of a shot at the gateway, after all are sent."""
        wait_until(lambda: not self.on.session.cancel_events, "everything to be sent")
        with Client(self.studio.settings) as client:
            jobs = client.jobs(limit=200)
        name = f"S_{at:05d}"
        return [job.request for job in jobs if job.request.shot.id.shot == name]

    def wait_for_versions(self, at: int, count: int) -> None:
        """Wait until a shot has this many versions and its jobs have ended."""
        store, shot = self.on.session.store, self.on.shots.rows[at].shot.id
        wait_until(
            lambda: (
                len(store.versions_of(shot)) == count
                and all(job.state.ended for job in store.jobs_of(shot))
            ),
            f"version {count} of {shot.shot}",
        )


@pytest.fixture
def director(qapp: QApplication, studio: StudioFixture) -> Iterator[PanelUser]:
    host = StandaloneHost(studio.settings, studio.cut)
    with opened_panel(studio.settings, host) as panel:
        panel.activateWindow()
        user = PanelUser(panel, studio)
        wait_until(lambda: user.on.session.connection.value.is_connected, "the gateway")
        wait_until(lambda: len(user.on.shots.rows) == 8, "the cut's shots")
        wait_until(lambda: user.on.send.state.value.service, "the services")
        yield user


# What is on screen


def test_a_decision_and_a_drawing_apply_to_the_version_on_screen(director: PanelUser) -> None:
    old, new = (director.studio.versions[0, "matte", n] for n in (1, 2))
    director.review(0)
    director.pick("A", "Matte v001")
    director.pick("B", "Matte v002")
    director.user_input.press_key("1")
    assert director.approve_button() == "Approve Matte v001"
    director.user_input.press_key("D")
    director.draw((0.3, 0.5), (0.6, 0.5))
    director.note("Hold the edge")
    director.user_input.press_key("Escape")
    director.approve("Lovely")
    with Client(director.studio.settings) as client:
        decided, other = client.version(old.id), client.version(new.id)
        notes = client.notes(old.id)
        assert client.notes(new.id) == []
    assert [(one.text, len(one.strokes)) for one in notes] == [("Hold the edge", 1)]
    assert (decided.status, other.status) == (ReviewStatus.APPROVED, ReviewStatus.PENDING)
    assert [(one.by, one.content_hash) for one in decided.decisions] == [
        ("Ada Lovelace", old.content_hash)
    ]


def test_with_two_versions_the_target_is_named_and_can_be_switched(
    director: PanelUser,
) -> None:
    director.review(0)
    director.pick("A", "Upscale v001")
    director.pick("B", "Matte v002")
    review_widget = director.panel.review
    for key in ("3", "4", "5", "6"):
        director.user_input.press_key(key)
        assert review_widget.targets.isVisible()
        assert director.approve_button() == "Approve Matte v002"
        director.user_input.press_key("T")
        assert director.approve_button() == "Approve Upscale v001"
        assert "Upscale v001" in review_widget.note_editor.line_edit.placeholderText()
        chips = review_widget.targets.findChildren(QAbstractButton)
        director.user_input.click(next(one for one in chips if one.text() == "Matte v002"))
        assert director.approve_button() == "Approve Matte v002"
    director.user_input.press_key("S")
    assert director.approve_button() == "Approve Matte v002", "the same version on the other side"
    director.user_input.press_key("2")
    assert not review_widget.targets.isVisible()
    assert director.approve_button() == "Approve Upscale v001"


def test_a_stroke_belongs_to_the_picture_where_it_starts(director: PanelUser) -> None:
    director.review(0)
    director.pick("A", "Upscale v001")
    director.pick("B", "Matte v002")
    director.user_input.press_key("6")
    director.user_input.press_key("D")
    canvas, marks = director.panel.review.canvas, director.panel.review.annotations
    sides = [canvas._layout.areas[at].center() for at in (0, 1)]
    for spot, service in zip(sides, ("Upscale v001", "Matte v002"), strict=True):
        director.draw(over=spot)
        assert director.approve_button() == f"Approve {service}"
        assert len(marks.unsaved_note().strokes) == 1
    director.user_input.press_key("T")
    assert len(marks.unsaved_note().strokes) == 1
    assert marks.unsaved_note().version == director.studio.versions[0, "upscale", 1].id


def test_the_plate_alone_cannot_be_reviewed(director: PanelUser) -> None:
    director.review(1)
    director.pick("A", "Plate")
    director.user_input.press_key("1")
    button = director.panel.review.decision_buttons.button(ReviewStatus.APPROVED)
    assert not button.isEnabled()
    director.user_input.press_key("Shift+A")
    assert director.panel.review.decision_form.isHidden()
    director.user_input.press_key("W")
    assert button.isEnabled()


@pytest.mark.parametrize("width", [1440, 320])
def test_switching_between_a_and_b_moves_nothing(director: PanelUser, width: int) -> None:
    """To compare, the picture and the buttons must keep their positions, for the plate as well as
    for pending and reviewed versions."""
    director.review(1)
    director.panel.resize(width, 880)
    wait_until(lambda: director.panel.wide == (width > 1000), "the layout to change")
    director.user_input.press_key("Ctrl+4" if width < 1000 else "F")
    wait_until(director.panel.review.isVisible, "the review")
    review_widget, place_button = director.panel.review, director.find_button("place")
    approve = review_widget.decision_buttons.button(ReviewStatus.APPROVED)
    director.pick("B", "Upscale v001")
    for a in ("Plate", "Matte v001"):
        director.pick("A", a)
        positions = set()
        for key in ("2", "1", "3", "2"):
            director.user_input.press_key(key)
            QTest.qWait(50)
            assert place_button.isVisible()
            spots = [
                one.mapTo(director.panel, QPoint()).toTuple()
                for one in (review_widget.timeline, approve)
            ]
            positions.add((*spots, review_widget.canvas.height(), approve.width()))
        assert len(positions) == 1, a
    director.user_input.press_key("1")
    assert director.approve_button() == "Approve Matte v001"
    director.pick("A", "Plate")
    assert not place_button.isEnabled()


# Pending versions


def test_everything_that_needs_attention_is_counted_and_listed(director: PanelUser) -> None:
    with Client(director.studio.settings) as client:
        waiting = client.versions(status=ReviewStatus.PENDING)
    shots = director.on.shots
    wait_until(lambda: shots.state.value.attention_count == len(waiting), "all pending versions")
    assert director.find_button("chip-needs-attention").text() == f"Needs attention {len(waiting)}"
    row = shots.rows[1]
    assert row.sign.text == "Matte v001 · pending review; Upscale v001 · approved · Ben"
    director.user_input.click(director.find_button("chip-needs-attention"))
    assert {one.shot.id for one in shots.rows} == {one.shot for one in waiting}
    director.user_input.click(director.find_button("chip-all"))


def test_opening_a_shot_shows_the_pending_version(director: PanelUser) -> None:
    """Not the plate, and not a newer version that is approved."""
    waiting = director.studio.versions[1, "matte", 1]
    director.review(1)
    assert director.on.review.state.value.b == waiting.id
    assert director.approve_button() == "Approve Matte v001"
    director.user_input.press_key("1")
    director.select(2)
    wait_until(lambda: director.approve_button() == "Approve Matte v001", "the next shot's")
    assert director.panel.review.canvas.settings.compare is CompareMode.B


def test_emptying_the_viewer_changes_no_mode(director: PanelUser) -> None:
    director.review(1)
    director.user_input.press_key("6")
    director.select(1, "Ctrl")
    wait_until(lambda: director.panel.review.frame is None, "an empty viewer")
    director.select(3)
    wait_until(lambda: director.panel.review.frame is not None, "a shot without a version")
    assert director.panel.review.canvas.settings.compare is CompareMode.A
    director.select(1)
    wait_until(
        lambda: director.panel.review.canvas.settings.compare is CompareMode.SIDE_BY_SIDE,
        "both side by side as before",
    )


# Costly actions


def test_space_sends_nothing_and_a_second_click_needs_confirmation(
    director: PanelUser,
) -> None:
    director.select(3)
    director.choose_service("Round trip")
    director.press_send()
    director.wait_for_versions(3, 1)
    with menus_closed():
        for widget in (
            director.find_button("send"),
            director.find_button("test-frame"),
            director.find_button("presets"),
        ):
            widget.setFocus(Qt.FocusReason.TabFocusReason)
            director.user_input.press_key("Space")
            director.user_input.press_key("Return")
    assert len(director.jobs_of(3)) == 1
    director.user_input.press_key("Escape")

    director.press_send()
    assert "just made" in director.on.send.state.value.question
    director.press_send()
    director.user_input.press_key("Ctrl+Return")
    assert len(director.jobs_of(3)) == 1
    director.user_input.click(director.find_button("confirm-duplicate"))
    director.wait_for_versions(3, 2)
    assert director.on.send.state.value.question == ""


def test_space_on_a_button_controls_playback(director: PanelUser) -> None:
    director.select(4)
    director.choose_service("Round trip")
    director.press_send()
    director.wait_for_versions(4, 1)
    director.user_input.press_key("Ctrl+2")
    assert director.panel.current_page == "jobs"
    jobs = director.panel.jobs
    at = next(n for n, one in enumerate(director.on.jobs.rows) if one.shot.shot == "S_00004")
    director.user_input.click(
        jobs.view.viewport(), jobs.view.visualRect(jobs.view.model().index(at, 0)).center()
    )
    resend = director.find_button("job-resend")
    wait_until(resend.isVisible, "the button")
    resend.setFocus(Qt.FocusReason.TabFocusReason)
    assert resend.hasFocus()
    director.user_input.press_key("Space")
    assert director.panel.review.player.clock.is_playing
    director.user_input.press_key("K")
    assert not director.panel.review.player.clock.is_playing
    director.user_input.press_key("Return")
    assert len(director.jobs_of(4)) == 1
    director.user_input.press_key("Ctrl+Shift+Return")
    assert "just made" in director.on.jobs.state.value.question
    director.user_input.click(director.find_button("job-confirm-duplicate"))
    director.wait_for_versions(4, 2)


def test_return_presses_the_focused_button_once(director: PanelUser) -> None:
    chip, search = director.find_button("chip-needs-attention"), director.panel.shots.search
    presses: list[int] = []
    presets_button = director.panel.send._presets.button
    presets_button.pressed.connect(lambda: presses.append(1))
    plain = director.panel.review.note_editor._save_button
    plain.clicked.connect(lambda: presses.append(2))
    director.review(1)
    director.panel.review.note_editor.line_edit.setText("Hold")
    plain.setFocus(Qt.FocusReason.TabFocusReason)
    director.panel.review.note_submitted.disconnect()  # only counted here
    director.user_input.press_key("Return")
    plain.setFocus(Qt.FocusReason.TabFocusReason)
    assert presses == [2]
    chip.setFocus(Qt.FocusReason.TabFocusReason)
    director.user_input.press_key("Return")
    assert chip.isChecked()
    search.setFocus()
    director.user_input.type_text("a b")
    assert search.text() == "a b", "Space types in text fields"
    search.clear()


# Notes


def test_a_note_belongs_to_the_shot_and_service_it_was_written_for(director: PanelUser) -> None:
    director.select(5)
    director.choose_service("Matte")
    director.write_note("Only the hair")
    director.select(6)
    director.select(7, "Ctrl")
    director.choose_service("Round trip")
    note = director.panel.findChild(QWidget, "note")
    assert note.toPlainText() == ""
    assert "Note" not in director.send_summary()
    director.write_note("Both of them")
    assert director.send_summary()["Note"] == "“Both of them” for each of the 2 shots"
    director.press_send()
    wait_until(lambda: director.jobs_of(6) and director.jobs_of(7), "the jobs")
    assert {one.note for at in (6, 7) for one in director.jobs_of(at)} == {"Both of them"}
    wait_until(lambda: note.toPlainText() == "", "the note to be cleared")

    director.select(5)
    assert note.toPlainText() == "", "not for this service"
    director.choose_service("Matte")
    assert note.toPlainText() == "Only the hair"
    assert director.send_summary()["Note"] == "“Only the hair”"


# Results


def test_a_new_result_is_offered_and_replaces_nothing(director: PanelUser) -> None:
    director.select(5)
    director.choose_service("Round trip")
    director.press_send()
    wait_until(lambda: director.approve_button() == "Approve Round trip v001", "the first version")
    director.write_note("Once more")
    director.press_send()
    wait_until(lambda: director.panel.review.new_result.isVisible(), "the prompt")
    assert director.approve_button() == "Approve Round trip v001", "the version on screen stays"
    director.user_input.click(director.panel.review.new_result.button)
    assert director.approve_button() == "Approve Round trip v002"
    assert not director.panel.review.new_result.isVisible()


def test_a_test_frame_is_shown_when_done(director: PanelUser) -> None:
    director.review(2)
    director.choose_service("Round trip")
    wait_until(director.find_button("test-frame").isEnabled, "the button to be ready")
    director.user_input.click(director.find_button("test-frame"))
    review = director.on.review

    def viewed_label() -> str:
        state = review.state.value
        return next((one.label for one in state.choices if one.id == state.b), "")

    wait_until(lambda: "test frame" in viewed_label(), "the test frame")
    assert review.b.value is not None
    assert len(review.b.value.frames) == 1


def test_decisions_need_a_user_name(director: PanelUser) -> None:
    session = director.on.session
    client = session.settings.client.model_copy(update={"user": "  "})
    session.settings = session.settings.model_copy(update={"client": client})
    director.review(2)
    director.user_input.press_key("2")
    director.user_input.press_key("Shift+A")
    wait_until(director.panel.review.decision_form.line_edit.hasFocus, "the comment field")
    director.user_input.press_key("Return")
    assert "your" in director.on.review.state.value.problem
    assert "under User" in director.on.review.state.value.next_step
    director.select(7)
    assert any("under User" in one for one in director.on.send.state.value.missing)
    with Client(director.studio.settings) as checked:
        assert checked.version(director.studio.versions[2, "matte", 1].id).decisions == ()


def test_opening_a_cut_clears_the_search(director: PanelUser) -> None:
    shots = director.on.shots
    director.user_input.type_text("/")
    director.user_input.type_text("S_00003")
    wait_until(lambda: len(shots.rows) == 1, "the matching shot")
    shots.open(director.studio.cut)
    wait_until(lambda: len(shots.rows) == 8, "all shots of the cut")
    assert director.panel.shots.search.text() == ""
