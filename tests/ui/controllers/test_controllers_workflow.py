"""A shot's workflow through the controllers, with a real gateway."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bridge_core.models.costs import Quote
from bridge_core.models.frames import FrameRange
from bridge_core.models.jobs import JobState
from bridge_core.models.notes import Stroke
from bridge_core.models.requests import OutputFormat, Request
from bridge_core.models.versions import ReviewStatus
from bridge_core.timeline.cut_reader import read_cut
from bridge_ui.host.playhead import ViewedFrame
from bridge_ui.jobs.controller import JobListRow, JobsController
from bridge_ui.lineage.controller import LineageController
from bridge_ui.review.controller import PLATE, ReviewController
from bridge_ui.send.controller import SendController
from bridge_ui.shots.controller import ShotsController

if TYPE_CHECKING:
    from fake_main_thread import FakeMainThread

    from bridge_ui.core.session import Session

JPEG = b"\xff\xd8"


@pytest.fixture
def shots(session: Session, main_thread: FakeMainThread) -> Iterator[ShotsController]:
    controller = ShotsController(session)
    controller.reload()
    main_thread.wait_until(lambda: len(controller.rows) == 2, "the cut to be read")
    yield controller
    controller.close()


@pytest.fixture
def send(session: Session, main_thread: FakeMainThread) -> Iterator[SendController]:
    controller = SendController(session)
    controller.choose_service("round_trip")
    yield controller
    controller.close()


def version_of(
    session: Session,
    main_thread: FakeMainThread,
    shots: ShotsController,
    send: SendController,
    row: int = 0,
) -> str:
    """Id of a new version of a shot."""
    shot = shots.rows[row].shot
    assert shot is not None
    before = {v.id for v in session.store.versions_of(shot.id)}
    send.set_shots([shot])
    main_thread.wait_until(lambda: send.state.value.can_send, "the form to be complete")
    send.send()
    send.duplicate_check.confirm()  # if it repeats an earlier one

    def new() -> list[str]:
        return [v.id for v in session.store.versions_of(shot.id) if v.id not in before]

    return str(main_thread.wait_until(new, "a version")[0])


def test_two_shots_are_sent_and_every_list_shows_it(
    session: Session,
    main_thread: FakeMainThread,
    shots: ShotsController,
    send: SendController,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quoted: list[int] = []
    real = session.client.quote

    def quote(requests: Sequence[Request]) -> list[Quote]:
        quoted.append(len(requests))
        return real(requests)

    monkeypatch.setattr(session.client, "quote", quote)
    jobs = JobsController(session)
    assert [row.sign.text for row in shots.rows] == ["nothing sent yet"] * 2
    assert shots.rows[0].range_text == "1003–1006 · 4 + 4 handles"
    shots.select([row.key for row in shots.rows])
    send.set_shots(row.shot for row in shots.selected if row.shot)
    state = send.state.value
    assert state.button_text == "Make 2 versions"
    main_thread.wait_until(lambda: len(send.state.value.summary) == 5, "the quotes")
    lines = {line.title: line.text for line in send.state.value.summary}
    assert quoted[-1:] == [2], "one call for all shots"
    assert lines["Send"].startswith("2 shots, 8 frames + 8 handles · ACEScg")
    assert lines["To"] == "this machine, nothing leaves it"
    assert lines["Cost"] == "none"
    assert lines["Allowed"].startswith("yes")
    send.send()
    assert send.state.value.send_progress.request_count == 2
    main_thread.wait_until(
        lambda: all(row.newest_version_id for row in shots.rows), "both versions"
    )
    main_thread.wait_until(
        lambda: send.state.value.send_progress.request_count == 0, "the sending to end"
    )
    main_thread.wait_until(
        lambda: all("v001 · pending review" in row.sign.text for row in shots.rows),
        "the list to show them",
    )
    for row in shots.rows:
        assert row.sign.symbol == "◆"
        assert row.needs_attention
    assert shots.state.value.attention_count == 2
    ids = {row.shot.id for row in shots.rows if row.shot}

    def own_rows() -> list[JobListRow]:
        return [row for row in jobs.rows if row.shot in ids]

    main_thread.wait_until(
        lambda: [j.sign.text for j in own_rows()] == ["done", "done"], "both to be done"
    )
    assert all(row.result_id and not row.can_cancel for row in own_rows())
    main_thread.wait_until(lambda: not session.outbox.value.waiting, "an empty outbox")
    send.set_shots([r.shot for r in shots.rows if r.shot][:1])
    main_thread.wait_until(lambda: send.state.value.button_text == "Make v002", "the next number")
    jobs.close()


def test_a_version_is_reviewed(
    session: Session,
    main_thread: FakeMainThread,
    shots: ShotsController,
    send: SendController,
    tmp_path: Path,
) -> None:
    first = version_of(session, main_thread, shots, send)
    review = ReviewController(session)
    shot = shots.rows[0].shot
    assert shot is not None
    review.open(shot)
    main_thread.wait_until(lambda: review.state.value.version, "a version under review")
    state = review.state.value
    assert (state.a, state.b) == (PLATE, first)
    plate, version = review.a.value, review.b.value
    assert plate is not None
    assert version is not None
    assert plate.frames == tuple(range(1001, 1009))
    assert version.frames == plate.frames
    assert plate.frame(1003)[:2] == version.frame(1003)[:2] == JPEG

    second = version_of(session, main_thread, shots, send)
    main_thread.wait_until(lambda: len(review.state.value.choices) == 3, "the second version")
    assert [choice.id for choice in review.state.value.choices] == [PLATE, second, first]
    assert review.state.value.b == first, "the selected version stays"
    assert review.b.value is version
    review.step_version(1)
    assert review.state.value.b == second
    review.step_version(1)
    assert review.state.value.b == second
    review.choose_a(first)
    assert review.state.value.version is not None
    assert review.state.value.version.id == second

    created: list[Any] = []
    stroke = Stroke(tool="box", points=((0.1, 0.1), (0.4, 0.5)))
    review.add_note("Hold the leaves", [stroke], FrameRange.of(1004, 1005, 25), done=created.append)
    review.add_note("Good otherwise")
    main_thread.wait_until(lambda: len(review.state.value.notes) == 2, "the notes")
    assert [note.text for note in review.state.value.notes] == ["Good otherwise", "Hold the leaves"]
    assert created[0].strokes == (stroke,)
    assert created[0].by == "Ada Lovelace"
    review.add_note("   ")
    assert "note" in review.state.value.problem

    received: list[Request] = []
    review.revise_from_note(created[0], received.append)
    main_thread.wait_until(lambda: received, "the request")
    assert received[0].source_version_id == second
    assert received[0].note == "1004–1005: Hold the leaves"
    send.prefill(received[0])
    assert send.state.value.source_version_id == second
    assert send.state.value.note == "1004–1005: Hold the leaves"
    assert send.state.value.button_text == "Make v003"

    review.decide(ReviewStatus.APPROVED, "lovely")
    main_thread.wait_until(
        lambda: review.state.value.message.startswith("Round trip v002 approved"), "the decision"
    )
    assert review.state.value.decisions[0].by == "Ada Lovelace"
    assert not review.state.value.busy
    main_thread.wait_until(lambda: "approved" in shots.rows[0].sign.text, "the list to show it")
    assert shots.rows[0].sign.text == (
        "Round trip v001 · pending review; Round trip v002 · approved · Ada Lovelace"
    )
    assert shots.rows[0].attention_ids == (first,), "the older version is still pending"
    review.choose_b(first)
    session.set_user("Grace Hopper")
    review.decide(ReviewStatus.REJECTED, "softer than the next one")
    session.set_user("Ada Lovelace")  # the name at the click counts
    main_thread.wait_until(lambda: not shots.rows[0].needs_attention, "no pending version")
    rejected = session.store.versions[first]
    assert [record.by for record in rejected.decisions] == ["Grace Hopper"]
    assert shots.rows[0].sign.text == "Round trip v002 · approved · Ada Lovelace"

    target = tmp_path / "out.otio"
    shots.export(target)
    main_thread.wait_until(lambda: shots.state.value.message, "the export")
    carried = {v.label: v for v in read_cut(target).shots[0].versions}
    assert set(carried) == {"v001", "v002"}
    assert carried["v002"].is_active
    viewed = tmp_path / "for openrv.otio"
    shots.export(viewed, "openrv")
    main_thread.wait_until(lambda: "for openrv" in shots.state.value.message, "the other export")
    assert "Hold the leaves" in viewed.read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.glob("*.otio")) == ["for openrv.otio", "out.otio"]
    assert not list(tmp_path.glob(".*.otio"))
    shots.export(shots.scene.cut.path)  # type: ignore[union-attr]
    main_thread.wait_until(lambda: shots.state.value.problem, "the refusal")
    assert "replace its own source" in shots.state.value.problem
    review.close()


def test_a_test_frame_is_reviewed(
    session: Session, main_thread: FakeMainThread, shots: ShotsController, send: SendController
) -> None:
    shot = shots.rows[1].shot
    assert shot is not None
    review = ReviewController(session)
    review.open(shot)
    send.set_shots([shot])
    send.request_test_frame(ViewedFrame(shot.id, 2000))
    assert "2000" in send.state.value.problem
    send.request_test_frame(ViewedFrame(shot.id, 1004))
    assert send.state.value.problem == ""
    main_thread.wait_until(lambda: len(review.state.value.choices) == 2, "the test frame")
    test_frame_job = main_thread.wait_until(
        lambda: next((c for c in review.state.value.choices if "test frame 1004" in c.label), None),
        "the test frame to be done",
    )
    review.choose_b(test_frame_job.id)
    main_thread.wait_until(lambda: review.b.value and review.b.value.frames == (1004,), "its frame")
    assert review.b.value is not None
    assert review.b.value.frame(1004)[:2] == JPEG
    assert review.state.value.version is None
    review.decide(ReviewStatus.APPROVED)
    assert review.state.value.problem
    review.close()


def test_a_job_is_cancelled_and_sent_again(
    session: Session, main_thread: FakeMainThread, shots: ShotsController, send: SendController
) -> None:
    jobs = JobsController(session)
    wanted = [row.shot for row in shots.rows if row.shot]
    send.set_shots(wanted)
    main_thread.wait_until(lambda: send.state.value.can_send, "the form")
    send.send()
    names = {shot.id for shot in wanted}
    rows = main_thread.wait_until(
        lambda: [row for row in jobs.rows if row.shot in names and not row.is_in_outbox][1:],
        "the jobs",
    )
    last = rows[0].id
    jobs.cancel(last)

    def ended() -> Any:
        job = jobs.job(last)
        return job is not None and job.state.ended

    main_thread.wait_until(ended, "the job to end")
    job = jobs.job(last)
    assert job is not None
    if job.state is JobState.CANCELLED:
        row = next(row for row in jobs.rows if row.id == last)
        assert row.sign.text == "cancelled"
        assert row.can_resend
        before = len(jobs.rows)
        jobs.resend(last)
        main_thread.wait_until(lambda: len(jobs.rows) > before, "the new job")
    jobs.close()


def test_how_versions_were_made_is_shown_and_compared(
    session: Session, main_thread: FakeMainThread, shots: ShotsController, send: SendController
) -> None:
    first = version_of(session, main_thread, shots, send)
    send.set_output_format(OutputFormat.PLATE)
    send.set_note("keep the grain")
    second = version_of(session, main_thread, shots, send)
    lineage = LineageController(session)
    lineage.show(first, "v001")
    lineage.show(second, "v002")
    main_thread.wait_until(lambda: lineage.state.value.facts, "the lineage")
    facts = {(fact.group, fact.title): fact.value for fact in lineage.state.value.facts}
    assert facts["Request", "By"] == "Ada Lovelace"
    assert facts["Request", "Note"] == "keep the grain"
    assert lineage.state.value.label == "v002"
    lineage.compare(first, "v001")
    main_thread.wait_until(lambda: lineage.state.value.differences is not None, "the comparison")
    found = {d.title: (d.a, d.b) for d in lineage.state.value.differences or ()}
    assert found["Note"] == ("keep the grain", "")
    assert found["Delivery"] == ("plate", "exr")
    assert "By" not in found
    received: list[Request] = []
    lineage.repeat(received.append)
    assert received[0].note == "keep the grain"
    assert received[0].source_version_id is None
    lineage.show("no-such-result")
    main_thread.wait_until(lambda: lineage.state.value.problem, "the refusal")
    assert lineage.state.value.facts == ()
    lineage.close()


def test_thumbnails_are_loaded_for_visible_rows(
    session: Session, main_thread: FakeMainThread, shots: ShotsController, send: SendController
) -> None:
    loaded: list[str] = []
    shots.watch_thumbnails(loaded.append)
    keys = [row.key for row in shots.rows]
    assert shots.thumbnail(keys[0]) is None
    shots.request_thumbnails(keys)
    main_thread.wait_until(lambda: set(loaded) == set(keys), "the plates' thumbnails")
    plate = shots.thumbnail(keys[0])
    assert plate is not None
    assert plate[:2] == JPEG
    loaded.clear()
    version_of(session, main_thread, shots, send)
    main_thread.wait_until(lambda: keys[0] in loaded, "the version's thumbnail")
    assert shots.thumbnail(keys[0]) != plate


def test_the_form_lists_what_is_missing(
    session: Session, main_thread: FakeMainThread, shots: ShotsController, send: SendController
) -> None:
    send.set_shots([])
    assert send.state.value.missing == ("select a shot",)
    send.send()
    assert send.state.value.send_progress.request_count == 0
    assert {service.id for service in send.find_services("")} >= {"round_trip"}
    assert send.find_services("nonsense that no service has") == ()
    send.choose_service("teleport")
    assert "teleport" in send.state.value.problem
    assert send.state.value.service is not None
    assert send.state.value.service.id == "round_trip"
    upscale = next((s for s in send.state.value.services if s.id == "upscale"), None)
    if upscale is not None and not upscale.available:
        send.choose_service("upscale")
        assert upscale.unavailable_reason in send.state.value.missing


def test_withdrawn_requests_leave_nothing_behind(
    session: Session, main_thread: FakeMainThread, shots: ShotsController, send: SendController
) -> None:
    release = threading.Event()
    real = session.client.submit

    def slow(*given: Any, **more: Any) -> Any:
        assert release.wait(20)
        return real(*given, **more)

    session.client.submit = slow  # type: ignore[method-assign]
    send.set_shots([row.shot for row in shots.rows if row.shot])
    main_thread.wait_until(lambda: send.state.value.can_send, "the form")
    ids = [row.shot.id for row in shots.rows if row.shot]
    send.send()
    main_thread.wait_until(lambda: len(session.outbox.value.waiting) == 2, "both to be accepted")
    send.stop_sending()
    main_thread.wait_until(lambda: not session.outbox.value.waiting, "both to be withdrawn")
    release.set()
    main_thread.wait_until(
        lambda: send.state.value.send_progress.request_count == 0, "the sending to end"
    )
    main_thread.run_for()
    assert not session.outbox.value.waiting
    assert [session.store.jobs_of(which) for which in ids] == [[], []]
    assert send.state.value.problem == ""
