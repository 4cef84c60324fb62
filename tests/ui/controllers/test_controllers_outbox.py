"""Requests are stored whatever else hangs; withdrawn ones are not sent later."""

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
from bridge_ui.core.display_text import missing_user_name
from bridge_ui.core.session import Session
from bridge_ui.jobs.controller import JobsController
from bridge_ui.review import review_sources
from bridge_ui.send.request_sender import RequestSender, with_keys

if TYPE_CHECKING:
    from fake_main_thread import FakeMainThread


class UnreachableClient(Client):
    """No gateway is running or started; a transfer hangs until released."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, start_gateway=False)
        self.release = threading.Event()

    def submit(self, request: Request, *, key: str | None = None, **_: Any) -> Job:
        assert self.release.wait(30)
        raise GatewayUnreachable("no gateway")


@pytest.fixture
def offline_session(
    tmp_path: Path, main_thread: FakeMainThread, settings_in: Any
) -> Iterator[Session]:
    """A session that was never started."""
    settings = settings_in(tmp_path / "away")
    client = UnreachableClient(settings)
    new_session = Session(settings, StandaloneHost(settings, None), main_thread.post, client=client)
    yield new_session
    client.release.set()
    new_session.close(timeout=10)


def requests(cut: Path, settings: Settings, count: int) -> list[Request]:
    shots = [item.shot for item in StandaloneHost(settings, cut).scene().shots]
    return [Request(shot=shots[at % 2], service="round_trip", note=str(at)) for at in range(count)]


def test_requests_are_stored_with_the_person_who_asked(
    offline_session: Session, cut: Path, main_thread: FakeMainThread
) -> None:
    session, sender = offline_session, RequestSender(offline_session)
    first, second = requests(cut, session.settings, 2)
    sender.send(with_keys([first]), lambda _: None, lambda _: None)
    session.set_user("Eve")
    # A host has rendered the plate of a request that Grace made in an earlier panel.
    sender.send(with_keys([second]), lambda _: None, lambda _: None, requested_by="Grace")
    main_thread.wait_until(lambda: len(session.outbox.value.waiting) == 2, "both in the outbox")
    asked = {entry.request.note: entry.requested_by for entry in session.outbox.value.waiting}
    assert asked == {"0": "Ada Lovelace", "1": "Grace"}


def test_requests_are_stored_while_storage_hangs(
    offline_session: Session,
    cut: Path,
    main_thread: FakeMainThread,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = threading.Event()
    monkeypatch.setattr(review_sources, "_file_stamp", lambda _: release.wait(30))
    new = requests(cut, offline_session.settings, 2)
    for request in new:
        sources = review_sources.ReviewSources(offline_session)
        sources.check_plate(request.shot, lambda: None)
    for _ in range(2):
        offline_session.disk_pool.run(lambda _: release.wait(30))
    try:
        accepted: list[int] = []
        RequestSender(offline_session).send(
            with_keys(new), lambda _: None, lambda _: None, on_accepted=lambda: accepted.append(1)
        )
        main_thread.wait_until(lambda: accepted, "both to be accepted", 10)
        assert len(offline_session.client.outbox.entries()) == 2
    finally:
        release.set()


def test_requests_sent_right_before_the_panel_closes_are_stored(
    offline_session: Session, cut: Path, main_thread: FakeMainThread
) -> None:
    release = threading.Event()
    offline_session.outbox_pool.run(lambda _: release.wait(30))  # a slow home directory
    calls: list[object] = []
    RequestSender(offline_session).send(
        with_keys(requests(cut, offline_session.settings, 3)),
        calls.append,
        calls.append,
        on_accepted=lambda: calls.append("accepted"),
    )
    main_thread.run_for(0.1)
    assert calls == [], "not reported before it is stored"
    offline_session.close()
    release.set()
    main_thread.wait_until(
        lambda: len(offline_session.client.outbox.entries()) == 3, "all to be accepted", 10
    )
    main_thread.run_for(0.1)
    assert calls == []


@pytest.mark.parametrize("when", [0.0, 0.02, 0.2])
def test_stopping_at_any_moment_leaves_nothing_to_send(
    offline_session: Session, cut: Path, main_thread: FakeMainThread, when: float
) -> None:
    sender = RequestSender(offline_session)
    sender.send(
        with_keys(requests(cut, offline_session.settings, 100)), lambda _: None, lambda _: None
    )
    main_thread.run_for(when)
    sender.withdraw_all()
    assert isinstance(offline_session.client, UnreachableClient)
    offline_session.client.release.set()
    main_thread.wait_until(lambda: sender.state.value.request_count == 0, "the end of it")
    main_thread.wait_until(
        lambda: not offline_session.client.outbox.entries(), "an empty outbox", 10
    )
    main_thread.run_for(0.1)
    assert offline_session.client.outbox.entries() == ()


def test_requests_are_accepted_all_or_none(
    offline_session: Session, cut: Path, main_thread: FakeMainThread
) -> None:
    new = requests(cut, offline_session.settings, 2)
    offline_session.client.outbox.add(new[0], "key-of-another", requested_by="Ada")
    failed: list[ShotbridgeError] = []
    RequestSender(offline_session).send(
        {"key-of-its-own": new[0], "key-of-another": new[1]}, lambda _: None, failed.append
    )
    main_thread.wait_until(lambda: failed, "the refusal")
    assert isinstance(failed[0], IdempotencyKeyReused)
    assert [entry.key for entry in offline_session.client.outbox.entries()] == ["key-of-another"]


def test_a_refused_request_is_kept_until_it_is_accepted(
    offline_session: Session, cut: Path, main_thread: FakeMainThread
) -> None:
    new = requests(cut, offline_session.settings, 3)
    outbox = offline_session.client.outbox
    refused = outbox.add(new[0], requested_by="Ada")
    outbox.mark_refused(refused.key, Problem.from_error(InvalidRequest("no such service")))
    jobs = JobsController(offline_session)
    offline_session.refresh_outbox()
    main_thread.wait_until(lambda: jobs.rows, "the list")
    # Both transfer threads are busy until the end of the test.
    RequestSender(offline_session).send(with_keys(new[1:]), lambda _: None, lambda _: None)
    main_thread.wait_until(lambda: len(outbox.entries()) == 2, "the others to be stored")
    jobs.resend(refused.key)
    main_thread.wait_until(lambda: not outbox.refused(), "it to be accepted")
    waiting = {entry.request.note: entry.key for entry in outbox.entries()}
    assert waiting.keys() == {"0", "1", "2"}
    assert waiting["0"] != refused.key
    main_thread.wait_until(lambda: len(jobs.rows) == 3, "the list")
    jobs.cancel(waiting["0"])
    main_thread.wait_until(lambda: len(outbox.entries()) == 2, "it to be withdrawn")
    assert isinstance(offline_session.client, UnreachableClient)
    offline_session.client.release.set()
    main_thread.wait_until(lambda: not offline_session.cancel_events, "the end of it")
    assert {entry.request.note for entry in outbox.entries()} == {"1", "2"}
    jobs.close()


def test_nothing_is_sent_again_without_a_name(
    offline_session: Session, cut: Path, main_thread: FakeMainThread
) -> None:
    session, outbox = offline_session, offline_session.client.outbox
    refused = outbox.add(requests(cut, session.settings, 1)[0], requested_by="Ada")
    outbox.mark_refused(refused.key, Problem.from_error(InvalidRequest("no such service")))
    jobs = JobsController(session)
    session.refresh_outbox()
    main_thread.wait_until(lambda: jobs.rows, "the list")
    session.set_user("  ")
    jobs.resend(refused.key)
    state = jobs.state.value
    assert (state.problem, state.next_step) == missing_user_name()
    session.set_user("Grace")
    jobs.resend(refused.key)
    main_thread.wait_until(lambda: not outbox.refused(), "it to be accepted")
    assert [entry.requested_by for entry in outbox.entries()] == ["Grace"]
    jobs.close()
