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

from bridge_core.errors import IncompatibleVersion, InvalidRequest, NotAuthorised
from bridge_gateway.api.auth.user_header import identify_principal
from bridge_gateway.api.errors import HttpProblem, problem_response

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
    allowed_hosts: frozenset[str]
    """Host names under which the gateway may be called, in lower case, without port."""

    @classmethod
    def create(cls, token: str, hosts: Iterable[str]) -> AuthConfig:
        return cls(token, LOOPBACK_HOSTS | {name.lower() for name in hosts})


class AuthMiddleware:
    """Middleware that passes on only calls with the right Host, Origin, token and version."""

    def __init__(self, app: ASGIApp, config: AuthConfig) -> None:
        self._app = app
        self._config = config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            _authorise(scope, self._config)
        except HttpProblem as refusal:
            response = problem_response(
                refusal.error, status=refusal.status_code, headers=refusal.headers
            )
            await response(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _authorise(scope: Scope, config: AuthConfig) -> None:
    """Check a call, and record who makes it.

    :raises HttpProblem: the call is refused.
    """
    headers = Headers(scope=scope)
    _check_source(headers, config)
    if scope["path"] == PUBLIC_PATH:
        return
    _check_token(headers.get("authorization", ""), config.token)
    _check_client_version(headers.get(CLIENT_HEADER))
    state = scope.setdefault("state", {})
    if (mark_authenticated := state.get("mark_authenticated")) is not None:
        mark_authenticated()  # the connection, see bridge_gateway.api.connection_limits
    state["principal"] = identify_principal(headers)


def _check_source(headers: Headers, config: AuthConfig) -> None:
    """Refuse foreign host names and web pages."""
    if _host_name(headers.get("host", "")) not in config.allowed_hosts:
        error = NotAuthorised(
            "the gateway does not answer to this host name",
            where=f"header Host: {headers.get('host', '')!r}",
            next_step="use the URL that the gateway announced, or add the name to "
            "gateway.allowed_hosts",
        )
        raise HttpProblem(403, error)
    origin = headers.get("origin")
    if origin is not None and not _is_same_origin(origin, headers["host"]):
        error = NotAuthorised(
            "web pages may not call the gateway",
            where=f"header Origin: {origin!r}",
            next_step="use Shotbridge's panels or its command line",
        )
        raise HttpProblem(403, error)


def _check_token(authorization: str, expected: str) -> None:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(
        token.strip().encode("latin-1", "replace"), expected.encode()
    ):
        return
    error = NotAuthorised(
        "the token is missing" if not token else "the token is not this gateway's",
        where="header Authorization",
        next_step="send 'Authorization: Bearer TOKEN' with the token from the gateway's token file",
    )
    raise HttpProblem(401, error, {"WWW-Authenticate": "Bearer"})


def _check_client_version(client: str | None) -> None:
    """Calls without the header are not from a Shotbridge client and are not checked."""
    if client is None:
        return
    version = _parse_version(client)
    if version is None:
        invalid = InvalidRequest(
            "this is not a version number",
            where=f"header {CLIENT_HEADER}: {client[:60]!r}",
            next_step=f"send a version such as {MIN_CLIENT_VERSION}, or no such header",
        )
        raise HttpProblem(422, invalid)
    if version < (_parse_version(MIN_CLIENT_VERSION) or ()):
        outdated = IncompatibleVersion(
            f"this gateway needs clients of version {MIN_CLIENT_VERSION} or newer; "
            f"this one is {client}",
            where=f"header {CLIENT_HEADER}",
            next_step="update Shotbridge on this machine and start the host again",
            details={"min_client_version": MIN_CLIENT_VERSION, "client": client},
        )
        headers = {"Upgrade": f"shotbridge/{MIN_CLIENT_VERSION}"}
        raise HttpProblem(426, outdated, headers)


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
