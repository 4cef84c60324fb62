"""The context of the routes, and the types of path and query parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from anyio import CapacityLimiter
from fastapi import APIRouter, Depends, Header, Path, Query, Request

from bridge_core.models.frames import FRAME_LIMIT
from bridge_core.models.gateway import About
from bridge_core.models.requests import IdempotencyKey
from bridge_core.models.shots import PathSafeName
from bridge_gateway.api.request_limits import StrictRoute
from bridge_gateway.api.sse import EventBroadcaster
from bridge_gateway.media.plate_proxy_cache import PROXY_PROCESSES, PlateProxyCache
from bridge_gateway.policy.principal import Principal

if TYPE_CHECKING:
    from bridge_gateway.jobs.runtime import JobRuntime
    from bridge_gateway.storage.storage import Storage


@dataclass(frozen=True)
class ApiContext:
    """Everything that the routes use."""

    about: About
    runtime: JobRuntime
    event_broadcaster: EventBroadcaster
    plate_proxies: PlateProxyCache
    media_limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(PROXY_PROCESSES))
    """Limits how many frames of plates are read at once; calls wait for it without a thread."""

    @property
    def storage(self) -> Storage:
        return self.runtime.gateway.storage


async def _get_context(request: Request) -> ApiContext:
    context: ApiContext = request.app.state.context
    return context


ContextDep = Annotated[ApiContext, Depends(_get_context)]


async def _get_principal(request: Request) -> Principal:
    principal: Principal = request.state.principal
    return principal


#: Who makes the call; see :mod:`bridge_gateway.api.auth.user_header`.
PrincipalDep = Annotated[Principal, Depends(_get_principal)]

#: Greatest integer of a database column.
MAX_INTEGER = 2**63 - 1

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
IdPath = Annotated[str, Path(alias="id", pattern=ID_PATTERN, description="An id from the gateway.")]
FramePath = Annotated[int, Path(ge=-FRAME_LIMIT, le=FRAME_LIMIT, description="Frame of the plate.")]
KeyHeader = Annotated[IdempotencyKey, Header(alias="Idempotency-Key")]
NameQuery = Annotated[PathSafeName | None, Query()]
IdQuery = Annotated[str | None, Query(pattern=ID_PATTERN)]
LimitQuery = Annotated[int, Query(ge=1, le=500)]


def create_router(tag: str) -> APIRouter:
    return APIRouter(prefix="/v1", tags=[tag], route_class=StrictRoute)
