"""Waits for jobs by their events, and queries them when events may have been missed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress

from bridge_core.connection.events import EventStream, StreamSignal
from bridge_core.connection.transport import Transport, get_job
from bridge_core.errors import GatewayUnreachable
from bridge_core.models.base import now
from bridge_core.models.gateway import Event, EventKind
from bridge_core.models.jobs import Job

#: Seconds without a gateway after which waiting ends.
_GATEWAY_TIMEOUT = 300.0


def wait_for_jobs(
    transport: Transport,
    ids: Sequence[str],
    on_event: Callable[[Event], None] | None = None,
    timeout: float | None = None,
) -> list[Job]:
    """The jobs when all have ended, see :meth:`bridge_core.client.Client.wait`."""
    jobs: dict[str, Job] = {}
    needs_refresh = False
    deadline = None if timeout is None else time.monotonic() + timeout

    def handle_event(event: Event) -> None:
        job = event.job
        if job is not None:
            known = jobs.get(job.id)
            if known is not None and (known.state.ended or known == job):
                return  # the query was faster than the event
            jobs[job.id] = job
        if on_event is not None:
            on_event(event)

    stream = EventStream(transport, only=frozenset(ids), give_up_after=_GATEWAY_TIMEOUT)
    with closing(stream.signals()) as signals:
        for signal in signals:
            # There are no events for what happened before the stream was connected.
            needs_refresh = needs_refresh or signal is StreamSignal.CONNECTED
            if needs_refresh:
                # If the gateway has gone again, the next signal is the next chance.
                with suppress(GatewayUnreachable):
                    last, kind = stream.last_id or 0, EventKind.JOB
                    for job in [get_job(transport, job_id) for job_id in ids]:
                        handle_event(Event(id=last, kind=kind, at=now(), job=job))
                    needs_refresh = False
            if not isinstance(signal, StreamSignal) and _concerns_any(signal, ids):
                handle_event(signal)
            if len(jobs) == len(set(ids)) and all(job.state.ended for job in jobs.values()):
                break
            if deadline is not None and time.monotonic() > deadline:
                break
    return [jobs[job_id] if job_id in jobs else get_job(transport, job_id) for job_id in ids]


def _concerns_any(event: Event, ids: Sequence[str]) -> bool:
    job_id = event.job.id if event.job else event.version.job_id if event.version else None
    return job_id in ids
