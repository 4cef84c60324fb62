"""The handshake, the gateway's health, its services, and what a request would mean."""

from __future__ import annotations

from bridge_core.models.gateway import About, Health
from bridge_core.models.jobs import Estimate
from bridge_core.models.requests import Request
from bridge_core.models.services import Service
from bridge_gateway.api.errors import documented
from bridge_gateway.api.parts import Here, router

routes = router("about")


@routes.get("/about")
async def about(here: Here) -> About:
    """Who answers, and whether the two can talk. Needs no token."""
    return here.about


@routes.get("/health")
def health(here: Here) -> Health:
    """How models, storage, colour and the engine are, in words."""
    lines = tuple(here.desk.health())
    return Health(ok=all(line.ok for line in lines), lines=lines)


@routes.get("/services")
def services(here: Here) -> list[Service]:
    """What can be asked for, with the parameters that forms are built from."""
    return here.desk.services()


@routes.post("/estimates", responses=documented(403, 409, 413, 503, 507))
def estimate(here: Here, request: Request) -> Estimate:
    """Frames, seconds, cost and where the pictures would go. Nothing is sent or kept."""
    return here.desk.estimate(request)
