"""Connections to a gateway. On each, the gateway proves that it knows the token before the token is
sent. See docs/decisions/0014-the-gateway-proves-itself.md."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

import bridge_core
from bridge_core import proof
from bridge_core.address import Address, is_loopback
from bridge_core.answers import Lost, parsed, refusal, unreachable
from bridge_core.errors import NotAuthorised

if TYPE_CHECKING:
    from urllib3 import PoolManager


def session(address: Address, seconds: float, block: int) -> requests.Session:
    """A session for one thread. ``seconds``: time limit of the proof on a new connection.
    ``block``: bytes written to the socket at once.

    Its calls raise :class:`Lost` where no connection could be made, since nothing was sent yet, or
    NotAuthorised.
    """
    made = requests.Session()
    # A proxy of the studio must not be asked for this machine's own gateway.
    made.trust_env = not is_loopback(address.url)
    made.auth = _Bearer(address.token)
    made.headers["User-Agent"] = f"shotbridge/{bridge_core.__version__}"
    made.headers["X-Shotbridge-Client"] = bridge_core.__version__
    made.mount("http://", _Adapter(address, seconds, block))
    made.mount("https://", _Adapter(address, seconds, block))
    return made


class _Bearer(AuthBase):
    """Sets the token on each call. Being an ``auth`` it also keeps ~/.netrc out of it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Adapter(HTTPAdapter):
    """Asks for the proof on every new connection, also through a proxy's tunnel."""

    def __init__(self, address: Address, seconds: float, block: int) -> None:
        self._pools = _pools(address, seconds)
        self._block = block
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, blocksize=self._block)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pools(address: Address, seconds: float) -> dict[str, Any]:
    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            _prove(self, address, seconds)

    class Encrypted(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            _prove(self, address, seconds)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}


def _prove(connection: HTTPConnection, address: Address, seconds: float) -> None:
    """Have the gateway prove itself on a connection that was just made.

    :raises Lost: there was no proof; the call that the connection was made for was not sent.
    :raises NotAuthorised: whoever answers does not know the token.
    :raises ShotbridgeError: the gateway refuses the call.
    """
    forwards = connection.proxy is not None and address.url.startswith("http://")
    line = connection.sock
    try:
        answer = proof.ask(line, address.url, address.token, seconds, by_proxy=forwards)
    except TimeoutError as error:
        what = "the gateway accepted the connection and did not answer in time"
        raise unreachable(address, what) from error
    except (OSError, http.client.HTTPException) as error:
        what = "the connection to the gateway was lost before the gateway had identified itself"
        raise unreachable(address, what) from error
    if answer.status != 200:
        refused = refusal(_response(answer, address), address)
        raise Lost(refused.error, unsent=True) if isinstance(refused, Lost) else refused
    if answer.instance is None:
        raise _not_the_gateway(answer, address)
    if not answer.reusable:
        what = "the gateway, or a proxy in front of it, closes its connections after each call"
        raise unreachable(address, what, "have the proxy keep connections open, as HTTP/1.1 does")
    line.settimeout(connection.timeout)


def _not_the_gateway(answer: proof.Answer, address: Address) -> Exception:
    """The error for a gateway, or another program, that does not know the token."""
    from bridge_core.models.gateway import About

    parsed(About, _response(answer, address))  # raises where it is another program
    error = NotAuthorised(
        "the program that answers does not know the token: it is not the gateway, or not the one "
        "that the token is for. The token was not sent to it",
        where=address.url,
        next_step="try again; `shotbridge doctor` shows what is wrong"
        if address.own
        else "check client.url and client.token_file",
    )
    # The user's own gateway may have restarted at another port: look for it once more.
    return Lost(error, unsent=True) if address.own else error


def _response(answer: proof.Answer, address: Address) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.reason = answer.reason
    response.headers.update(answer.headers.items())
    response._content = answer.body
    response.url = address.url
    return response
