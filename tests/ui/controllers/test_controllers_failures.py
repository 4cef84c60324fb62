"""The gateway is killed, absent or refuses; the panel is closed while busy."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bridge_core import gateway_launcher
from bridge_core.client import Client
from bridge_core.errors import GatewayUnreachable
from bridge_core.models.frames import FrameRange
from bridge_core.models.gateway import About
from bridge_core.models.jobs import JobState
from bridge_core.models.notes import Note, Stroke, StrokeTool
from bridge_core.models.settings import Settings
from bridge_core.models.versions import ReviewStatus, Version
from bridge_ui.app.standalone_host import StandaloneHost
from bridge_ui.core import event_listener
from bridge_ui.core.session import ConnectionState, Session
from bridge_ui.jobs.controller import JobsController
from bridge_ui.review.controller import ReviewController
from bridge_ui.send.controller import SendController
from bridge_ui.shots.controller import ShotsController

if TYPE_CHECKING:
    from fake_main_thread import FakeMainThread


@pytest.fixture(autouse=True)
def _close_sessions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close all sessions, even if a test fails."""
    sessions: list[Session] = []
    real = Session.start

    def start(self: Session) -> None:
        sessions.append(self)
        real(self)

    monkeypatch.setattr(Session, "start", start)
    yield
    for session in sessions:
        session.close(timeout=5)


def connected(settings: Settings, cut: Path, main_thread: FakeMainThread) -> Session:
    session = Session(settings, StandaloneHost(settings, cut), main_thread.post)
    assert session.connection.value.state is ConnectionState.CONNECTING
    session.start()
    main_thread.wait_until(lambda: session.connection.value.is_connected, "the gateway to answer")
    return session


def ready(session: Session, main_thread: FakeMainThread) -> tuple[ShotsController, SendController]:
    shots, send = ShotsController(session), SendController(session)
    shots.reload()
    main_thread.wait_until(lambda: shots.rows, "the cut")
    send.choose_service("round_trip")
    send.set_shots([row.shot for row in shots.rows if row.shot])
    main_thread.wait_until(lambda: send.state.value.can_send, "the form")
    return shots, send


def test_the_panel_reconnects_after_the_gateway_is_killed(
    own_settings: Settings, cut: Path, main_thread: FakeMainThread, kill_gateway: Any
) -> None:
    session = connected(own_settings, cut, main_thread)
    states: list[ConnectionState] = []
    session.connection.watch(lambda connection: states.append(connection.state), immediately=False)
    shots, send = ready(session, main_thread)
    jobs = JobsController(session)
    send.send()
    main_thread.wait_until(lambda: len(session.store.jobs) == 2, "both jobs")
    kill_gateway(own_settings)
    main_thread.wait_until(lambda: ConnectionState.LOST in states, "the loss to be shown")
    main_thread.wait_until(lambda: session.connection.value.is_connected, "the gateway to be back")

    def done() -> bool:
        return all(job.state is JobState.SUCCEEDED for job in session.store.jobs.values())

    main_thread.wait_until(done, "the jobs to go on", seconds=120)
    main_thread.wait_until(lambda: all(row.newest_version_id for row in shots.rows), "the versions")
    assert len(session.store.jobs) == 2, "nothing was sent twice"
    assert [row.sign.text for row in jobs.rows] == ["done", "done"]
    assert session.close(timeout=10)


def test_requests_wait_in_the_outbox_without_a_gateway(
    tmp_path: Path, cut: Path, main_thread: FakeMainThread, own_settings: Settings
) -> None:
    first = connected(own_settings, cut, main_thread)
    _shots, send = ready(first, main_thread)
    real = first.client.submit

    def unreachable(request: Any, *, key: str, user: str, **_: Any) -> Any:
        first.client.outbox.add(request, key, requested_by=user)
        raise GatewayUnreachable("no gateway", details={"outbox_key": key})

    first.client.submit = unreachable  # type: ignore[method-assign,assignment]
    jobs = JobsController(first)
    send.send()
    main_thread.wait_until(lambda: send.state.value.problem == "no gateway", "the problem")
    main_thread.wait_until(
        lambda: sum(row.is_in_outbox for row in jobs.rows) == 2, "both in the outbox"
    )
    assert {row.sign.text for row in jobs.rows} == {"in the outbox, not sent yet"}
    assert first.outbox.value.text == "2 waiting to be sent"
    assert jobs.state.value.text == "2 in the outbox"
    jobs.cancel(jobs.rows[0].id)
    main_thread.wait_until(lambda: len(first.outbox.value.waiting) == 1, "one to be withdrawn")
    first.client.submit = real  # type: ignore[method-assign]
    assert first.close(timeout=10)

    second = connected(own_settings, cut, main_thread)
    main_thread.wait_until(lambda: second.store.jobs, "the waiting request")
    main_thread.wait_until(lambda: not second.outbox.value.waiting, "an empty outbox")
    assert len(second.store.jobs) == 1
    assert second.close(timeout=10)


def test_closing_while_sending_loses_nothing(
    own_settings: Settings, cut: Path, main_thread: FakeMainThread
) -> None:
    session = connected(own_settings, cut, main_thread)
    _, send = ready(session, main_thread)
    release = threading.Event()
    real = session.client.submit

    def slow(*given: Any, **more: Any) -> Any:
        assert release.wait(20)
        return real(*given, **more)

    session.client.submit = slow  # type: ignore[method-assign]
    send.send()
    main_thread.wait_until(lambda: len(session.outbox.value.waiting) == 2, "both to be accepted")
    send.close()
    states: list[object] = []
    session.connection.watch(states.append, immediately=False)
    session.close()
    release.set()
    assert session.close(timeout=10)
    main_thread.run_for(0.2)
    assert states == []

    again = connected(own_settings, cut, main_thread)
    main_thread.wait_until(lambda: len(again.store.jobs) == 2, "both jobs")
    main_thread.wait_until(lambda: not again.outbox.value.waiting, "an empty outbox")
    main_thread.run_for(0.3)
    assert len(again.store.jobs) == 2
    assert again.close(timeout=10)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be frozen here")
def test_requests_are_accepted_while_the_gateway_hangs(
    own_settings: Settings, cut: Path, main_thread: FakeMainThread, kill_gateway: Any
) -> None:
    session = connected(own_settings, cut, main_thread)
    shots, send = ready(session, main_thread)
    review = ReviewController(session)
    kill_gateway(own_settings, signal.SIGSTOP)
    try:
        for _ in range(5):
            session.refresh_health()
        review.open(shots.rows[0].shot)
        send.set_note("sent while the gateway hangs")
        send.send()
        main_thread.wait_until(
            lambda: len(session.outbox.value.waiting) == 2, "both to be accepted", 10
        )
        assert session.client.outbox.entries()[0].request.note == "sent while the gateway hangs"
    finally:
        kill_gateway(own_settings, signal.SIGCONT)
    main_thread.wait_until(lambda: len(session.store.jobs) == 2, "the jobs")
    main_thread.wait_until(lambda: not session.outbox.value.waiting, "an empty outbox")
    assert session.close(timeout=10)


def test_an_unreachable_studio_gateway_is_reported(
    tmp_path: Path, cut: Path, main_thread: FakeMainThread, settings_in: Any
) -> None:
    token = tmp_path / "token"
    token.write_text("secret-token-of-the-studio")
    token.chmod(0o600)
    settings = settings_in(tmp_path, client__url="http://127.0.0.1:9", client__token_file=token)
    session = Session(settings, StandaloneHost(settings, cut), main_thread.post)
    shots = ShotsController(session)
    send = SendController(session)
    session.start()
    shots.reload()
    main_thread.wait_until(
        lambda: session.connection.value.state is ConnectionState.LOST, "the problem"
    )
    assert "does not answer" in session.connection.value.text
    assert "again by itself" in session.connection.value.next_step
    main_thread.wait_until(lambda: len(shots.rows) == 2, "the cut, which needs no gateway")
    assert "services are not known" in send.state.value.missing[0]
    assert session.close(timeout=15)


def test_a_wrong_token_can_be_corrected(
    settings: Settings, tmp_path: Path, cut: Path, main_thread: FakeMainThread, settings_in: Any
) -> None:
    address = gateway_launcher.ensure_gateway(settings)
    token = tmp_path / "token"
    token.write_text("not-the-right-token-at-all-1234567890")
    token.chmod(0o600)
    studio = settings_in(tmp_path, client__url=address.url, client__token_file=token)
    session = Session(studio, StandaloneHost(studio, cut), main_thread.post)
    session.start()
    main_thread.wait_until(
        lambda: session.connection.value.state is ConnectionState.REFUSED, "the refusal"
    )
    assert session.connection.value.next_step
    token.write_text(address.token)
    session.reconnect()
    assert session.connection.value.state is ConnectionState.CONNECTING
    main_thread.wait_until(lambda: session.connection.value.is_connected, "the connection")
    assert address.url in session.connection.value.text
    main_thread.wait_until(lambda: session.health.value, "the gateway's health")
    assert session.close(timeout=10)


class BusyClient(Client):
    """The event stream works, but the first calls fail."""

    def __init__(self, settings: Settings, times: int) -> None:
        super().__init__(settings)
        self.left = times

    def about(self) -> About:
        self.left -= 1
        if self.left >= 0:
            raise GatewayUnreachable("no answer within 60 s")
        return super().about()


@pytest.mark.parametrize("by_hand", [False, True])
def test_connecting_is_retried_if_the_first_calls_fail(
    settings: Settings,
    cut: Path,
    main_thread: FakeMainThread,
    monkeypatch: pytest.MonkeyPatch,
    by_hand: bool,
) -> None:
    monkeypatch.setattr(event_listener, "RETRY_SECONDS", 3600 if by_hand else 0.1)
    client = BusyClient(settings, times=1 if by_hand else 3)
    session = Session(settings, StandaloneHost(settings, cut), main_thread.post, client=client)
    session.start()
    main_thread.wait_until(
        lambda: session.connection.value.state is ConnectionState.LOST, "the problem"
    )
    assert "no answer within 60 s" in session.connection.value.text
    if by_hand:
        session.reconnect()
    main_thread.wait_until(lambda: session.connection.value.is_connected, "the connection")
    assert session.services.value
    assert client.left < 0
    session.reconnect()
    main_thread.wait_until(lambda: client.left == -2, "reconnecting while connected")
    assert session.close(timeout=10)


class SlowClient(Client):
    """Calls about one shot are slow."""

    def __init__(self, settings: Settings, slow: str) -> None:
        super().__init__(settings)
        self.slow = slow
        self.release = threading.Event()
        self.called = threading.Event()

    def versions(self, **which: Any) -> list[Version]:
        if which.get("shot") == self.slow:
            self.called.set()
            assert self.release.wait(30)
            raise GatewayUnreachable("this must not be shown")
        return super().versions(**which)


def test_a_stale_result_is_not_shown(
    settings: Settings, cut: Path, main_thread: FakeMainThread
) -> None:
    host = StandaloneHost(settings, cut)
    first, second = (item.shot for item in host.scene().shots)
    client = SlowClient(settings, first.id.shot)
    session = Session(settings, host, main_thread.post, client=client)
    review = ReviewController(session)
    session.start()
    main_thread.wait_until(lambda: session.connection.value.is_connected, "the gateway")
    review.open(first)
    assert client.called.wait(20)
    review.open(second)
    client.release.set()
    main_thread.run_for()
    assert review.state.value.shot == second
    assert review.state.value.problem == ""
    review.open(None)
    assert review.a.value is None
    assert session.close(timeout=10)


def test_feedback_is_stored_once_if_the_response_is_lost(
    settings: Settings, cut: Path, main_thread: FakeMainThread
) -> None:
    session = connected(settings, cut, main_thread)
    shots, send = ready(session, main_thread)
    send.send()
    main_thread.wait_until(lambda: all(row.newest_version_id for row in shots.rows), "the versions")
    review = ReviewController(session)
    review.open(shots.rows[0].shot)
    main_thread.wait_until(lambda: review.state.value.version, "the version")
    decide, add_note = session.client.decide, session.client.add_note

    def lose_decision(*given: Any, **options: Any) -> Any:
        decide(*given, **options)
        raise GatewayUnreachable("the response was lost")

    def lose_note(*given: Any, **options: Any) -> Any:
        add_note(*given, **options)
        raise GatewayUnreachable("the response was lost")

    session.client.decide = lose_decision  # type: ignore[method-assign,assignment]
    review.decide(ReviewStatus.REJECTED)
    main_thread.wait_until(lambda: not review.state.value.busy, "the end of it")
    assert "was lost" in review.state.value.problem
    session.client.decide = decide  # type: ignore[method-assign]
    review.decide(ReviewStatus.REJECTED)
    main_thread.wait_until(lambda: not review.state.value.busy, "the end of it")
    assert review.state.value.problem == ""
    assert [d.status for d in review.state.value.decisions] == [ReviewStatus.REJECTED]

    kept: list[Note] = []
    box = Stroke(tool=StrokeTool.BOX, points=((0.1, 0.2), (1 / 3, 0.8)))

    def write(text: str) -> None:
        review.add_note(text, [box], FrameRange.of(1, 2, 25), drawn_on=1, done=kept.append)
        main_thread.wait_until(lambda: not review.state.value.busy, "the end of it")

    session.client.add_note = lose_note  # type: ignore[method-assign,assignment]
    write("Hold the leaves")
    assert "was lost" in review.state.value.problem and kept == []
    session.client.add_note = add_note  # type: ignore[method-assign]
    write("Hold the leaves")
    write("Hold the leaves")  # written once more, on purpose
    assert (review.state.value.problem, len(kept)) == ("", 2)
    assert session.client.notes(kept[0].version_id) == kept
    assert session.close(timeout=10)


def test_a_decision_returned_to_counts_again_after_a_lost_response(
    settings: Settings, cut: Path, main_thread: FakeMainThread
) -> None:
    session = connected(settings, cut, main_thread)
    shots, send = ready(session, main_thread)
    send.send()
    main_thread.wait_until(lambda: all(row.newest_version_id for row in shots.rows), "the versions")
    review = ReviewController(session)
    review.open(shots.rows[0].shot)
    main_thread.wait_until(lambda: review.state.value.version, "the version")
    decide = session.client.decide

    def lose_decision(*given: Any, **options: Any) -> Any:
        decide(*given, **options)
        raise GatewayUnreachable("the response was lost")

    def make(status: ReviewStatus) -> None:
        review.decide(status)
        main_thread.wait_until(lambda: not review.state.value.busy, "the end of it")

    approved, rejected = ReviewStatus.APPROVED, ReviewStatus.REJECTED
    session.client.decide = lose_decision  # type: ignore[method-assign,assignment]
    make(approved)
    assert "was lost" in review.state.value.problem
    session.client.decide = decide  # type: ignore[method-assign]
    make(rejected)
    make(approved)
    assert [d.status for d in review.state.value.decisions] == [approved, rejected, approved]

    session.client.decide = lose_decision  # type: ignore[method-assign,assignment]
    make(approved)  # the same once more, on purpose; its response is lost
    main_thread.wait_until(lambda: len(review.state.value.decisions) == 4, "the event about it")
    session.client.decide = decide  # type: ignore[method-assign]
    make(approved)
    assert len(review.state.value.decisions) == 4
    assert session.close(timeout=10)


@pytest.mark.parametrize("when", [0.0, 0.05, 0.3])
def test_a_panel_closed_at_any_moment_leaves_no_thread(
    settings: Settings, cut: Path, main_thread: FakeMainThread, when: float, no_threads_left: Any
) -> None:
    session = Session(settings, StandaloneHost(settings, cut), main_thread.post)
    shots = ShotsController(session)
    parts: list[Any] = [
        shots,
        SendController(session),
        JobsController(session),
        ReviewController(session),
    ]
    session.start()
    shots.reload()
    main_thread.run_for(when)
    for part in parts:
        part.close()
    session.close(timeout=0)
    main_thread.run_for(0.1)
    assert no_threads_left()
