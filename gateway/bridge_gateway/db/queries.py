"""Loads the models of the API from rows, and searches them."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar
from uuid import uuid4

from pydantic import BaseModel
from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from bridge_core.errors import ContentMismatch, IdempotencyKeyReused, NotFound
from bridge_core.models.base import canonical_json, fingerprint, now
from bridge_core.models.jobs import Cancellation, Job, JobProgress, JobState, ResolutionRecord
from bridge_core.models.notes import NewNote, Note
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Request, Submission
from bridge_core.models.versions import Decision, DecisionRecord, ReviewStatus, TestFrame, Version
from bridge_gateway.db.engine import Database
from bridge_gateway.db.tables import BlobPinRow, DecisionRow, JobRow, NoteRow, ResultRow

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
    return _load_jobs(session, [row])[0]


def list_jobs(
    session: Session,
    *,
    show: str | None = None,
    state: JobState | None = None,
    before: str | None = None,
    limit: int = 100,
) -> list[Job]:
    """Newest first; ``before`` is the id of the last job of the previous page.

    :raises NotFound: ``before`` is not the id of a job.
    """
    query = select(JobRow).order_by(JobRow.number.desc()).limit(limit)
    if show is not None:
        query = query.where(JobRow.show == show)
    if state is not None:
        query = query.where(JobRow.state == state)
    if before is not None:
        query = query.where(JobRow.number < get_job_row(session, before).number)
    return _load_jobs(session, session.scalars(query).all())


def list_pinned(database: Database) -> set[str]:
    """The hashes of the uploaded files that open jobs need."""
    with database.begin_read() as session:
        return set(session.scalars(select(BlobPinRow.sha256)))


def list_open_job_queues(session: Session) -> dict[str, str]:
    """The queue of each open job by the job's id, oldest first."""
    query = select(JobRow.id, JobRow.queue)
    rows = session.execute(query.where(JobRow.state.in_(OPEN_STATES)).order_by(JobRow.number))
    return {job_id: queue for job_id, queue in rows}  # noqa: C416, rows are no tuples for mypy


def count_open_jobs(session: Session) -> dict[JobState, int]:
    """The number of jobs in each of the open states."""
    rows = session.execute(
        select(JobRow.state, func.count())
        .where(JobRow.state.in_(OPEN_STATES))
        .group_by(JobRow.state)
    )
    return dict.fromkeys(OPEN_STATES, 0) | {JobState(state): count for state, count in rows}


def _load_jobs(session: Session, rows: Sequence[JobRow]) -> list[Job]:
    """The jobs of these rows, with their results and positions from one query each."""
    published = select(ResultRow.job_id, ResultRow.id, ResultRow.number).where(
        ResultRow.job_id.in_([row.id for row in rows]), ResultRow.published.is_not(None)
    )
    results = {
        job_id: (result_id, number) for job_id, result_id, number in session.execute(published)
    }
    open_numbers: dict[str, list[int]] = defaultdict(list)
    if any(row.state == JobState.QUEUED for row in rows):
        open_jobs = select(JobRow.queue, JobRow.number).where(JobRow.state.in_(OPEN_STATES))
        for queue, number in session.execute(open_jobs.order_by(JobRow.number)):
            open_numbers[queue].append(number)
    jobs = []
    for row in rows:
        result_id, version_number = results.get(row.id, (None, None))
        is_queued = row.state == JobState.QUEUED
        jobs.append(
            Job(
                id=row.id,
                key=row.key,
                request=load_request(row),
                requested_by=row.requested_by,
                state=JobState(row.state),
                created=row.created,
                started=row.started,
                finished=row.finished,
                progress=load_progress(row),
                queue_position=bisect_left(open_numbers[row.queue], row.number)
                if is_queued
                else None,
                problem=_parse(Problem, row.problem),
                cancellation=_parse(Cancellation, row.cancellation),
                resolution=_parse(ResolutionRecord, row.resolution),
                warnings=json.loads(row.warnings) if row.warnings else (),
                version_id=result_id if version_number is not None else None,
                test_frame_id=result_id if version_number is None else None,
            )
        )
    return jobs


def load_progress(row: JobRow) -> JobProgress:
    return JobProgress(
        step=row.step,
        done=row.done,
        total=row.total,
        seconds_left=row.seconds_left,
        attempt=max(1, row.attempt),
        fraction=row.fraction,
        message=row.message or "",
    )


# --- results


def get_result_row(session: Session, result_id: str) -> ResultRow:
    """The row of a published version or test frame.

    :raises NotFound: there is none.
    """
    row = session.get(ResultRow, result_id)
    if row is None or row.published is None:
        raise _not_found("version or test frame", result_id)
    return row


def get_version_row(session: Session, version_id: str) -> ResultRow:
    """The row of a published version.

    :raises NotFound: there is none, or it is a test frame.
    """
    row = session.get(ResultRow, version_id)
    if row is None or row.published is None or row.number is None:
        raise _not_found("version", version_id)
    return row


def load_version(session: Session, row: ResultRow) -> Version:
    """The version as it was published, with the decisions about it since."""
    return _load_versions(session, [row])[0]


def list_versions(
    session: Session,
    *,
    show: str | None = None,
    sequence: str | None = None,
    shot: str | None = None,
    service: str | None = None,
    status: ReviewStatus | None = None,
    newest: bool = False,
    after: str | None = None,
    limit: int = 100,
) -> list[Version]:
    """By shot, service and number. ``newest``: of each shot only the one made last among those that
    match; ``after`` is the id of the last version of the previous page.

    :raises NotFound: ``after`` is not the id of a version.
    """
    filters = {
        ResultRow.show: show,
        ResultRow.sequence: sequence,
        ResultRow.shot: shot,
        ResultRow.service: service,
    }
    conditions: list[ColumnElement[bool]] = [
        ResultRow.published.is_not(None),
        ResultRow.number.is_not(None),
    ]
    conditions += [column == value for column, value in filters.items() if value is not None]
    if status is not None:
        decided = select(DecisionRow.status).where(DecisionRow.result_id == ResultRow.id)
        last_decided = decided.order_by(DecisionRow.number.desc()).limit(1).scalar_subquery()
        conditions.append(func.coalesce(last_decided, ReviewStatus.PENDING) == status)
    order = (*filters, ResultRow.number)
    query = select(ResultRow).where(*conditions).order_by(*order).limit(limit)
    if newest:
        last = func.row_number().over(
            partition_by=(ResultRow.show, ResultRow.sequence, ResultRow.shot),
            order_by=(column.desc() for column in (ResultRow.ordinal, ResultRow.created)),
        )
        ranked = select(ResultRow.id, last.label("rank")).where(*conditions).subquery()
        query = query.join(ranked, ranked.c.id == ResultRow.id).where(ranked.c.rank == 1)
    if after is not None:
        row = get_version_row(session, after)
        position = (row.show, row.sequence, row.shot, row.service, row.number)
        query = query.where(tuple_(*order) > tuple_(*position))
    return _load_versions(session, session.scalars(query).all())


def _load_versions(session: Session, rows: Sequence[ResultRow]) -> list[Version]:
    """The versions of these rows, with their decisions from one query."""
    decisions_by_result: dict[str, list[DecisionRecord]] = {}
    decided = select(DecisionRow).where(DecisionRow.result_id.in_([row.id for row in rows]))
    for decision_row in session.scalars(decided.order_by(DecisionRow.number)):
        record = {name: getattr(decision_row, name) for name in DecisionRecord.model_fields}
        decisions_by_result.setdefault(decision_row.result_id, []).append(
            DecisionRecord.model_validate(record)
        )
    versions = []
    for row in rows:
        published = Version.model_validate_json(row.content or "")
        if decisions := decisions_by_result.get(row.id):
            update = {"decisions": tuple(decisions), "status": decisions[-1].status}
            published = published.model_copy(update=update)
        versions.append(published)
    return versions


def get_test_frame(session: Session, test_frame_id: str) -> TestFrame:
    """
    :raises NotFound: there is no such test frame, or it is a version.
    """
    row = session.get(ResultRow, test_frame_id)
    if row is None or row.published is None or row.number is not None:
        raise _not_found("test frame", test_frame_id)
    return TestFrame.model_validate_json(row.content or "")


# --- review


def find_decision(
    session: Session, version_id: str, decision: Decision, key: str, *, by: str
) -> Version | None:
    """The version as it was after the decision of this key; None where the key is new.

    :raises IdempotencyKeyReused: the key was used for another decision, or by another person.
    """
    row = session.scalar(select(DecisionRow).where(DecisionRow.key == key))
    if row is None:
        return None
    _require_same_content(row, row.by, version_id, decision, by)
    earlier = select(func.count()).where(
        DecisionRow.result_id == version_id, DecisionRow.number <= row.number
    )
    version = load_version(session, get_version_row(session, version_id))
    decisions = version.decisions[: session.scalar(earlier)]
    return version.model_copy(update={"decisions": decisions, "status": decisions[-1].status})


def add_decision(
    session: Session, version_id: str, decision: Decision, key: str, *, by: str
) -> Version:
    """
    :raises NotFound: there is no such version.
    :raises ContentMismatch: the decision names another content hash than the version's.
    """
    row = get_version_row(session, version_id)
    decided_version = load_version(session, row)
    if decision.content_hash != decided_version.content_hash:
        raise ContentMismatch(
            "the decision does not have the content hash of this version: it is not about "
            f"{decided_version.shot.shot} {decided_version.service} {decided_version.label}",
            where=f"version {version_id}",
            next_step="review the version as it is now, and decide again",
            details={"content_hash": decided_version.content_hash},
        )
    session.add(
        DecisionRow(
            key=key,
            fingerprint=fingerprint(decision),
            result_id=version_id,
            by=by,
            at=now(),
            **decision.model_dump(),
        )
    )
    session.flush()
    return load_version(session, row)


def list_notes(session: Session, version_id: str) -> list[Note]:
    """The notes on a version, oldest first.

    :raises NotFound: there is no such version.
    """
    get_version_row(session, version_id)
    rows = session.scalars(
        select(NoteRow).where(NoteRow.result_id == version_id).order_by(NoteRow.number)
    )
    return [Note.model_validate_json(row.content) for row in rows]


def find_note(session: Session, version_id: str, new: NewNote, key: str, *, by: str) -> Note | None:
    """The note of this key; None where the key is new.

    :raises IdempotencyKeyReused: the key was used for another note, or by another person.
    """
    row = session.scalar(select(NoteRow).where(NoteRow.key == key))
    if row is None:
        return None
    note = Note.model_validate_json(row.content)
    _require_same_content(row, note.by, version_id, new, by)
    return note


def add_note(session: Session, version_id: str, new: NewNote, key: str, *, by: str) -> Note:
    """
    :raises NotFound: there is no such version.
    """
    get_version_row(session, version_id)
    note = Note(
        id=new_id(),
        version_id=version_id,
        frames=new.frames,
        text=new.text,
        strokes=new.strokes,
        drawn_on=new.drawn_on,
        by=by,
        at=now(),
    )
    session.add(
        NoteRow(
            id=note.id,
            key=key,
            fingerprint=fingerprint(new),
            result_id=version_id,
            content=canonical_json(note),
            at=note.at,
        )
    )
    session.flush()
    return note


def _require_same_content(
    row: DecisionRow | NoteRow,
    author: str,
    version_id: str,
    content: Decision | NewNote,
    by: str,
) -> None:
    """
    :raises IdempotencyKeyReused: the row of this key has other content, is about another version,
        or by another person.
    """
    if (row.result_id, row.fingerprint, author) != (version_id, fingerprint(content), by):
        raise IdempotencyKeyReused(
            f"the key {row.key} has been used for something else, or by somebody else",
            where=f"version {row.result_id}",
            next_step="send this with a key of its own",
        )


def _parse(model: type[M], content: str | None) -> M | None:
    return model.model_validate_json(content) if content else None


def _not_found(kind: str, identity: str) -> NotFound:
    return NotFound(
        f"there is no {kind} {json.dumps(identity[:64])}",
        where="the gateway's database",
        next_step=f"ask for the list of {kind.split(' or ')[0]}s and use an id from it",
    )
