"""Jobs: sent, watched, cancelled, and looked at while they run."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Query, Response

from bridge_core.models.jobs import Job, JobFrame, JobState
from bridge_core.models.requests import Key, Submission
from bridge_gateway.api.errors import documented
from bridge_gateway.api.files import JPEG, Download, picture
from bridge_gateway.api.parts import ID, Frame, Here, Id, Words, router

routes = router("jobs")


@routes.post(
    "/jobs",
    status_code=201,
    responses=documented(403, 409, 413, 503, 507)
    | {200: {"model": Job, "description": "The job that this key made before"}},
)
def submit(
    here: Here,
    response: Response,
    submission: Submission,
    idempotency_key: Annotated[Key, Header()],
) -> Job:
    """Have a request worked on. The same key with the same request is one job, however often it
    is sent; with another request it is refused."""
    job, new = here.desk.submit(submission, idempotency_key)
    if not new:
        response.status_code = 200
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job


@routes.get("/jobs", responses=documented(404))
def jobs(
    here: Here,
    show: Words = None,
    state: JobState | None = None,
    before: Annotated[str | None, Query(pattern=ID)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[Job]:
    """Newest first; ``before`` is the id of the last job of the page before."""
    return here.desk.jobs(show=show, state=state, before=before, limit=limit)


@routes.get("/jobs/{id}", responses=documented(404))
def job(here: Here, which: Id) -> Job:
    return here.desk.job(which)


@routes.post("/jobs/{id}/cancel", responses=documented(404))
def cancel(here: Here, which: Id) -> Job:
    """End a job. A job that has ended stays as it is."""
    return here.desk.cancel(which)


@routes.get("/jobs/{id}/frames", responses=documented(404))
def frames(here: Here, which: Id) -> list[JobFrame]:
    """The frames that are finished so far."""
    return here.desk.frames(which)


@routes.get(
    "/jobs/{id}/proxies/{frame}", response_class=Download, responses=documented(404, 416) | JPEG
)
def proxy(here: Here, which: Id, frame: Frame) -> Download:
    """A finished frame while the job runs, for looking."""
    return picture(here.desk.job_proxy(which, frame))
