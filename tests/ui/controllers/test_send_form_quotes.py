"""A refusal does not outlive its reason; an error of the gateway is no refusal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bridge_core.errors import InvalidRequest, ShotbridgeError, StorageUnavailable
from bridge_core.models.costs import Quote
from bridge_core.models.requests import Request
from bridge_core.models.settings import Settings
from bridge_core.models.shots import Shot
from bridge_ui.app.standalone_host import StandaloneHost
from bridge_ui.send.controller import SendController

if TYPE_CHECKING:
    from fake_main_thread import FakeMainThread

    from bridge_ui.core.session import Session

REASON = "a model is not installed"


class QuoteAnswers:
    """The gateway's answers to requests for quotes: an error, or quotes; ``reason`` refuses."""

    def __init__(self) -> None:
        self.error: ShotbridgeError | None = None
        self.reason = ""
        self.count = 0

    def quote(self, requests: Sequence[Request]) -> list[Quote]:
        self.count += 1
        if self.error is not None:
            raise self.error
        refused = Quote(frames=8, allowed=not self.reason, reason=self.reason)
        return [refused for _ in requests]


@pytest.fixture
def answers(session: Session, monkeypatch: pytest.MonkeyPatch) -> QuoteAnswers:
    gateway = QuoteAnswers()
    monkeypatch.setattr(session.client, "quote", gateway.quote)
    return gateway


@pytest.fixture
def shot(settings: Settings, cut: Path) -> Shot:
    return StandaloneHost(settings, cut).scene().shots[0].shot


@pytest.fixture
def send(session: Session, answers: QuoteAnswers) -> Iterator[SendController]:
    controller = SendController(session)
    controller.choose_service("round_trip")
    yield controller
    controller.close()


def test_a_refusal_is_asked_again_after_reconnecting(
    session: Session,
    main_thread: FakeMainThread,
    answers: QuoteAnswers,
    send: SendController,
    shot: Shot,
) -> None:
    answers.reason = REASON
    send.set_shots([shot])
    main_thread.wait_until(lambda: send.state.value.missing == (REASON,), "the refusal")
    answers.reason = ""
    session.reconnect()
    main_thread.wait_until(lambda: answers.count > 1, "another question")
    main_thread.wait_until(lambda: send.state.value.can_send, "the form")
    main_thread.wait_until(lambda: not send.state.value.quoting, "the answer")


def test_a_refusal_is_asked_again_when_the_services_change(
    session: Session,
    main_thread: FakeMainThread,
    answers: QuoteAnswers,
    send: SendController,
    shot: Shot,
) -> None:
    answers.error = InvalidRequest(REASON)
    send.set_shots([shot])
    main_thread.wait_until(lambda: send.state.value.missing == (REASON,), "the refusal")
    answers.error = None
    session.services.set(tuple(reversed(session.services.value)))
    assert send.state.value.quoting
    main_thread.wait_until(lambda: send.state.value.can_send, "the form")


def test_storage_that_hangs_does_not_block_sending(
    main_thread: FakeMainThread, answers: QuoteAnswers, send: SendController, shot: Shot
) -> None:
    answers.error = StorageUnavailable("the storage does not answer")
    send.set_shots([shot])
    main_thread.wait_until(lambda: answers.count, "the question")
    main_thread.wait_until(lambda: not send.state.value.quoting, "the answer")
    assert send.state.value.can_send
    asked, answers.error = answers.count, None
    send.set_shots([shot])
    main_thread.wait_until(lambda: answers.count > asked, "another question")
    main_thread.wait_until(
        lambda: any(line.title == "Allowed" for line in send.state.value.summary), "the quote"
    )
