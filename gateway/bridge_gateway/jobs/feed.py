"""Events: what happened, in order, each with the whole new state of what it is about.

An event is written in the transaction that it tells of, so there is no change without its event
and no event without its change. Progress is told often and is worth nothing once the job has
ended, so the end of a job takes its passing events out again; numbers are never given twice.
"""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bridge_core.models.base import canonical, now
from bridge_core.models.gateway import Event, EventKind
from bridge_core.models.jobs import Job
from bridge_core.models.notes import Note
from bridge_core.models.versions import Version
from bridge_gateway.store.tables import EventRow


def tell_job(session: Session, job: Job) -> None:
    """A job's new state. Where it has ended, its passing events go."""
    if job.state.ended:
        session.execute(delete(EventRow).where(EventRow.job == job.id, EventRow.passing.is_(True)))
    _add(session, EventKind.JOB, job, of=job.id, passing=not job.state.ended)


def tell_version(session: Session, version: Version) -> None:
    _add(session, EventKind.VERSION, version, of=version.job)


def tell_note(session: Session, note: Note, *, job: str) -> None:
    """``job`` is the one that made the note's version."""
    _add(session, EventKind.NOTE, note, of=job)


def after(
    session: Session, event_id: int, *, job: str | None = None, limit: int = 500
) -> list[Event]:
    """Events with greater ids, oldest first; of one job only where it is named."""
    search = (
        select(EventRow).where(EventRow.number > event_id).order_by(EventRow.number).limit(limit)
    )
    if job is not None:
        search = search.where(EventRow.job == job)
    return [_event(row) for row in session.scalars(search)]


def last(session: Session) -> int:
    """Id of the newest event; 0 where there is none."""
    return session.scalar(select(func.max(EventRow.number))) or 0


def _add(
    session: Session,
    kind: EventKind,
    about: Job | Version | Note,
    *,
    of: str,
    passing: bool = False,
) -> None:
    session.add(EventRow(kind=kind, job=of, passing=passing, content=canonical(about), at=now()))
    session.flush()


def _event(row: EventRow) -> Event:
    job = Job.model_validate_json(row.content) if row.kind == EventKind.JOB else None
    version = Version.model_validate_json(row.content) if row.kind == EventKind.VERSION else None
    note = Note.model_validate_json(row.content) if row.kind == EventKind.NOTE else None
    return Event(
        id=row.number,
        kind=EventKind(row.kind),
        at=row.at,
        job=job,
        version=version,
        note=note,
    )
