"""Who may come in. Stands before every route, so that a new route cannot forget it.

Browsers are why a token is not enough of a thought on loopback: any web page may send requests to
``localhost``. A page cannot read the token; but so that no page ever talks to the gateway at all,
calls under a foreign Host name (DNS rebinding) or from a foreign Origin are refused, and there is
no CORS.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge_core.errors import (
    IncompatibleVersion,
    InvalidRequest,
    NotAuthorised,
    ShotbridgeError,
)
from bridge_gateway.api.errors import respond

#: The oldest client that is still understood.
OLDEST_CLIENT = "0.1.0"
#: The handshake: open to all, so that a client that is too old can learn that it is.
OPEN = "/v1/about"
CLIENT_HEADER = "X-Shotbridge-Client"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?")
_RELEASE = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:[.+-]?[A-Za-z][\w.+-]*)?")


@dataclass(frozen=True)
class Door:
    """What the gate compares with."""

    token: str = field(repr=False)
    oldest_client: str
    hosts: frozenset[str]
    """Names under which the gateway may be called, lower case, without port."""

    @classmethod
    def of(cls, token: str, oldest_client: str, hosts: Iterable[str]) -> Door:
        return cls(token, oldest_client, LOOPBACK | {name.lower() for name in hosts})


class Gate:
    """Middleware: lets calls through that have the right Host, Origin, token and version."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = _refusal(Headers(scope=scope), scope["path"], self._door)
        if refused is None:
            if scope["path"] != OPEN:
                _admit(scope)
            await self._app(scope, receive, send)
            return
        error, status, headers = refused
        await respond(error, status=status, headers=headers)(scope, receive, send)


def _admit(scope: Scope) -> None:
    """Tell the connection that the token was sent on it, see :mod:`.connections`."""
    admitted = scope.get("state", {}).get("admitted")
    if admitted is not None:
        admitted()


def _refusal(
    headers: Headers, path: str, door: Door
) -> tuple[ShotbridgeError, int, dict[str, str]] | None:
    host = _host(headers.get("host", ""))
    if host not in door.hosts:
        error: ShotbridgeError = NotAuthorised(
            "the gateway is not called by this name",
            where=f"header Host: {headers.get('host', '')!r}",
            next_step="use the address that the gateway announced, or add the name to "
            "gateway.allowed_hosts",
        )
        return error, 403, {}
    origin = headers.get("origin")
    if origin is not None and not _same(origin, headers["host"]):
        error = NotAuthorised(
            "web pages may not call the gateway",
            where=f"header Origin: {origin!r}",
            next_step="use Shotbridge's panels or its command line",
        )
        return error, 403, {}
    if path == OPEN:
        return None
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(
        token.strip().encode("latin-1", "replace"), door.token.encode()
    ):
        error = NotAuthorised(
            "the token is missing" if not token else "the token is not this gateway's",
            where="header Authorization",
            next_step="send 'Authorization: Bearer TOKEN' with the token from the gateway's "
            "token file",
        )
        return error, 401, {"WWW-Authenticate": "Bearer"}
    return _too_old(headers.get(CLIENT_HEADER), door)


def _too_old(client: str | None, door: Door) -> tuple[ShotbridgeError, int, dict[str, str]] | None:
    """Calls without the header come from no client of ours, and know what they do."""
    if client is None:
        return None
    version = _release(client)
    if version is None:
        wrong = InvalidRequest(
            "this is not a version",
            where=f"header {CLIENT_HEADER}: {client[:60]!r}",
            next_step=f"send a version such as {door.oldest_client}, or leave the header out",
        )
        return wrong, 422, {}
    if version < (_release(door.oldest_client) or ()):
        old = IncompatibleVersion(
            f"this gateway works with clients from version {door.oldest_client} on, "
            f"this one is {client}",
            where=f"header {CLIENT_HEADER}",
            next_step="update Shotbridge on this machine and start the host again",
            details={"oldest_client": door.oldest_client, "client": client},
        )
        return old, 426, {"Upgrade": f"shotbridge/{door.oldest_client}"}
    return None


def _release(text: str) -> tuple[int, ...] | None:
    match = _RELEASE.fullmatch(text)
    return tuple(int(part or 0) for part in match.groups()) if match else None


def _host(value: str) -> str:
    """The name in a Host header, lower case, without port and brackets; empty if it is none."""
    match = _HOST.fullmatch(value)
    return (match[1] or match[2]).lower() if match else ""


def _same(origin: str, host: str) -> bool:
    """Whether a page came from the gateway's own address."""
    scheme, mark, place = origin.partition("://")
    return bool(mark) and scheme in ("http", "https") and place.lower() == host.lower()
