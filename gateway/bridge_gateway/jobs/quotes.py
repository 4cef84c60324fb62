"""Quotes: what requests would cost and how long they would take."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge_core.errors import GatewayFault, ModelMissing, ShotbridgeError
from bridge_core.models.costs import Quote
from bridge_core.models.jobs import Cost, JobState
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Request
from bridge_core.models.services import Service
from bridge_gateway.db.tables import JobRow
from bridge_gateway.jobs.context import GatewayContext, ResolvedRequest

_log = logging.getLogger(__name__)

#: Only so many of the newest jobs count, because machines and models change.
_RECENT_JOBS = 20


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
        times = WorkingTimes(session, service_ids)
    return [
        _build_quote(request, item, times.estimate_seconds(request))
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


class WorkingTimes:
    """How long services took for earlier jobs; read once for each service."""

    def __init__(self, session: Session, services: Iterable[str]) -> None:
        self._recent = {service: _load_recent(session, service) for service in services}

    def estimate_seconds(self, request: Request) -> float | None:
        """The provider's working time without the time in the queue; None without earlier jobs.

        The median of seconds per frame and megapixel, where the request names the plate's size;
        otherwise of seconds per frame.
        """
        recent = self._recent.get(request.service, [])
        plate = request.shot.plate
        frames = len(request.frames)
        if plate.width and plate.height:
            paces = [pace / size for pace, size in recent if size]
            if paces:
                return frames * median(paces) * plate.width * plate.height / 1e6
        paces = [pace for pace, _ in recent]
        return frames * median(paces) if paces else None


def _load_recent(session: Session, service: str) -> list[tuple[float, float | None]]:
    """Seconds per frame and megapixels of the newest jobs."""
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
    resolved = cost = None
    try:
        resolved = gateway.resolve_request(request)
        cost = resolved.quote(request)
        require_available(resolved.service)
    except ShotbridgeError as error:
        return _PricedRequest(resolved, cost, error)
    except Exception as error:
        # Mostly the provider's own quote(), which must not fail the quotes of other requests.
        return _PricedRequest(resolved, cost, _unexpected_fault(request, error))
    return _PricedRequest(resolved, cost, None)


def _unexpected_fault(request: Request, error: Exception) -> GatewayFault:
    """Log an unexpected error under a reference, and make the error that names it."""
    reference = uuid4().hex[:12]
    _log.error("reference %s: quote for %s", reference, request.service, exc_info=error)
    return GatewayFault(
        f"an unexpected error occurred in a quote for {request.service}: {type(error).__name__}",
        where=f"gateway log, reference {reference}",
        next_step="choose another service, or report it with this part of the gateway's log",
    )


def _build_quote(request: Request, priced: _PricedRequest, seconds: float | None) -> Quote:
    error = priced.error
    service = priced.resolved.service if priced.resolved is not None else None
    if isinstance(error, ModelMissing):
        reason = error.next_step
    else:
        reason = error.message if error is not None else ""
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
