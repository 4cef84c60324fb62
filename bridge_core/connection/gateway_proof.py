"""Checks on a new connection that the gateway knows the token, before the token is sent on it.

Any program can listen on a free loopback port: after a gateway has ended, another user's program
may answer there. So each new connection starts with ``GET /v1/about?challenge=...``, with a text
that was never used before, and is used only if the response contains its HMAC-SHA-256 (RFC 2104),
see :func:`bridge_core.models.gateway.compute_proof`. This does not use requests, so that the
launcher can check for a running gateway without importing it.
"""

from __future__ import annotations

import hmac
import http.client
import io
import json
import secrets
import socket
import time
import urllib.parse
from dataclasses import dataclass
from email.message import Message
from typing import Any

import bridge_core

#: Bytes of a response that are read; an ``About`` has a few hundred.
_MAX_RESPONSE_BYTES = 100_000


@dataclass(frozen=True)
class ProofResponse:
    """The response. ``proven_instance`` is None if the gateway did not prove itself."""

    status: int
    reason: str
    headers: Message
    body: bytes
    proven_instance: str | None
    reusable: bool
    """The connection can be used for further calls."""


def request_proof(
    connection: socket.socket, url: str, token: str, timeout: float, *, by_proxy: bool = False
) -> ProofResponse:
    """Challenge the program at the other end of a new connection, within ``timeout`` seconds in
    total. The timeout of the connection is left changed.

    ``by_proxy``: the call goes to a forwarding proxy, which expects the complete URL.

    :raises OSError: the connection was lost, or there was no response in time (TimeoutError).
    :raises http.client.HTTPException: the response is not HTTP.
    """
    parts = urllib.parse.urlsplit(url)
    challenge = secrets.token_urlsafe(24)
    path = f"{parts.path.rstrip('/')}/v1/about?challenge={challenge}"
    reader = _DeadlineReader(connection, timeout)
    connection.settimeout(timeout)
    connection.sendall(
        f"GET {f'{parts.scheme}://{parts.netloc}' if by_proxy else ''}{path} HTTP/1.1\r\n"
        f"Host: {parts.netloc}\r\n"
        f"User-Agent: shotbridge/{bridge_core.__version__}\r\n"
        f"X-Shotbridge-Client: {bridge_core.__version__}\r\n"
        "Accept: application/json\r\n\r\n".encode("ascii")
    )
    response = http.client.HTTPResponse(reader, method="GET")  # type: ignore[arg-type]
    try:
        response.begin()
        reusable = not response.will_close
        body = response.read(_MAX_RESPONSE_BYTES)
    finally:
        response.close()
    return ProofResponse(
        response.status,
        response.reason,
        response.headers,
        body,
        _proven_instance(body, token, challenge) if response.status == 200 else None,
        reusable and response.length in (None, 0),
    )


def _proven_instance(body: bytes, token: str, challenge: str) -> str | None:
    try:
        about: Any = json.loads(body)
        instance, given = str(about["instance_id"]), str(about["proof"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    from bridge_core.models.gateway import compute_proof

    expected = compute_proof(token, challenge, instance)
    return instance if hmac.compare_digest(given.encode(), expected.encode()) else None


class _DeadlineReader(io.RawIOBase):
    """Reads a socket until a deadline, however slowly bytes arrive."""

    def __init__(self, connection: socket.socket, timeout: float) -> None:
        self._connection = connection
        self._deadline = time.monotonic() + timeout

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)
