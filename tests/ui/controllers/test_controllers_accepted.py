"""What was pressed is written down, whatever hangs; what was taken back is not sent later."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bridge_core.client import Client
from bridge_core.errors import GatewayUnreachable, InvalidRequest, KeyReused, ShotbridgeError
from bridge_core.models.jobs import Job
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Request
from bridge_core.models.settings import Settings
from bridge_ui.controllers import pictures
from bridge_ui.controllers.jobs import JobsController
from bridge_ui.controllers.sending import Dispatch, keyed
from bridge_ui.controllers.session import Session
from bridge_ui.standalone_host import StandaloneHost

if TYPE_CHECKING:
    from conftest import Panel


class Away(Client):
    """Nobody answers, and nobody is started; a transfer hangs until it is let go."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, start_gateway=False)
        self.gate = threading.Event()

    def submit(self, request: Request, *, key: str | None = None, **_: Any) -> Job:
        assert self.gate.wait(30)
        raise GatewayUnreachable("nobody there")


@pytest.fixture
def away(tmp_path: Path, panel: Panel, settings_in: Any) -> Iterator[Session]:
    """A session that was never started."""
    settings = settings_in(tmp_path / "away")
    client = Away(settings)
    made = Session(settings, StandaloneHost(settings, None), panel.post, client=client)
    yield made
    client.gate.set()
    made.close(timeout=10)


def requests(cut: Path, settings: Settings, count: int) -> list[Request]:
    shots = [item.shot for item in StandaloneHost(settings, cut).scene().shots]
    return [
        Request(shot=shots[at % 2], service="round_trip", asked_by="Ada", note=str(at))
        for at in range(count)
    ]


def test_what_is_pressed_is_written_down_while_storage_hangs(
    away: Session, cut: Path, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    monkeypatch.setattr(pictures, "_stamp", lambda _: gate.wait(30))
    asked = requests(cut, away.settings, 2)
    for request in asked:
        looking = pictures.Pictures(away)
        looking.look_at_plate(request.shot, lambda: None)
    for _ in range(2):
        away.disk.run(lambda _: gate.wait(30))
    try:
        accepted: list[int] = []
        Dispatch(away).send(
            keyed(asked), lambda _: None, lambda _: None, accepted=lambda: accepted.append(1)
        )
        panel.until(lambda: accepted, "both to be accepted", 10)
        assert len(away.client.outbox.entries()) == 2
    finally:
        gate.set()


def test_what_is_pressed_right_before_the_panel_closes_is_written_down(
    away: Session, cut: Path, panel: Panel
) -> None:
    gate = threading.Event()
    away.accepting.run(lambda _: gate.wait(30))  # a slow home
    told: list[object] = []
    Dispatch(away).send(
        keyed(requests(cut, away.settings, 3)),
        told.append,
        told.append,
        accepted=lambda: told.append("accepted"),
    )
    panel.idle(0.1)
    assert told == [], "nobody says so before it is true"
    away.close()
    gate.set()
    panel.until(lambda: len(away.client.outbox.entries()) == 3, "all to be accepted", 10)
    panel.idle(0.1)
    assert told == []


@pytest.mark.parametrize("when", [0.0, 0.02, 0.2])
def test_sending_that_is_stopped_at_any_moment_leaves_nothing_to_be_sent(
    away: Session, cut: Path, panel: Panel, when: float
) -> None:
    dispatch = Dispatch(away)
    dispatch.send(keyed(requests(cut, away.settings, 100)), lambda _: None, lambda _: None)
    panel.idle(when)
    dispatch.take_back()
    assert isinstance(away.client, Away)
    away.client.gate.set()
    panel.until(lambda: dispatch.state.value.shots == 0, "the end of it")
    panel.until(lambda: not away.client.outbox.entries(), "an empty outbox", 10)
    panel.idle(0.1)
    assert away.client.outbox.entries() == ()


def test_requests_are_accepted_all_or_none(away: Session, cut: Path, panel: Panel) -> None:
    asked = requests(cut, away.settings, 2)
    away.client.outbox.put(asked[0], "key-of-another")
    failed: list[ShotbridgeError] = []
    Dispatch(away).send(
        {"key-of-its-own": asked[0], "key-of-another": asked[1]}, lambda _: None, failed.append
    )
    panel.until(lambda: failed, "the refusal")
    assert isinstance(failed[0], KeyReused)
    assert [entry.key for entry in away.client.outbox.entries()] == ["key-of-another"]


def test_a_refused_request_is_kept_until_it_is_accepted_anew(
    away: Session, cut: Path, panel: Panel
) -> None:
    asked = requests(cut, away.settings, 3)
    outbox = away.client.outbox
    refused = outbox.put(asked[0])
    outbox.refuse(refused.key, Problem.of(InvalidRequest("no such service")))
    jobs = JobsController(away)
    away.look_at_outbox()
    panel.until(lambda: jobs.rows, "the list")
    # Both threads that send are busy for as long as this panel lives.
    Dispatch(away).send(keyed(asked[1:]), lambda _: None, lambda _: None)
    panel.until(lambda: len(outbox.entries()) == 2, "others on their way")
    jobs.send_again(refused.key)
    panel.until(lambda: not outbox.refused(), "it to be accepted anew")
    waiting = {entry.request.note: entry.key for entry in outbox.entries()}
    assert waiting.keys() == {"0", "1", "2"}
    assert waiting["0"] != refused.key
    panel.until(lambda: len(jobs.rows) == 3, "the list")
    jobs.cancel(waiting["0"])
    panel.until(lambda: len(outbox.entries()) == 2, "it to be taken back")
    assert isinstance(away.client, Away)
    away.client.gate.set()
    panel.until(lambda: not away.on_their_way, "the end of it")
    assert {entry.request.note for entry in outbox.entries()} == {"1", "2"}
    jobs.close()
