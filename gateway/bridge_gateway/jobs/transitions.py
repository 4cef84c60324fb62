"""The transitions between the states of a job.

Each is one transaction that checks whether the change is still allowed and adds the event. Of two
that race, such as a cancellation and a publication, one wins and the other does nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bridge_core.errors import GatewayFault, JobFailed, NotFound, OutcomeUnknown, ShotbridgeError
from bridge_core.models.base import canonical_json, fingerprint, now
from bridge_core.models.jobs import (
    Cancellation,
    Cost,
    Job,
    JobOutcome,
    JobProgress,
    JobState,
    JobUpdate,
    Resolution,
    ResolutionRecord,
)
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Submission
from bridge_gateway.db import queries
from bridge_gateway.db.engine import Database
from bridge_gateway.db.tables import BlobPinRow, JobRow, ResultRow, TimingRow
from bridge_gateway.jobs import events
from bridge_gateway.jobs.queue import MAX_ATTEMPTS
from bridge_gateway.policy import ledger
from bridge_gateway.policy.principal import Principal
from bridge_gateway.providers.remote_table import (
    explain_failure,
    is_work_done,
    load_charge,
    may_go_on,
)


class StartedJob(NamedTuple):
    submission: Submission
    requested_by: str


def create_job(
    database: Database,
    submission: Submission,
    key: str,
    principal: Principal,
    reservation: ledger.Reservation,
    *,
    queue: str,
) -> tuple[Job, bool]:
    """The job of this key, and whether it is new; ``queue`` is the queue that it waits in.

    :raises IdempotencyKeyReused: the key has been used with another request, or by another
        principal. Only the requests are compared: a repeated submission may name other paths of the
        same pictures.
    """
    try:
        with database.begin_write() as session:
            existing = queries.find_job(session, submission.request, key, by=principal.name)
            if existing is not None:
                return existing, False
            row = _new_row(submission, key, principal, queue)
            session.add(row)
            session.flush()
            ledger.reserve(session, row, reservation)
            hashes = {file.sha256 for file in submission.files if file.sha256 is not None}
            session.add_all(BlobPinRow(job_id=row.id, sha256=sha256) for sha256 in hashes)
            job = queries.load_job(session, row)
            events.add_job_event(session, job)
            return job, True
    except IntegrityError:
        # On a database that does not lock writers, another one created the job first.
        with database.begin_read() as session:
            existing = queries.find_job(session, submission.request, key, by=principal.name)
            if existing is None:
                raise
            return existing, False


def start_job(database: Database, job_id: str) -> StartedJob | None:
    """Mark a job as running, for a first or a further attempt; None where it has ended.

    :raises GatewayFault: it has been started :data:`MAX_ATTEMPTS` times already.
    """
    with database.begin_write() as session:
        try:
            row = queries.get_job_row(session, job_id, lock=True)
        except NotFound:
            return None  # the database was restored from a backup, the queue's was not
        if JobState(row.state).ended:
            return None
        if row.attempt >= MAX_ATTEMPTS:
            raise attempts_exhausted(job_id)
        row.state = JobState.RUNNING
        row.started = row.started or now()
        row.attempt += 1
        _add_event(session, row)
        return StartedJob(queries.load_submission(row), row.requested_by)


def record_progress(database: Database, job_id: str, progress: JobProgress) -> bool:
    """Store a job's progress; the job counts its attempts itself. False where it is no longer
    running."""
    with database.begin_write() as session:
        row = queries.get_job_row(session, job_id, lock=True)
        if row.state != JobState.RUNNING:
            return False
        for name, value in progress.model_dump(exclude={"attempt"}).items():
            setattr(row, name, value)
        session.flush()
        update = JobUpdate(id=job_id, state=JobState.RUNNING, progress=queries.load_progress(row))
        events.add_progress_event(session, update)
        return True


def is_running(database: Database, job_id: str) -> bool:
    with database.begin_read() as session:
        state = session.scalar(select(JobRow.state).where(JobRow.id == job_id))
        return state == JobState.RUNNING


def cancel_job(database: Database, job_id: str) -> tuple[Job, bool]:
    """The job, and whether this call cancelled it.

    A job that has ended does not change. Neither does one whose version already has a number: it is
    about to succeed.
    """
    with database.begin_write() as session:
        row = queries.get_job_row(session, job_id, lock=True)
        result_id = session.scalar(select(ResultRow.id).where(ResultRow.job_id == job_id))
        if JobState(row.state).ended or result_id is not None:
            return queries.load_job(session, row), False
        _mark_ended(session, row, JobState.CANCELLED)
        return _add_event(session, row), True


def fail_job(database: Database, job_id: str, error: ShotbridgeError) -> None:
    """End a job with an error, and release the number that it had reserved."""
    with database.begin_write() as session:
        row = queries.get_job_row(session, job_id, lock=True)
        if JobState(row.state).ended:
            return
        session.execute(
            delete(ResultRow).where(ResultRow.job_id == job_id, ResultRow.published.is_(None))
        )
        error = explain_failure(session, job_id, error)
        row.problem = canonical_json(Problem.from_error(error))
        is_unknown = isinstance(error, OutcomeUnknown)
        _mark_ended(session, row, JobState.UNKNOWN if is_unknown else JobState.FAILED)
        _add_event(session, row)


def set_job_cancellation(job_id: str, session: Session, cancellation: Cancellation) -> None:
    """Store what a remote provider said about a job that was cancelled, with an event; in the
    transaction that stores the provider's answer."""
    row = queries.get_job_row(session, job_id, lock=True)
    if row.state == JobState.CANCELLED:
        if is_work_done(session, job_id):
            # It costs its quote where the provider names no charge.
            charge = _charge_or_quote(session, job_id)
            cancellation = cancellation.model_copy(update={"charge": charge})
        row.cancellation = canonical_json(cancellation)
        _add_event(session, row)


def resolve_job(
    database: Database, job_id: str, resolution: Resolution, principal: Principal
) -> Job:
    """Record what a human found out about a job whose outcome was unknown. It has failed then: what
    it had reserved is released, and charged where the work was made elsewhere.

    A cancelled job whose work may have gone on at its provider stays cancelled, and its reservation
    is released already; it is charged where the work was made elsewhere.

    :raises JobFailed: its outcome is known, or somebody has said it already.
    """
    with database.begin_write() as session:
        row = queries.get_job_row(session, job_id, lock=True)
        is_left_behind = row.state == JobState.CANCELLED and may_go_on(session, job_id)
        is_open = row.state == JobState.UNKNOWN or is_left_behind
        if not is_open or row.resolution is not None:
            raise JobFailed(
                "only a job whose outcome is unknown can be resolved, and only once",
                where=f"job {job_id}, {row.state}",
                next_step="ask for the job to see its state",
            )
        record = ResolutionRecord(**resolution.model_dump(), by=principal.name, at=now())
        row.resolution = canonical_json(record)
        if not is_left_behind:
            row.state = JobState.FAILED
        was_made = resolution.outcome is JobOutcome.MADE_ELSEWHERE
        charge = _charge_or_quote(session, job_id) if was_made else None
        ledger.settle(session, job_id, charge, ledger.Occasion.RESOLVED)
        return _add_event(session, row)


def complete_job(database: Database, job_id: str) -> None:
    """End a job whose result is published; it costs what its provider takes, or else its quote."""
    with database.begin_write() as session:
        row = queries.get_job_row(session, job_id, lock=True)
        if JobState(row.state).ended:
            return
        row.step = ""
        row.done = row.total = len(queries.load_request(row).frames)
        _mark_ended(session, row, JobState.SUCCEEDED)
        _add_event(session, row)


def record_warnings(database: Database, job_id: str, warnings: Sequence[str]) -> None:
    """Store where the plate's files contradict the request, with an event."""
    with database.begin_write() as session:
        row = queries.get_job_row(session, job_id, lock=True)
        row.warnings = json.dumps(list(warnings))
        _add_event(session, row)


def record_timing(database: Database, job_id: str, step: str, seconds: float) -> None:
    """Store the seconds that a step took; a repeated step replaces its earlier time."""
    with database.begin_write() as session:
        row = queries.get_job_row(session, job_id)
        session.execute(delete(TimingRow).where(TimingRow.job_id == job_id, TimingRow.step == step))
        session.add(TimingRow(job_id=job_id, step=step, attempt=row.attempt, seconds=seconds))


def record_frame_time(database: Database, job_id: str, seconds_per_frame: float) -> None:
    """Store what later estimates are computed from."""
    with database.begin_write() as session:
        queries.get_job_row(session, job_id).seconds_per_frame = seconds_per_frame


def attempts_exhausted(job_id: str) -> GatewayFault:
    return GatewayFault(
        f"the gateway gave up this job after at most {MAX_ATTEMPTS} attempts",
        where=f"job {job_id}",
        next_step="search the gateway's log for the job's id, then send it again",
    )


def correct_quote(database: Database, job_id: str, quote: Cost) -> None:
    """Reserve what a running job should cost by its files."""
    with database.begin_write() as session:
        if queries.get_job_row(session, job_id, lock=True).state == JobState.RUNNING:
            ledger.correct_reservation(session, job_id, quote)


def _new_row(submission: Submission, key: str, principal: Principal, queue: str) -> JobRow:
    request = submission.request
    plate = request.shot.plate
    return JobRow(
        id=queries.new_id(),
        key=key,
        fingerprint=fingerprint(request),
        request=canonical_json(request),
        files=submission.model_dump_json(exclude={"request"}),
        show=request.shot.id.show,
        requested_by=principal.name,
        service=request.service,
        queue=queue,
        state=JobState.QUEUED,
        created=now(),
        total=len(request.frames),
        megapixels=plate.width * plate.height / 1e6 if plate.width and plate.height else None,
    )


def _mark_ended(session: Session, row: JobRow, state: JobState) -> None:
    """Set a state in which a job has ended, and settle it, unless its outcome is unknown. Work that
    does not become a result costs what its provider said that it takes, or else its quote if the
    provider has done it."""
    session.execute(delete(BlobPinRow).where(BlobPinRow.job_id == row.id))
    row.state = state
    row.finished = now()
    row.seconds_left = row.fraction = None
    row.message = ""
    if state is JobState.SUCCEEDED or is_work_done(session, row.id):
        charge: Cost | None = _charge_or_quote(session, row.id)
    else:
        charge = load_charge(session, row.id)
    if state is not JobState.UNKNOWN:
        ledger.settle(session, row.id, charge, ledger.Occasion(state))


def _charge_or_quote(session: Session, job_id: str) -> Cost:
    return load_charge(session, job_id) or ledger.reserved_cost(session, job_id)


def _add_event(session: Session, row: JobRow) -> Job:
    session.flush()
    job = queries.load_job(session, row)
    events.add_job_event(session, job)
    return job
