"""Requests on their way: first all of them into the outbox, then one after the other out."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_core.errors import JobCancelled, ShotbridgeError
from bridge_ui.controllers.observable import Observable

if TYPE_CHECKING:
    from bridge_core.models.jobs import Job
    from bridge_core.models.requests import Request
    from bridge_ui.controllers.session import Session

#: Seconds between two words about bytes.
_PULSE = 0.1


@dataclass(frozen=True, slots=True)
class Sending:
    """Pictures on their way to the gateway."""

    shots: int = 0
    """Requests that are being sent now."""
    done: int = 0
    """Bytes."""
    total: int = 0


def keyed(requests: Iterable[Request]) -> dict[str, Request]:
    """Each under an idempotency key of its own."""
    return {str(uuid.uuid4()): request for request in requests}


class Dispatch:
    """Sends requests; ``state`` tells how far they are.

    Closing the panel takes nothing back: what stands in the outbox is sent by whoever comes next.
    Only :meth:`take_back` does, and :meth:`Session.take_out` for one of them.
    """

    def __init__(self, session: Session) -> None:
        self.state: Observable[Sending] = Observable(Sending())
        self._session = session
        self._going: set[str] = set()
        """Keys."""
        self._bytes: dict[str, tuple[int, int]] = {}

    def send(
        self,
        requests: Mapping[str, Request],
        sent: Callable[[Job], None],
        failed: Callable[[ShotbridgeError], None],
        *,
        accepted: Callable[[], None] | None = None,
        instead: Callable[[], object] | None = None,
    ) -> None:
        """By their keys (:func:`keyed`); all of them are accepted, or none.

        ``accepted`` is told once they stand in the outbox, ``sent`` or ``failed`` once for each
        of them; where none is accepted, ``failed`` once. ``instead`` is called on the outbox's
        thread when they stand there: what they take the place of may go.
        """
        back = self._session.on_their_way
        for key in requests:
            back[key] = threading.Event()
        self._going |= requests.keys()
        self._session.recent_requests.add(requests)
        outbox = self._session.client.outbox
        self._tell()

        def accept(_: object) -> None:
            put: list[str] = []
            try:
                for key, request in requests.items():
                    if not back[key].is_set():
                        outbox.put(request, key)
                        put.append(key)
            except ShotbridgeError:
                for key in put:
                    outbox.done(key)
                raise
            if instead is not None:
                instead()

        def taken(_: None) -> None:
            self._session.look_at_outbox()
            if accepted is not None:
                accepted()
            for key, request in requests.items():
                self._transfer(key, request, sent, failed)

        def refused(error: ShotbridgeError) -> None:
            self._session.recent_requests.drop(*requests)
            for key in requests:
                self._ended(key)
            failed(error)

        self._session.accepting.run(accept, taken, refused)

    def take_back(self) -> None:
        """Take back everything that is not at the gateway yet."""
        for key in self._going:
            self._session.take_out(key)

    def _transfer(
        self,
        key: str,
        request: Request,
        sent: Callable[[Job], None],
        failed: Callable[[ShotbridgeError], None],
    ) -> None:
        session, taken_back = self._session, self._session.on_their_way[key]
        told_at = 0.0

        def progress(done: int, total: int) -> None:
            nonlocal told_at
            now = time.monotonic()
            if now - told_at >= _PULSE or done == total:
                told_at = now
                session.post(lambda: self._progress(key, done, total))

        def submit(_: object) -> Job:
            if taken_back.is_set():
                raise JobCancelled("taken back before it was sent", where=key)
            return session.client.submit(request, key=key, progress=progress, cancel=taken_back)

        def done(job: Job) -> None:
            self._ended(key)
            session.board.learn(jobs=[job])
            sent(job)

        def missed(error: ShotbridgeError) -> None:
            session.recent_requests.drop(key)  # what is sent later stands in the outbox
            self._ended(key)
            if taken_back.is_set():
                session.take_out(key)  # sending it may have put it back
            else:
                failed(error)

        session.transfers.run(submit, done, missed)

    def _progress(self, key: str, done: int, total: int) -> None:
        if key in self._going:
            self._bytes[key] = (done, total)
            self._tell()

    def _ended(self, key: str) -> None:
        self._going.discard(key)
        self._session.on_their_way.pop(key, None)
        self._bytes.pop(key, None)
        self._tell()
        self._session.look_at_outbox()

    def _tell(self) -> None:
        done = sum(part for part, _ in self._bytes.values())
        total = sum(whole for _, whole in self._bytes.values())
        self.state.set(Sending(len(self._going), done, total))
