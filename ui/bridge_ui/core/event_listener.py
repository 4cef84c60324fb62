"""Delivers the gateway's events on the panel's thread.

A thread of its own reads the event stream and delivers batches with the latest state of each item:
of a thousand progress events of a job per second, the panel gets ten.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

from bridge_core.errors import GatewayUnreachable, ShotbridgeError
from bridge_ui.core.observable import Post
from bridge_ui.core.store import batches
from bridge_ui.core.thread_pool import OnError, unexpected_error

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.models.gateway import Event
    from bridge_core.models.services import Service

T = TypeVar("T")

#: Seconds for which events are collected before they are delivered.
BATCH_SECONDS = 0.1
#: Seconds until the next attempt after a permanent error (wrong token, no gateway to start), or if
#: the gateway did not answer the first calls. While connected, the time between two calls of
#: ``on_retry``.
RETRY_SECONDS = 10.0


class EventListener:
    """Reads events until :meth:`close`, and calls on the panel's thread: ``on_connected`` with the
    services after each new connection, when earlier state must be fetched again; ``on_lost`` with
    the reason why there is no connection; ``on_events`` with new events; ``on_retry`` now and then,
    when what failed for a reason other than the connection may succeed."""

    def __init__(
        self,
        client: Client,
        post: Post,
        on_connected: Callable[[tuple[Service, ...]], None],
        on_lost: OnError,
        on_events: Callable[[Sequence[Event]], None],
        on_retry: Callable[[None], None],
    ) -> None:
        self._client = client
        self._post = post
        self._on_connected, self._on_lost, self._on_events = on_connected, on_lost, on_events
        self._on_retry = on_retry
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shotbridge-events", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def reconnect(self) -> None:
        """Reconnect now, even if connected."""
        self._wake.set()

    def close(self, timeout: float = 0.0) -> bool:
        """Stop; returns whether the thread has ended within ``timeout`` seconds."""
        self._stop.set()
        self._wake.set()
        if timeout > 0 and self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._read_events()
            except ShotbridgeError as error:
                self._deliver(self._on_lost, error)
            except Exception as error:
                self._deliver(self._on_lost, unexpected_error(error))
            # Retry: the token may be corrected, the network may come back.
            self._wake.wait(RETRY_SECONDS)
            self._wake.clear()

    def _read_events(self) -> None:
        from bridge_core.connection.events import StreamSignal

        stream = self._client.event_stream()
        pending: dict[tuple[str, str], Event] = {}
        pending_since = 0.0
        retry_at = time.monotonic() + RETRY_SECONDS
        with closing(stream.signals()) as signals:
            for signal in signals:
                if self._stop.is_set() or self._wake.is_set():
                    return
                if signal is StreamSignal.CONNECTED:
                    # Part of connecting: if these fail, the connection is retried.
                    self._client.about()
                    self._deliver(self._on_connected, tuple(self._client.services()))
                elif signal is StreamSignal.DISCONNECTED:
                    lost = GatewayUnreachable("the connection was lost")
                    self._deliver(self._on_lost, stream.connection_error or lost)
                elif not isinstance(signal, StreamSignal):
                    pending_since = pending_since if pending else time.monotonic()
                    key = _event_key(signal)
                    pending.pop(key, None)  # keeps the latest last
                    pending[key] = signal
                if pending and time.monotonic() - pending_since >= BATCH_SECONDS:
                    for batch in batches(tuple(pending.values())):
                        self._deliver(self._on_events, batch)
                    pending.clear()
                if time.monotonic() >= retry_at:
                    self._deliver(self._on_retry, None)
                    retry_at = time.monotonic() + RETRY_SECONDS

    def _deliver(self, callback: Callable[[T], None], value: T) -> None:
        def deliver() -> None:
            if not self._stop.is_set():
                callback(value)

        self._post(deliver)


def _event_key(event: Event) -> tuple[str, str]:
    """Identifies the subject of an event; a later event of the same subject replaces it."""
    subject = event.job or event.version or event.note
    return event.kind, subject.id if subject is not None else str(event.id)
