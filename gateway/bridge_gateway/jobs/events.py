"""Events: every change in order, each with the complete new state of its subject; while a job runs,
with its progress only.

An event is written in the transaction of its change, so neither exists without the other. Progress
events are frequent and of no use once the job has ended, so the end of a job deletes its transient
events. Ids are never used twice, and are in the order of the commits.
"""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bridge_core.models.base import TolerantModel, canonical_json, now
from bridge_core.models.gateway import Event, EventKind
from bridge_core.models.jobs import Job, JobUpdate
from bridge_core.models.notes import Note
from bridge_core.models.versions import Version
from bridge_gateway.db.engine import Database
from bridge_gateway.db.tables import EventCounterRow, EventRow

#: The field of an event of each kind, and its type.
_SUBJECTS: dict[EventKind, tuple[str, type[TolerantModel]]] = {
    EventKind.JOB: ("job", Job),
    EventKind.PROGRESS: ("update", JobUpdate),
    EventKind.VERSION: ("version", Version),
    EventKind.NOTE: ("note", Note),
}


class EventLog:
    """The events that are stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_events(self, *, after: int, job: str | None = None, limit: int = 500) -> list[Event]:
        """Events with ids greater than ``after``, oldest first; of one job where it is named."""
        query = (
            select(EventRow).where(EventRow.number > after).order_by(EventRow.number).limit(limit)
        )
        if job is not None:
            query = query.where(EventRow.job_id == job)
        with self._database.begin_read() as session:
            return [_to_event(row) for row in session.scalars(query)]

    def last_event_id(self) -> int:
        """Id of the newest event; 0 where there is none."""
        with self._database.begin_read() as session:
            return session.scalars(select(EventCounterRow.last)).one()

    def change_count(self) -> int:
        """Changes with every transaction that this process commits. Reads no database."""
        return self._database.change_count


def add_job_event(session: Session, job: Job) -> None:
    """Add a job's new state; where it has ended, delete its transient events."""
    if job.state.ended:
        session.execute(
            delete(EventRow).where(EventRow.job_id == job.id, EventRow.is_transient.is_(True))
        )
    _add_event(session, EventKind.JOB, job, job_id=job.id, is_transient=not job.state.ended)


def add_progress_event(session: Session, update: JobUpdate) -> None:
    """Add the progress of a running job."""
    _add_event(session, EventKind.PROGRESS, update, job_id=update.id, is_transient=True)


def add_version_event(session: Session, version: Version) -> None:
    """Add a version that is new or was decided about."""
    _add_event(session, EventKind.VERSION, version, job_id=version.job_id, is_transient=False)


def add_note_event(session: Session, note: Note, *, job: str) -> None:
    """Add a new note; ``job`` is the id of the job that made its version."""
    _add_event(session, EventKind.NOTE, note, job_id=job, is_transient=False)


def _add_event(
    session: Session, kind: EventKind, subject: TolerantModel, *, job_id: str, is_transient: bool
) -> None:
    number = session.scalars(
        update(EventCounterRow)
        .values(last=EventCounterRow.last + 1)
        .returning(EventCounterRow.last)
    ).one()
    session.add(
        EventRow(
            number=number,
            kind=kind,
            job_id=job_id,
            is_transient=is_transient,
            content=canonical_json(subject),
            at=now(),
        )
    )
    session.flush()


def _to_event(row: EventRow) -> Event:
    field, model = _SUBJECTS[EventKind(row.kind)]
    subject = model.model_validate_json(row.content)
    return Event.model_validate({"id": row.number, "kind": row.kind, "at": row.at, field: subject})
