"""What was pressed is written down, whatever hangs; what was taken back is not sent later."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bridge_core.client import Client
from bridge_core.errors import (
    GatewayUnreachable,
    IdempotencyKeyReused,
    InvalidRequest,
    ShotbridgeError,
)
from bridge_core.models.jobs import Job
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Request
from bridge_core.models.settings import Settings
from bridge_ui.app.standalone_host import StandaloneHost
from bridge_ui.core.session import Session
from bridge_ui.jobs.controller import JobsController
from bridge_ui.review.player.qt_player import source_provider
from bridge_ui.send.request_sender import RequestSender, with_keys

if TYPE_CHECKING:
    from conftest import Panel


class UnreachableClient(Client):
    """Nobody answers, and nobody is started; a transfer hangs until it is let go."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, start_gateway=False)
        self.release = threading.Event()

    def submit(self, request: Request, *, key: str | None = None, **_: Any) -> Job:
        assert self.release.wait(30)
        raise GatewayUnreachable("nobody there")


@pytest.fixture
def offline_session(tmp_path: Path, main_thread: Panel, settings_in: Any) -> Iterator[Session]:
    """A session that was never started."""
    settings = settings_in(tmp_path / "away")
    client = UnreachableClient(settings)
    new_session = Session(settings, StandaloneHost(settings, None), main_thread.post, client=client)
    yield new_session
    client.release.set()
    new_session.close(timeout=10)


def requests(cut: Path, settings: Settings, count: int) -> list[Request]:
    shots = [item.shot for item in StandaloneHost(settings, cut).scene().shots]
    return [
        Request(shot=shots[at % 2], service="round_trip", requested_by="Ada", note=str(at))
        for at in range(count)
    ]


def test_what_is_pressed_is_written_down_while_storage_hangs(
    offline_session: Session, cut: Path, main_thread: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(source_provider, "_file_stamp", lambda _: release.wait(30))
    asked = requests(cut, offline_session.settings, 2)
    for request in asked:
        looking = source_provider.SourceProvider(offline_session)
        looking.check_plate(request.shot, lambda: None)
    for _ in range(2):
        offline_session.disk_pool.run(lambda _: release.wait(30))
    try:
        accepted: list[int] = []
        RequestSender(offline_session).send(
            with_keys(asked), lambda _: None, lambda _: None, on_accepted=lambda: accepted.append(1)
        )
        main_thread.until(lambda: accepted, "both to be accepted", 10)
        assert len(offline_session.client.outbox.entries()) == 2
    finally:
        release.set()


def test_what_is_pressed_right_before_the_panel_closes_is_written_down(
    offline_session: Session, cut: Path, main_thread: Panel
) -> None:
    release = threading.Event()
    offline_session.outbox_pool.run(lambda _: release.wait(30))  # a slow home
    calls: list[object] = []
    RequestSender(offline_session).send(
        with_keys(requests(cut, offline_session.settings, 3)),
        calls.append,
        calls.append,
        on_accepted=lambda: calls.append("accepted"),
    )
    main_thread.idle(0.1)
    assert calls == [], "nobody says so before it is true"
    offline_session.close()
    release.set()
    main_thread.until(
        lambda: len(offline_session.client.outbox.entries()) == 3, "all to be accepted", 10
    )
    main_thread.idle(0.1)
    assert calls == []


@pytest.mark.parametrize("when", [0.0, 0.02, 0.2])
def test_sending_that_is_stopped_at_any_moment_leaves_nothing_to_be_sent(
    offline_session: Session, cut: Path, main_thread: Panel, when: float
) -> None:
    dispatch = RequestSender(offline_session)
    dispatch.send(
        with_keys(requests(cut, offline_session.settings, 100)), lambda _: None, lambda _: None
    )
    main_thread.idle(when)
    dispatch.withdraw_all()
    assert isinstance(offline_session.client, UnreachableClient)
    offline_session.client.release.set()
    main_thread.until(lambda: dispatch.state.value.request_count == 0, "the end of it")
    main_thread.until(lambda: not offline_session.client.outbox.entries(), "an empty outbox", 10)
    main_thread.idle(0.1)
    assert offline_session.client.outbox.entries() == ()


def test_requests_are_accepted_all_or_none(
    offline_session: Session, cut: Path, main_thread: Panel
) -> None:
    asked = requests(cut, offline_session.settings, 2)
    offline_session.client.outbox.add(asked[0], "key-of-another")
    failed: list[ShotbridgeError] = []
    RequestSender(offline_session).send(
        {"key-of-its-own": asked[0], "key-of-another": asked[1]}, lambda _: None, failed.append
    )
    main_thread.until(lambda: failed, "the refusal")
    assert isinstance(failed[0], IdempotencyKeyReused)
    assert [entry.key for entry in offline_session.client.outbox.entries()] == ["key-of-another"]


def test_a_refused_request_is_kept_until_it_is_accepted_anew(
    offline_session: Session, cut: Path, main_thread: Panel
) -> None:
    asked = requests(cut, offline_session.settings, 3)
    outbox = offline_session.client.outbox
    refused = outbox.add(asked[0])
    outbox.mark_refused(refused.key, Problem.from_error(InvalidRequest("no such service")))
    jobs = JobsController(offline_session)
    offline_session.refresh_outbox()
    main_thread.until(lambda: jobs.rows, "the list")
    # Both threads that send are busy for as long as this panel lives.
    RequestSender(offline_session).send(with_keys(asked[1:]), lambda _: None, lambda _: None)
    main_thread.until(lambda: len(outbox.entries()) == 2, "others on their way")
    jobs.resend(refused.key)
    main_thread.until(lambda: not outbox.refused(), "it to be accepted anew")
    waiting = {entry.request.note: entry.key for entry in outbox.entries()}
    assert waiting.keys() == {"0", "1", "2"}
    assert waiting["0"] != refused.key
    main_thread.until(lambda: len(jobs.rows) == 3, "the list")
    jobs.cancel(waiting["0"])
    main_thread.until(lambda: len(outbox.entries()) == 2, "it to be taken back")
    assert isinstance(offline_session.client, UnreachableClient)
    offline_session.client.release.set()
    main_thread.until(lambda: not offline_session.cancel_events, "the end of it")
    assert {entry.request.note for entry in outbox.entries()} == {"1", "2"}
    jobs.close()
