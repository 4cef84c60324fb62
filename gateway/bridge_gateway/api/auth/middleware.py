"""Checks the token, host, origin and client version of every call, before any route, and finds out
who makes it.

Any web page in a browser may send requests to ``localhost``. It cannot read the token, but pages
should not reach the gateway at all: calls under a foreign Host name (DNS rebinding) or from a
foreign Origin are refused, and there is no CORS.
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
from bridge_gateway.api.auth.user_header import identify_principal
from bridge_gateway.api.errors import problem_response

#: The oldest client that is supported.
MIN_CLIENT_VERSION = "0.1.0"
#: The handshake needs no token, so that a client that is too old can find out.
PUBLIC_PATH = "/v1/about"
CLIENT_HEADER = "X-Shotbridge-Client"
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?")
_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:[.+-]?[A-Za-z][\w.+-]*)?")


@dataclass(frozen=True)
class AuthConfig:
    """What calls are checked against."""

    token: str = field(repr=False)
    min_client_version: str
    allowed_hosts: frozenset[str]
    """Host names under which the gateway may be called, in lower case, without port."""

    @classmethod
    def create(cls, token: str, min_client_version: str, hosts: Iterable[str]) -> AuthConfig:
        return cls(token, min_client_version, LOOPBACK_HOSTS | {name.lower() for name in hosts})


class AuthMiddleware:
    """Middleware that passes on only calls with the right Host, Origin, token and version."""

    def __init__(self, app: ASGIApp, config: AuthConfig) -> None:
        self._app = app
        self._config = config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call_headers = Headers(scope=scope)
        refusal = _check_call(call_headers, scope["path"], self._config)
        if refusal is None and scope["path"] != PUBLIC_PATH:
            _mark_authenticated(scope)
            try:
                scope.setdefault("state", {})["principal"] = identify_principal(call_headers)
            except InvalidRequest as invalid:
                refusal = invalid, 400, {}
        if refusal is None:
            await self._app(scope, receive, send)
            return
        error, status, headers = refusal
        await problem_response(error, status=status, headers=headers)(scope, receive, send)


def _mark_authenticated(scope: Scope) -> None:
    """Mark the connection as authenticated, see :mod:`bridge_gateway.api.connection_limits`."""
    mark_authenticated = scope.get("state", {}).get("mark_authenticated")
    if mark_authenticated is not None:
        mark_authenticated()


def _check_call(
    headers: Headers, path: str, config: AuthConfig
) -> tuple[ShotbridgeError, int, dict[str, str]] | None:
    host = _host_name(headers.get("host", ""))
    if host not in config.allowed_hosts:
        error: ShotbridgeError = NotAuthorised(
            "the gateway does not answer to this host name",
            where=f"header Host: {headers.get('host', '')!r}",
            next_step="use the URL that the gateway announced, or add the name to "
            "gateway.allowed_hosts",
        )
        return error, 403, {}
    origin = headers.get("origin")
    if origin is not None and not _is_same_origin(origin, headers["host"]):
        error = NotAuthorised(
            "web pages may not call the gateway",
            where=f"header Origin: {origin!r}",
            next_step="use Shotbridge's panels or its command line",
        )
        return error, 403, {}
    if path == PUBLIC_PATH:
        return None
    refusal = _check_token(headers.get("authorization", ""), config)
    return refusal or _check_client_version(headers.get(CLIENT_HEADER), config)


def _check_token(
    authorization: str, config: AuthConfig
) -> tuple[ShotbridgeError, int, dict[str, str]] | None:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(
        token.strip().encode("latin-1", "replace"), config.token.encode()
    ):
        return None
    error = NotAuthorised(
        "the token is missing" if not token else "the token is not this gateway's",
        where="header Authorization",
        next_step="send 'Authorization: Bearer TOKEN' with the token from the gateway's token file",
    )
    return error, 401, {"WWW-Authenticate": "Bearer"}


def _check_client_version(
    client: str | None, config: AuthConfig
) -> tuple[ShotbridgeError, int, dict[str, str]] | None:
    """Calls without the header are not from a Shotbridge client and are not checked."""
    if client is None:
        return None
    version = _parse_version(client)
    if version is None:
        invalid = InvalidRequest(
            "this is not a version number",
            where=f"header {CLIENT_HEADER}: {client[:60]!r}",
            next_step=f"send a version such as {config.min_client_version}, or no such header",
        )
        return invalid, 422, {}
    if version < (_parse_version(config.min_client_version) or ()):
        outdated = IncompatibleVersion(
            f"this gateway needs clients of version {config.min_client_version} or newer; "
            f"this one is {client}",
            where=f"header {CLIENT_HEADER}",
            next_step="update Shotbridge on this machine and start the host again",
            details={"min_client_version": config.min_client_version, "client": client},
        )
        return outdated, 426, {"Upgrade": f"shotbridge/{config.min_client_version}"}
    return None


def _parse_version(text: str) -> tuple[int, ...] | None:
    match = _VERSION.fullmatch(text)
    return tuple(int(part or 0) for part in match.groups()) if match else None


def _host_name(value: str) -> str:
    """The name in a Host header in lower case, without port and brackets; empty if invalid."""
    match = _HOST.fullmatch(value)
    return (match[1] or match[2]).lower() if match else ""


def _is_same_origin(origin: str, host: str) -> bool:
    """Whether a page was loaded from the gateway itself."""
    scheme, separator, origin_host = origin.partition("://")
    return bool(separator) and scheme in ("http", "https") and origin_host.lower() == host.lower()
