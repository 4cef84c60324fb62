"""The services that can be asked for, and quotes."""

from __future__ import annotations

from bridge_core.models.costs import Quote, QuoteQuery
from bridge_core.models.services import Service
from bridge_gateway.api.dependencies import ContextDep, create_router
from bridge_gateway.api.errors import error_responses

router = create_router("services")


@router.get("/services")
def list_services(context: ContextDep) -> list[Service]:
    """The services with their parameters, from which clients build forms."""
    return context.runtime.jobs.list_services()


@router.post("/quotes", responses=error_responses(413))
def quote_requests(context: ContextDep, query: QuoteQuery) -> list[Quote]:
    """Frames, seconds, cost and data locality of each request, in order. A request that is not
    possible has a quote that says why. Nothing is sent or stored."""
    return context.runtime.jobs.quote(query.requests)
