"""Tells remote providers that work was cancelled, and stores what they answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from concurrent.futures import Future, wait
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge_core.errors import OutcomeUnknown, ShotbridgeError, StorageUnavailable
from bridge_core.models.base import canonical_json
from bridge_core.models.jobs import Cancellation, Cost, JobState
from bridge_gateway.db.engine import Database
from bridge_gateway.db.tables import JobRow, RemoteJobRow
from bridge_gateway.providers.base import RemoteHandle, RemoteProvider, RemoteState
from bridge_gateway.providers.remote_table import (
    load_charge,
    load_row,
    record_charge,
    usable_charge,
)
from bridge_gateway.threads import run_in_thread

_log = logging.getLogger(__name__)

#: Seconds that the end of a run waits for a call that is under way; the contract allows 2.
GRACE_SECONDS = 1.5


class RemoteCancellation:
    """The cancellation of one job's work at its provider.

    ``on_cancellation`` is called with the provider's answer and the transaction that stores it:
    first at once, with nothing known, and again when there is an answer, maybe after the run has
    ended.
    """

    def __init__(
        self,
        database: Database,
        provider: RemoteProvider,
        job_id: str,
        on_cancellation: Callable[[Session, Cancellation], None],
    ) -> None:
        self._database = database
        self._provider = provider
        self._job_id = job_id
        self._on_cancellation = on_cancellation
        self._where = f"job {job_id}, provider {provider.id}"
        self.is_reported = False

    def cancel_submission(self) -> None:
        """Cancel what was submitted, in a thread that may be left behind."""
        row = load_row(self._database, self._job_id)
        if row is None:
            return
        if row.handle is None:
            self._report_unanswered(
                f"it is not known whether the provider has this work, key {row.key}: "
                "look at its list of jobs, then say so with 'shotbridge resolve-job'"
            )
        elif row.state == RemoteState.SUCCEEDED:
            charge = Cost.model_validate_json(row.charge) if row.charge else None
            message = "the work was already done"
            if charge is None:
                message += "; the ledger charges its quote, as the provider named no other charge"
            self._report(Cancellation(provider_stopped=False, charge=charge, message=message))
        else:
            handle = json.loads(row.handle)
            self._report_unanswered("the provider has not answered yet")
            call = run_in_thread(lambda: self._send(handle), f"cancel {self._job_id}")
            wait([call], timeout=GRACE_SECONDS)

    def cancel_when_submitted(self, call: Future[RemoteHandle]) -> None:
        """Cancel work once it has been accepted, in the thread of the ``call`` that submits it."""
        self._report_unanswered("the provider has not answered yet whether it took the work")
        call.add_done_callback(self._cancel_late_submission)

    def _cancel_late_submission(self, call: Future[RemoteHandle]) -> None:
        error = call.exception()
        if error is None:
            self._send(call.result())
        elif isinstance(error, ShotbridgeError) and not isinstance(error, OutcomeUnknown):
            self._report(
                Cancellation(provider_stopped=True, message="the provider did not take the work")
            )

    def _send(self, handle: RemoteHandle) -> None:
        cancellation, answered = cancel_at_provider(self._provider, handle, self._where)
        self._report(cancellation, answered=answered)

    def _report_unanswered(self, message: str) -> None:
        self._report(Cancellation(message=message), answered=False)

    def _report(self, cancellation: Cancellation, *, answered: bool = True) -> None:
        self.is_reported = True
        try:
            # In one transaction: a kill must not leave the job without an answer that is stored.
            with self._database.begin_write() as session:
                known: Cancellation | None = cancellation
                if answered:
                    known = store_cancellation_response(session, self._job_id, cancellation)
                if known is not None:
                    self._on_cancellation(session, known)
        except StorageUnavailable as error:
            _log.error("a cancellation could not be recorded: %s: %s", self._where, error)


def cancel_at_provider(
    provider: RemoteProvider, handle: RemoteHandle, where: str
) -> tuple[Cancellation, bool]:
    """Tell the provider to stop: what is known then, and whether it answered."""
    try:
        outcome = provider.cancel(handle)
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
    """Jobs cancelled before that time, whose provider has not answered and may still work."""
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
