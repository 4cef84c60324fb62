"""Jobs: submitting, listing and cancelling them, and their finished frames."""

from __future__ import annotations

from fastapi import Response

from bridge_core.models.jobs import Job, JobFrame, JobState, Resolution
from bridge_core.models.requests import Submission
from bridge_gateway.api.dependencies import (
    ContextDep,
    FramePath,
    IdPath,
    IdQuery,
    KeyHeader,
    LimitQuery,
    NameQuery,
    PrincipalDep,
    create_router,
)
from bridge_gateway.api.downloads import JPEG_ROUTE, DownloadResponse, jpeg_response
from bridge_gateway.api.errors import error_responses

router = create_router("jobs")


@router.post(
    "/jobs",
    status_code=201,
    responses=error_responses(403, 409, 413, 503, 507)
    | {200: {"model": Job, "description": "The job that was created with this key before"}},
)
def submit_job(
    context: ContextDep,
    response: Response,
    submission: Submission,
    idempotency_key: KeyHeader,
    principal: PrincipalDep,
) -> Job:
    """Create a job. The same key with the same request is one job, however often it is sent; with
    another request, or from another principal, it is refused."""
    job, created = context.runtime.jobs.submit(submission, idempotency_key, principal)
    if not created:
        response.status_code = 200
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job


@router.get("/jobs", responses=error_responses(404))
def list_jobs(
    context: ContextDep,
    show: NameQuery = None,
    state: JobState | None = None,
    before: IdQuery = None,
    limit: LimitQuery = 100,
) -> list[Job]:
    """Newest first; ``before`` is the id of the last job of the previous page."""
    return context.runtime.jobs.list_jobs(show=show, state=state, before=before, limit=limit)


@router.get("/jobs/{id}", responses=error_responses(404))
def get_job(context: ContextDep, job_id: IdPath) -> Job:
    return context.runtime.jobs.get_job(job_id)


@router.post("/jobs/{id}/cancel", responses=error_responses(404))
def cancel_job(context: ContextDep, job_id: IdPath) -> Job:
    """Cancel a job. A job that has ended does not change."""
    return context.runtime.jobs.cancel(job_id)


@router.post("/jobs/{id}/resolve", responses=error_responses(404, 409))
def resolve_job(
    context: ContextDep, job_id: IdPath, resolution: Resolution, principal: PrincipalDep
) -> Job:
    """Record what the principal found out about a job whose outcome is unknown. The job has failed
    then; a cancelled one, whose work may have gone on at its provider, stays cancelled. Nothing is
    sent again."""
    return context.runtime.jobs.resolve(job_id, resolution, principal)


@router.get("/jobs/{id}/frames", responses=error_responses(404))
def list_job_frames(context: ContextDep, job_id: IdPath) -> list[JobFrame]:
    """The frames finished so far."""
    return context.runtime.jobs.list_frames(job_id)


@router.get("/jobs/{id}/proxies/{frame}", **JPEG_ROUTE)
def get_job_proxy(context: ContextDep, job_id: IdPath, frame: FramePath) -> DownloadResponse:
    """The proxy of a finished frame, also while the job runs."""
    return jpeg_response(context.runtime.jobs.find_job_proxy(job_id, frame))
