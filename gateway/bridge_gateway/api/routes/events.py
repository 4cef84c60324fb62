"""The stream of events."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import Header, Query
from fastapi.responses import StreamingResponse

from bridge_gateway.api.dependencies import MAX_INTEGER, ContextDep, IdQuery, create_router
from bridge_gateway.api.errors import error_responses

router = create_router("events")


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses=error_responses(404)
    | {
        200: {
            "description": "Server-sent events: `event` is the kind, `data` an Event as JSON",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def stream_events(
    context: ContextDep,
    last_event_id: Annotated[int | None, Header(ge=0, le=MAX_INTEGER)] = None,
    after: Annotated[int | None, Query(ge=0, le=MAX_INTEGER)] = None,
    job: IdQuery = None,
) -> StreamingResponse:
    """The events after this id, as they happen; the header takes precedence over the parameter.
    Without either, only new events. With ``job``, only the events of one job."""
    if job is not None:
        await to_thread.run_sync(context.runtime.jobs.get_job, job)
    position = last_event_id if last_event_id is not None else after
    stream = context.event_broadcaster.listen(
        await context.event_broadcaster.start_position(position), job
    )
    return StreamingResponse(
        stream,
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )
