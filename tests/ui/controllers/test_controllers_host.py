"""A host with render, placement and note capabilities, and a real gateway.

The host implements the host contract and no more.
"""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bridge_core.errors import HostError
from bridge_core.hosts.base import (
    Host,
    HostCapability,
    HostNote,
    HostScene,
    HostShot,
    Placement,
    PlacementMode,
    PlacementResult,
    RenderStep,
)
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.notes import Note
from bridge_core.models.settings import Settings
from bridge_core.models.shots import Shot, ShotId
from bridge_core.models.versions import ReviewStatus, Version
from bridge_ui.core.session import Session
from bridge_ui.host.notes_controller import HostNotesController
from bridge_ui.host.placement_controller import PlacementController, host_status_text
from bridge_ui.host.playhead import ViewedFrame
from bridge_ui.review.controller import ReviewController
from bridge_ui.send.controller import SendController
from bridge_ui.send.pending_renders import PendingRendersState
from bridge_ui.shots.controller import ShotsController

if TYPE_CHECKING:
    from fake_main_thread import FakeMainThread

oiio = pytest.importorskip("OpenImageIO")


class RenderingHost(Host):
    """Two shots that are rendered on demand. Refuses every thread but its own."""

    def __init__(self, sequence: str) -> None:
        self.thread = threading.current_thread()
        self.placements: list[Placement] = []
        self.saved_notes: list[HostNote] = []
        self.fails_at: int | None = None
        self.waits_at: int | None = None
        self.open_renders = 0
        self._shots = [self._make_shot(sequence, name) for name in ("S_010", "S_020")]

    @staticmethod
    def _make_shot(sequence: str, name: str) -> HostShot:
        span = FrameRange.of(1001, 1008, 25)
        plate = Plate(path="unrendered.%04d.exr", range=span, colour_space="ACEScg")
        plate = plate.model_copy(update={"width": 48, "height": 32})
        shot_id = ShotId(show="painted", sequence=sequence, shot=name)
        cut = FrameRange.of(1003, 1006, 25)
        shot = Shot(id=shot_id, plate=plate, cut_range=cut, head_handle=2, tail_handle=2)
        return HostShot(shot, item_id=name, label=name, needs_render=True)

    @property
    def title(self) -> str:
        return "Example 1"

    @property
    def capabilities(self) -> frozenset[HostCapability]:
        return frozenset({HostCapability.RENDER, HostCapability.PLACE, HostCapability.NOTES})

    @property
    def placement_modes(self) -> tuple[PlacementMode, ...]:
        return (PlacementMode("above", "Above"), PlacementMode("below", "Below"))

    def scene(self) -> HostScene:
        self._check_thread()
        shots = []
        for item in self._shots:
            placed = tuple(p.version.id for p in self.placements if p.item_id == item.item_id)
            active = placed[-1] if placed else ""
            shots.append(replace(item, placed_version_ids=placed, active_version_id=active))
        return HostScene("studio", "painted", tuple(shots))

    def place(self, placements: Sequence[Placement]) -> PlacementResult:
        self._check_thread()
        self.placements += placements
        return PlacementResult(f"{len(placements)} placed")

    def render(
        self, item_id: str, folder: Path, frames: Sequence[int] = ()
    ) -> Generator[RenderStep, None, None]:
        self._check_thread()
        shot = next(item.shot for item in self._shots if item.item_id == item_id)
        wanted = list(frames) or list(shot.work_range.frames())
        plate = shot.plate.model_copy(update={"path": str(folder / "painted.%04d.exr")})
        written: list[Path] = []
        self.open_renders += 1
        try:
            for number, frame in enumerate(wanted, 1):
                self._check_thread()
                if frame == self.fails_at:
                    raise HostError(f"frame {frame} cannot be rendered", next_step="fix it")
                while frame == self.waits_at:
                    yield RenderStep(number - 1, len(wanted))
                written.append(Path(plate.path_at(frame)))
                picture = oiio.ImageBuf(oiio.ImageSpec(48, 32, 3, "half"))
                oiio.ImageBufAlgo.fill(picture, (frame % 100 / 20, 0.2, 0.5))
                assert picture.write(str(written[-1]))
                done = shot.model_copy(update={"plate": plate}) if number == len(wanted) else None
                yield RenderStep(number, len(wanted), done)
            written.clear()
        finally:
            self.open_renders -= 1
            for path in written:
                path.unlink(missing_ok=True)

    def notes(self) -> tuple[HostNote, ...]:
        self._check_thread()
        return tuple(self.saved_notes)

    def mark_note_synced(self, note_key: str, note: Note) -> None:
        self._check_thread()
        self.saved_notes = [one for one in self.saved_notes if one.note_key != note_key]

    def _check_thread(self) -> None:
        assert threading.current_thread() is self.thread, "a host is called on its own thread"


@pytest.fixture
def host() -> RenderingHost:
    return RenderingHost(f"seq_{uuid.uuid4().hex[:8]}")


@pytest.fixture
def session(
    settings: Settings, host: RenderingHost, main_thread: FakeMainThread
) -> Iterator[Session]:
    new_session = Session(settings, host, main_thread.post)
    new_session.start()
    main_thread.wait_until(
        lambda: new_session.connection.value.is_connected, "the gateway to answer"
    )
    yield new_session
    new_session.close(timeout=10)


@pytest.fixture
def shots(session: Session, main_thread: FakeMainThread) -> Iterator[ShotsController]:
    controller = ShotsController(session)
    controller.reload()
    main_thread.wait_until(lambda: len(controller.rows) == 2, "the scene")
    yield controller
    controller.close()


@pytest.fixture
def send(
    session: Session, shots: ShotsController, main_thread: FakeMainThread
) -> Iterator[SendController]:
    controller = SendController(session)
    controller.choose_service("round_trip")
    controller.set_shots(
        [row.shot for row in shots.rows if row.shot],
        {row.shot: row.key for row in shots.rows if row.shot and row.needs_render},
    )
    main_thread.wait_until(lambda: controller.state.value.can_send, "the form to be complete")
    yield controller
    controller.close()


def versions(session: Session, shots: ShotsController) -> list[Version]:
    return [
        version
        for row in shots.rows
        if row.shot
        for version in session.store.versions_of(row.shot.id)
    ]


def test_plates_are_rendered_first_and_then_sent(
    session: Session,
    main_thread: FakeMainThread,
    shots: ShotsController,
    send: SendController,
    host: RenderingHost,
) -> None:
    main_thread.wait_until(lambda: len(send.state.value.summary) == 6, "the quotes")
    lines = {line.title: line.text for line in send.state.value.summary}
    assert lines["Render first"] == "16 frames in Example 1"
    progress = []
    send.state.watch(lambda state: progress.append(state.render_progress))
    send.send()
    found = main_thread.wait_until(
        lambda: len(versions(session, shots)) == 2 and versions(session, shots), ""
    )
    assert {version.frames for version in found} == {tuple(range(1001, 1009))}
    assert {(one.shot, one.total_frames) for one in progress if one.shot} == {
        ("S_010", 8),
        ("S_020", 8),
    }
    assert any(one.waiting_shots == 1 for one in progress)
    assert host.open_renders == 0
    assert not send.state.value.render_progress.shot
    # The plate to compare with is the one that was sent.
    review = ReviewController(session)
    shot = shots.rows[0].shot
    assert shot is not None
    review.open(shot, needs_render=True)
    plate = main_thread.wait_until(lambda: review.a.value, "the plate")
    assert plate.frame(1004).startswith(b"\xff\xd8")
    review.close()


def test_one_frame_is_rendered_for_a_test_frame(
    session: Session,
    main_thread: FakeMainThread,
    send: SendController,
    settings: Settings,
    host: RenderingHost,
) -> None:
    test_frames = []
    # Both shots have this frame: the viewed one is used.
    viewed = send.state.value.shots[1].id
    send.request_test_frame(ViewedFrame(viewed, 1004), test_frames.append)
    (job,) = main_thread.wait_until(lambda: test_frames, "the gateway to have it")
    assert (job.request.shot.id, job.request.test_frames) == (viewed, (1004,))
    assert send.state.value.message == "test frame 1004 of S_020 requested"
    folder = Path(job.request.shot.plate.path).parent
    assert [path.name for path in folder.iterdir()] == ["painted.1004.exr"]
    main_thread.wait_until(lambda: session.store.jobs[job.id].state.ended, "the test frame")
    assert session.store.jobs[job.id].test_frame_id


def test_stopped_requests_are_neither_rendered_nor_sent(
    session: Session,
    main_thread: FakeMainThread,
    send: SendController,
    shots: ShotsController,
    host: RenderingHost,
) -> None:
    send.send()
    main_thread.wait_until(lambda: send.state.value.render_progress.frames_done >= 2, "some frames")
    send.stop_sending()
    assert host.open_renders == 0
    assert not send.state.value.render_progress.shot
    main_thread.run_for(0.4)
    assert versions(session, shots) == []
    assert not session.outbox.value.waiting
    assert pending_count(session.settings) == 0
    assert shots.rows[0].shot is not None
    which = shots.rows[0].shot.id
    root = session.settings.client.state_dir / "plates" / which.show / which.sequence
    assert not [path for path in root.rglob("*") if path.is_file()]


@pytest.fixture
def reopen(
    settings: Settings, host: RenderingHost, main_thread: FakeMainThread
) -> Iterator[Callable[[], SendController]]:
    """Opens the Send form of another panel with the same scene."""
    sessions: list[Session] = []

    def open_again() -> SendController:
        new_session = Session(settings, host, main_thread.post)
        sessions.append(new_session)
        new_session.start()
        main_thread.wait_until(
            lambda: new_session.connection.value.is_connected, "the gateway to answer"
        )
        send = SendController(new_session)
        send.pending_renders.refresh(host.scene())
        return send

    yield open_again
    for session in sessions:
        session.close(timeout=10)


def close(session: Session, send: SendController) -> None:
    send.close()
    assert session.close(timeout=10)


def pending_count(settings: Settings) -> int:
    """How many stored requests wait for their plates."""
    return len(list((settings.client.state_dir / "pending_renders").glob("*.json")))


def test_pending_renders_of_a_closed_panel_are_left_to_the_next_one(
    session: Session,
    main_thread: FakeMainThread,
    shots: ShotsController,
    send: SendController,
    host: RenderingHost,
    settings: Settings,
    reopen: Callable[[], SendController],
) -> None:
    host.waits_at = 1003
    send.send()
    main_thread.wait_until(lambda: send.state.value.render_progress.frames_done == 2, "some frames")
    assert send.state.value.message == "Round trip requested for S_010, S_020"
    other = reopen()
    send.pending_renders.refresh(host.scene())
    main_thread.run_for(0.2)
    assert send.pending_renders.state.value == PendingRendersState(), "this panel is rendering them"
    assert other.pending_renders.state.value == PendingRendersState(), (
        "the first panel has claimed them"
    )
    other.close()
    close(session, send)
    assert host.open_renders == 0

    last = reopen()
    main_thread.wait_until(lambda: last.pending_renders.state.value.shots, "what is left")
    assert last.pending_renders.state.value == PendingRendersState(
        ("S_010", "S_020"), available_count=2
    )
    main_thread.run_for(0.2)
    assert not last.state.value.render_progress.shot, "nothing starts by itself"
    host.waits_at = None
    last.pending_renders.resume()
    assert last.pending_renders.state.value == PendingRendersState()
    store = last._session.store
    ids = [row.shot.id for row in shots.rows if row.shot]
    main_thread.wait_until(lambda: all(store.versions_of(which) for which in ids), "both versions")
    main_thread.wait_until(lambda: not last._session.outbox.value.waiting, "an empty outbox")
    assert [len(store.jobs_of(which)) for which in ids] == [1, 1]
    assert pending_count(settings) == 0
    last.close()


def test_changed_shots_are_not_rendered_and_can_be_discarded(
    session: Session,
    main_thread: FakeMainThread,
    send: SendController,
    host: RenderingHost,
    settings: Settings,
    reopen: Callable[[], SendController],
) -> None:
    host.waits_at = 1003
    send.send()
    main_thread.wait_until(lambda: send.state.value.render_progress.frames_done >= 2, "some frames")
    close(session, send)
    longer = host._shots[0].shot.model_copy(update={"tail_handle": 1})
    host._shots[0] = replace(host._shots[0], shot=longer)
    last = reopen()
    main_thread.wait_until(lambda: last.pending_renders.state.value.shots, "what is left")
    assert last.pending_renders.state.value == PendingRendersState(
        ("S_010", "S_020"), available_count=1
    )
    last.pending_renders.resume()
    main_thread.wait_until(
        lambda: last.state.value.render_progress.shot == "S_020", "the other one"
    )
    assert last.pending_renders.state.value == PendingRendersState(("S_010",), available_count=0)
    last.pending_renders.discard()
    last.stop_sending()
    assert last.pending_renders.state.value == PendingRendersState()
    main_thread.wait_until(lambda: pending_count(settings) == 0, "nothing to be left")
    last.close()


def test_a_request_that_cannot_be_stored_is_not_rendered(
    session: Session, main_thread: FakeMainThread, send: SendController, settings: Settings
) -> None:
    folder = settings.client.state_dir / "pending_renders"
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("in the way")
    try:
        send.send()
        main_thread.wait_until(lambda: send.state.value.problem, "the problem")
        assert "pending_renders cannot be written" in send.state.value.problem
        assert send.state.value.message == send.state.value.render_progress.shot == ""
    finally:
        folder.unlink()


def test_a_failed_render_is_reported_and_can_be_repeated(
    session: Session,
    main_thread: FakeMainThread,
    send: SendController,
    shots: ShotsController,
    host: RenderingHost,
) -> None:
    host.fails_at = 1004
    send.set_shots([shots.rows[0].shot], {shots.rows[0].shot: "S_010"})  # type: ignore[list-item, dict-item]
    send.send()
    main_thread.wait_until(lambda: send.state.value.problem, "the failure")
    assert send.state.value.problem == "frame 1004 cannot be rendered"
    assert send.state.value.next_step == "fix it"
    assert host.open_renders == 0
    host.fails_at = None
    send.send()
    main_thread.wait_until(lambda: versions(session, shots), "the version")


def test_another_shot_with_the_same_item_id_is_not_sent(
    session: Session,
    main_thread: FakeMainThread,
    send: SendController,
    shots: ShotsController,
    host: RenderingHost,
) -> None:
    host.waits_at = 1003
    send.set_shots([shots.rows[0].shot], {shots.rows[0].shot: "S_010"})  # type: ignore[list-item, dict-item]
    host._shots = RenderingHost("another_file")._shots
    send.send()
    main_thread.wait_until(
        lambda: send.state.value.render_progress.frames_done == 2, "the rendering"
    )
    host.waits_at = None
    main_thread.wait_until(lambda: send.state.value.problem, "the refusal")
    assert send.state.value.problem == "the host rendered painted/another_file/S_010 instead"
    assert versions(session, shots) == []


def test_versions_are_placed_with_the_chosen_mode_and_listed(
    session: Session,
    main_thread: FakeMainThread,
    send: SendController,
    shots: ShotsController,
    host: RenderingHost,
) -> None:
    placement = PlacementController(session, shots.reload)
    send.send()
    main_thread.wait_until(lambda: len(versions(session, shots)) == 2, "both versions")
    one, two = versions(session, shots)
    placement.place_approved(list(shots.rows))
    main_thread.wait_until(lambda: placement.state.value.problem, "the refusal")
    assert "no" in placement.state.value.problem
    assert host.placements == []

    options = placement.options(one)
    assert [option.title for option in options] == ["Above", "Below"]
    placement.place(shots.rows[0], one, options[1])
    main_thread.wait_until(lambda: placement.state.value.message, "the placement")
    (placed,) = host.placements
    assert (placed.item_id, placed.version.id, placed.mode_id) == ("S_010", one.id, "below")
    assert placed.folder is not None
    assert (
        (placed.folder / placed.version.outputs[0].pattern)
        .with_name(Path(placed.version.outputs[0].pattern % 1004).name)
        .is_file()
    )
    assert host_status_text(shots.rows[0], one) == "in use"
    assert host_status_text(shots.rows[1], two) == ""

    review = ReviewController(session)
    assert shots.rows[1].shot is not None
    review.open(shots.rows[1].shot, needs_render=True)
    main_thread.wait_until(lambda: review.state.value.version, "a version under review")
    review.decide(ReviewStatus.APPROVED)
    main_thread.wait_until(lambda: review.state.value.message, "the approval")
    placement.place_approved(list(shots.rows))
    main_thread.wait_until(lambda: len(host.placements) == 2, "the approved one")
    assert host.placements[1].version.id == two.id
    review.close()
    placement.close()


def test_notes_written_in_the_host_are_imported_once(
    session: Session,
    main_thread: FakeMainThread,
    send: SendController,
    shots: ShotsController,
    host: RenderingHost,
) -> None:
    notes = HostNotesController(session)
    send.send()
    main_thread.wait_until(lambda: versions(session, shots), "a version")
    version = versions(session, shots)[0]
    frames = FrameRange.of(1004, 1004, 25)
    host.saved_notes = [HostNote("m1", version.id, "too bright", frames)]
    notes.refresh()
    assert notes.state.value.text == "1 new note"
    # As if the panel ended after submitting the note, before the host marked it.
    for _ in range(2):
        host.saved_notes = [HostNote("m1", version.id, "too bright", frames)]
        notes.refresh()
        notes.import_notes()
        main_thread.wait_until(lambda: not notes.state.value.busy, "the note to be imported")
        assert host.saved_notes == []
        assert notes.state.value.notes == ()
    (kept,) = session.client.notes(version.id)
    assert (kept.text, kept.frames, kept.by) == ("too bright", frames, "Ada Lovelace")
    notes.close()
