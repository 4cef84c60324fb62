"""Limits on connections, especially on unauthenticated ones.

uvicorn limits calls and not connections, and has no timeout for the headers of a call. Here the
number of connections is limited: for a new one, the one that has been idle longest is closed,
starting with those on which the token was never sent. A caller has some seconds to send the token,
and a body that is not read is cut off. An authenticated connection is not closed during a call.
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

#: Descriptors that the process requests, as far as the system lets it raise its limit.
_DESIRED_DESCRIPTORS = 16_384
#: Descriptors for the gateway's own work: databases, pictures, model processes.
_RESERVED_DESCRIPTORS = 256
#: Limit of connections, however many descriptors there are.
_MAX_CONNECTIONS = 4096


@dataclass(frozen=True)
class ConnectionLimits:
    """The limits of one server."""

    connections: int
    unauthenticated_seconds: float = 10.0
    """Time for the token to arrive, from the start of the connection or the first byte of a call;
    also for the rest of a body whose call has been answered."""
    unread_bytes: int = 1 << 20
    """Bytes of such a body that are read, so that the sender can read the response."""


def system_connection_limits() -> ConnectionLimits:
    """As many connections as leave enough descriptors for the gateway's own work. Raises the
    process's limit where the system allows it."""
    if sys.platform == "win32":
        return ConnectionLimits(_MAX_CONNECTIONS // 8)
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    desired = (
        _DESIRED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESIRED_DESCRIPTORS, hard)
    )
    if soft != resource.RLIM_INFINITY and soft < desired:
        resource.setrlimit(resource.RLIMIT_NOFILE, (desired, hard))
        soft = desired
    if soft == resource.RLIM_INFINITY:
        soft = _DESIRED_DESCRIPTORS
    # A connection may need a file besides its socket, and as many again are opening or closing.
    return ConnectionLimits(max(16, min(_MAX_CONNECTIONS, (soft - _RESERVED_DESCRIPTORS) // 3)))


class ConnectionRegistry:
    """The connections that may be closed for a new one, the longest idle first."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._unauthenticated: dict[BoundedProtocol, None] = {}
        self._idle: dict[BoundedProtocol, None] = {}

    def mark_waiting(self, connection: BoundedProtocol) -> None:
        self.mark_busy(connection)
        (self._idle if connection.authenticated else self._unauthenticated)[connection] = None

    def mark_busy(self, connection: BoundedProtocol) -> None:
        self._unauthenticated.pop(connection, None)
        self._idle.pop(connection, None)

    def evict_oldest(self, newest: BoundedProtocol) -> None:
        """Close the connection that has been idle longest; where all are busy, the newest."""
        oldest = next(iter(self._unauthenticated or self._idle), newest)
        _log.warning(
            "all %d connections are in use; one was closed for a new one", self.limits.connections
        )
        self.mark_busy(oldest)  # it closes later, and must not be chosen again until then
        oldest.abort()


class BoundedProtocol(H11Protocol):
    """One connection; ``authenticated`` once the token was sent on it."""

    def __init__(self, *, open_connections: ConnectionRegistry, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.authenticated = False
        self._registry = open_connections
        self._limits = open_connections.limits
        self._timeout: asyncio.TimerHandle | None = None
        self._unread = 0
        # In the state of every call's scope, for AuthMiddleware.
        self.app_state = {**self.app_state, "mark_authenticated": self._mark_authenticated}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._registry.mark_waiting(self)
        self._start_timeout()
        if len(self.connections) > self._limits.connections:
            self._registry.evict_oldest(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._registry.mark_busy(self)
        self._cancel_timeout()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._has_unread_body():
            self._unread += len(data)
            if self._unread > self._limits.unread_bytes:
                self.abort()
                return
        elif self._timeout is None and not self._is_handling_call():
            self._start_timeout()
        try:
            super().data_received(data)
        except h11.LocalProtocolError:
            self.abort()  # invalid HTTP after the response

    def on_response_complete(self) -> None:
        self._cancel_timeout()
        self._registry.mark_waiting(self)
        if self._has_unread_body():
            self._unread = 0
            self._start_timeout()
        super().on_response_complete()
        # The beginning of the next call may have arrived together with the last one.
        if self.conn.trailing_data[0] and self._timeout is None and not self._is_handling_call():
            self._start_timeout()

    def abort(self) -> None:
        self.transport.abort()

    def _mark_authenticated(self) -> None:
        self.authenticated = True
        self._registry.mark_busy(self)
        self._cancel_timeout()

    def _has_unread_body(self) -> bool:
        """Whether an unauthenticated call was answered while its body is still being sent."""
        answered = self.cycle is not None and self.cycle.response_complete
        return answered and not self.authenticated and self.conn.their_state is h11.SEND_BODY

    def _is_handling_call(self) -> bool:
        return self.authenticated and self.cycle is not None and not self.cycle.response_complete

    def _start_timeout(self) -> None:
        self._timeout = self.loop.call_later(self._limits.unauthenticated_seconds, self.abort)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None
