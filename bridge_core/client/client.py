"""The client, with all its calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from bridge_core.client.job_calls import JobCalls
from bridge_core.client.version_calls import VersionCalls

if TYPE_CHECKING:
    from bridge_core.models.costs import Quote, ShowCosts
    from bridge_core.models.gateway import About, Health, MediaInfo
    from bridge_core.models.jobs import Job
    from bridge_core.models.media import Plate
    from bridge_core.models.requests import Request
    from bridge_core.models.services import Service
    from bridge_core.outbox import Outbox
    from bridge_core.outbox_sender import OutboxSender
    from bridge_core.transfer import PlateInspector, ProgressCallback


class Client(JobCalls, VersionCalls):
    """The client of one gateway: the studio's, or a local one of this user.

    With ``start_gateway``, a local gateway is started when it does not run, also if it dies between
    calls; otherwise that raises GatewayUnreachable.
    """

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
        """What each request would cost and how long it would take, in the order of ``requests``;
        nothing is sent or stored.
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

    # Requests

    @cached_property
    def outbox(self) -> Outbox:
        """Requests that were accepted and not yet sent to the gateway."""
        from bridge_core.outbox import Outbox

        return Outbox(self.settings.client.state_dir / "outbox")

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
        user = self._acting_user(user)
        return self._outbox_sender.submit(request, key, progress, cancel, user=user)

    def flush(self, progress: ProgressCallback | None = None) -> list[Job]:
        """Send the requests in the outbox, oldest first, and return their jobs. Refused ones are
        moved to ``outbox.refused()``; those that another process is sending are skipped.

        :raises ShotbridgeError: the first temporary error. The other requests were sent
            nevertheless, unless the error affects all of them.
        """
        return self._outbox_sender.flush(progress)

    @cached_property
    def _outbox_sender(self) -> OutboxSender:
        from bridge_core.outbox_sender import OutboxSender

        return OutboxSender(self.outbox, self._transport)

    @cached_property
    def _plate_inspector(self) -> PlateInspector:
        from bridge_core.transfer import PlateInspector

        return PlateInspector(self._transport)
