"""Estimates of working time, from earlier jobs."""

from __future__ import annotations

from statistics import median

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge_core.models.jobs import JobState
from bridge_core.models.requests import Request
from bridge_gateway.db.tables import JobRow

#: Only so many of the newest jobs count, because machines and models change.
_RECENT_JOBS = 20


def estimate_seconds(session: Session, request: Request) -> float | None:
    """The provider's working time without the time in the queue; None without earlier jobs.

    The median of seconds per frame and megapixel, where the request names the plate's size;
    otherwise of seconds per frame.
    """
    recent = session.execute(
        select(JobRow.seconds_per_frame, JobRow.megapixels)
        .where(
            JobRow.service == request.service,
            JobRow.state == JobState.SUCCEEDED,
            JobRow.seconds_per_frame.is_not(None),
        )
        .order_by(JobRow.number.desc())
        .limit(_RECENT_JOBS)
    ).all()
    plate = request.shot.plate
    frames = len(request.frames)
    if plate.width and plate.height:
        paces = [pace / size for pace, size in recent if pace and size]
        if paces:
            return frames * median(paces) * plate.width * plate.height / 1e6
    paces = [pace for pace, _ in recent if pace]
    return frames * median(paces) if paces else None
