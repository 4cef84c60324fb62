"""What the routes work with, and the shapes of what stands in addresses and headers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from anyio import CapacityLimiter
from fastapi import APIRouter, Depends, Path, Query, Request

from bridge_core.models.frames import FRAME_LIMIT
from bridge_core.models.gateway import About
from bridge_core.models.shots import Name
from bridge_gateway.api.bodies import StrictRoute
from bridge_gateway.api.sse import Broadcaster
from bridge_gateway.media.plate_proxies import LOOKING, PlateProxies
from bridge_gateway.store.content import ContentStore
from bridge_gateway.store.roots import Roots

if TYPE_CHECKING:
    from bridge_gateway.jobs.desk import Desk


@dataclass(frozen=True)
class Parts:
    about: About
    desk: Desk
    contents: ContentStore
    roots: Roots
    events: Broadcaster
    plate_proxies: PlateProxies
    looking: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(LOOKING))
    """Lets so many frames of plates be read at once, and no call wait in a thread."""


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


Here = Annotated[Parts, Depends(_parts)]

#: Greatest number that databases hold.
INTEGER = 2**63 - 1

ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
Id = Annotated[str, Path(alias="id", pattern=ID, description="An id that the gateway gave.")]
Frame = Annotated[int, Path(ge=-FRAME_LIMIT, le=FRAME_LIMIT, description="Frame of the plate.")]
Words = Annotated[Name | None, Query()]


def router(tag: str) -> APIRouter:
    return APIRouter(prefix="/v1", tags=[tag], route_class=StrictRoute)
