"""Speaks HTTP with the gateway: time limits, retries, the handshake, errors of the one tree.

A call that could not be sent is tried again, whatever it is. One that was sent and got no answer is
tried again only where repeating it changes nothing, and once only where the gateway works on
content that was sent to it: that content may have crashed it.
"""

from __future__ import annotations

import json
import random
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from bridge_core.address import Address
from bridge_core.answers import Lost, check_versions, lost, parsed, refusal
from bridge_core.errors import ConfigError, NotAuthorised, ShotbridgeError

if TYPE_CHECKING:
    import requests

    from bridge_core.models.gateway import About
    from bridge_core.models.settings import ClientSettings

T = TypeVar("T")

#: Bytes that go to the socket at once. The 16 KiB that urllib3 takes by itself cost half the speed.
BLOCK = 1 << 20


class Transport:
    """One gateway for any number of threads.

    ``locate`` says where it is; it is asked again after a gateway got lost, and may start one.
    ``settings`` holds the time limits and the number of retries.
    """

    def __init__(self, locate: Callable[[], Address], settings: ClientSettings) -> None:
        self.settings = settings
        self._locate = locate
        self._connecting = threading.Lock()
        self._address: Address | None = None
        self._about: About | None = None
        self._local = threading.local()
        self._sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()
        self._closed = threading.Event()

    def about(self) -> About:
        """The handshake, made at first and again after every loss of the gateway.

        :raises IncompatibleVersion: says which side to update.
        """

        def known(address: Address) -> About:
            assert self._about is not None  # whoever has an address has shaken hands there
            return self._about

        return self._persist(known, repeats=self.settings.retries)

    def read(
        self,
        kind: type[T],
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
        once_more: bool = False,
    ) -> T:
        """A call whose answer is JSON of ``kind``: a model, or a type such as ``list[Job]``.

        :raises GatewayFault: the answer is something else. Others as :meth:`send`.
        """
        response = self.send(
            method,
            path,
            params=params,
            body=body,
            headers=headers,
            repeatable=repeatable,
            once_more=once_more,
        )
        return parsed(kind, response)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
        once_more: bool = False,
        stream: bool = False,
        read_timeout: float | None = None,
    ) -> requests.Response:
        """One call; ``body`` is a model, JSON values, or bytes.

        ``repeatable`` says whether the call may be made again; None: only a GET. ``once_more``: it
        may be made again, but once only, where it was sent and got no answer. With ``stream`` the
        body is left to be read by the caller, who closes the response.

        :raises GatewayUnreachable: nobody there, or gone before the answer was complete.
        :raises NotAuthorised: the token is not the gateway's.
        :raises IncompatibleVersion: the two cannot talk.
        :raises GatewayFault: an answer that no gateway gives.
        :raises ShotbridgeError: whatever the gateway says, as the class that it names.
        """
        content, kind = _encoded(body)
        headers = {**({"Content-Type": kind} if kind else {}), **(headers or {})}
        repeat = method == "GET" if repeatable is None else repeatable
        repeats = 1 if once_more else self.settings.retries if repeat else 0
        timeout = (self.settings.connect_timeout, read_timeout or self.settings.read_timeout)

        def once(address: Address) -> requests.Response:
            return self._once(
                address,
                method,
                path,
                params=params,
                data=content,
                headers=headers,
                stream=stream,
                timeout=timeout,
            )

        return self._persist(once, repeats=repeats)

    def put(
        self, path: str, body: Any, *, headers: Mapping[str, str], seconds: float
    ) -> requests.Response:
        """Send a body that is read as it goes; never tried again, for the body is gone.

        ``seconds`` is the limit for a block to be taken and for the answer.
        """

        def once(address: Address) -> requests.Response:
            return self._once(
                address, "PATCH", path, data=body, headers=headers, timeout=(seconds, seconds)
            )

        return self._persist(once, repeats=0, retries=0)

    def pause(self, attempt: int, error: ShotbridgeError) -> None:
        """Wait before the next try: 0.2 s, doubling up to 5 s, shortened by chance so that many
        clients do not come back at the same moment. Raises ``error`` when closed meanwhile."""
        if self._closed.wait(min(5.0, 0.2 * 2**attempt) * random.uniform(0.5, 1.0)):
            raise error

    def close(self) -> None:
        """End all connections; calls that wait for their next try end with their last error."""
        self._closed.set()
        for session in list(self._sessions):
            session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _persist(
        self, call: Callable[[Address], T], *, repeats: int, retries: int | None = None
    ) -> T:
        """Make a call until it is answered, with at most ``retries`` further tries, and
        ``repeats`` of those after it was sent."""
        retries = self.settings.retries if retries is None else retries
        attempt = sent = 0
        while True:
            address: Address | None = None
            try:
                address = self._connected()
                return call(address)
            except NotAuthorised:
                self._forget(address)  # the token may be mended: the next call reads it anew
                raise
            except Lost as failed:
                self._forget(address)
                sent += not failed.unsent
                if attempt >= retries or sent > repeats:
                    raise failed.error from failed.__cause__
                self.pause(attempt, failed.error)
                attempt += 1

    def _connected(self) -> Address:
        with self._connecting:
            if self._address is None:
                address = self._locate()
                try:
                    self._about = self._shake_hands(address)
                except Lost as failed:
                    # Whatever became of the handshake, the call itself was not sent.
                    raise Lost(failed.error, unsent=True) from failed.__cause__
                self._address = address
            return self._address

    def _forget(self, address: Address | None) -> None:
        """Look for the gateway anew with the next call, unless another thread has found it."""
        with self._connecting:
            if address is not None and self._address is address:
                self._address = None

    def _shake_hands(self, address: Address) -> About:
        from bridge_core.models.gateway import About

        response = self._once(
            address,
            "GET",
            "/v1/about",
            timeout=(self.settings.connect_timeout, self.settings.read_timeout),
        )
        about = parsed(About, response)
        check_versions(about, address)
        return about

    def _once(
        self,
        address: Address,
        method: str,
        path: str,
        *,
        timeout: tuple[float, float],
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> requests.Response:
        import requests

        try:
            response = self._session(address).request(
                method,
                address.url + path,
                params={k: v for k, v in (params or {}).items() if v is not None},
                data=data,
                headers=dict(headers or {}),
                timeout=timeout,
                allow_redirects=False,
                stream=stream,
            )
            if response.ok and not response.is_redirect:
                return response
            with response:
                raise refusal(response, address)
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            raise ConfigError(
                f"this is not an address: {error}",
                where=address.url,
                next_step="correct client.url in the configuration",
            ) from error
        except requests.exceptions.RequestException as error:
            raise lost(error, address) from error

    def _session(self, address: Address) -> requests.Session:
        """This thread's own session: requests does not promise that one serves two threads."""
        from bridge_core.connections import session

        found: tuple[Address, requests.Session] | None = getattr(self._local, "session", None)
        if found is not None and found[0] == address:
            return found[1]
        if found is not None:
            found[1].close()
        made = session(address, self.settings.read_timeout, BLOCK)
        self._sessions.add(made)
        self._local.session = (address, made)
        return made


def _encoded(body: Any) -> tuple[Any, str]:
    """Bytes and content type of a body."""
    if body is None or isinstance(body, bytes):
        return body, ""
    if isinstance(body, dict | list):
        return json.dumps(body).encode(), "application/json"
    return body.model_dump_json().encode(), "application/json"
