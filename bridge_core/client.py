"""The client: everything that panels and the command line ask of the gateway.

::

    with Client(load().settings) as client:
        job = client.submit(request)
        [job] = client.wait([job.id])
        client.fetch(client.version(job.version), Path("versions"))

Nothing is connected, started or imported before the first call. All calls may be made from any
thread, and wait for network and disk: never from a host's main thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote

if TYPE_CHECKING:
    from bridge_core.connection.endpoint import Endpoint
    from bridge_core.connection.events import EventStream
    from bridge_core.connection.transport import Transport
    from bridge_core.models.gateway import About, Event, Health, MediaInfo
    from bridge_core.models.jobs import Estimate, Job, JobFrame, JobState
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

#: Versions asked for in one call. Parsing an answer holds Python's lock, which a panel's thread
#: wants sixty times a second: 100 versions of 240 frames take about 2 ms.
PAGE_SIZE = 100


class Client:
    """One gateway: the studio's, or this user's own.

    With ``start_gateway`` an own gateway that does not run is started, and started again when it
    dies between calls; without, that is GatewayUnreachable.
    """

    def __init__(self, settings: Settings, *, start_gateway: bool = True) -> None:
        self.settings = settings
        self._start_gateway = start_gateway

    @cached_property
    def outbox(self) -> Outbox:
        """Requests that were accepted here and that the gateway has not got yet."""
        from bridge_core.outbox import Outbox

        return Outbox(self.settings.client.state_dir / "outbox")

    # What the gateway is and offers

    def about(self) -> About:
        return self._transport.about()

    def health(self) -> Health:
        from bridge_core.models.gateway import Health

        return self._get(Health, "/v1/health")

    def clock_offset(self) -> float | None:
        """Seconds that the gateway's clock is ahead of this machine's, to a second; None: the
        gateway, or a proxy before it, tells no time."""
        from email.utils import parsedate_to_datetime

        before = time.time()
        date_header = self._transport.request("GET", "/v1/about").headers.get("Date")
        after = time.time()
        try:
            gateway_time = parsedate_to_datetime(date_header or "").timestamp()
        except ValueError:
            return None
        # Its date has whole seconds, cut off, and may be a second old: that is no difference.
        return 0.0 if before - 2 <= gateway_time <= after else gateway_time - (before + after) / 2

    def services(self) -> list[Service]:
        from bridge_core.models.services import Service

        return self._get(list[Service], "/v1/services")

    def estimate(self, request: Request) -> Estimate:
        from bridge_core.models.jobs import Estimate

        return self._transport.request_json(
            Estimate, "POST", "/v1/estimates", body=request, retry_once=True
        )

    # Asking

    def submit(
        self,
        request: Request,
        *,
        key: str | None = None,
        progress: ProgressCallback | None = None,
        cancel: threading.Event | None = None,
    ) -> Job:
        """Have a request worked on. ``key`` is its idempotency key; None: a new one.

        Once it stands in the outbox nothing loses it. What fails for now leaves it there, says so
        in the error (``details["outbox_key"]`` is its key), and :meth:`flush` sends it later. What
        fails for good puts it among the outbox's refused ones. ``progress`` hears of bytes as in
        :data:`bridge_core.transfer.Progress`; ``cancel`` takes the request back as long as it is
        being sent.

        :raises StorageError: the outbox cannot be written: not accepted.
        :raises JobCancelled: taken back by ``cancel``.
        :raises ShotbridgeError: accepted, and kept or refused.
        """
        return self._outbox_sender.submit(request, key, progress, cancel)

    def flush(self, progress: ProgressCallback | None = None) -> list[Job]:
        """Send what stands in the outbox, oldest first, and give the jobs that came of it. What
        is refused for good is found in ``outbox.refused()``; what another process is sending is
        left to it.

        :raises ShotbridgeError: the first request that could not be sent for now; the others were
            tried all the same, unless nothing could have been sent at all.
        """
        return self._outbox_sender.flush(progress)

    # Jobs

    def job(self, id: str) -> Job:  # noqa: A002  the API's word
        from bridge_core.models.jobs import Job

        return self._get(Job, f"/v1/jobs/{_quote_id(id)}")

    def jobs(
        self,
        *,
        show: str | None = None,
        state: JobState | str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> list[Job]:
        """Newest first; ``before`` is the id of the last one of the page before."""
        from bridge_core.models.jobs import Job

        return self._get(list[Job], "/v1/jobs", show=show, state=state, before=before, limit=limit)

    def cancel(self, id: str) -> Job:  # noqa: A002
        """End a job; one that has ended stays as it is."""
        from bridge_core.models.jobs import Job

        return self._transport.request_json(
            Job, "POST", f"/v1/jobs/{_quote_id(id)}/cancel", idempotent=True
        )

    def job_frames(self, job_id: str) -> list[JobFrame]:
        """The frames of a job that are finished so far."""
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
        """What happens, as it happens, after the event with the id ``after`` (None: from now on),
        of one ``job`` or of all, until ``stop`` is set. Comes back by itself after every cut.

        :raises ShotbridgeError: what a further try would not mend.
        """
        from bridge_core.connection.events import EventStream

        return EventStream(self._transport, after=after, job=job).events(stop)

    def event_stream(self, after: int | None = None) -> EventStream:
        """The events of :meth:`events` together with what happens to the line, for those who
        show whether it stands."""
        from bridge_core.connection.events import EventStream

        return EventStream(self._transport, after=after)

    def wait(
        self,
        ids: Sequence[str],
        on_event: Callable[[Event], None] | None = None,
        timeout: float | None = None,
    ) -> list[Job]:
        """The jobs when all have ended, in the order of ``ids``; after ``timeout`` seconds, as
        they stand then. ``on_event`` hears how each of them stands at first, and the events of
        these jobs since, each end once. A gateway that goes and comes back meanwhile does no harm.

        :raises NotFound: there is no such job.
        :raises GatewayUnreachable: no gateway for five minutes.
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
        """All of them, by shot, service and number; with ``status`` only those with this review
        status, with ``newest`` of each shot only the one that was made last. Asked for page by
        page."""
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
        """The same, each page asked for when it is wanted: for those who show the first while
        the rest is on its way, or stop in between."""
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

    def decide(self, id: str, decision: Decision) -> Version:  # noqa: A002
        """Set a version's review status. Not repeated by itself: where the answer is lost, look
        whether it is set before deciding again."""
        from bridge_core.models.versions import Version

        return self._transport.request_json(
            Version, "POST", f"/v1/versions/{_quote_id(id)}/decisions", body=decision
        )

    def notes(self, id: str) -> list[Note]:  # noqa: A002
        from bridge_core.models.notes import Note

        return self._get(list[Note], f"/v1/versions/{_quote_id(id)}/notes")

    def add_note(self, id: str, note: NewNote) -> Note:  # noqa: A002
        """Not repeated by itself, as :meth:`decide`."""
        from bridge_core.models.notes import Note

        return self._transport.request_json(
            Note, "POST", f"/v1/versions/{_quote_id(id)}/notes", body=note
        )

    def test_frame(self, id: str) -> TestFrame:  # noqa: A002
        from bridge_core.models.versions import TestFrame

        return self._get(TestFrame, f"/v1/test-frames/{_quote_id(id)}")

    def lineage(self, result_id: str) -> Lineage:
        from bridge_core.models.versions import Lineage

        return self._get(Lineage, f"/v1/results/{_quote_id(result_id)}/lineage")

    def result_files(self, result_id: str) -> list[ResultFile]:
        from bridge_core.models.versions import ResultFile

        return self._get(list[ResultFile], f"/v1/results/{_quote_id(result_id)}/files")

    def fetch(
        self,
        result: Result,
        folder: Path,
        progress: ProgressCallback | None = None,
        *,
        cancel: threading.Event | None = None,
    ) -> Path:
        """The folder on this machine that holds a result's files, see
        :func:`bridge_core.transfer.fetch`."""
        from bridge_core.transfer import fetch

        return fetch(result, Path(folder), self._transport, progress, cancel=cancel)

    def proxy(self, result_id: str, frame: int) -> bytes:
        """JPEG of a frame with the display view baked in."""
        return self._get_bytes(f"/v1/results/{_quote_id(result_id)}/proxies/{frame}")

    def plate_proxy(self, plate: Plate, frame: int) -> bytes:
        """JPEG of a frame of a plate (in the plate's numbering) with the display view baked in,
        without any job. The picture is sent where the gateway cannot read it itself.

        :raises MissingFrames: there is no such frame.
        :raises UnreadableMedia: the file cannot be read.
        """
        return self._plate_inspector.proxy(plate, frame)

    def media_info(self, plate: Plate) -> MediaInfo:
        """What a plate's first file says of itself: of a movie, its rate and length. The file is
        sent where the gateway cannot read it itself.

        :raises MissingFrames: it is not there.
        :raises UnreadableMedia: it cannot be read.
        """
        return self._plate_inspector.media_info(plate)

    def thumbnail(self, result_id: str) -> bytes:
        """JPEG."""
        return self._get_bytes(f"/v1/results/{_quote_id(result_id)}/thumbnail")

    def close(self) -> None:
        """End the connections. The gateway goes on."""
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

    def _get(self, result_type: type[T], path: str, **params: Any) -> T:
        return self._transport.request_json(result_type, "GET", path, params=params)

    def _get_bytes(self, path: str) -> bytes:
        return self._transport.request("GET", path).content


def _quote_id(id: str) -> str:  # noqa: A002
    """An id as one part of a path, whatever is in it.

    :raises NotFound: dots alone, which would lead to another path.
    """
    if id in (".", ".."):
        from bridge_core.errors import NotFound

        raise NotFound(f"nothing has the id {id!r}", next_step="list what there is")
    return quote(id, safe="")
