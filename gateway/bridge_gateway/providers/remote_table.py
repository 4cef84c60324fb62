"""The table of remote jobs: what was submitted, and what came back."""

from __future__ import annotations

import json
import logging
import time

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bridge_core.errors import OutcomeUnknown, ShotbridgeError, StorageUnavailable
from bridge_core.models.base import canonical_json, now
from bridge_core.models.jobs import Cost
from bridge_gateway.db.engine import Database
from bridge_gateway.db.tables import RemoteJobRow
from bridge_gateway.policy import ledger
from bridge_gateway.providers.base import (
    MAX_HANDLE_BYTES,
    RemoteHandle,
    RemoteProvider,
    RemoteState,
    RemoteStatus,
)

_log = logging.getLogger(__name__)

#: Seconds between two attempts to store a handle.
_RETRY_SECONDS = 1.0


def remote_key(job_id: str) -> str:
    """The key of a job's work: made from the job, so that all attempts send the same one."""
    return f"shotbridge-{job_id}"


def load_row(database: Database, job_id: str) -> RemoteJobRow | None:
    with database.begin_read() as session:
        return session.get(RemoteJobRow, job_id)


def record_submission(database: Database, provider: RemoteProvider, job_id: str) -> None:
    """Record, before the call, that a job's work is about to be submitted. The time of an earlier
    record, after which there certainly is no work, is replaced."""
    with database.begin_write() as session:
        row = session.get(RemoteJobRow, job_id)
        if row is not None:
            row.submitted = now()
            return
        session.add(
            RemoteJobRow(
                job_id=job_id,
                provider=provider.id,
                account=provider.queue.account,
                key=remote_key(job_id),
                submitted=now(),
                state=RemoteState.QUEUED,
            )
        )


def withdraw_submission(database: Database, job_id: str) -> None:
    """Record that certainly nothing was accepted."""
    with database.begin_write() as session:
        session.execute(
            delete(RemoteJobRow).where(RemoteJobRow.job_id == job_id, RemoteJobRow.handle.is_(None))
        )


def record_handle(database: Database, job_id: str, handle: RemoteHandle, *, where: str) -> None:
    """Store a handle. Waits while the database is not available: the handle would be lost.

    :raises OutcomeUnknown: it is not a JSON object, or too large, so the work cannot be followed.
    """
    try:
        text = json.dumps(handle, allow_nan=False)
        is_valid = isinstance(handle, dict) and len(text.encode()) <= MAX_HANDLE_BYTES
    except (TypeError, ValueError):
        is_valid, text = False, ""
    if not is_valid:
        raise OutcomeUnknown(
            f"the provider's handle is not a JSON object of at most {MAX_HANDLE_BYTES} bytes",
            where=where,
            next_step="report this to the maintainer of the provider, and look at its list of jobs",
        )
    while True:
        try:
            with database.begin_write() as session:
                session.get_one(RemoteJobRow, job_id).handle = text
                return
        except StorageUnavailable as error:
            _log.warning("a handle cannot be stored yet: %s: %s", where, error)
            time.sleep(_RETRY_SECONDS)


def record_status(database: Database, job_id: str, status: RemoteStatus) -> None:
    """Store a state and a charge where they have changed. Work that is done without a word about
    its charge costs its quote, also where its job has just been cancelled."""
    named = usable_charge(status.charge, f"job {job_id}")
    charge = canonical_json(named) if named is not None else None
    row = load_row(database, job_id)
    if row is not None and row.state == status.state and charge in (None, row.charge):
        return
    with database.begin_write() as session:
        row = session.get_one(RemoteJobRow, job_id)
        row.state = status.state
        if named is not None:
            record_charge(session, row, named)
        elif status.state is RemoteState.SUCCEEDED and row.charge is None:
            ledger.add_late_charge(session, job_id, ledger.reserved_cost(session, job_id))


def usable_charge(charge: Cost | None, where: str) -> Cost | None:
    """A charge as a provider reported it; None for one below 0, which is logged and ignored."""
    if charge is not None and charge.amount < 0:
        _log.error("the provider named a charge below 0, which is ignored: %s: %s", where, charge)
        return None
    return charge


def record_charge(session: Session, row: RemoteJobRow, charge: Cost) -> None:
    """Store what the provider takes; in the ledger, too, where the job has ended."""
    row.charge = canonical_json(charge)
    ledger.add_late_charge(session, row.job_id, charge)


def explain_failure(session: Session, job_id: str, error: ShotbridgeError) -> ShotbridgeError:
    """The error that a job ends with: an OutcomeUnknown where its work goes on at the provider, or
    may have been submitted, so that the provider may charge for it although the job fails."""
    row = session.get(RemoteJobRow, job_id)
    if row is None or RemoteState(row.state).ended or isinstance(error, OutcomeUnknown):
        return error
    what = "went on at the provider" if row.handle is not None else "may have been submitted"
    return OutcomeUnknown(
        f"the job ended while its work {what}: {error.message}",
        where=error.where or f"job {job_id}, provider {row.provider}",
        next_step=f"look at the list of jobs at the provider (key {row.key}), then say so with "
        "'shotbridge resolve-job'; nothing is sent again",
        details={**error.details, "key": row.key},
    )


def is_work_done(session: Session, job_id: str) -> bool:
    """Whether the provider said that it has done a job's work, for which it takes its price."""
    state = session.scalar(select(RemoteJobRow.state).where(RemoteJobRow.job_id == job_id))
    return state == RemoteState.SUCCEEDED


def may_go_on(session: Session, job_id: str) -> bool:
    """Whether the work of a cancelled job may have gone on at its provider: it was submitted or may
    have been, and the provider named neither an end, nor a charge, nor that it has stopped."""
    row = session.get(RemoteJobRow, job_id)
    # A provider that no longer knows the work does not say what became of it.
    is_open = (RemoteState.QUEUED, RemoteState.RUNNING, RemoteState.UNKNOWN)
    if row is None or row.state not in is_open or row.charge is not None:
        return False
    answer = json.loads(row.cancellation or "{}")
    return answer.get("provider_stopped") is not True


def load_charge(session: Session, job_id: str) -> Cost | None:
    """What the provider said that it takes for a job; None where it said nothing."""
    charge = session.scalar(select(RemoteJobRow.charge).where(RemoteJobRow.job_id == job_id))
    return Cost.model_validate_json(charge) if charge else None
