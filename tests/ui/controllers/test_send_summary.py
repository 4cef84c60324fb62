"""What "Before you send" says about quotes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge_core.models.costs import Quote
from bridge_core.models.frames import FrameRange
from bridge_core.models.jobs import Cost
from bridge_core.models.media import Plate
from bridge_core.models.requests import Request
from bridge_core.models.services import DataLocality, Service
from bridge_core.models.shots import Shot, ShotId
from bridge_ui.core.status_sign import Tone
from bridge_ui.send.send_summary import SummaryLine, missing_steps, summary_lines

SERVICE = Service(
    id="edit",
    title="Edit",
    summary="Far away.",
    provider="far",
    data_locality=DataLocality.EXTERNAL,
)


def request(shot: str) -> Request:
    span = FrameRange.of(1001, 1010, 24)
    plate = Plate(path=f"/plates/{shot}.%04d.exr", range=span, colour_space="ACEScg")
    name = ShotId(show="bunny", sequence="sq010", shot=shot)
    return Request(shot=Shot(id=name, plate=plate, cut_range=span), service="edit")


REQUESTS = [request(f"sh{number}0") for number in range(1, 5)]


def quote(amount: str | None, currency: str = "EUR", *, seconds: float | None = 30) -> Quote:
    cost = Cost(amount=Decimal(amount), currency=currency) if amount is not None else None
    return Quote(frames=10, seconds=seconds, cost=cost, provider="far")


def refused(reason: str) -> Quote:
    return Quote(frames=10, allowed=False, reason=reason)


def lines(*quotes: Quote) -> dict[str, SummaryLine]:
    requests = REQUESTS[: len(quotes)]
    found = summary_lines(SERVICE, requests, quotes, 0, connected=True)
    return {line.title: line for line in found}


def steps(*quotes: Quote, service: Service = SERVICE) -> tuple[str, ...]:
    requests = REQUESTS[: len(quotes) or 2]
    return missing_steps(service, [one.shot for one in requests], (), requests, quotes, "")


def test_frames_time_and_cost_are_summed_in_each_currency() -> None:
    shown = lines(quote("0.1"), quote("0.2"), quote("3", "USD"), quote("0.0005"))
    assert shown["Send"].text.startswith("4 shots, 40 frames")
    assert shown["Duration"].text.startswith("about 2 min")
    assert shown["Cost"].text == "0.3005 EUR + 3.00 USD"
    assert shown["Allowed"] == SummaryLine("Allowed", "yes", Tone.SUCCESS)
    assert steps(quote("0.1"), quote("0.2")) == ()


def test_a_duration_that_is_partly_unknown_is_not_summed() -> None:
    assert "not known yet" in lines(quote("1"), quote("1", seconds=None))["Duration"].text


def test_services_without_a_price_cost_nothing() -> None:
    assert lines(quote("0"), quote("0"))["Cost"].text == "none"


def test_a_request_that_is_not_allowed_is_named_with_its_shot() -> None:
    shown = lines(quote("1"), quote("1"), refused("the plate is too large"))
    assert shown["Allowed"] == SummaryLine(
        "Allowed", "no: sh30: the plate is too large", Tone.ERROR
    )
    assert shown["Cost"].text == "2.00 EUR"
    assert steps(quote("1"), refused("too large")) == ("sh20: too large",)
    two = (refused("too large"), quote("1"), refused("too long"))
    assert lines(*two)["Allowed"].text == "no: sh10: too large (and 1 more)"
    assert steps(*two) == ("sh10: too large (and 1 more)",)


def test_a_single_request_needs_no_name() -> None:
    shown = lines(refused("too large"))
    assert shown["Allowed"].text == "no: too large" and shown["Cost"].text == "not known"
    assert steps(refused("too large")) == ("too large",)
    assert steps(refused("")) == ("the gateway does not say why",)


def test_a_service_that_cannot_run_is_said_once() -> None:
    absent = SERVICE.model_copy(
        update={"available": False, "unavailable_reason": "install its weights"}
    )
    quotes = (refused("install its weights"), refused("install its weights"))
    assert steps(*quotes, service=absent) == ("install its weights",)


@pytest.mark.parametrize("count", [1, 2])
def test_without_quotes_nothing_is_missing_yet(count: int) -> None:
    requests = REQUESTS[:count]
    assert missing_steps(SERVICE, [one.shot for one in requests], (), requests, (), "") == ()
