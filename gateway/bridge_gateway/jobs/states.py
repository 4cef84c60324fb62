"""How a job goes from state to state.

Each change is one transaction that looks first whether the change is still allowed, and tells the
event with it. So of two that race (a cancellation and a publication) one wins and the other one
sees that it lost.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bridge_core.errors import GatewayFault, KeyReused, NotFound, ShotbridgeError
from bridge_core.models.base import canonical, fingerprint, now
from bridge_core.models.jobs import Cost, Job, JobState
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Submission
from bridge_gateway.jobs import feed
from bridge_gateway.jobs.engine import ATTEMPTS
from bridge_gateway.store import records
from bridge_gateway.store.database import Database
from bridge_gateway.store.tables import JobRow, ResultRow, TimingRow


def submit(database: Database, submission: Submission, key: str) -> tuple[Job, bool]:
    """The job of this key, and whether it is new.

    :raises KeyReused: the key has been used with another request. Only requests are compared: a
        repeat may name other places of the same pictures.
    """
    try:
        with database.writing() as session:
            known = _of_key(session, submission, key)
            if known is not None:
                return known, False
            row = _new_row(submission, key)
            session.add(row)
            session.flush()
            job = records.job(session, row)
            feed.tell_job(session, job)
            return job, True
    except IntegrityError:
        # Another writer of the same key was first, on a database that does not make us wait.
        with database.reading() as session:
            known = _of_key(session, submission, key)
            if known is None:
                raise
            return known, False


def take_up(database: Database, job_id: str) -> Submission | None:
    """Begin to work on a job, or go on with it; None where nobody wants it any more.

    :raises GatewayFault: it has been begun :data:`ATTEMPTS` times already.
    """
    with database.writing() as session:
        try:
            row = records.job_row(session, job_id, lock=True)
        except NotFound:
            return None  # the database was restored from a backup, the engine's was not
        if JobState(row.state).ended:
            return None
        if row.attempt >= ATTEMPTS:
            raise given_up(job_id)
        row.state = JobState.RUNNING
        row.started = row.started or now()
        row.attempt += 1
        _tell(session, row)
        return records.submission(row)


def progress(
    database: Database, job_id: str, *, step: str, done: int, total: int, seconds_left: float | None
) -> bool:
    """Tell how far a job is. False where it is no longer running."""
    with database.writing() as session:
        row = records.job_row(session, job_id, lock=True)
        if row.state != JobState.RUNNING:
            return False
        row.step, row.done, row.total, row.seconds_left = step, done, total, seconds_left
        _tell(session, row)
        return True


def running(database: Database, job_id: str) -> bool:
    with database.reading() as session:
        return records.job_row(session, job_id).state == JobState.RUNNING


def cancel(database: Database, job_id: str) -> tuple[Job, bool]:
    """The job, and whether this call cancelled it.

    A job that has ended stays as it is; so does one whose version has its number already: it is
    about to succeed.
    """
    with database.writing() as session:
        row = records.job_row(session, job_id, lock=True)
        numbered = session.scalar(select(ResultRow.id).where(ResultRow.job == job_id))
        if JobState(row.state).ended or numbered is not None:
            return records.job(session, row), False
        _end(row, JobState.CANCELLED)
        return _tell(session, row), True


def fail(database: Database, job_id: str, error: ShotbridgeError) -> None:
    """End a job that went wrong; a number that it had reserved is free again."""
    with database.writing() as session:
        row = records.job_row(session, job_id, lock=True)
        if JobState(row.state).ended:
            return
        session.execute(
            delete(ResultRow).where(ResultRow.job == job_id, ResultRow.published.is_(None))
        )
        row.problem = canonical(Problem.of(error))
        _end(row, JobState.FAILED)
        _tell(session, row)


def succeed(database: Database, job_id: str, cost: Cost) -> None:
    with database.writing() as session:
        row = records.job_row(session, job_id, lock=True)
        if JobState(row.state).ended:
            return
        row.cost = canonical(cost)
        row.step = ""
        row.done = row.total = len(records.request(row).frames)
        _end(row, JobState.SUCCEEDED)
        _tell(session, row)


def record_warnings(database: Database, job_id: str, warnings: Sequence[str]) -> None:
    """Say on the job, and to everybody who follows it, what its plate's files contradict."""
    with database.writing() as session:
        row = records.job_row(session, job_id, lock=True)
        row.warnings = json.dumps(list(warnings))
        _tell(session, row)


def record_timing(database: Database, job_id: str, step: str, seconds: float) -> None:
    """Seconds that a step took, once for each step: of its last run where it ran again."""
    with database.writing() as session:
        row = records.job_row(session, job_id)
        session.execute(delete(TimingRow).where(TimingRow.job == job_id, TimingRow.step == step))
        session.add(TimingRow(job=job_id, step=step, attempt=row.attempt, seconds=seconds))


def record_pace(database: Database, job_id: str, seconds_per_frame: float) -> None:
    """What later estimates are made from."""
    with database.writing() as session:
        records.job_row(session, job_id).seconds_per_frame = seconds_per_frame


def given_up(job_id: str) -> GatewayFault:
    return GatewayFault(
        f"the gateway gave this job up; it was begun up to {ATTEMPTS} times",
        where=f"job {job_id}",
        next_step="look for the job's id in the gateway's log, then send it again",
    )


def _of_key(session: Session, submission: Submission, key: str) -> Job | None:
    row = session.scalar(select(JobRow).where(JobRow.key == key))
    if row is None:
        return None
    if row.fingerprint != fingerprint(submission.request):
        raise KeyReused(
            f"the key {key} has been used for another request",
            where=f"job {row.id}",
            next_step="send this request with a key of its own",
            details={"job": row.id},
        )
    return records.job(session, row)


def _new_row(submission: Submission, key: str) -> JobRow:
    request = submission.request
    plate = request.shot.plate
    return JobRow(
        id=records.new_id(),
        key=key,
        fingerprint=fingerprint(request),
        request=canonical(request),
        files=submission.model_dump_json(exclude={"request"}),
        show=request.shot.id.show,
        service=request.service,
        state=JobState.QUEUED,
        created=now(),
        attempt=0,
        step="",
        done=0,
        total=len(request.frames),
        megapixels=plate.width * plate.height / 1e6 if plate.width and plate.height else None,
    )


def _end(row: JobRow, state: JobState) -> None:
    row.state = state
    row.finished = now()
    row.seconds_left = None


def _tell(session: Session, row: JobRow) -> Job:
    session.flush()
    job = records.job(session, row)
    feed.tell_job(session, job)
    return job
