"""From the outbox to the gateway: what was accepted becomes a job, or waits, or is refused."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

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

#: Errors with which the gateway, or the plate, will never take a request as it stands.
_PERMANENT_ERRORS = (InvalidRequest, IdempotencyKeyReused, MediaError)
#: Errors that all requests meet alike, so that there is no use in going on to the next one.
_GATEWAY_WIDE_ERRORS = (GatewayUnreachable, NotAuthorised, IncompatibleVersion, ConfigError)


class OutboxSender:
    """Sends requests by way of an outbox."""

    def __init__(self, outbox: Outbox, transport: Transport) -> None:
        self._outbox = outbox
        self._transport = transport

    def submit(
        self,
        request: Request,
        key: str | None = None,
        progress: ProgressCallback | None = None,
        cancel: threading.Event | None = None,
    ) -> Job:
        """Accept a request and send it, see :meth:`bridge_core.client.Client.submit`."""
        entry = self._outbox.add(request, key)
        # Where another process sends this very request, both do: it is one job by its key, and
        # this caller wants that job.
        with self._outbox.lock_for_sending(entry.key):
            return self._send(entry, progress, cancel)

    def flush(self, progress: ProgressCallback | None = None) -> list[Job]:
        """Send what waits, see :meth:`bridge_core.client.Client.flush`."""
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
                raise JobCancelled("taken back before it was sent", where=entry.key)
            job = self._transport.request_json(
                Job,
                "POST",
                "/v1/jobs",
                body=submission,
                headers={"Idempotency-Key": entry.key},
                retry_once=True,
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
    """The same error, saying that nothing is lost."""
    next_step = f"{error.next_step}; " if error.next_step else ""
    return type(error)(
        f"{error.message}. The request is kept and nothing is lost",
        where=error.where,
        next_step=f"{next_step}then send what waits, as `shotbridge outbox --send` does",
        details={**error.details, "outbox_key": key},
    )
