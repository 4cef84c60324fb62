"""Connections to one gateway: each has proved that the gateway knows the token before the token
is shown on it. See docs/decisions/0014-the-gateway-proves-itself.md."""

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
from bridge_core.answers import Lost, parsed, refusal
from bridge_core.errors import GatewayUnreachable, NotAuthorised

if TYPE_CHECKING:
    from urllib3 import PoolManager


def session(address: Address, seconds: float, block: int) -> requests.Session:
    """A session for one thread. ``seconds``: within which a new connection has to be proved.
    ``block``: bytes that go to the socket at once.

    What is found wrong while connecting comes out of its calls as :class:`Lost`, for nothing was
    sent yet, or as NotAuthorised.
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
    """Has every new connection proved, also those that a proxy tunnels."""

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
    """
    :raises Lost: nobody proved anything; the call that the connection is for was not sent.
    :raises NotAuthorised: whoever answers does not know the token.
    :raises ShotbridgeError: whatever else they say.
    """
    forwards = connection.proxy is not None and address.url.startswith("http://")
    line = connection.sock
    try:
        answer = proof.ask(line, address.url, address.token, seconds, by_proxy=forwards)
    except TimeoutError as error:
        raise _lost(address, "the gateway took the call and did not answer in time") from error
    except (OSError, http.client.HTTPException) as error:
        what = "the connection to the gateway broke off before it had said who it is"
        raise _lost(address, what) from error
    if answer.status != 200:
        refused = refusal(_response(answer, address), address)
        raise Lost(refused.error, unsent=True) if isinstance(refused, Lost) else refused
    if answer.instance is None:
        raise _stranger(answer, address)
    if not answer.reusable:
        what = "the gateway, or a proxy before it, ends its connections after each call"
        raise _lost(address, what, "have the proxy keep connections open, as HTTP/1.1 does")
    line.settimeout(connection.timeout)


def _stranger(answer: proof.Answer, address: Address) -> Exception:
    """Who is it, that does not know the token?"""
    from bridge_core.models.gateway import About

    parsed(About, _response(answer, address))  # another program altogether is told as such
    error = NotAuthorised(
        "whoever answers there does not know the token: it is not the gateway, or not the one that "
        "the token is for. The token was not shown to it",
        where=address.url,
        next_step="try again; `shotbridge doctor` shows what is wrong"
        if address.own
        else "check client.url and client.token_file",
    )
    # One's own gateway may have come back elsewhere: it is looked for once more.
    return Lost(error, unsent=True) if address.own else error


def _response(answer: proof.Answer, address: Address) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.reason = answer.reason
    response.headers.update(answer.headers.items())
    response._content = answer.body
    response.url = address.url
    return response


def _lost(address: Address, what: str, step: str = "") -> Lost:
    step = step or "look whether it still runs, then try again"
    if address.own:
        step = "try again: it is started anew; `shotbridge doctor` shows what is wrong"
    return Lost(GatewayUnreachable(what, where=address.url, next_step=step), unsent=True)
