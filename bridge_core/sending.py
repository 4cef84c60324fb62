"""From the outbox to the gateway: what was accepted becomes a job, or waits, or is refused."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bridge_core.errors import (
    ConfigError,
    GatewayUnreachable,
    IncompatibleVersion,
    InvalidRequest,
    JobCancelled,
    KeyReused,
    MediaError,
    NotAuthorised,
    ShotbridgeError,
)
from bridge_core.models.jobs import Job
from bridge_core.models.problems import Problem
from bridge_core.outbox import Outbox
from bridge_core.transfer import Progress, stage

if TYPE_CHECKING:
    from bridge_core.models.outbox import Entry
    from bridge_core.models.requests import Request
    from bridge_core.transport import Transport

#: Errors with which the gateway, or the plate, will never take a request as it stands.
_FOR_GOOD = (InvalidRequest, KeyReused, MediaError)
#: Errors that all requests meet alike, so that there is no use in going on to the next one.
_FOR_ALL = (GatewayUnreachable, NotAuthorised, IncompatibleVersion, ConfigError)


class Sending:
    """Sends requests by way of an outbox."""

    def __init__(self, outbox: Outbox, transport: Transport) -> None:
        self._outbox = outbox
        self._transport = transport

    def submit(
        self,
        request: Request,
        key: str | None = None,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> Job:
        """Accept a request and send it, see :meth:`bridge_core.client.Client.submit`."""
        entry = self._outbox.put(request, key)
        # Where another process sends this very request, both do: it is one job by its key, and
        # this caller wants that job.
        with self._outbox.sending(entry.key):
            return self._send(entry, progress, cancel)

    def flush(self, progress: Progress | None = None) -> list[Job]:
        """Send what waits, see :meth:`bridge_core.client.Client.flush`."""
        jobs: list[Job] = []
        kept: ShotbridgeError | None = None
        for entry in self._outbox.entries():
            with self._outbox.sending(entry.key) as mine:
                if not mine:
                    continue
                try:
                    jobs.append(self._send(entry, progress, None))
                except _FOR_GOOD:
                    continue
                except ShotbridgeError as error:
                    if isinstance(error, _FOR_ALL):
                        raise
                    kept = kept or error
        if kept is not None:
            raise kept
        return jobs

    def _send(self, entry: Entry, progress: Progress | None, cancel: threading.Event | None) -> Job:
        try:
            submission = stage(entry.request, self._transport, progress, cancel=cancel)
            if cancel is not None and cancel.is_set():
                raise JobCancelled("taken back before it was sent", where=entry.key)
            job = self._transport.read(
                Job,
                "POST",
                "/v1/jobs",
                body=submission,
                headers={"Idempotency-Key": entry.key},
                once_more=True,
            )
        except JobCancelled:
            self._outbox.done(entry.key)
            raise
        except _FOR_GOOD as error:
            self._outbox.refuse(entry.key, Problem.of(error))
            raise
        except ShotbridgeError as error:
            raise _kept(error, entry.key) from error
        self._outbox.done(entry.key)
        return job


def _kept(error: ShotbridgeError, key: str) -> ShotbridgeError:
    """The same error, saying that nothing is lost."""
    step = f"{error.next_step}; " if error.next_step else ""
    return type(error)(
        f"{error.what}. The request is kept and nothing is lost",
        where=error.where,
        next_step=f"{step}then send what waits, as `shotbridge outbox --send` does",
        details={**error.details, "kept": key},
    )
