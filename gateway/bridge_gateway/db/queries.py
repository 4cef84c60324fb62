"""Loads the models of the API from rows."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar
from uuid import uuid4

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge_core.errors import IdempotencyKeyReused, NotFound
from bridge_core.models.base import fingerprint
from bridge_core.models.jobs import Cancellation, Job, JobProgress, JobState, ResolutionRecord
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Request, Submission
from bridge_core.models.versions import DecisionRecord, Result, TestFrame, Version
from bridge_gateway.db.engine import Database
from bridge_gateway.db.tables import BlobPinRow, DecisionRow, JobRow, ResultRow

M = TypeVar("M", bound=BaseModel)

#: States of a job that has not ended.
OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)


def new_id() -> str:
    """A new unguessable id of 32 hexadecimal digits."""
    return uuid4().hex


# --- jobs


def get_job_row(session: Session, job_id: str, *, lock: bool = False) -> JobRow:
    """The row of a job; with ``lock``, locked where the database locks rows.

    :raises NotFound: there is no such job.
    """
    query = select(JobRow).where(JobRow.id == job_id)
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise _not_found("job", job_id)
    return row


def find_job(session: Session, request: Request, key: str, *, by: str) -> Job | None:
    """The job of this key; None where the key is new.

    :raises IdempotencyKeyReused: the key was used for another request, or by another person.
    """
    row = session.scalar(select(JobRow).where(JobRow.key == key))
    if row is None:
        return None
    if (row.fingerprint, row.requested_by) != (fingerprint(request), by):
        raise IdempotencyKeyReused(
            f"the key {key} has been used for another request, or by somebody else",
            where=f"job {row.id}",
            next_step="send this request with a key of its own",
            details={"job": row.id},
        )
    return load_job(session, row)


def load_request(row: JobRow) -> Request:
    return Request.model_validate_json(row.request)


def load_submission(row: JobRow) -> Submission:
    """The request with its files; the row's session must be open."""
    return Submission.model_validate({"request": load_request(row), **json.loads(row.files)})


def load_job(session: Session, row: JobRow) -> Job:
    return load_jobs(session, [row])[0]


def list_pinned(database: Database) -> set[str]:
    """The hashes of the uploaded files that open jobs need."""
    with database.begin_read() as session:
        return set(session.scalars(select(BlobPinRow.sha256)))


def list_open_job_queues(session: Session) -> dict[str, str]:
    """The queue of each open job by the job's id, oldest first."""
    query = select(JobRow.id, JobRow.queue).where(JobRow.state.in_(OPEN_STATES))
    queues = session.execute(query.order_by(JobRow.number))
    return {job_id: queue for job_id, queue in queues}  # noqa: C416, they are no tuples for mypy


def count_open_jobs(session: Session) -> dict[JobState, int]:
    """The number of jobs in each of the open states."""
    query = select(JobRow.state, func.count()).where(JobRow.state.in_(OPEN_STATES))
    counts = session.execute(query.group_by(JobRow.state))
    return dict.fromkeys(OPEN_STATES, 0) | {JobState(state): count for state, count in counts}


def load_jobs(session: Session, job_rows: Sequence[JobRow]) -> list[Job]:
    """The jobs of these rows, with their results and positions from one query each."""
    published = select(ResultRow.job_id, ResultRow.id, ResultRow.number).where(
        ResultRow.job_id.in_([job.id for job in job_rows]), ResultRow.published.is_not(None)
    )
    results = {
        job_id: (result_id, number) for job_id, result_id, number in session.execute(published)
    }
    open_numbers: dict[str, list[int]] = defaultdict(list)
    if any(job.state == JobState.QUEUED for job in job_rows):
        open_jobs = select(JobRow.queue, JobRow.number).where(JobRow.state.in_(OPEN_STATES))
        for queue, number in session.execute(open_jobs.order_by(JobRow.number)):
            open_numbers[queue].append(number)
    return [
        _to_job(job, results.get(job.id, (None, None)), open_numbers[job.queue]) for job in job_rows
    ]


def _to_job(job: JobRow, result: tuple[str | None, int | None], open_numbers: list[int]) -> Job:
    """``result``: its id and version number; ``open_numbers``: of the open jobs in its queue,
    ascending."""
    result_id, version_number = result
    is_queued = job.state == JobState.QUEUED
    return Job(
        id=job.id,
        key=job.key,
        request=load_request(job),
        requested_by=job.requested_by,
        state=JobState(job.state),
        created=job.created,
        started=job.started,
        finished=job.finished,
        progress=load_progress(job),
        queue_position=bisect_left(open_numbers, job.number) if is_queued else None,
        problem=_parse(Problem, job.problem),
        cancellation=_parse(Cancellation, job.cancellation),
        resolution=_parse(ResolutionRecord, job.resolution),
        warnings=json.loads(job.warnings) if job.warnings else (),
        version_id=result_id if version_number is not None else None,
        test_frame_id=result_id if version_number is None else None,
    )


def load_progress(row: JobRow) -> JobProgress:
    progress = JobProgress.model_validate(row, from_attributes=True)
    return progress.model_copy(update={"attempt": max(1, row.attempt)})


# --- results

_KIND_NAMES: dict[type[Result], str] = {
    Result: "version or test frame",
    Version: "version",
    TestFrame: "test frame",
}


def get_result_row(session: Session, result_id: str, kind: type[Result] = Result) -> ResultRow:
    """The row of a published result of this kind: a Version, a TestFrame, or either.

    :raises NotFound: there is none.
    """
    row = session.get(ResultRow, result_id)
    if row is None or row.published is None or not issubclass(_result_kind(row), kind):
        raise _not_found(_KIND_NAMES[kind], result_id)
    return row


def get_version_row(session: Session, version_id: str) -> ResultRow:
    """
    :raises NotFound: there is no such version, or it is a test frame.
    """
    return get_result_row(session, version_id, Version)


def load_result(row: ResultRow) -> Version | TestFrame:
    """The result as it was published, without the decisions since."""
    return _result_kind(row).model_validate_json(row.content or "")


def _result_kind(row: ResultRow) -> type[Version | TestFrame]:
    return TestFrame if row.number is None else Version


def load_version(session: Session, row: ResultRow) -> Version:
    """The version as it was published, with the decisions about it since."""
    return load_versions(session, [row])[0]


def load_versions(session: Session, version_rows: Sequence[ResultRow]) -> list[Version]:
    """The versions of these rows, with their decisions from one query."""
    decided = select(DecisionRow).where(DecisionRow.result_id.in_([row.id for row in version_rows]))
    decisions: dict[str, list[DecisionRecord]] = defaultdict(list)
    for decision in session.scalars(decided.order_by(DecisionRow.number)):
        record = DecisionRecord.model_validate(decision, from_attributes=True)
        decisions[decision.result_id].append(record)
    return [
        with_decisions(Version.model_validate_json(row.content or ""), decisions[row.id])
        for row in version_rows
    ]


def with_decisions(version: Version, decisions: Sequence[DecisionRecord]) -> Version:
    """The version after these decisions, oldest first."""
    status = decisions[-1].status if decisions else version.status
    return version.model_copy(update={"decisions": tuple(decisions), "status": status})


def _parse(model: type[M], content: str | None) -> M | None:
    return model.model_validate_json(content) if content else None


def _not_found(kind: str, identity: str) -> NotFound:
    return NotFound(
        f"there is no {kind} {json.dumps(identity[:64])}",
        where="the gateway's database",
        next_step=f"ask for the list of {kind.split(' or ')[0]}s and use an id from it",
    )
