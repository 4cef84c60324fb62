"""Tells remote providers that work was cancelled, and stores what they answer."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge_core.models.base import canonical_json
from bridge_core.models.jobs import Cancellation, JobState
from bridge_gateway.db.engine import Database
from bridge_gateway.db.tables import JobRow, RemoteJobRow
from bridge_gateway.providers.base import (
    CancelOutcome,
    RemoteHandle,
    RemoteProvider,
    RemoteState,
)
from bridge_gateway.providers.remote_table import load_charge, record_charge, usable_charge

_log = logging.getLogger(__name__)


def cancel_at_provider(
    provider: RemoteProvider, handle: RemoteHandle, where: str
) -> tuple[Cancellation, bool]:
    """Tell the provider to stop: what is known then, and whether it answered."""
    try:
        outcome: CancelOutcome = provider.cancel(handle)
    except Exception as error:
        _log.warning("a cancellation failed: %s", where, exc_info=error)
        return Cancellation(message=f"the provider could not be told: {error}"[:500]), False
    answer = Cancellation(
        provider_stopped=outcome.stopped,
        charge=usable_charge(outcome.charge, where),
        message=outcome.message[:500],
    )
    return answer, True


def store_cancellation_response(
    session: Session, job_id: str, answer: Cancellation
) -> Cancellation | None:
    """Store the provider's answer to a cancellation, with the charge that it names. Returns what
    the job then has to say; None where that has not changed.

    An earlier answer is kept unless this one says that the work stopped: a provider that was told
    twice says the second time that the work had ended. Its charge is the one that is known by now,
    whichever answer or poll named it.
    """
    row = session.get(RemoteJobRow, job_id)
    if row is None:
        return answer
    kept = None if answer.provider_stopped else row.cancellation
    if answer.charge is not None and (kept is None or row.charge is None):
        record_charge(session, row, answer.charge)
    known = answer if kept is None else Cancellation.model_validate_json(kept)
    known = known.model_copy(update={"charge": load_charge(session, job_id)})
    row.cancellation = canonical_json(known)
    return known if row.cancellation != kept else None


def list_unacknowledged_cancellations(database: Database, before: datetime) -> list[RemoteJobRow]:
    """Jobs that were cancelled before that time, whose provider has not answered the cancellation
    and may still work."""
    with database.begin_read() as session:
        query = (
            select(RemoteJobRow)
            .join(JobRow, JobRow.id == RemoteJobRow.job_id)
            .where(
                JobRow.state == JobState.CANCELLED,
                JobRow.finished < before,
                RemoteJobRow.handle.is_not(None),
                RemoteJobRow.cancellation.is_(None),
                RemoteJobRow.state.in_((RemoteState.QUEUED, RemoteState.RUNNING)),
            )
        )
        return list(session.scalars(query))
