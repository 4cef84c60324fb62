"""Runs the work of a remote provider, so that nothing is submitted, and paid for, twice.

The order is: the submission is recorded, the work is submitted with a key made from the job's id,
its handle is recorded, it is polled until it ends, its results are fetched. Every attempt at a job
runs this from the beginning:

- with a handle it continues to poll;
- with a recorded submission and no handle, an earlier attempt was killed while it submitted, or
  the answer was lost. A provider that knows keys gets the same key again; one that can find work by
  its key is asked; with any other the outcome cannot be known: the job ends as ``unknown``, and
  nothing is sent again.

Each call to the provider runs in a thread that can be left behind, so that a provider that hangs
delays neither a cancellation nor a stop of the gateway.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from datetime import timedelta
from typing import Protocol, TypeVar

from sqlalchemy.orm import Session

from bridge_core.errors import (
    JobCancelled,
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    ShotbridgeError,
    StorageUnavailable,
)
from bridge_core.models.base import now
from bridge_core.models.jobs import Cancellation
from bridge_core.models.services import ServiceCapabilities
from bridge_gateway.db.engine import Database
from bridge_gateway.providers.base import (
    ProviderTask,
    RemoteHandle,
    RemoteProvider,
    RemoteState,
    TaskMonitor,
    TaskResult,
)
from bridge_gateway.providers.remote_cancel import GRACE_SECONDS, RemoteCancellation
from bridge_gateway.providers.remote_errors import (
    fetch_failure,
    is_disk_error,
    outcome_unknown,
    work_failure,
)
from bridge_gateway.providers.remote_table import (
    load_row,
    record_handle,
    record_status,
    record_submission,
    remote_key,
    withdraw_submission,
)
from bridge_gateway.threads import run_in_thread

T = TypeVar("T")

_log = logging.getLogger(__name__)

#: Seconds between two polls where the provider does not say: from the first to the last value.
_FIRST_DELAY, _LAST_DELAY = 1.0, 10.0
#: The longest that a provider can ask us to wait, in seconds.
_MAX_RETRY_AFTER = 300.0
#: Seconds without a response after which the progress says so.
_NO_RESPONSE_SECONDS = 60.0
#: How often a lost answer is followed by another submission with the same key.
_MAX_LOST_ANSWERS = 5
#: Seconds for which a provider that finds no work is asked again, before that is believed: its list
#: may be behind.
_SETTLE_SECONDS = 30.0
#: How often a fetch that ends with an error of an HTTP library is repeated: for 3 minutes.
_MAX_FETCH_FAULTS = 20
_CHECK_SECONDS = 0.05


class RemoteMonitor(TaskMonitor, Protocol):
    """What the runner asks its job."""

    @property
    def cancelled_by_user(self) -> bool:
        """False where the work ends only because the gateway stops."""


class RemoteRun:
    """One attempt at the remote work of a job; ``on_cancellation`` is called as by a
    :class:`RemoteCancellation`."""

    def __init__(
        self,
        database: Database,
        provider: RemoteProvider,
        task: ProviderTask,
        monitor: RemoteMonitor,
        *,
        capabilities: ServiceCapabilities,
        on_cancellation: Callable[[Session, Cancellation], None],
    ) -> None:
        self._database = database
        self._provider = provider
        self._task = task
        self._monitor = monitor
        self._capabilities = capabilities
        self._cancellation = RemoteCancellation(database, provider, task.job_id, on_cancellation)
        self._key = remote_key(task.job_id)
        self._lost_answers = 0
        self._last_response = time.monotonic()
        self._where = f"job {task.job_id}, provider {provider.id}"

    def run(self) -> TaskResult:
        """
        :raises JobCancelled: the job was cancelled, or the gateway stops.
        :raises OutcomeUnknown: whether the provider did the work is not known.
        :raises ProviderRefused: the provider did not take the work.
        :raises ShotbridgeError: the work failed, or its results cannot be used.
        """
        try:
            self._check_cancelled()
            handle = self._obtain_handle()
            self._poll_until_finished(handle)
            return self._fetch(handle)
        except JobCancelled:
            if self._monitor.cancelled_by_user and not self._cancellation.is_reported:
                self._cancellation.cancel_submission()
            raise

    # --- submitting

    def _obtain_handle(self) -> RemoteHandle:
        row = load_row(self._database, self._task.job_id)
        if row is None:
            return self._submit()
        if row.handle is not None:
            handle: RemoteHandle = json.loads(row.handle)
            return handle
        return self._submit("the gateway ended while the work was being submitted")

    def _submit(self, repeated_because: str | None = None) -> RemoteHandle:
        """Submit until there is a handle. ``repeated_because``: an earlier submission may have been
        accepted, so its record stays even where this one was not, and the key is repeated only
        while the provider knows it; afterwards the provider is asked for the work.

        :raises OutcomeUnknown: whether there is work cannot be known.
        """
        job_id, delay, reason = self._task.job_id, _FIRST_DELAY, repeated_because
        while True:
            if reason is None:
                record_submission(self._database, self._provider, job_id)
            elif not self._can_repeat_key():
                return self._find_work(reason)
            call = run_in_thread(self._submit_and_record, f"submit {job_id}")
            try:
                return self._wait_for_submission(call)
            except ProviderUnavailable as error:
                if reason is None:
                    withdraw_submission(self._database, job_id)
                self._monitor.progress(None, f"waiting for the provider: {error.message}")
            except OutcomeUnknown as error:
                self._lost_answers += 1
                if self._lost_answers >= _MAX_LOST_ANSWERS:
                    raise outcome_unknown(error.message, self._where, self._key, error) from error
                reason, delay = error.message, _FIRST_DELAY
            except JobCancelled:
                raise
            except ShotbridgeError as error:
                return self._handle_unsubmitted(error, repeated=reason is not None)
            self._pause(delay)
            delay = min(_LAST_DELAY, delay * 2)

    def _handle_unsubmitted(self, error: ShotbridgeError, *, repeated: bool) -> RemoteHandle:
        """What follows a call that certainly submitted nothing: it was refused, or failed before.

        ``repeated``: an earlier call may have been accepted, about which this one says nothing, so
        the provider is asked. Otherwise the job ends with ``error``.
        """
        if repeated:
            refused = isinstance(error, ProviderRefused)
            what = "the key was refused" if refused else "the work cannot be submitted again"
            return self._find_work(f"{what}: {error.message}")
        if not isinstance(error, StorageUnavailable):  # after which the job waits, and submits
            with suppress(StorageUnavailable):
                withdraw_submission(self._database, self._task.job_id)
        raise error

    def _submit_and_record(self) -> RemoteHandle:
        """Submit once; the handle is stored even if nobody waits for it any more."""
        try:
            handle = self._provider.submit(self._task, self._key)
        except ShotbridgeError:
            raise
        except Exception as error:
            _log.warning("the answer to a submission was lost: %s", self._where, exc_info=error)
            raise OutcomeUnknown(f"the answer was lost: {type(error).__name__}") from error
        record_handle(self._database, self._task.job_id, handle, where=self._where)
        return handle

    def _wait_for_submission(self, call: Future[RemoteHandle]) -> RemoteHandle:
        while not call.done() and not self._monitor.cancelled():
            wait([call], timeout=_CHECK_SECONDS)
        wait([call], timeout=GRACE_SECONDS)
        if call.done():
            return call.result()
        if self._monitor.cancelled_by_user:
            self._cancellation.cancel_when_submitted(call)
        raise JobCancelled("the job was cancelled while it was being submitted", where=self._where)

    def _can_repeat_key(self) -> bool:
        if not self._capabilities.idempotency:
            return False
        hours = self._capabilities.idempotency_hours
        row = load_row(self._database, self._task.job_id)
        return hours is None or row is None or now() < row.submitted + timedelta(hours=hours)

    def _find_work(self, reason: str) -> RemoteHandle:
        """The handle of work that may have been submitted, by asking the provider for the key.

        :raises OutcomeUnknown: whether it was cannot be known.
        """
        delay, deadline = _FIRST_DELAY, time.monotonic() + _SETTLE_SECONDS
        while True:
            try:
                handle = self._call(self._find_and_record, "find")
                if handle is not None:
                    return handle
                if time.monotonic() >= deadline:
                    break
                self._monitor.progress(None, "asking the provider whether it has the work")
            except JobCancelled:
                raise
            except (ProviderUnavailable, OSError) as error:
                self._monitor.progress(None, f"asking the provider about the work: {error}")
            except Exception as error:
                raise outcome_unknown(reason, self._where, self._key, error) from error
            self._pause(delay)
            delay = min(_LAST_DELAY, delay * 2)
        return self._submit()

    def _find_and_record(self) -> RemoteHandle | None:
        """Ask once; what is found is stored even if nobody waits for it any more."""
        handle = self._provider.find(self._key)
        if handle is not None:
            record_handle(self._database, self._task.job_id, handle, where=self._where)
        return handle

    # --- polling and fetching

    def _poll_until_finished(self, handle: RemoteHandle) -> None:
        delay, self._last_response, failed = _FIRST_DELAY, time.monotonic(), False
        while True:
            try:
                status = self._call(
                    lambda: self._provider.poll(handle), "poll", waiting=self._report_no_response
                )
            except JobCancelled:
                raise
            except OutcomeUnknown as error:
                raise outcome_unknown(error.message, self._where, self._key, error) from error
            except Exception as error:
                if not failed:
                    _log.warning("a poll failed and is repeated: %s: %s", self._where, error)
                failed = True
                self._report_no_response()
                self._pause(delay)
            else:
                self._last_response, failed = time.monotonic(), False
                record_status(self._database, self._task.job_id, status)
                if status.state is RemoteState.SUCCEEDED:
                    return
                if status.state.ended:
                    raise work_failure(status, self._where, self._key)
                self._monitor.progress(status.fraction, status.message or status.state)
                if status.retry_after is None:
                    self._pause(delay)
                else:
                    self._pause(min(_MAX_RETRY_AFTER, max(_CHECK_SECONDS, status.retry_after)))
            delay = min(_LAST_DELAY, delay * 1.5)

    def _report_no_response(self) -> None:
        """Say in the progress that the provider has not responded for a while."""
        seconds = time.monotonic() - self._last_response
        if seconds > _NO_RESPONSE_SECONDS:
            self._monitor.progress(
                None, f"no answer from the provider for {seconds / 60:.0f} min; still asking"
            )

    def _fetch(self, handle: RemoteHandle) -> TaskResult:
        delay, faults = _FIRST_DELAY, 0
        while True:
            self._check_cancelled()
            try:
                return self._call(
                    lambda: self._provider.fetch(handle, self._task, self._monitor), "fetch"
                )
            except Exception as error:
                if isinstance(error, ShotbridgeError):
                    if not isinstance(error, ProviderUnavailable):
                        raise
                elif isinstance(error, OSError) and is_disk_error(error):
                    raise
                elif not isinstance(error, OSError) or error.filename is not None:
                    faults += 1  # of an HTTP library, or of the provider's code
                    if faults > _MAX_FETCH_FAULTS:
                        _log.error("the results cannot be fetched: %s", self._where, exc_info=error)
                        raise fetch_failure(error, self._where, self._key) from error
                _log.warning("results are fetched again: %s: %r", self._where, error)
                self._monitor.progress(None, f"fetching the results again: {error}")
            self._pause(delay)
            delay = min(_LAST_DELAY, delay * 2)

    # --- waiting

    def _check_cancelled(self) -> None:
        if self._monitor.cancelled():
            raise JobCancelled("the job was cancelled", where=self._where)

    def _pause(self, seconds: float) -> None:
        """Wait, with jitter, until ``seconds`` are over.

        :raises JobCancelled: the work has to end.
        """
        deadline = time.monotonic() + seconds * random.uniform(0.9, 1.1)
        while (left := deadline - time.monotonic()) > 0:
            self._check_cancelled()
            time.sleep(min(_CHECK_SECONDS, left))
        self._check_cancelled()

    def _call(
        self, call: Callable[[], T], name: str, *, waiting: Callable[[], None] = lambda: None
    ) -> T:
        """Call the provider in a thread of its own; ``waiting`` is called until it returns.

        :raises JobCancelled: the work has to end; the call is left behind.
        """
        outcome = run_in_thread(call, f"{name} {self._task.job_id}")
        while not outcome.done():
            self._check_cancelled()
            waiting()
            wait([outcome], timeout=_CHECK_SECONDS)
        return outcome.result()
