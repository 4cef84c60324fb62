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
from bridge_ui.controllers.board import portions
from bridge_ui.controllers.observable import Post
from bridge_ui.controllers.pool import unexpected

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.models.gateway import About, Event
    from bridge_core.models.services import Service

#: Seconds that events are gathered before they are handed over.
GATHER = 0.1
#: Seconds until a stream that ended for good (a wrong token, no gateway to start), or whose gateway
#: did not say who it is, is tried again.
AGAIN = 10.0


@dataclass(frozen=True, slots=True)
class Introduced:
    """Who answers, and what can be asked for."""

    about: About
    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What the feed hands over. ``connected``: the line stands anew, whatever happened before it
    has to be asked for. ``lost``: why there is no line. Else events."""

    connected: Introduced | None = None
    lost: ShotbridgeError | None = None
    events: tuple[Event, ...] = ()


class Feed:
    """Listens until :meth:`close`; ``heard`` is called on the panel's thread."""

    def __init__(self, client: Client, post: Post, heard: Callable[[Heard], None]) -> None:
        self._client = client
        self._post = post
        self._heard = heard
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="shotbridge-feed", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def retry(self) -> None:
        """Take the line up anew, now: one that stands as well."""
        self._wake.set()

    def close(self, timeout: float = 0.0) -> bool:
        """End it; whether its thread has ended within ``timeout`` seconds."""
        self._stop.set()
        self._wake.set()
        if timeout > 0 and self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except ShotbridgeError as error:
                self._tell(Heard(lost=error))
            except Exception as error:
                self._tell(Heard(lost=unexpected(error)))
            # Waiting, not giving up: the token may be mended, the network come back.
            self._wake.wait(AGAIN)
            self._wake.clear()

    def _follow(self) -> None:
        from bridge_core.events import Signal

        stream = self._client.stream()
        gathered: dict[tuple[str, str], Event] = {}
        since = 0.0
        with closing(stream.signals()) as signals:
            for signal in signals:
                if self._stop.is_set() or self._wake.is_set():
                    return
                if signal is Signal.CONNECTED:
                    # Here: a line over which nobody says who answers is none, and is tried again.
                    about, services = self._client.about(), tuple(self._client.services())
                    self._tell(Heard(connected=Introduced(about, services)))
                elif signal is Signal.LOST:
                    self._tell(Heard(lost=stream.lost or GatewayUnreachable("the line was cut")))
                elif not isinstance(signal, Signal):
                    since = since if gathered else time.monotonic()
                    key = _thing(signal)
                    gathered.pop(key, None)  # the latest of all stands last
                    gathered[key] = signal
                if gathered and time.monotonic() - since >= GATHER:
                    for portion in portions(tuple(gathered.values())):
                        self._tell(Heard(events=tuple(portion)))
                    gathered.clear()

    def _tell(self, heard: Heard) -> None:
        def deliver() -> None:
            if not self._stop.is_set():
                self._heard(heard)

        self._post(deliver)


def _thing(event: Event) -> tuple[str, str]:
    """What an event is about: a later one of the same replaces an earlier one."""
    about = event.job or event.version or event.note
    return event.kind, about.id if about is not None else str(event.id)
