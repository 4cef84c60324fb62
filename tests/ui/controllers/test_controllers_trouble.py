"""When things go away: the gateway killed, absent or refusing; the panel closed while busy."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bridge_core import launcher
from bridge_core.client import Client
from bridge_core.errors import GatewayUnreachable
from bridge_core.models.frames import FrameRange
from bridge_core.models.gateway import About
from bridge_core.models.jobs import JobState
from bridge_core.models.notes import Note, Stroke, StrokeTool
from bridge_core.models.settings import Settings
from bridge_core.models.versions import ReviewStatus, Version
from bridge_ui.controllers import feed
from bridge_ui.controllers.jobs import JobsController
from bridge_ui.controllers.review import ReviewController
from bridge_ui.controllers.send import SendController
from bridge_ui.controllers.session import Line, Session
from bridge_ui.controllers.shots import ShotsController
from bridge_ui.standalone_host import StandaloneHost

if TYPE_CHECKING:
    from conftest import Panel


@pytest.fixture(autouse=True)
def _closed_in_the_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that fails leaves no session behind for the next one to stumble over."""
    made: list[Session] = []
    real = Session.start

    def start(self: Session) -> None:
        made.append(self)
        real(self)

    monkeypatch.setattr(Session, "start", start)
    yield
    for session in made:
        session.close(timeout=5)


def connected(settings: Settings, cut: Path, panel: Panel) -> Session:
    session = Session(settings, StandaloneHost(settings, cut), panel.post)
    assert session.connection.value.line is Line.CONNECTING
    session.start()
    panel.until(lambda: session.connection.value.up, "the gateway to answer")
    return session


def ready(session: Session, panel: Panel) -> tuple[ShotsController, SendController]:
    shots, send = ShotsController(session), SendController(session)
    shots.reload()
    panel.until(lambda: shots.rows, "the cut")
    send.choose("round_trip")
    send.set_shots([row.shot for row in shots.rows if row.shot])
    panel.until(lambda: send.state.value.can_send, "the form")
    return shots, send


def test_a_killed_gateway_is_missed_and_comes_back_by_itself(
    own_settings: Settings, cut: Path, panel: Panel, kill_gateway: Any
) -> None:
    session = connected(own_settings, cut, panel)
    lines: list[Line] = []
    session.connection.watch(lambda connection: lines.append(connection.line), at_once=False)
    shots, send = ready(session, panel)
    jobs = JobsController(session)
    send.send()
    panel.until(lambda: len(session.board.jobs) == 2, "both jobs")
    kill_gateway(own_settings)
    panel.until(lambda: Line.LOST in lines, "the loss to be told")
    panel.until(lambda: session.connection.value.up, "the gateway to be back")

    def done() -> bool:
        return all(job.state is JobState.SUCCEEDED for job in session.board.jobs.values())

    panel.until(done, "the jobs to go on", seconds=120)
    panel.until(lambda: all(row.newest for row in shots.rows), "the versions")
    assert len(session.board.jobs) == 2, "nothing was sent twice"
    assert [row.sign.words for row in jobs.rows] == ["done", "done"]
    assert session.close(timeout=10)


def test_what_is_sent_to_nobody_waits_and_goes_later(
    tmp_path: Path, cut: Path, panel: Panel, own_settings: Settings
) -> None:
    first = connected(own_settings, cut, panel)
    _shots, send = ready(first, panel)
    real = first.client.submit

    def unreachable(request: Any, *, key: str, **_: Any) -> Any:
        first.client.outbox.put(request, key)
        raise GatewayUnreachable("nobody there", details={"kept": key})

    first.client.submit = unreachable  # type: ignore[method-assign,assignment]
    jobs = JobsController(first)
    send.send()
    panel.until(lambda: send.state.value.problem == "nobody there", "the words")
    panel.until(lambda: sum(row.waiting for row in jobs.rows) == 2, "both in the outbox")
    assert {row.sign.words for row in jobs.rows} == {"in the outbox: not sent yet"}
    assert first.outbox.value.words == "2 wait to be sent"
    assert jobs.state.value.words == "2 in the outbox"
    jobs.cancel(jobs.rows[0].id)
    panel.until(lambda: len(first.outbox.value.waiting) == 1, "one to be taken out")
    first.client.submit = real  # type: ignore[method-assign]
    assert first.close(timeout=10)

    second = connected(own_settings, cut, panel)
    panel.until(lambda: second.board.jobs, "what waited to be sent")
    panel.until(lambda: not second.outbox.value.waiting, "an empty outbox")
    assert len(second.board.jobs) == 1
    assert second.close(timeout=10)


def test_closing_while_sending_loses_nothing(
    own_settings: Settings, cut: Path, panel: Panel
) -> None:
    session = connected(own_settings, cut, panel)
    _, send = ready(session, panel)
    gate = threading.Event()
    real = session.client.submit

    def slow(*given: Any, **more: Any) -> Any:
        assert gate.wait(20)
        return real(*given, **more)

    session.client.submit = slow  # type: ignore[method-assign]
    send.send()
    panel.until(lambda: len(session.outbox.value.waiting) == 2, "both to be accepted")
    send.close()
    told: list[object] = []
    session.connection.watch(told.append, at_once=False)
    session.close()
    gate.set()
    assert session.close(timeout=10)
    panel.idle(0.2)
    assert told == []

    again = connected(own_settings, cut, panel)
    panel.until(lambda: len(again.board.jobs) == 2, "both jobs")
    panel.until(lambda: not again.outbox.value.waiting, "an empty outbox")
    panel.idle(0.3)
    assert len(again.board.jobs) == 2
    assert again.close(timeout=10)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be frozen here")
def test_a_gateway_that_hangs_keeps_nobody_from_sending(
    own_settings: Settings, cut: Path, panel: Panel, kill_gateway: Any
) -> None:
    session = connected(own_settings, cut, panel)
    shots, send = ready(session, panel)
    review = ReviewController(session)
    kill_gateway(own_settings, signal.SIGSTOP)
    try:
        for _ in range(5):
            session.ask_health()
        review.open(shots.rows[0].shot)
        send.set_note("asked while nobody answers")
        send.send()
        panel.until(lambda: len(session.outbox.value.waiting) == 2, "both to be accepted", 10)
        assert session.client.outbox.entries()[0].request.note == "asked while nobody answers"
    finally:
        kill_gateway(own_settings, signal.SIGCONT)
    panel.until(lambda: len(session.board.jobs) == 2, "the jobs")
    panel.until(lambda: not session.outbox.value.waiting, "an empty outbox")
    assert session.close(timeout=10)


def test_a_studios_gateway_that_is_not_there_is_said_so(
    tmp_path: Path, cut: Path, panel: Panel, settings_in: Any
) -> None:
    token = tmp_path / "token"
    token.write_text("secret-token-of-the-studio")
    token.chmod(0o600)
    settings = settings_in(tmp_path, client__url="http://127.0.0.1:9", client__token_file=token)
    session = Session(settings, StandaloneHost(settings, cut), panel.post)
    shots = ShotsController(session)
    send = SendController(session)
    session.start()
    shots.reload()
    panel.until(lambda: session.connection.value.line is Line.LOST, "the words")
    assert "does not answer" in session.connection.value.words
    assert "again by itself" in session.connection.value.next_step
    panel.until(lambda: len(shots.rows) == 2, "the cut, which needs no gateway")
    assert "services are not known" in send.state.value.missing[0]
    assert session.close(timeout=15)


def test_a_wrong_token_is_for_a_person_to_mend(
    settings: Settings, tmp_path: Path, cut: Path, panel: Panel, settings_in: Any
) -> None:
    address = launcher.ensure(settings)
    token = tmp_path / "token"
    token.write_text("not-the-right-token-at-all-1234567890")
    token.chmod(0o600)
    studio = settings_in(tmp_path, client__url=address.url, client__token_file=token)
    session = Session(studio, StandaloneHost(studio, cut), panel.post)
    session.start()
    panel.until(lambda: session.connection.value.line is Line.REFUSED, "the refusal")
    assert session.connection.value.next_step
    token.write_text(address.token)
    session.retry()
    assert session.connection.value.line is Line.CONNECTING
    panel.until(lambda: session.connection.value.up, "the connection")
    assert address.url in session.connection.value.words
    panel.until(lambda: session.health.value, "the gateway's health")
    assert session.close(timeout=10)


class Overburdened(Client):
    """Its gateway streams, but at first does not say who it is."""

    def __init__(self, settings: Settings, times: int) -> None:
        super().__init__(settings)
        self.left = times

    def about(self) -> About:
        self.left -= 1
        if self.left >= 0:
            raise GatewayUnreachable("no answer within 60 s")
        return super().about()


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_gateway_that_answers_late_is_asked_again(
    settings: Settings, cut: Path, panel: Panel, monkeypatch: pytest.MonkeyPatch, by_hand: bool
) -> None:
    monkeypatch.setattr(feed, "AGAIN", 3600 if by_hand else 0.1)
    client = Overburdened(settings, times=1 if by_hand else 3)
    session = Session(settings, StandaloneHost(settings, cut), panel.post, client=client)
    session.start()
    panel.until(lambda: session.connection.value.line is Line.LOST, "the words")
    assert "no answer within 60 s" in session.connection.value.words
    if by_hand:
        session.retry()
    panel.until(lambda: session.connection.value.up, "the connection")
    assert session.services.value
    assert client.left < 0
    session.retry()
    panel.until(lambda: client.left == -2, "a look at what stands as well")
    assert session.close(timeout=10)


class SlowClient(Client):
    """Answers about one shot come late."""

    def __init__(self, settings: Settings, slow: str) -> None:
        super().__init__(settings)
        self.slow = slow
        self.gate = threading.Event()
        self.asked = threading.Event()

    def versions(self, **which: Any) -> list[Version]:
        if which.get("shot") == self.slow:
            self.asked.set()
            assert self.gate.wait(30)
            raise GatewayUnreachable("this must not be shown")
        return super().versions(**which)


def test_a_stale_answer_never_lands(settings: Settings, cut: Path, panel: Panel) -> None:
    host = StandaloneHost(settings, cut)
    first, second = (item.shot for item in host.scene().shots)
    client = SlowClient(settings, first.id.shot)
    session = Session(settings, host, panel.post, client=client)
    review = ReviewController(session)
    session.start()
    panel.until(lambda: session.connection.value.up, "the gateway")
    review.open(first)
    assert client.asked.wait(20)
    review.open(second)
    client.gate.set()
    panel.idle()
    assert review.state.value.shot == second
    assert review.state.value.problem == ""
    review.open(None)
    assert review.a.value is None
    assert session.close(timeout=10)


def test_what_was_said_is_kept_once_though_its_answer_was_lost(
    settings: Settings, cut: Path, panel: Panel
) -> None:
    session = connected(settings, cut, panel)
    shots, send = ready(session, panel)
    send.send()
    panel.until(lambda: all(row.newest for row in shots.rows), "the versions")
    review = ReviewController(session)
    review.open(shots.rows[0].shot)
    panel.until(lambda: review.state.value.version, "the version")
    real, calls = session.client.decide, []

    def lost(*given: Any) -> Any:
        calls.append(real(*given))
        raise GatewayUnreachable("the answer was cut")

    session.client.decide = lost  # type: ignore[method-assign,assignment]
    review.decide(ReviewStatus.REJECTED)
    panel.until(lambda: not review.state.value.busy, "the end of it")
    assert review.state.value.problem == ""
    assert [d.status for d in review.state.value.decisions] == [ReviewStatus.REJECTED]
    assert len(calls) == 1

    add_note, look = session.client.add_note, session.client.notes
    kept: list[Note] = []
    box = Stroke(tool=StrokeTool.BOX, points=((0.1, 0.2), (1 / 3, 0.8)))

    def say(text: str) -> None:
        review.add_note(text, [box], FrameRange.of(1, 2, 25), drawn_on=1, done=kept.append)
        panel.until(lambda: not review.state.value.busy, "the end of it")

    def cut_off(*given: Any) -> Any:
        add_note(*given)
        raise GatewayUnreachable("the answer was cut")

    def line_lost(*given: Any) -> Any:
        session.client.notes = gone  # type: ignore[method-assign]
        return cut_off(*given)

    def gone(_: str) -> list[Note]:
        raise GatewayUnreachable("nobody answers")

    session.client.add_note = cut_off  # type: ignore[method-assign]
    say("Hold the leaves")
    assert (review.state.value.problem, len(kept)) == ("", 1)
    session.client.add_note = line_lost  # type: ignore[method-assign]
    say("Softer")
    assert "nobody answers" in review.state.value.problem
    session.client.notes, session.client.add_note = look, add_note  # type: ignore[method-assign]
    say("Softer")
    assert (review.state.value.problem, len(kept)) == ("", 2)
    assert look(kept[0].version) == kept
    assert session.close(timeout=10)


@pytest.mark.parametrize("when", [0.0, 0.05, 0.3])
def test_a_panel_closed_at_any_moment_leaves_no_thread(
    settings: Settings, cut: Path, panel: Panel, when: float, no_threads_left: Any
) -> None:
    session = Session(settings, StandaloneHost(settings, cut), panel.post)
    parts = [
        ShotsController(session),
        SendController(session),
        JobsController(session),
        ReviewController(session),
    ]
    session.start()
    parts[0].reload()  # type: ignore[union-attr]
    panel.idle(when)
    for part in parts:
        part.close()
    session.close(timeout=0)
    panel.idle(0.1)
    assert no_threads_left()
