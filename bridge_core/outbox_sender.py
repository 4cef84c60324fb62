"""Sends the requests in the outbox to the gateway."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bridge_core.connection.transport import user_header
from bridge_core.errors import (
    ConfigError,
    GatewayUnreachable,
    IdempotencyKeyReused,
    IncompatibleVersion,
    InvalidRequest,
    JobCancelled,
    MediaError,
    NotAuthorised,
    ShotbridgeError,
)
from bridge_core.models.jobs import Job
from bridge_core.models.problems import Problem
from bridge_core.outbox import Outbox
from bridge_core.transfer import ProgressCallback, prepare_submission

if TYPE_CHECKING:
    from bridge_core.connection.transport import Transport
    from bridge_core.models.outbox import OutboxEntry
    from bridge_core.models.requests import Request

#: Errors after which the same request will never be accepted.
_PERMANENT_ERRORS = (InvalidRequest, IdempotencyKeyReused, MediaError)
#: Errors that affect all requests, so that there is no point in trying the next one.
_GATEWAY_WIDE_ERRORS = (GatewayUnreachable, NotAuthorised, IncompatibleVersion, ConfigError)


class OutboxSender:
    """Sends requests through an outbox."""

    def __init__(self, outbox: Outbox, transport: Transport) -> None:
        self._outbox = outbox
        self._transport = transport

    def submit(
        self,
        request: Request,
        key: str | None = None,
        progress: ProgressCallback | None = None,
        cancel: threading.Event | None = None,
        *,
        user: str,
    ) -> Job:
        """Accept a request and send it, see :meth:`bridge_core.client.Client.submit`."""
        entry = self._outbox.add(request, key, requested_by=user)
        # If another process is sending this request, both do: its key makes it one job, and this
        # caller needs that job.
        with self._outbox.lock_for_sending(entry.key):
            return self._send(entry, progress, cancel)

    def flush(self, progress: ProgressCallback | None = None) -> list[Job]:
        """Send what is waiting, see :meth:`bridge_core.client.Client.flush`."""
        jobs: list[Job] = []
        first_error: ShotbridgeError | None = None
        for entry in self._outbox.entries():
            with self._outbox.lock_for_sending(entry.key) as acquired:
                if not acquired:
                    continue
                try:
                    jobs.append(self._send(entry, progress, None))
                except _PERMANENT_ERRORS:
                    continue
                except ShotbridgeError as error:
                    if isinstance(error, _GATEWAY_WIDE_ERRORS):
                        raise
                    first_error = first_error or error
        if first_error is not None:
            raise first_error
        return jobs

    def _send(
        self, entry: OutboxEntry, progress: ProgressCallback | None, cancel: threading.Event | None
    ) -> Job:
        try:
            submission = prepare_submission(entry.request, self._transport, progress, cancel=cancel)
            if cancel is not None and cancel.is_set():
                raise JobCancelled("the request was withdrawn before it was sent", where=entry.key)
            headers = {"Idempotency-Key": entry.key, **user_header(entry.requested_by)}
            job = self._transport.request_json(
                Job, "POST", "/v1/jobs", body=submission, headers=headers, retry_once=True
            )
        except JobCancelled:
            self._outbox.remove(entry.key)
            raise
        except _PERMANENT_ERRORS as error:
            self._outbox.mark_refused(entry.key, Problem.from_error(error))
            raise
        except ShotbridgeError as error:
            raise _kept_in_outbox(error, entry.key) from error
        self._outbox.remove(entry.key)
        return job


def _kept_in_outbox(error: ShotbridgeError, key: str) -> ShotbridgeError:
    """The same error, with the information that the request is kept."""
    next_step = f"{error.next_step}; " if error.next_step else ""
    return type(error)(
        f"{error.message}. The request is kept in the outbox",
        where=error.where,
        next_step=f"{next_step}then send it with `shotbridge outbox --send`",
        details={**error.details, "outbox_key": key},
    )
