"""The stream of events."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import Header, Query
from fastapi.responses import StreamingResponse

from bridge_gateway.api.errors import documented
from bridge_gateway.api.parts import ID, INTEGER, Here, router

routes = router("events")


@routes.get(
    "/events",
    response_class=StreamingResponse,
    responses=documented(404)
    | {
        200: {
            "description": "Server-sent events: `event` is the kind, `data` an Event as JSON",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def events(
    here: Here,
    last_event_id: Annotated[int | None, Header(ge=0, le=INTEGER)] = None,
    after: Annotated[int | None, Query(ge=0, le=INTEGER)] = None,
    job: Annotated[str | None, Query(pattern=ID)] = None,
) -> StreamingResponse:
    """What happens, as it happens, after the event with this id; the header goes before the
    parameter. Without either only what happens from now on. ``job`` alone of one job."""
    if job is not None:
        await to_thread.run_sync(here.desk.job, job)
    known = last_event_id if last_event_id is not None else after
    stream = here.events.listen(await here.events.start(known), job)
    return StreamingResponse(
        stream,
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )
