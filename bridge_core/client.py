"""The client: all that panels and the command line need from the gateway.

::

    with Client(load_settings().settings) as client:
        job = client.submit(request)
        [job] = client.wait([job.id])
        client.fetch(client.version(job.version_id), Path("versions"))

Nothing is connected, started or imported before the first call. Calls can be made from any thread.
They wait for network and disk, so do not make them from a host's main thread.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from bridge_core.connection.endpoint import Endpoint
    from bridge_core.connection.events import EventStream
    from bridge_core.connection.transport import Transport
    from bridge_core.models.costs import Quote, ShowCosts
    from bridge_core.models.findings import Finding
    from bridge_core.models.gateway import About, Event, Health, MediaInfo
    from bridge_core.models.jobs import Job, JobFrame, JobState, Resolution
    from bridge_core.models.media import Plate
    from bridge_core.models.notes import NewNote, Note
    from bridge_core.models.requests import Request
    from bridge_core.models.services import Service
    from bridge_core.models.settings import Settings
    from bridge_core.models.versions import (
        Decision,
        Lineage,
        Result,
        ResultFile,
        ReviewStatus,
        TestFrame,
        Version,
    )
    from bridge_core.outbox import Outbox
    from bridge_core.outbox_sender import OutboxSender
    from bridge_core.transfer import PlateInspector, ProgressCallback

T = TypeVar("T")

#: Versions requested in one call. Parsing a response holds the GIL, which a panel needs sixty times
#: a second: 100 versions of 240 frames take about 2 ms.
PAGE_SIZE = 100


class Client:
    """The client of one gateway: the studio's, or a local one of this user.

    With ``start_gateway``, a local gateway is started when it does not run, also if it dies between
    calls; otherwise that raises GatewayUnreachable.
    """

    def __init__(self, settings: Settings, *, start_gateway: bool = True) -> None:
        self.settings = settings
        self._start_gateway = start_gateway

    @property
    def user(self) -> str:
        """The name under which requests, notes and decisions are recorded: ``client.user``, else
        the login name.

        :raises ConfigError: there is neither.
        """
        from bridge_core.system.login import login_name

        return _require_name(self.settings.client.user or login_name())

    def set_user(self, name: str | None) -> None:
        """Use this name from now on; None: the login name."""
        from bridge_core.system.login import login_name

        client = self.settings.client.model_copy(update={"user": name})
        self.settings = self.settings.model_copy(update={"client": client})
        if "_transport" in self.__dict__:
            self._transport.user = name or login_name()

    @cached_property
    def outbox(self) -> Outbox:
        """Requests that were accepted and not yet sent to the gateway."""
        from bridge_core.outbox import Outbox

        return Outbox(self.settings.client.state_dir / "outbox")

    # The gateway

    def about(self) -> About:
        return self._transport.about()

    def health(self) -> Health:
        from bridge_core.models.gateway import Health

        return self._get(Health, "/v1/health")

    def clock_offset(self) -> float | None:
        """Seconds that the gateway's clock is ahead of this machine's, to a second; None if the
        response has no date."""
        from email.utils import parsedate_to_datetime

        before = time.time()
        date_header = self._transport.request("GET", "/v1/about").headers.get("Date")
        after = time.time()
        try:
            gateway_time = parsedate_to_datetime(date_header or "").timestamp()
        except ValueError:
            return None
        # The date has whole seconds, rounded down, and may be a second old: that is no offset.
        return 0.0 if before - 2 <= gateway_time <= after else gateway_time - (before + after) / 2

    def services(self) -> list[Service]:
        from bridge_core.models.services import Service

        return self._get(list[Service], "/v1/services")

    def quote(self, requests: Sequence[Request]) -> list[Quote]:
        """What each request would take, in the order of ``requests``; nothing is sent or stored.
        A request that is not possible has a quote that says why (``allowed``, ``problem``)."""
        from bridge_core.models.costs import MAX_QUOTED_REQUESTS, Quote, QuoteQuery

        quotes: list[Quote] = []
        for first in range(0, len(requests), MAX_QUOTED_REQUESTS):
            query = QuoteQuery(requests=tuple(requests[first : first + MAX_QUOTED_REQUESTS]))
            quotes += self._transport.request_json(
                list[Quote], "POST", "/v1/quotes", body=query, retry_once=True
            )
        return quotes

    def show_costs(self, show: str | None = None) -> list[ShowCosts]:
        """What each show, or only this one, has reserved and spent, by currency."""
        from bridge_core.models.costs import ShowCosts

        return self._get(list[ShowCosts], "/v1/ledger/shows", show=show)

    # Requests

    def submit(
        self,
        request: Request,
        *,
        key: str | None = None,
        user: str | None = None,
        progress: ProgressCallback | None = None,
        cancel: threading.Event | None = None,
    ) -> Job:
        """Submit a request. ``key`` is its idempotency key; None: a new one. ``user`` is the person
        who asks for it; None: :attr:`user`.

        A request in the outbox is never lost. After a temporary error it stays there until
        :meth:`flush` sends it; ``details["outbox_key"]`` of the error is its key. After a permanent
        error it is one of the outbox's refused entries. ``progress`` is called with bytes, see
        :data:`bridge_core.transfer.ProgressCallback`; ``cancel`` withdraws the request while it is
        being sent.

        :raises StorageError: the outbox cannot be written; the request is not accepted.
        :raises JobCancelled: it was withdrawn by ``cancel``.
        :raises ShotbridgeError: it was accepted, and is kept or refused.
        """
        return self._outbox_sender.submit(
            request, key, progress, cancel, user=self._acting_user(user)
        )

    def flush(self, progress: ProgressCallback | None = None) -> list[Job]:
        """Send the requests in the outbox, oldest first, and return their jobs. Refused ones are
        moved to ``outbox.refused()``; those that another process is sending are skipped.

        :raises ShotbridgeError: the first temporary error. The other requests were sent
            nevertheless, unless the error affects all of them.
        """
        return self._outbox_sender.flush(progress)

    # Jobs

    def job(self, id: str) -> Job:  # noqa: A002
        from bridge_core.connection.transport import get_job

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

    def cancel(self, id: str) -> Job:  # noqa: A002
        """Cancel a job; one that has ended is not changed."""
        from bridge_core.models.jobs import Job

        return self._transport.request_json(
            Job, "POST", f"/v1/jobs/{_quote_id(id)}/cancel", idempotent=True
        )

    def resolve_job(self, job_id: str, resolution: Resolution, *, user: str | None = None) -> Job:
        """Record what was found out about a job whose outcome is unknown; it has failed then.
        ``user`` is the person who says it; None: :attr:`user`.

        :raises JobFailed: its outcome is not unknown.
        """
        from bridge_core.models.jobs import Job

        return self._transport.request_json(
            Job,
            "POST",
            f"/v1/jobs/{_quote_id(job_id)}/resolve",
            body=resolution,
            headers=_user_header(self._acting_user(user)),
        )

    def job_frames(self, job_id: str) -> list[JobFrame]:
        """The finished frames of a job, which may still be running."""
        from bridge_core.models.jobs import JobFrame

        return self._get(list[JobFrame], f"/v1/jobs/{_quote_id(job_id)}/frames")

    def job_proxy(self, job_id: str, frame: int) -> bytes:
        """JPEG of a finished frame of a job."""
        return self._get_bytes(f"/v1/jobs/{_quote_id(job_id)}/proxies/{frame}")

    def events(
        self,
        after: int | None = None,
        job: str | None = None,
        stop: threading.Event | None = None,
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

    # Results and review

    def versions(
        self,
        *,
        show: str | None = None,
        sequence: str | None = None,
        shot: str | None = None,
        service: str | None = None,
        status: ReviewStatus | None = None,
        newest: bool = False,
    ) -> list[Version]:
        """All versions, ordered by shot, service and number. ``status``: only those with this
        review status; ``newest``: only the latest of each shot."""
        pages = self.version_pages(
            show=show,
            sequence=sequence,
            shot=shot,
            service=service,
            status=status,
            newest=newest,
        )
        return [version for page in pages for version in page]

    def version_pages(
        self,
        *,
        show: str | None = None,
        sequence: str | None = None,
        shot: str | None = None,
        service: str | None = None,
        status: ReviewStatus | None = None,
        newest: bool = False,
    ) -> Iterator[list[Version]]:
        """As :meth:`versions`, but each page is only requested when it is needed."""
        from bridge_core.models.versions import Version

        after = None
        while True:
            page = self._get(
                list[Version],
                "/v1/versions",
                show=show,
                sequence=sequence,
                shot=shot,
                service=service,
                status=status,
                newest=newest or None,
                after=after,
                limit=PAGE_SIZE,
            )
            if page:
                yield page
            if len(page) < PAGE_SIZE:
                return
            after = page[-1].id

    def version(self, id: str) -> Version:  # noqa: A002
        from bridge_core.models.versions import Version

        return self._get(Version, f"/v1/versions/{_quote_id(id)}")

    def decide(
        self,
        id: str,  # noqa: A002
        decision: Decision,
        *,
        key: str | None = None,
        user: str | None = None,
    ) -> Version:
        """Set a version's review status, and return the version. ``key`` is the idempotency key of
        this act; None: a new one. It is retried, and with the same key it is one decision. ``user``
        is the person who decides; None: :attr:`user`.

        :raises IdempotencyKeyReused: the key was used for another decision, or by another person.
        """
        from bridge_core.models.versions import Version

        path = f"/v1/versions/{_quote_id(id)}/decisions"
        return self._post_once(Version, path, decision, key, user)

    def notes(self, id: str) -> list[Note]:  # noqa: A002
        from bridge_core.models.notes import Note

        return self._get(list[Note], f"/v1/versions/{_quote_id(id)}/notes")

    def add_note(
        self,
        id: str,  # noqa: A002
        note: NewNote,
        *,
        key: str | None = None,
        user: str | None = None,
    ) -> Note:
        """Add a note to a version; ``key`` and ``user`` as for :meth:`decide`.

        :raises IdempotencyKeyReused: the key was used for another note, or by another person.
        """
        from bridge_core.models.notes import Note

        return self._post_once(Note, f"/v1/versions/{_quote_id(id)}/notes", note, key, user)

    def test_frame(self, id: str) -> TestFrame:  # noqa: A002
        from bridge_core.models.versions import TestFrame

        return self._get(TestFrame, f"/v1/test-frames/{_quote_id(id)}")

    def lineage(self, result_id: str) -> Lineage:
        from bridge_core.models.versions import Lineage

        return self._get(Lineage, f"/v1/results/{_quote_id(result_id)}/lineage")

    def result_files(self, result_id: str) -> list[ResultFile]:
        from bridge_core.models.versions import ResultFile

        return self._get(list[ResultFile], f"/v1/results/{_quote_id(result_id)}/files")

    def result_text(self, result_id: str, name: str) -> str:
        """A text of a result, one of ``Result.texts``."""
        path = f"/v1/results/{_quote_id(result_id)}/files/texts/{_quote_id(name)}"
        return self._get_bytes(path).decode(errors="replace")

    def findings(self, result_id: str) -> tuple[Finding, ...]:
        """The findings of a result that has some, see ``Result.finding_count``."""
        from bridge_core.models.findings import Findings

        path = f"/v1/results/{_quote_id(result_id)}/files/findings.json"
        return Findings.parse(self._get_bytes(path), where=path).findings

    def fetch(
        self,
        result: Result,
        folder: Path,
        progress: ProgressCallback | None = None,
        *,
        cancel: threading.Event | None = None,
    ) -> Path:
        """Download a result's files if necessary and return their folder on this machine, see
        :func:`bridge_core.transfer.fetch`."""
        from bridge_core.transfer import fetch

        return fetch(result, Path(folder), self._transport, progress, cancel=cancel)

    def proxy(self, result_id: str, frame: int) -> bytes:
        """JPEG of a frame of a result, with the display view baked in."""
        return self._get_bytes(f"/v1/results/{_quote_id(result_id)}/proxies/{frame}")

    def plate_proxy(self, plate: Plate, frame: int) -> bytes:
        """JPEG of a frame of a plate (in the plate's frame numbers), with the display view baked
        in. No job is needed. The file is uploaded if the gateway cannot read it.

        :raises MissingFrames: there is no such frame.
        :raises UnreadableMedia: the file cannot be read.
        """
        return self._plate_inspector.proxy(plate, frame)

    def media_info(self, plate: Plate) -> MediaInfo:
        """Metadata of a plate's first file, such as the rate and length of a movie. The file is
        uploaded if the gateway cannot read it.

        :raises MissingFrames: the file does not exist.
        :raises UnreadableMedia: the file cannot be read.
        """
        return self._plate_inspector.media_info(plate)

    def thumbnail(self, result_id: str) -> bytes:
        """JPEG of a result's thumbnail."""
        return self._get_bytes(f"/v1/results/{_quote_id(result_id)}/thumbnail")

    def close(self) -> None:
        """Close the connections. The gateway keeps running."""
        if "_transport" in self.__dict__:
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def _outbox_sender(self) -> OutboxSender:
        from bridge_core.outbox_sender import OutboxSender

        return OutboxSender(self.outbox, self._transport)

    @cached_property
    def _plate_inspector(self) -> PlateInspector:
        from bridge_core.transfer import PlateInspector

        return PlateInspector(self._transport)

    @cached_property
    def _transport(self) -> Transport:
        from bridge_core.connection.transport import Transport

        return Transport(self._find_endpoint, self.settings.client)

    def _find_endpoint(self) -> Endpoint:
        from bridge_core import launcher

        if self._start_gateway:
            return launcher.ensure_gateway(self.settings)
        return launcher.find_gateway(self.settings)

    def _acting_user(self, user: str | None) -> str:
        """
        :raises ConfigError: nobody is named.
        """
        return self.user if user is None else _require_name(user)

    def _get(self, result_type: type[T], path: str, **params: Any) -> T:
        return self._transport.request_json(result_type, "GET", path, params=params)

    def _post_once(
        self, result_type: type[T], path: str, body: Any, key: str | None, user: str | None
    ) -> T:
        return self._transport.request_json(
            result_type,
            "POST",
            path,
            body=body,
            headers={
                "Idempotency-Key": key or uuid.uuid4().hex,
                **_user_header(self._acting_user(user)),
            },
            idempotent=True,
        )

    def _get_bytes(self, path: str) -> bytes:
        return self._transport.request("GET", path).content


def _quote_id(id: str) -> str:  # noqa: A002
    from bridge_core.connection.transport import quote_id

    return quote_id(id)


def _require_name(name: str) -> str:
    from bridge_core.errors import ConfigError

    if not name.strip():
        raise ConfigError(
            "requests, notes and decisions are recorded under a name, and there is none",
            next_step="set client.user in your configuration, or --set client.user=NAME",
        )
    return name


def _user_header(name: str) -> dict[str, str]:
    from bridge_core.connection.transport import user_header

    return user_header(name)
