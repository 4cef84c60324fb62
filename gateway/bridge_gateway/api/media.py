"""How pictures come in: by path where the gateway can read them itself, else by content."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Header, Path, Request

from bridge_core.errors import InvalidRequest
from bridge_core.models.gateway import ReachableAnswer, ReachableQuery
from bridge_core.models.media import ContentAddress, ContentState
from bridge_gateway.api.bodies import LIST_LIMIT
from bridge_gateway.api.errors import documented
from bridge_gateway.api.parts import INTEGER, Here, router

routes = router("media")

Bytes = Annotated[int, Header(ge=0, le=INTEGER)]


@routes.post("/media/reachable", responses=documented(413))
def reachable(here: Here, query: ReachableQuery) -> ReachableAnswer:
    """Which of these files the gateway can read where they lie, and finds unchanged."""
    if len(query.files) > LIST_LIMIT:
        raise InvalidRequest(
            f"{len(query.files)} files are asked about, at most {LIST_LIMIT} can be at once",
            where="files",
            next_step="ask in parts",
        )
    answer = (i for i, file in enumerate(query.files) if here.roots.readable(file))
    return ReachableAnswer(readable=tuple(answer))


@routes.post("/content/states", responses=documented(413))
def states(
    here: Here, addresses: Annotated[list[ContentAddress], Body(max_length=LIST_LIMIT)]
) -> list[ContentState]:
    """How much of each content is there. What is complete stays for the next hours."""
    return here.contents.states(addresses)


@routes.patch(
    "/content/{sha256}",
    responses=documented(409, 507),
    openapi_extra={
        "requestBody": {
            "description": "The bytes from the offset on: all that is missing, or a part of it.",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def append(
    here: Here,
    request: Request,
    sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
    upload_offset: Bytes,
    upload_length: Bytes,
) -> ContentState:
    """Send a content on from where it stands. After a cut line, ask for its state and go on.

    409 with ``details.offset`` says where it really stands.
    """
    return await here.contents.append(sha256, upload_offset, upload_length, request.stream())
