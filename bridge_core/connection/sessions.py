"""HTTP sessions in which the gateway proves on each new connection that it knows the token, before
the token is sent. See docs/decisions/0014-the-gateway-proves-itself.md."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

import bridge_core
from bridge_core.connection import gateway_proof
from bridge_core.connection.endpoint import Endpoint, is_loopback
from bridge_core.connection.file_part import FilePart
from bridge_core.connection.http_errors import (
    ConnectionLost,
    error_from_response,
    gateway_unreachable,
    parse_response,
)
from bridge_core.errors import NotAuthorised

if TYPE_CHECKING:
    from urllib3 import PoolManager


def open_session(endpoint: Endpoint, proof_timeout: float) -> requests.Session:
    """A session for one thread. ``proof_timeout``: seconds for the proof on a new connection.
    Bodies may be iterables of :class:`FilePart` and bytes.

    Its calls raise :class:`ConnectionLost` if no connection could be made, so nothing was sent,
    or NotAuthorised.
    """
    session = requests.Session()
    # Calls to a gateway on this machine must not go through the studio's proxy.
    session.trust_env = not is_loopback(endpoint.url)
    session.auth = _BearerAuth(endpoint.token)
    session.headers["User-Agent"] = f"shotbridge/{bridge_core.__version__}"
    session.headers["X-Shotbridge-Client"] = bridge_core.__version__
    session.mount("http://", _ProofAdapter(endpoint, proof_timeout))
    session.mount("https://", _ProofAdapter(endpoint, proof_timeout))
    return session


class _BearerAuth(AuthBase):
    """Sets the token on each call. Because it is an ``auth``, ~/.netrc is not used."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _ProofAdapter(HTTPAdapter):
    """Requires the proof on every new connection, also through a proxy's tunnel."""

    def __init__(self, endpoint: Endpoint, proof_timeout: float) -> None:
        self._pool_classes = _pool_classes(endpoint, proof_timeout)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pool_classes

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pool_classes
        return manager


def _pool_classes(endpoint: Endpoint, proof_timeout: float) -> dict[str, Any]:
    class ProvenHTTPConnection(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            _require_proof(self, endpoint, proof_timeout)

        def send(self, data: Any) -> None:
            _send(self, super().send, data)

    class ProvenHTTPSConnection(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            _require_proof(self, endpoint, proof_timeout)

        def send(self, data: Any) -> None:
            _send(self, super().send, data)

    class ProvenHTTPConnectionPool(HTTPConnectionPool):
        ConnectionCls = ProvenHTTPConnection

    class ProvenHTTPSConnectionPool(HTTPSConnectionPool):
        ConnectionCls = ProvenHTTPSConnection

    return {"http": ProvenHTTPConnectionPool, "https": ProvenHTTPSConnectionPool}


def _send(connection: HTTPConnection, send: Callable[[Any], None], data: Any) -> None:
    if isinstance(data, FilePart):
        data.send_to(connection.sock)
    else:
        send(data)


def _require_proof(connection: HTTPConnection, endpoint: Endpoint, timeout: float) -> None:
    """Have the gateway prove itself on a new connection.

    :raises ConnectionLost: there was no proof; the call was not sent.
    :raises NotAuthorised: the program that responds does not know the token.
    :raises ShotbridgeError: the gateway refuses the call.
    """
    by_proxy = connection.proxy is not None and endpoint.url.startswith("http://")
    sock, url = connection.sock, endpoint.url
    try:
        answer = gateway_proof.request_proof(sock, url, endpoint.token, timeout, by_proxy=by_proxy)
    except TimeoutError as error:
        message = "the gateway accepted the connection but did not respond in time"
        raise gateway_unreachable(endpoint, message) from error
    except (OSError, http.client.HTTPException) as error:
        message = "the connection to the gateway was lost before the gateway had identified itself"
        raise gateway_unreachable(endpoint, message) from error
    if answer.status != 200:
        refusal = error_from_response(_response(answer, endpoint), endpoint)
        if isinstance(refusal, ConnectionLost):
            refusal = ConnectionLost(refusal.error, unsent=True)
        raise refusal
    if answer.proven_instance is None:
        raise _unproven_gateway_error(answer, endpoint)
    if not answer.reusable:
        message = "the gateway, or a proxy in front of it, closes the connection after each call"
        next_step = "have the proxy keep connections open, as in HTTP/1.1"
        raise gateway_unreachable(endpoint, message, next_step)
    sock.settimeout(connection.timeout)


def _unproven_gateway_error(answer: gateway_proof.ProofResponse, endpoint: Endpoint) -> Exception:
    from bridge_core.models.gateway import About

    parse_response(About, _response(answer, endpoint))  # raises if it is not a gateway
    next_step = "check client.url and client.token_file"
    if endpoint.is_local:
        next_step = "try again; `shotbridge doctor` shows what is wrong"
    error = NotAuthorised(
        "the program that responds does not know the token: it is not the gateway, or not the "
        "one that the token is for. The token was not sent to it",
        where=endpoint.url,
        next_step=next_step,
    )
    # A local gateway may have restarted on another port: look for it once more.
    return ConnectionLost(error, unsent=True) if endpoint.is_local else error


def _response(answer: gateway_proof.ProofResponse, endpoint: Endpoint) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.reason = answer.reason
    response.headers.update(answer.headers.items())
    response._content = answer.body
    response.url = endpoint.url
    return response
