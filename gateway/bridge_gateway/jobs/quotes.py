"""Quotes: what requests would cost and how long they would take."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge_core.errors import ModelMissing, ShotbridgeError
from bridge_core.models.costs import Quote
from bridge_core.models.jobs import Cost, JobState
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Request
from bridge_core.models.services import Service
from bridge_gateway.db.tables import JobRow
from bridge_gateway.jobs.context import GatewayContext, ResolvedRequest, unexpected_fault

#: Only so many of the newest jobs count, because machines and models change.
_RECENT_JOBS = 20

#: Seconds per frame and megapixels of a job; megapixels are None where its request has no size.
_Pace = tuple[float, float | None]


class _PricedRequest(NamedTuple):
    """Service and cost as far as they are known, and why the request is not possible."""

    resolved: ResolvedRequest | None
    cost: Cost | None
    error: ShotbridgeError | None


def quote_requests(gateway: GatewayContext, requests: Sequence[Request]) -> list[Quote]:
    """A quote for each request. One that is not possible has the error in its quote."""
    priced = [_price_request(gateway, request) for request in requests]
    service_ids = {item.resolved.service.id for item in priced if item.resolved is not None}
    with gateway.database.begin_read() as session:
        recent = {service: _load_recent(session, service) for service in service_ids}
    return [
        _build_quote(request, item, _estimate_seconds(request, recent.get(request.service, ())))
        for request, item in zip(requests, priced, strict=True)
    ]


def require_available(service: Service) -> None:
    """
    :raises ModelMissing: the service is not available; ``next_step`` says what to do.
    """
    if not service.available:
        raise ModelMissing(
            f"{service.title} is not available on this gateway at the moment",
            where=f"service {service.id}",
            next_step=service.unavailable_reason,
        )


def _estimate_seconds(request: Request, recent: Sequence[_Pace]) -> float | None:
    """The provider's working time without the time in the queue; None without earlier jobs.

    The median of seconds per frame and megapixel, where the request names the plate's size;
    otherwise of seconds per frame.
    """
    plate = request.shot.plate
    frames = len(request.frames)
    if plate.width and plate.height:
        paces = [pace / size for pace, size in recent if size]
        if paces:
            return frames * median(paces) * plate.width * plate.height / 1e6
    paces = [pace for pace, _ in recent]
    return frames * median(paces) if paces else None


def _load_recent(session: Session, service: str) -> list[_Pace]:
    """How long a service took for the newest jobs."""
    query = (
        select(JobRow.seconds_per_frame, JobRow.megapixels)
        .where(
            JobRow.service == service,
            JobRow.state == JobState.SUCCEEDED,
            JobRow.seconds_per_frame.is_not(None),
        )
        .order_by(JobRow.number.desc())
        .limit(_RECENT_JOBS)
    )
    return [(pace, size) for pace, size in session.execute(query) if pace]


def _price_request(gateway: GatewayContext, request: Request) -> _PricedRequest:
    resolved = cost = error = None
    try:
        resolved = gateway.resolve_request(request)
        cost = resolved.quote(request)
        require_available(resolved.service)
    except ShotbridgeError as refusal:
        error = refusal
    except Exception as unexpected:
        # Mostly the provider's own quote(), which must not fail the quotes of other requests.
        error = unexpected_fault(
            unexpected,
            f"service {request.service}",
            f"in a quote for {request.service}",
            "choose another service, or report it with this part of the gateway's log",
        )
    return _PricedRequest(resolved, cost, error)


def _build_quote(request: Request, priced: _PricedRequest, seconds: float | None) -> Quote:
    error = priced.error
    service = priced.resolved.service if priced.resolved is not None else None
    reason = error.message if error is not None else ""
    if isinstance(error, ModelMissing):
        reason = error.next_step
    return Quote(
        frames=len(request.frames),
        seconds=seconds,
        cost=priced.cost,
        data_locality=service.data_locality if service is not None else None,
        provider=service.provider if service is not None else "",
        allowed=error is None,
        reason=reason,
        problem=Problem.from_error(error) if error is not None else None,
    )
