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

from bridge_core.connection.endpoint import Endpoint
from bridge_core.connection.http_errors import (
    ConnectionLost,
    check_versions,
    connection_lost,
    error_from_response,
    parse_response,
)
from bridge_core.errors import ConfigError, NotAuthorised, ShotbridgeError

if TYPE_CHECKING:
    import requests

    from bridge_core.models.gateway import About
    from bridge_core.models.settings import ClientSettings

T = TypeVar("T")

#: Bytes that go to the socket at once. The 16 KiB that urllib3 takes by itself cost half the speed.
BLOCK_SIZE = 1 << 20


class Transport:
    """One gateway for any number of threads.

    ``locate`` says where it is; it is asked again after a gateway got lost, and may start one.
    ``settings`` holds the time limits and the number of retries.
    """

    def __init__(self, locate: Callable[[], Endpoint], settings: ClientSettings) -> None:
        self.settings = settings
        self._locate = locate
        self._connect_lock = threading.Lock()
        self._endpoint: Endpoint | None = None
        self._about: About | None = None
        self._local = threading.local()
        self._sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()
        self._closed = threading.Event()

    def about(self) -> About:
        """The handshake, made at first and again after every loss of the gateway.

        :raises IncompatibleVersion: says which side to update.
        """

        def current_about(endpoint: Endpoint) -> About:
            assert self._about is not None  # whoever has an address has shaken hands there
            return self._about

        return self._call_with_retries(current_about, resends=self.settings.retries)

    def request_json(
        self,
        result_type: type[T],
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        retry_once: bool = False,
    ) -> T:
        """A call whose answer is JSON of ``kind``: a model, or a type such as ``list[Job]``.

        :raises GatewayFault: the answer is something else. Others as :meth:`send`.
        """
        response = self.request(
            method,
            path,
            params=params,
            body=body,
            headers=headers,
            idempotent=idempotent,
            retry_once=retry_once,
        )
        return parse_response(result_type, response)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        retry_once: bool = False,
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
        content, content_type = _encode_body(body)
        headers = {**({"Content-Type": content_type} if content_type else {}), **(headers or {})}
        is_idempotent = method == "GET" if idempotent is None else idempotent
        resends = 1 if retry_once else self.settings.retries if is_idempotent else 0
        timeout = (self.settings.connect_timeout, read_timeout or self.settings.read_timeout)

        def attempt_request(endpoint: Endpoint) -> requests.Response:
            return self._send_once(
                endpoint,
                method,
                path,
                params=params,
                data=content,
                headers=headers,
                stream=stream,
                timeout=timeout,
            )

        return self._call_with_retries(attempt_request, resends=resends)

    def upload(
        self, path: str, body: Any, *, headers: Mapping[str, str], timeout: float
    ) -> requests.Response:
        """Send a body that is read as it goes; never tried again, for the body is gone.

        ``seconds`` is the limit for a block to be taken and for the answer.
        """

        def attempt_request(endpoint: Endpoint) -> requests.Response:
            return self._send_once(
                endpoint, "PATCH", path, data=body, headers=headers, timeout=(timeout, timeout)
            )

        return self._call_with_retries(attempt_request, resends=0, retries=0)

    def wait_before_retry(self, attempt: int, error: ShotbridgeError) -> None:
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

    def _call_with_retries(
        self, call: Callable[[Endpoint], T], *, resends: int, retries: int | None = None
    ) -> T:
        """Make a call until it is answered, with at most ``retries`` further tries, and
        ``repeats`` of those after it was sent."""
        retries = self.settings.retries if retries is None else retries
        attempt = times_sent = 0
        while True:
            endpoint: Endpoint | None = None
            try:
                endpoint = self._current_endpoint()
                return call(endpoint)
            except NotAuthorised:
                self._drop_endpoint(
                    endpoint
                )  # the token may be mended: the next call reads it anew
                raise
            except ConnectionLost as failure:
                self._drop_endpoint(endpoint)
                times_sent += not failure.unsent
                if attempt >= retries or times_sent > resends:
                    raise failure.error from failure.__cause__
                self.wait_before_retry(attempt, failure.error)
                attempt += 1

    def _current_endpoint(self) -> Endpoint:
        with self._connect_lock:
            if self._endpoint is None:
                endpoint = self._locate()
                try:
                    self._about = self._handshake(endpoint)
                except ConnectionLost as failure:
                    # Whatever became of the handshake, the call itself was not sent.
                    raise ConnectionLost(failure.error, unsent=True) from failure.__cause__
                self._endpoint = endpoint
            return self._endpoint

    def _drop_endpoint(self, endpoint: Endpoint | None) -> None:
        """Look for the gateway anew with the next call, unless another thread has found it."""
        with self._connect_lock:
            if endpoint is not None and self._endpoint is endpoint:
                self._endpoint = None

    def _handshake(self, endpoint: Endpoint) -> About:
        from bridge_core.models.gateway import About

        response = self._send_once(
            endpoint,
            "GET",
            "/v1/about",
            timeout=(self.settings.connect_timeout, self.settings.read_timeout),
        )
        about = parse_response(About, response)
        check_versions(about, endpoint)
        return about

    def _send_once(
        self,
        endpoint: Endpoint,
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
            response = self._session(endpoint).request(
                method,
                endpoint.url + path,
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
                raise error_from_response(response, endpoint)
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            raise ConfigError(
                f"this is not an address: {error}",
                where=endpoint.url,
                next_step="correct client.url in the configuration",
            ) from error
        except requests.exceptions.RequestException as error:
            raise connection_lost(error, endpoint) from error

    def _session(self, endpoint: Endpoint) -> requests.Session:
        """This thread's own session: requests does not promise that one serves two threads."""
        from bridge_core.connection.sessions import open_session

        cached: tuple[Endpoint, requests.Session] | None = getattr(self._local, "session", None)
        if cached is not None and cached[0] == endpoint:
            return cached[1]
        if cached is not None:
            cached[1].close()
        new_session = open_session(endpoint, self.settings.read_timeout, BLOCK_SIZE)
        self._sessions.add(new_session)
        self._local.session = (endpoint, new_session)
        return new_session


def _encode_body(body: Any) -> tuple[Any, str]:
    """Bytes and content type of a body."""
    if body is None or isinstance(body, bytes):
        return body, ""
    if isinstance(body, dict | list):
        return json.dumps(body).encode(), "application/json"
    return body.model_dump_json().encode(), "application/json"
