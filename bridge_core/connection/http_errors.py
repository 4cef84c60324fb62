"""Errors for failed calls and for unexpected responses of the gateway."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import bridge_core
from bridge_core.errors import (
    GatewayFault,
    GatewayUnreachable,
    IncompatibleVersion,
    NotAuthorised,
    ShotbridgeError,
    from_problem,
)

if TYPE_CHECKING:
    import requests

    from bridge_core.connection.endpoint import Endpoint
    from bridge_core.models.gateway import About

T = TypeVar("T")

#: Responses of a reverse proxy whose gateway is not available.
_UNAVAILABLE_STATUSES = frozenset({502, 503, 504})


class ConnectionLost(Exception):
    """There was no response. ``unsent``: the call was never sent, so it can be repeated."""

    def __init__(self, error: ShotbridgeError, *, unsent: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.unsent = unsent


def check_versions(about: About, endpoint: Endpoint) -> None:
    """Check that this client and the gateway are compatible.

    :raises IncompatibleVersion: it says which of them to update.
    """
    api, client_api = _version_numbers(about.api_version), _version_numbers(bridge_core.API_VERSION)
    gateway_is_old = api[0] < client_api[0] or (api[0] == client_api[0] and api < client_api)
    client_is_old = api[0] > client_api[0] or (
        _version_numbers(about.min_client_version) > _version_numbers(bridge_core.__version__)
    )
    if not gateway_is_old and not client_is_old:
        return
    if client_is_old:
        next_step = f"update Shotbridge on this machine to {about.min_client_version} or newer"
    elif endpoint.is_local:
        next_step = "stop the old one with `shotbridge stop`; the next call starts a new one"
    else:
        next_step = f"have the gateway updated to API {bridge_core.API_VERSION} or newer"
    raise IncompatibleVersion(
        f"this Shotbridge is {bridge_core.__version__} (API {bridge_core.API_VERSION}), the "
        f"gateway is {about.version} (API {about.api_version}) and accepts clients from "
        f"{about.min_client_version} on",
        where=endpoint.url,
        next_step=next_step,
        details={"update": "client" if client_is_old else "gateway"},
    )


def _version_numbers(version: str) -> tuple[int, ...]:
    """``1.10.2rc1`` as ``(1, 10, 2)``, for comparison."""
    parts = [re.match(r"\d+", part) for part in version.split(".")]
    return tuple(int(part[0]) if part else 0 for part in parts)


def connection_lost(error: Exception, endpoint: Endpoint) -> ConnectionLost:
    """The error for a failed call, and whether the call was sent."""
    import requests
    import urllib3

    exceptions = requests.exceptions
    reason: Any = error.args[0] if error.args else error
    reason = getattr(reason, "reason", None) or reason
    unsent = isinstance(error, exceptions.ConnectTimeout) or isinstance(
        reason, urllib3.exceptions.NewConnectionError
    )
    if isinstance(error, exceptions.SSLError):
        message = "the gateway's certificate is not trusted, or it does not use TLS"
        next_step = "check client.url; for a studio's own certificate set REQUESTS_CA_BUNDLE"
    elif isinstance(error, exceptions.ProxyError):
        message = "the proxy refused the connection to the gateway"
        next_step = "check HTTPS_PROXY and NO_PROXY"
    elif isinstance(error, exceptions.ConnectTimeout):
        message = "nothing responds at the gateway's URL"
        next_step = "check that it is running and that no firewall blocks it"
    elif isinstance(error, exceptions.ReadTimeout):
        message = "the gateway accepted the call but did not respond in time"
        next_step = "check its log; client.read_timeout sets how long to wait"
    elif unsent:
        message = "nothing is listening at the gateway's URL"
        next_step = "start the gateway, or correct client.url"
    else:
        message = "the connection to the gateway was lost before the response was complete"
        next_step = "check that it is running, then try again"
    details = {"cause": str(reason)}
    return gateway_unreachable(endpoint, message, next_step, unsent=unsent, details=details)


def gateway_unreachable(
    endpoint: Endpoint,
    message: str,
    next_step: str = "check that it is running, then try again",
    *,
    unsent: bool = True,
    details: Mapping[str, Any] | None = None,
) -> ConnectionLost:
    """The error for a gateway that cannot be reached. The next call restarts a local one."""
    if endpoint.is_local:
        next_step = "try again, which restarts it; `shotbridge doctor` shows what is wrong"
    error = GatewayUnreachable(message, where=endpoint.url, next_step=next_step, details=details)
    return ConnectionLost(error, unsent=unsent)


def error_from_response(response: requests.Response, endpoint: Endpoint) -> Exception:
    """The error for a response other than 2xx."""
    if response.headers.get("Content-Type", "").startswith("application/problem+json"):
        try:
            problem = json.loads(response.content)
        except (ValueError, RecursionError):
            problem = None
        if isinstance(problem, dict) and "code" in problem:
            error = from_problem(problem)
            error.details.setdefault("status", response.status_code)
            return error
    if response.is_redirect:
        message = "the gateway's URL redirects to another one"
        next_step = f"set client.url to match {response.headers['Location']}"
        return GatewayFault(message, where=endpoint.url, next_step=next_step)
    if response.status_code in _UNAVAILABLE_STATUSES:
        unavailable = GatewayUnreachable(
            f"the gateway is not available: {response.status_code} {response.reason}",
            where=endpoint.url,
            next_step="try again later; if it persists, check the gateway",
        )
        return ConnectionLost(unavailable, unsent=False)
    if response.status_code == 401:
        message = "the gateway does not accept this token"
        return NotAuthorised(message, where=endpoint.url, next_step="check client.token_file")
    return unexpected_response(response)


def parse_response(kind: type[T], response: requests.Response) -> T:
    """The JSON of a response as ``kind``.

    :raises GatewayFault: the response is something else.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(response.content)
    except ValidationError as error:
        raise unexpected_response(response) from error


def unexpected_response(response: requests.Response) -> GatewayFault:
    text = response.text[:200].strip() if response.content else "an empty response"
    reason = f"{response.status_code} {response.reason}: {text!r}"
    return GatewayFault(
        f"this is not a response of a Shotbridge gateway ({reason})"[:500],
        where=response.url,
        next_step="check client.url: is a proxy or another program at this URL?",
        details={"status": response.status_code},
    )
