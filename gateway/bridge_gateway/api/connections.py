"""Limits on connections, above all on those without the token.

uvicorn limits calls, not connections, and sets no time limit for the headers of a call. Here the
number of connections is limited: the one that has waited longest is closed for a new one, those on
which the token was never sent first. A caller has some seconds to send the token, and a body that
nobody reads is cut off. A connection with the token is not closed while a call is answered.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_log = logging.getLogger(__name__)

#: Descriptors that the process asks for, as far as the system lets it raise its own limit.
_WANTED = 16_384
#: Descriptors for the gateway's own work: databases, pictures, model processes.
_RESERVED = 256
#: Greatest number of connections, however many descriptors there are.
_MOST = 4096


@dataclass(frozen=True)
class Limits:
    connections: int
    unauthenticated_seconds: float = 10.0
    """Within which the token has to arrive, from the beginning of the connection or the first byte
    of a call; and within which a body has to end whose call is already answered."""
    unread_bytes: int = 1 << 20
    """Bytes of such a body that are read, so that the sender gets to read the answer."""


def system_limits() -> Limits:
    """As many connections as leave the gateway the descriptors that its own work needs. Raises the
    process's limit where the system allows it."""
    if sys.platform == "win32":
        return Limits(_MOST // 8)
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    if soft == resource.RLIM_INFINITY:
        soft = _WANTED
    # A connection may hold a file beside its socket, and as many again are opening or closing.
    return Limits(max(16, min(_MOST, (soft - _RESERVED) // 3)))


class Connections:
    """The connections that may be closed for a new one, the longest waiting first."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._unauthenticated: dict[BoundedProtocol, None] = {}
        self._idle: dict[BoundedProtocol, None] = {}

    def waits(self, connection: BoundedProtocol) -> None:
        self.works(connection)
        (self._idle if connection.known else self._unauthenticated)[connection] = None

    def works(self, connection: BoundedProtocol) -> None:
        self._unauthenticated.pop(connection, None)
        self._idle.pop(connection, None)

    def make_room(self, newest: BoundedProtocol) -> None:
        """Close the one that has waited longest; where all are at work, the newest."""
        oldest = next(iter(self._unauthenticated or self._idle), newest)
        _log.warning(
            "all %d connections are in use; one was closed for a new one", self.limits.connections
        )
        self.works(oldest)  # it ends a moment later, and is not to be chosen again until then
        oldest.cut()


class BoundedProtocol(H11Protocol):
    """One connection. ``known``: the token was sent on it."""

    def __init__(self, *, open_connections: Connections, **given: Any) -> None:
        super().__init__(**given)
        self.known = False
        self._open = open_connections
        self._limits = open_connections.limits
        self._patience: asyncio.TimerHandle | None = None
        self._unread = 0
        # In the state of every call's scope, where the gate finds it.
        self.app_state = {**self.app_state, "admitted": self._admitted}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._open.waits(self)
        self._wait()
        if len(self.connections) > self._limits.connections:
            self._open.make_room(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.works(self)
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._body_is_left():
            self._unread += len(data)
            if self._unread > self._limits.unread_bytes:
                self.cut()
                return
        elif self._patience is None and not self._at_work():
            self._wait()
        try:
            super().data_received(data)
        except h11.LocalProtocolError:
            self.cut()  # not HTTP, after the answer

    def on_response_complete(self) -> None:
        self._stop_waiting()
        self._open.waits(self)
        if self._body_is_left():
            self._unread = 0
            self._wait()
        super().on_response_complete()
        # The beginning of the next call may have come together with the last one.
        if self.conn.trailing_data[0] and self._patience is None and not self._at_work():
            self._wait()

    def cut(self) -> None:
        self.transport.abort()

    def _admitted(self) -> None:
        self.known = True
        self._open.works(self)
        self._stop_waiting()

    def _body_is_left(self) -> bool:
        """Whether a call without the token was answered and is still being sent."""
        answered = self.cycle is not None and self.cycle.response_complete
        return answered and not self.known and self.conn.their_state is h11.SEND_BODY

    def _at_work(self) -> bool:
        return self.known and self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._patience = self.loop.call_later(self._limits.unauthenticated_seconds, self.cut)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
