"""The handshake and health."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request

from bridge_core.models.gateway import About, Challenge, Health, compute_proof
from bridge_gateway.api.dependencies import ContextDep, create_router

router = create_router("about")


@router.get("/about")
async def get_about(
    request: Request, context: ContextDep, challenge: Annotated[Challenge | None, Query()] = None
) -> About:
    """The gateway's versions and instance id. Needs no token. With a ``challenge``, a string that
    was never used before, the gateway proves that it has the token: ``proof`` is the HMAC-SHA-256
    (hexadecimal, keyed with the token) of ``shotbridge gateway proof 1``, the challenge and the
    instance id, separated by line feeds."""
    if challenge is None:
        return context.about
    proof = compute_proof(request.app.state.auth.token, challenge, context.about.instance_id)
    return context.about.model_copy(update={"proof": proof})


@router.get("/health")
def get_health(context: ContextDep) -> Health:
    """The state of the queue, library, data folder, media roots and colour configuration; each
    provider that cannot be used, and each service that is offered."""
    checks = tuple(context.runtime.check_health())
    return Health(ok=all(check.ok for check in checks), checks=checks)
