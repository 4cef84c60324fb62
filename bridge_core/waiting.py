"""Waits for jobs: by their events, and by asking wherever events may have been missed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from urllib.parse import quote

from bridge_core.errors import GatewayUnreachable
from bridge_core.events import EventStream, Signal
from bridge_core.models.base import now
from bridge_core.models.gateway import Event, EventKind
from bridge_core.models.jobs import Job
from bridge_core.transport import Transport

#: Seconds without any gateway after which waiting ends.
_PATIENCE = 300.0


def wait(
    transport: Transport,
    ids: Sequence[str],
    on_event: Callable[[Event], None] | None = None,
    timeout: float | None = None,
) -> list[Job]:
    """The jobs when all have ended, see :meth:`bridge_core.client.Client.wait`."""
    jobs: dict[str, Job] = {}
    unknown = False
    deadline = None if timeout is None else time.monotonic() + timeout

    def learn(event: Event) -> None:
        job = event.job
        if job is not None:
            known = jobs.get(job.id)
            if known is not None and (known.state.ended or known == job):
                return  # asking was quicker than the event
            jobs[job.id] = job
        if on_event is not None:
            on_event(event)

    stream = EventStream(transport, patience=_PATIENCE)
    with closing(stream.signals()) as signals:
        for signal in signals:
            # Whatever happened before the line stood is told by no event.
            unknown = unknown or signal is Signal.CONNECTED
            if unknown:
                # Where it has gone again already, the next look brings the next chance.
                with suppress(GatewayUnreachable):
                    for job in [_ask(transport, one) for one in ids]:
                        learn(Event(id=stream.last_id or 0, kind=EventKind.JOB, at=now(), job=job))
                    unknown = False
            if not isinstance(signal, Signal) and _about_one_of(signal, ids):
                learn(signal)
            if len(jobs) == len(set(ids)) and all(job.state.ended for job in jobs.values()):
                break
            if deadline is not None and time.monotonic() > deadline:
                break
    return [jobs[one] if one in jobs else _ask(transport, one) for one in ids]


def _ask(transport: Transport, job: str) -> Job:
    return transport.read(Job, "GET", f"/v1/jobs/{quote(job, safe='')}")


def _about_one_of(event: Event, ids: Sequence[str]) -> bool:
    of = event.job.id if event.job else event.version.job if event.version else None
    return of in ids
