"""The handshake, the gateway's health, its services, and what a request would mean."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request

from bridge_core.models import requests
from bridge_core.models.gateway import About, Challenge, Health, proof_of
from bridge_core.models.jobs import Estimate
from bridge_core.models.services import Service
from bridge_gateway.api.errors import documented
from bridge_gateway.api.parts import Here, router

routes = router("about")


@routes.get("/about")
async def about(
    request: Request, here: Here, challenge: Annotated[Challenge | None, Query()] = None
) -> About:
    """Who answers, and whether the two can talk. Needs no token. With a ``challenge``, a text that
    was never used before, the gateway proves that it knows the token: ``proof`` is the HMAC-SHA-256
    (hexadecimal, keyed with the token) of ``shotbridge gateway proof 1``, the challenge and the
    instance, separated by line feeds."""
    if challenge is None:
        return here.about
    proof = proof_of(request.app.state.door.token, challenge, here.about.instance)
    return here.about.model_copy(update={"proof": proof})


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
def estimate(here: Here, request: requests.Request) -> Estimate:
    """Frames, seconds, cost and where the pictures would go. Nothing is sent or kept."""
    return here.desk.estimate(request)
