"""The services that can be asked for, and estimates."""

from __future__ import annotations

from bridge_core.models.jobs import Estimate
from bridge_core.models.requests import Request
from bridge_core.models.services import Service
from bridge_gateway.api.dependencies import ContextDep, create_router
from bridge_gateway.api.errors import error_responses

router = create_router("services")


@router.get("/services")
def list_services(context: ContextDep) -> list[Service]:
    """The services with their parameters, from which clients build forms."""
    return context.jobs.list_services()


@router.post("/estimates", responses=error_responses(403, 409, 413, 503, 507))
def estimate_request(context: ContextDep, request: Request) -> Estimate:
    """Frames, seconds, cost and data locality of a request. Nothing is sent or stored."""
    return context.jobs.estimate_request(request)
