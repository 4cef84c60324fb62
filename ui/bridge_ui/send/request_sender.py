"""Sends requests: stores all in the outbox, then transfers them."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_core.errors import JobCancelled, ShotbridgeError
from bridge_ui.core.observable import Observable

if TYPE_CHECKING:
    from bridge_core.models.jobs import Job
    from bridge_core.models.requests import Request
    from bridge_ui.core.session import Session

#: Seconds between progress updates.
_PROGRESS_INTERVAL = 0.1


@dataclass(frozen=True, slots=True)
class SendProgress:
    request_count: int = 0
    sent_bytes: int = 0
    total_bytes: int = 0


def with_keys(requests: Iterable[Request]) -> dict[str, Request]:
    """Give each request an idempotency key."""
    return {str(uuid.uuid4()): request for request in requests}


class RequestSender:
    """Sends requests; ``state`` is the progress.

    Closing the panel withdraws nothing: requests in the outbox are sent later. Only
    :meth:`withdraw_all` and :meth:`Session.withdraw` do.
    """

    def __init__(self, session: Session) -> None:
        self.state: Observable[SendProgress] = Observable(SendProgress())
        self._session = session
        self._active_keys: set[str] = set()
        self._bytes_by_key: dict[str, tuple[int, int]] = {}

    def send(
        self,
        requests: Mapping[str, Request],
        on_sent: Callable[[Job], None],
        on_error: Callable[[ShotbridgeError], None],
        *,
        requested_by: str | None = None,
        on_accepted: Callable[[], None] | None = None,
        after_stored: Callable[[], object] | None = None,
    ) -> None:
        """Send requests by key (see :func:`with_keys`); either all are accepted or none.
        ``requested_by`` is the person who asked; None: the user.

        ``on_accepted`` is called when they are in the outbox, then ``on_sent`` or ``on_error`` for
        each. If they are not accepted, ``on_error`` is called once. ``after_stored`` is called on
        the outbox thread after they are stored, to remove what they replace.
        """
        user = requested_by or self._session.user
        cancel_events = self._session.cancel_events
        for key in requests:
            cancel_events[key] = threading.Event()
        self._active_keys |= requests.keys()
        self._session.recent_requests.add(requests)
        outbox = self._session.client.outbox
        self._update()

        def accept(_: object) -> None:
            stored: list[str] = []
            try:
                for key, request in requests.items():
                    if not cancel_events[key].is_set():
                        outbox.add(request, key, requested_by=user)
                        stored.append(key)
            except ShotbridgeError:
                for key in stored:
                    outbox.remove(key)
                raise
            if after_stored is not None:
                after_stored()

        def accepted(_: None) -> None:
            self._session.refresh_outbox()
            if on_accepted is not None:
                on_accepted()
            for key, request in requests.items():
                self._transfer(key, request, user, on_sent, on_error)

        def refused(error: ShotbridgeError) -> None:
            self._session.recent_requests.discard(*requests)
            for key in requests:
                self._ended(key)
            on_error(error)

        self._session.outbox_pool.run(accept, accepted, refused)

    def withdraw_all(self) -> None:
        """Withdraw everything not yet sent to the gateway."""
        for key in self._active_keys:
            self._session.withdraw(key)

    def _transfer(
        self,
        key: str,
        request: Request,
        user: str,
        on_sent: Callable[[Job], None],
        on_error: Callable[[ShotbridgeError], None],
    ) -> None:
        session, cancelled = self._session, self._session.cancel_events[key]
        reported_at = 0.0

        def progress(done: int, total: int) -> None:
            nonlocal reported_at
            now = time.monotonic()
            if now - reported_at >= _PROGRESS_INTERVAL or done == total:
                reported_at = now
                session.post(lambda: self._bytes_sent(key, done, total))

        def submit(_: object) -> Job:
            if cancelled.is_set():
                raise JobCancelled("withdrawn before it was sent", where=key)
            return session.client.submit(
                request, key=key, user=user, progress=progress, cancel=cancelled
            )

        def done(job: Job) -> None:
            self._ended(key)
            session.store.merge(jobs=[job])
            on_sent(job)

        def failed(error: ShotbridgeError) -> None:
            session.recent_requests.discard(key)  # a later attempt starts from the outbox
            self._ended(key)
            if cancelled.is_set():
                session.withdraw(key)  # submit() may have stored it again
            else:
                on_error(error)

        session.transfer_pool.run(submit, done, failed)

    def _bytes_sent(self, key: str, done: int, total: int) -> None:
        if key in self._active_keys:
            self._bytes_by_key[key] = (done, total)
            self._update()

    def _ended(self, key: str) -> None:
        self._active_keys.discard(key)
        self._session.cancel_events.pop(key, None)
        self._bytes_by_key.pop(key, None)
        self._update()
        self._session.refresh_outbox()

    def _update(self) -> None:
        done = sum(sent for sent, _ in self._bytes_by_key.values())
        total = sum(size for _, size in self._bytes_by_key.values())
        self.state.set(SendProgress(len(self._active_keys), done, total))
