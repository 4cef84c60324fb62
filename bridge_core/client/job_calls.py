"""Jobs and their events."""

# ruff: noqa: A002 - an ``id``, as in the API

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from bridge_core.client.base import ClientBase
from bridge_core.connection.transport import get_job, quote_id, user_header

if TYPE_CHECKING:
    from bridge_core.connection.events import EventStream
    from bridge_core.models.gateway import Event
    from bridge_core.models.jobs import Job, JobFrame, JobState, Resolution


class JobCalls(ClientBase):
    """Following, cancelling and resolving jobs."""

    def job(self, id: str) -> Job:
        return get_job(self._transport, id)

    def jobs(
        self,
        *,
        show: str | None = None,
        state: JobState | str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> list[Job]:
        """Jobs, newest first; ``before`` is the id of the last one of the previous page."""
        from bridge_core.models.jobs import Job

        return self._get(list[Job], "/v1/jobs", show=show, state=state, before=before, limit=limit)

    def cancel(self, id: str) -> Job:
        """Cancel a job; one that has ended is not changed."""
        from bridge_core.models.jobs import Job

        path = f"/v1/jobs/{quote_id(id)}/cancel"
        return self._transport.request_json(Job, "POST", path, idempotent=True)

    def resolve_job(self, job_id: str, resolution: Resolution, *, user: str | None = None) -> Job:
        """Record what was found out about a job whose outcome is unknown; it then counts as
        failed. ``user`` is the person who reports it; None: :attr:`user`.

        :raises JobFailed: its outcome is not unknown.
        """
        from bridge_core.models.jobs import Job

        path, headers = f"/v1/jobs/{quote_id(job_id)}/resolve", user_header(self._acting_user(user))
        return self._transport.request_json(Job, "POST", path, body=resolution, headers=headers)

    def job_frames(self, job_id: str) -> list[JobFrame]:
        """The finished frames of a job, which may still be running."""
        from bridge_core.models.jobs import JobFrame

        return self._get(list[JobFrame], f"/v1/jobs/{quote_id(job_id)}/frames")

    def job_proxy(self, job_id: str, frame: int) -> bytes:
        """JPEG of a finished frame of a job."""
        return self._get_bytes(f"/v1/jobs/{quote_id(job_id)}/proxies/{frame}")

    def events(
        self, after: int | None = None, job: str | None = None, stop: threading.Event | None = None
    ) -> Iterator[Event]:
        """Events as they occur, after the id ``after`` (None: from now on), of one ``job`` or of
        all, until ``stop`` is set. Reconnects by itself.

        :raises ShotbridgeError: an error that retrying does not solve.
        """
        from bridge_core.connection.events import EventStream

        return EventStream(self._transport, after=after, job=job).events(stop)

    def event_stream(self, after: int | None = None) -> EventStream:
        """The events of :meth:`events` together with the state of the connection, for callers that
        show it."""
        from bridge_core.connection.events import EventStream

        return EventStream(self._transport, after=after)

    def wait(
        self,
        ids: Sequence[str],
        on_event: Callable[[Event], None] | None = None,
        timeout: float | None = None,
    ) -> list[Job]:
        """Wait until all jobs have ended, or ``timeout`` seconds, and return them in the order of
        ``ids``. ``on_event`` is called with the current state of each job, and then with their
        events; with the end of each job once. The gateway may be restarted meanwhile.

        :raises NotFound: there is no such job.
        :raises GatewayUnreachable: there was no gateway for five minutes.
        """
        from bridge_core.connection.job_wait import wait_for_jobs

        return wait_for_jobs(self._transport, ids, on_event, timeout)
