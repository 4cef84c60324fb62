"""A host that keeps its things in memory: it renders plates, takes versions, is written notes in.

The gateway is a real one; the host below does what the contract of hosts says, and no more.
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
    Capability,
    Host,
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
    from conftest import Panel

oiio = pytest.importorskip("OpenImageIO")


class RenderingHost(Host):
    """Two shots that are painted when they are wanted. Refuses every thread but its own."""

    def __init__(self, sequence: str) -> None:
        self.thread = threading.current_thread()
        self.placements: list[Placement] = []
        self.saved_notes: list[HostNote] = []
        self.fails_at: int | None = None
        self.waits_at: int | None = None
        self.open_renders = 0
        self._shots = [self._paintable(sequence, name) for name in ("S_010", "S_020")]

    @staticmethod
    def _paintable(sequence: str, name: str) -> HostShot:
        span = FrameRange.of(1001, 1008, 25)
        plate = Plate(path="unrendered.%04d.exr", range=span, colour_space="ACEScg")
        plate = plate.model_copy(update={"width": 48, "height": 32})
        which = ShotId(show="painted", sequence=sequence, shot=name)
        cut = FrameRange.of(1003, 1006, 25)
        shot = Shot(id=which, plate=plate, cut_range=cut, head_handle=2, tail_handle=2)
        return HostShot(shot, item_id=name, label=name, needs_render=True)

    @property
    def title(self) -> str:
        return "Easel 1"

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset({Capability.RENDER, Capability.PLACE, Capability.NOTES})

    @property
    def placement_modes(self) -> tuple[PlacementMode, ...]:
        return (PlacementMode("wall", "On the wall"), PlacementMode("floor", "On the floor"))

    def scene(self) -> HostScene:
        self._mine()
        shots = []
        for item in self._shots:
            placed = tuple(p.version.id for p in self.placements if p.item_id == item.item_id)
            shots.append(replace(item, placed=placed, in_use=placed[-1] if placed else ""))
        return HostScene("studio", "painted", tuple(shots))

    def place(self, placements: Sequence[Placement]) -> PlacementResult:
        self._mine()
        self.placements += placements
        return PlacementResult(f"{len(placements)} hung up")

    def render(
        self, item_id: str, folder: Path, frames: Sequence[int] = ()
    ) -> Generator[RenderStep, None, None]:
        self._mine()
        shot = next(item.shot for item in self._shots if item.item_id == item_id)
        wanted = list(frames) or list(shot.work_range.frames())
        plate = shot.plate.model_copy(update={"path": str(folder / "painted.%04d.exr")})
        written: list[Path] = []
        self.open_renders += 1
        try:
            for number, frame in enumerate(wanted, 1):
                self._mine()
                if frame == self.fails_at:
                    raise HostError(f"no paint for frame {frame}", next_step="buy some")
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
        self._mine()
        return tuple(self.saved_notes)

    def mark_note_synced(self, note_key: str, note: Note) -> None:
        self._mine()
        self.saved_notes = [one for one in self.saved_notes if one.note_key != note_key]

    def _mine(self) -> None:
        assert threading.current_thread() is self.thread, "a host is asked on its own thread"


@pytest.fixture
def host() -> RenderingHost:
    return RenderingHost(f"seq_{uuid.uuid4().hex[:8]}")


@pytest.fixture
def session(settings: Settings, host: RenderingHost, main_thread: Panel) -> Iterator[Session]:
    new_session = Session(settings, host, main_thread.post)
    new_session.start()
    main_thread.until(lambda: new_session.connection.value.is_connected, "the gateway to answer")
    yield new_session
    new_session.close(timeout=10)


@pytest.fixture
def shots(session: Session, main_thread: Panel) -> Iterator[ShotsController]:
    controller = ShotsController(session)
    controller.reload()
    main_thread.until(lambda: len(controller.rows) == 2, "the scene")
    yield controller
    controller.close()


@pytest.fixture
def send(session: Session, shots: ShotsController, main_thread: Panel) -> Iterator[SendController]:
    controller = SendController(session)
    controller.choose_service("round_trip")
    controller.set_shots(
        [row.shot for row in shots.rows if row.shot],
        {row.shot: row.key for row in shots.rows if row.shot and row.needs_render},
    )
    main_thread.until(lambda: controller.state.value.can_send, "the form to be complete")
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
    main_thread: Panel,
    shots: ShotsController,
    send: SendController,
    host: RenderingHost,
) -> None:
    main_thread.until(lambda: len(send.state.value.summary) == 6, "the estimate")
    lines = {line.title: line.text for line in send.state.value.summary}
    assert lines["Renders first"] == "16 frames in Easel 1"
    seen = []
    send.state.watch(lambda state: seen.append(state.render_progress))
    send.send()
    found = main_thread.until(
        lambda: len(versions(session, shots)) == 2 and versions(session, shots), ""
    )
    assert {version.frames for version in found} == {tuple(range(1001, 1009))}
    assert {(one.shot, one.total) for one in seen if one.shot} == {("S_010", 8), ("S_020", 8)}
    assert any(one.waiting == 1 for one in seen)
    assert host.open_renders == 0
    assert not send.state.value.render_progress.shot
    # The plate to compare with is the one that was sent.
    review = ReviewController(session)
    shot = shots.rows[0].shot
    assert shot is not None
    review.open(shot, needs_render=True)
    plate = main_thread.until(lambda: review.a.value, "the plate")
    assert plate.frame(1004).startswith(b"\xff\xd8")
    review.close()


def test_one_frame_is_rendered_for_a_test_frame(
    session: Session,
    main_thread: Panel,
    send: SendController,
    settings: Settings,
    host: RenderingHost,
) -> None:
    test_frames = []
    # Both shots have this frame: the one that is looked at is tried.
    looked_at = send.state.value.shots[1].id
    send.request_test_frame(ViewedFrame(looked_at, 1004), test_frames.append)
    (job,) = main_thread.until(lambda: test_frames, "the gateway to have it")
    assert (job.request.shot.id, job.request.try_frames) == (looked_at, (1004,))
    assert send.state.value.message == "frame 1004 of S_020 is tried"
    folder = Path(job.request.shot.plate.path).parent
    assert [path.name for path in folder.iterdir()] == ["painted.1004.exr"]
    main_thread.until(lambda: session.store.jobs[job.id].state.ended, "the try")
    assert session.store.jobs[job.id].test_frame_id


def test_what_is_stopped_is_neither_rendered_on_nor_sent(
    session: Session,
    main_thread: Panel,
    send: SendController,
    shots: ShotsController,
    host: RenderingHost,
) -> None:
    send.send()
    main_thread.until(lambda: send.state.value.render_progress.frames_done >= 2, "some frames")
    send.stop_sending()
    assert host.open_renders == 0
    assert not send.state.value.render_progress.shot
    main_thread.idle(0.4)
    assert versions(session, shots) == []
    assert not session.outbox.value.waiting
    assert to_render(session.settings) == 0
    assert shots.rows[0].shot is not None
    which = shots.rows[0].shot.id
    root = session.settings.client.state_dir / "plates" / which.show / which.sequence
    assert not [path for path in root.rglob("*") if path.is_file()]


@pytest.fixture
def reopen(
    settings: Settings, host: RenderingHost, main_thread: Panel
) -> Iterator[Callable[[], SendController]]:
    """Opens another panel on the same scene, as far as its form."""
    sessions: list[Session] = []

    def open_again() -> SendController:
        new_session = Session(settings, host, main_thread.post)
        sessions.append(new_session)
        new_session.start()
        main_thread.until(
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


def to_render(settings: Settings) -> int:
    """How many requests are written down whose plates are not rendered."""
    return len(list((settings.client.state_dir / "to_render").glob("*.json")))


def test_what_a_closed_panel_did_not_render_is_left_to_the_next_one(
    session: Session,
    main_thread: Panel,
    shots: ShotsController,
    send: SendController,
    host: RenderingHost,
    settings: Settings,
    reopen: Callable[[], SendController],
) -> None:
    host.waits_at = 1003
    send.send()
    main_thread.until(lambda: send.state.value.render_progress.frames_done == 2, "some frames")
    assert send.state.value.message == "Round trip asked for S_010, S_020"
    other = reopen()
    send.pending_renders.refresh(host.scene())
    main_thread.idle(0.2)
    assert send.pending_renders.state.value == PendingRendersState(), "it is rendering them"
    assert other.pending_renders.state.value == PendingRendersState(), (
        "the first panel is about to render them"
    )
    other.close()
    close(session, send)
    assert host.open_renders == 0

    last = reopen()
    main_thread.until(lambda: last.pending_renders.state.value.shots, "what is left")
    assert last.pending_renders.state.value == PendingRendersState(
        ("S_010", "S_020"), available_count=2
    )
    main_thread.idle(0.2)
    assert not last.state.value.render_progress.shot, "nothing begins by itself"
    host.waits_at = None
    last.pending_renders.resume()
    assert last.pending_renders.state.value == PendingRendersState()
    store = last._session.store
    ids = [row.shot.id for row in shots.rows if row.shot]
    main_thread.until(lambda: all(store.versions_of(which) for which in ids), "both versions")
    main_thread.until(lambda: not last._session.outbox.value.waiting, "an empty outbox")
    assert [len(store.jobs_of(which)) for which in ids] == [1, 1]
    assert to_render(settings) == 0
    last.close()


def test_what_has_changed_since_is_not_rendered_and_can_be_forgotten(
    session: Session,
    main_thread: Panel,
    send: SendController,
    host: RenderingHost,
    settings: Settings,
    reopen: Callable[[], SendController],
) -> None:
    host.waits_at = 1003
    send.send()
    main_thread.until(lambda: send.state.value.render_progress.frames_done >= 2, "some frames")
    close(session, send)
    longer = host._shots[0].shot.model_copy(update={"tail_handle": 1})
    host._shots[0] = replace(host._shots[0], shot=longer)
    last = reopen()
    main_thread.until(lambda: last.pending_renders.state.value.shots, "what is left")
    assert last.pending_renders.state.value == PendingRendersState(
        ("S_010", "S_020"), available_count=1
    )
    last.pending_renders.resume()
    main_thread.until(lambda: last.state.value.render_progress.shot == "S_020", "the other one")
    assert last.pending_renders.state.value == PendingRendersState(("S_010",), available_count=0)
    last.pending_renders.discard()
    last.stop_sending()
    assert last.pending_renders.state.value == PendingRendersState()
    main_thread.until(lambda: to_render(settings) == 0, "nothing to be left")
    last.close()


def test_a_wish_that_cannot_be_written_down_is_not_rendered(
    session: Session, main_thread: Panel, send: SendController, settings: Settings
) -> None:
    folder = settings.client.state_dir / "to_render"
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("in the way")
    try:
        send.send()
        main_thread.until(lambda: send.state.value.problem, "the words")
        assert "cannot be used" in send.state.value.problem
        assert send.state.value.message == send.state.value.render_progress.shot == ""
    finally:
        folder.unlink()


def test_a_rendering_that_fails_is_reported_and_the_next_shot_goes_on(
    session: Session,
    main_thread: Panel,
    send: SendController,
    shots: ShotsController,
    host: RenderingHost,
) -> None:
    host.fails_at = 1004
    send.set_shots([shots.rows[0].shot], {shots.rows[0].shot: "S_010"})  # type: ignore[list-item, dict-item]
    send.send()
    main_thread.until(lambda: send.state.value.problem, "the failure")
    assert send.state.value.problem == "no paint for frame 1004"
    assert send.state.value.next_step == "buy some"
    assert host.open_renders == 0
    host.fails_at = None
    send.send()
    main_thread.until(lambda: versions(session, shots), "the version")


def test_what_another_file_has_under_the_same_handle_is_not_sent(
    session: Session,
    main_thread: Panel,
    send: SendController,
    shots: ShotsController,
    host: RenderingHost,
) -> None:
    host.waits_at = 1003
    send.set_shots([shots.rows[0].shot], {shots.rows[0].shot: "S_010"})  # type: ignore[list-item, dict-item]
    host._shots = RenderingHost("another_file")._shots
    send.send()
    main_thread.until(lambda: send.state.value.render_progress.frames_done == 2, "the rendering")
    host.waits_at = None
    main_thread.until(lambda: send.state.value.problem, "the refusal")
    assert send.state.value.problem == "the host rendered painted/another_file/S_010 instead"
    assert versions(session, shots) == []


def test_versions_are_placed_as_a_person_wants_and_the_list_shows_it(
    session: Session,
    main_thread: Panel,
    send: SendController,
    shots: ShotsController,
    host: RenderingHost,
) -> None:
    placing = PlacementController(session, shots.reload)
    send.send()
    main_thread.until(lambda: len(versions(session, shots)) == 2, "both versions")
    one, two = versions(session, shots)
    placing.place_approved(list(shots.rows))
    main_thread.until(lambda: placing.state.value.problem, "the refusal")
    assert "no" in placing.state.value.problem
    assert host.placements == []

    ways = placing.options(one)
    assert [way.title for way in ways] == ["On the wall", "On the floor"]
    placing.place(shots.rows[0], one, ways[1])
    main_thread.until(lambda: placing.state.value.message, "the placing")
    (placed,) = host.placements
    assert (placed.item_id, placed.version.id, placed.mode_id) == ("S_010", one.id, "floor")
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
    main_thread.until(lambda: review.state.value.version, "a version under review")
    review.decide(ReviewStatus.APPROVED)
    main_thread.until(lambda: review.state.value.message, "the approval")
    placing.place_approved(list(shots.rows))
    main_thread.until(lambda: len(host.placements) == 2, "the approved one")
    assert host.placements[1].version.id == two.id
    review.close()
    placing.close()


def test_notes_written_in_the_host_are_kept_once(
    session: Session,
    main_thread: Panel,
    send: SendController,
    shots: ShotsController,
    host: RenderingHost,
) -> None:
    notes = HostNotesController(session)
    send.send()
    main_thread.until(lambda: versions(session, shots), "a version")
    version = versions(session, shots)[0]
    frames = FrameRange.of(1004, 1004, 25)
    host.saved_notes = [HostNote("m1", version.id, "too bright", frames)]
    notes.refresh()
    assert notes.state.value.text == "1 note was written"
    # The panel ended once between telling the gateway and telling the host.
    for _ in range(2):
        host.saved_notes = [HostNote("m1", version.id, "too bright", frames)]
        notes.refresh()
        notes.import_notes()
        main_thread.until(lambda: not notes.state.value.busy, "the note to be kept")
        assert host.saved_notes == []
        assert notes.state.value.notes == ()
    (kept,) = session.client.notes(version.id)
    assert (kept.text, kept.frames, kept.by) == ("too bright", frames, "Ada Lovelace")
    notes.close()
