"""Reconciles the jobs' rows with the queue.

Rows and queue are stored in two databases. After a kill, or when one of two writes fails, they
disagree. So every open row is compared with the queue at the start and every few seconds, and the
one that is behind is corrected. The rows are authoritative: a job that was accepted is run, even if
the queue has lost it.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from datetime import timedelta
from functools import partial

from sqlalchemy import select

from bridge_core.errors import ShotbridgeError, UnknownService
from bridge_core.models.base import now
from bridge_core.models.jobs import Cancellation
from bridge_gateway.db import queries
from bridge_gateway.db.tables import RemoteJobRow, ResultRow
from bridge_gateway.jobs import transitions
from bridge_gateway.jobs.context import GatewayContext
from bridge_gateway.jobs.queue import JobQueue, WorkflowStatus
from bridge_gateway.providers.base import RemoteProvider
from bridge_gateway.providers.remote_cancel import (
    cancel_at_provider,
    list_unacknowledged_cancellations,
    store_cancellation_response,
)
from bridge_gateway.threads import run_in_thread

_log = logging.getLogger(__name__)

#: Seconds between two reconciliations of all open jobs.
RECONCILE_SECONDS = 5.0
#: Seconds that a stop waits for a running reconciliation, which may wait for a locked database.
_STOP_SECONDS = 2.0
#: Seconds after a cancellation until it is sent again to a provider that has not answered. Doubled
#: with each retry, up to the second value.
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 30.0, 600.0


class Reconciler:
    """Enqueues new jobs and reconciles all open ones, in a thread of its own.

    The queue's database may be locked, full or unavailable for a while. Callers of the gateway do
    not wait for it; whatever fails is repeated at a later reconciliation.
    """

    def __init__(self, gateway: GatewayContext, queue: JobQueue) -> None:
        self._gateway = gateway
        self._queue = queue
        self._pending: deque[tuple[str, str]] = deque()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._orphaned: set[str] = set()
        self._unreadable: set[str] = set()
        """Jobs whose rows cannot be read; each is logged once."""
        self._cancellations = CancellationRetrier(gateway)
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)
        #: The error of the last reconciliation; empty where it succeeded.
        self.last_error = ""

    def start(self) -> None:
        """Reconcile once, then start the thread."""
        self.reconcile()
        self._cancellations.retry(0)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        self._thread.join(_STOP_SECONDS)

    def enqueue(self, job_id: str, queue: str) -> None:
        """Have a job enqueued soon. Returns at once; repeated calls do no harm."""
        self._pending.append((job_id, queue))
        self._wake.set()

    def reconcile(self) -> None:
        """Compare all open jobs with the queue, then remove stale work folders.

        Jobs may run meanwhile. The queue is read before the rows are read again: a workflow ends
        after its row, so a row that is still open without a workflow needs repair.
        """
        gateway = self._gateway
        open_jobs = _open_jobs(gateway)
        statuses = self._queue.workflow_statuses(list(open_jobs))
        still_open = _open_jobs(gateway).keys()
        orphaned, self._orphaned = self._orphaned, set()
        for job_id, queue in open_jobs.items():
            if job_id not in still_open:
                continue
            status = statuses.get(job_id)
            if status is WorkflowStatus.ORPHANED and job_id not in orphaned:
                # It may be just about to start; the next reconciliation decides.
                self._orphaned.add(job_id)
            else:
                self._repair_readable(job_id, queue, status)
        gateway.storage.library.remove_stale_work_dirs(lambda: _open_jobs(gateway).keys())
        self._cancellations.retry(FIRST_RETRY_SECONDS)

    def _repair_readable(self, job_id: str, queue: str, status: WorkflowStatus | None) -> None:
        """Repair a job. One whose row cannot be read is left as it is, for the sake of the others.

        Errors of a database or disk concern all jobs, and are raised.
        """
        try:
            self._repair(job_id, queue, status)
        except (ValueError, TypeError, LookupError):
            if job_id not in self._unreadable:  # it remains so, at every reconciliation
                _log.exception("job %s cannot be read, and is left as it is", job_id)
                self._unreadable.add(job_id)

    def _repair(self, job_id: str, queue: str, status: WorkflowStatus | None) -> None:
        match status:
            case None:
                _log.warning("job %s was not in the queue and is enqueued now", job_id)
                self._queue.enqueue(job_id, queue)
            case WorkflowStatus.OUTDATED:
                _log.warning("job %s was started by another version and starts again", job_id)
                self._queue.restart(job_id, queue)
            case WorkflowStatus.ORPHANED:
                _log.warning("job %s was interrupted and is resumed", job_id)
                self._queue.resume(job_id, queue)
            case WorkflowStatus.ACTIVE:
                pass
            case WorkflowStatus.CANCELLED:
                transitions.cancel_job(self._gateway.database, job_id)
            case WorkflowStatus.COMPLETED | WorkflowStatus.FAILED:
                _end_job(self._gateway, job_id)

    def _run(self) -> None:
        next_reconcile = time.monotonic() + RECONCILE_SECONDS
        while not self._stopping.is_set():
            self._wake.wait(max(0.0, next_reconcile - time.monotonic()))
            self._wake.clear()
            is_due = time.monotonic() >= next_reconcile
            try:
                while self._pending and not self._stopping.is_set():
                    self._queue.enqueue(*self._pending[0])
                    self._pending.popleft()
                if is_due:
                    self.reconcile()
            except Exception as error:
                # The next reconciliation enqueues whatever was pending.
                self._pending.clear()
                # SQLAlchemy's own message contains the statement, which differs each time.
                message = str(getattr(error, "orig", None) or error)
                if message != self.last_error:  # it may go on for hours
                    _log.exception("jobs could not be reconciled; trying again")
                self.last_error = message
            else:
                if self.last_error and is_due:
                    _log.info("jobs are reconciled again")
                    self.last_error = ""
            if is_due:
                next_reconcile = time.monotonic() + RECONCILE_SECONDS


class CancellationRetrier:
    """Sends cancellations again that remote providers have not answered, because the gateway ended,
    or they could not be reached."""

    def __init__(self, gateway: GatewayContext) -> None:
        self._gateway = gateway
        self._under_way: set[str] = set()
        self._next_times: dict[str, tuple[float, float]] = {}
        """When each is sent again, and the seconds until the time after that."""

    def retry(self, seconds: float) -> None:
        """Send again the cancellations that are older than ``seconds`` and are not under way; in
        threads, without waiting for them."""
        before = now() - timedelta(seconds=seconds)
        unacknowledged = list_unacknowledged_cancellations(self._gateway.database, before)
        first = (0.0, FIRST_RETRY_SECONDS)
        self._next_times = {
            row.job_id: self._next_times.get(row.job_id, first) for row in unacknowledged
        }
        for row in unacknowledged:
            due, delay = self._next_times[row.job_id]
            if time.monotonic() >= due and row.job_id not in self._under_way:
                later = min(LAST_RETRY_SECONDS, delay * 2)
                self._next_times[row.job_id] = (time.monotonic() + delay, later)
                self._under_way.add(row.job_id)
                run_in_thread(partial(self._send_cancellation, row), f"cancel {row.job_id}")

    def _send_cancellation(self, row: RemoteJobRow) -> None:
        database = self._gateway.database
        try:
            answer, answered = self._cancel_at_provider(row)
            with database.begin_write() as session:
                news: Cancellation | None = answer
                if answered:
                    news = store_cancellation_response(session, row.job_id, answer)
                elif queries.get_job_row(session, row.job_id).cancellation is not None:
                    news = None
                if news is not None:
                    transitions.set_job_cancellation(row.job_id, session, news)
        except ShotbridgeError as error:
            _log.warning("the cancellation of job %s cannot be repeated: %s", row.job_id, error)
        finally:
            self._under_way.discard(row.job_id)

    def _cancel_at_provider(self, row: RemoteJobRow) -> tuple[Cancellation, bool]:
        """As :func:`cancel_at_provider`; a provider that is missing does not answer."""
        where = f"job {row.job_id}, provider {row.provider}"
        try:
            provider = self._gateway.providers.get_provider(row.provider)
        except UnknownService as error:
            return Cancellation(message=f"the provider could not be told: {error}"[:500]), False
        if not isinstance(provider, RemoteProvider):
            return Cancellation(message="the provider is no longer a remote one"), False
        return cancel_at_provider(provider, json.loads(row.handle or "{}"), where)


def _open_jobs(gateway: GatewayContext) -> dict[str, str]:
    """The queue of each open job, by the job's id."""
    with gateway.database.begin_read() as session:
        return queries.list_open_job_queues(session)


def _end_job(gateway: GatewayContext, job_id: str) -> None:
    with gateway.database.begin_read() as session:
        published = session.scalar(select(ResultRow.published).where(ResultRow.job_id == job_id))
    if published is not None:
        transitions.complete_job(gateway.database, job_id)
    else:
        _log.error("job %s was given up by the queue", job_id)
        transitions.fail_job(gateway.database, job_id, transitions.attempts_exhausted(job_id))
