"""The gateway's events on the panel's thread: a thread of its own listens, and hands over what
happened in portions, each thing in its latest state only: of a thousand words about one job's
progress the panel hears ten in a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_core.errors import GatewayUnreachable, ShotbridgeError
from bridge_ui.core.observable import Post
from bridge_ui.core.store import batches
from bridge_ui.core.workers import unexpected_error

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.models.gateway import About, Event
    from bridge_core.models.services import Service

#: Seconds that events are gathered before they are handed over.
BATCH_SECONDS = 0.1
#: Seconds until a stream that ended for good (a wrong token, no gateway to start), or whose gateway
#: did not say who it is, is tried again.
RETRY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """Who answers, and what can be asked for."""

    about: About
    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True)
class ListenerUpdate:
    """What the feed hands over. ``connected``: the line stands anew, whatever happened before it
    has to be asked for. ``lost``: why there is no line. Else events."""

    connected: GatewayInfo | None = None
    lost: ShotbridgeError | None = None
    events: tuple[Event, ...] = ()


class EventListener:
    """Listens until :meth:`close`; ``heard`` is called on the panel's thread."""

    def __init__(
        self, client: Client, post: Post, on_update: Callable[[ListenerUpdate], None]
    ) -> None:
        self._client = client
        self._post = post
        self._on_update = on_update
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shotbridge-feed", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def reconnect(self) -> None:
        """Take the line up anew, now: one that stands as well."""
        self._wake.set()

    def close(self, timeout: float = 0.0) -> bool:
        """End it; whether its thread has ended within ``timeout`` seconds."""
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
                self._deliver(ListenerUpdate(lost=error))
            except Exception as error:
                self._deliver(ListenerUpdate(lost=unexpected_error(error)))
            # Waiting, not giving up: the token may be mended, the network come back.
            self._wake.wait(RETRY_SECONDS)
            self._wake.clear()

    def _read_events(self) -> None:
        from bridge_core.connection.events import StreamSignal

        stream = self._client.event_stream()
        pending: dict[tuple[str, str], Event] = {}
        pending_since = 0.0
        with closing(stream.signals()) as signals:
            for signal in signals:
                if self._stop.is_set() or self._wake.is_set():
                    return
                if signal is StreamSignal.CONNECTED:
                    # Here: a line over which nobody says who answers is none, and is tried again.
                    about, services = self._client.about(), tuple(self._client.services())
                    self._deliver(ListenerUpdate(connected=GatewayInfo(about, services)))
                elif signal is StreamSignal.DISCONNECTED:
                    self._deliver(
                        ListenerUpdate(
                            lost=stream.connection_error or GatewayUnreachable("the line was cut")
                        )
                    )
                elif not isinstance(signal, StreamSignal):
                    pending_since = pending_since if pending else time.monotonic()
                    key = _event_key(signal)
                    pending.pop(key, None)  # the latest of all stands last
                    pending[key] = signal
                if pending and time.monotonic() - pending_since >= BATCH_SECONDS:
                    for portion in batches(tuple(pending.values())):
                        self._deliver(ListenerUpdate(events=tuple(portion)))
                    pending.clear()

    def _deliver(self, update: ListenerUpdate) -> None:
        def deliver() -> None:
            if not self._stop.is_set():
                self._on_update(update)

        self._post(deliver)


def _event_key(event: Event) -> tuple[str, str]:
    """What an event is about: a later one of the same replaces an earlier one."""
    subject = event.job or event.version or event.note
    return event.kind, subject.id if subject is not None else str(event.id)
