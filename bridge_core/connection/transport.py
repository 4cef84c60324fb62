"""HTTP calls to the gateway, with timeouts, retries, the handshake and typed errors.

A call that could not be sent is always retried. A call that was sent but got no response is only
retried if it is idempotent, and only once if the gateway processes content that was sent with it:
that content may have crashed the gateway.
"""

from __future__ import annotations

import json
import random
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypedDict, TypeVar, Unpack
from urllib.parse import quote

from bridge_core.connection.endpoint import Endpoint
from bridge_core.connection.http_errors import (
    ConnectionLost,
    check_versions,
    connection_lost,
    error_from_response,
    parse_response,
)
from bridge_core.errors import ConfigError, NotAuthorised, NotFound, ShotbridgeError
from bridge_core.text.person_names import default_person_name

if TYPE_CHECKING:
    import requests

    from bridge_core.models.gateway import About
    from bridge_core.models.jobs import Job
    from bridge_core.models.settings import ClientSettings

T = TypeVar("T")

#: Says who makes a call.
USER_HEADER = "Shotbridge-User"

#: Bytes of a file that are sent or received at once, between two reports of the progress.
BLOCK_SIZE = 1 << 20


class CallOptions(TypedDict, total=False):
    """What a call may have, whatever its response."""

    params: Mapping[str, Any]
    """Of the query; None is left out."""
    body: Any
    """A model, JSON values, or bytes."""
    headers: Mapping[str, str]
    idempotent: bool
    """It can be repeated. By default, only a GET can."""
    retry_once: bool
    """It can be repeated, but only once after it was sent."""


class Transport:
    """Makes calls to one gateway; for any number of threads.

    ``locate`` returns its endpoint, and may start a gateway. It is called again after the gateway
    was lost. ``settings`` has the timeouts, the number of retries, and the user of all calls that
    do not name another one.
    """

    def __init__(self, locate: Callable[[], Endpoint], settings: ClientSettings) -> None:
        self.settings = settings
        self.user = settings.user or default_person_name()
        """Who makes the calls; empty if that is not known."""
        self._locate = locate
        self._connect_lock = threading.Lock()
        self._endpoint: Endpoint | None = None
        self._about: About | None = None
        self._local = threading.local()
        self._sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()
        self._closed = threading.Event()

    def about(self) -> About:
        """The result of the handshake, which is repeated after every loss of the gateway.

        :raises IncompatibleVersion: it says which side to update.
        """

        def current_about(endpoint: Endpoint) -> About:
            assert self._about is not None  # an endpoint is only set after the handshake
            return self._about

        return self._call_with_retries(current_about, resends=self.settings.retries)

    def request_json(
        self, result_type: type[T], method: str, path: str, **options: Unpack[CallOptions]
    ) -> T:
        """Make a call with a JSON response of ``result_type``: a model, or a type such as
        ``list[Job]``.

        :raises GatewayFault: the response is something else. Other errors as :meth:`request`.
        """
        return parse_response(result_type, self.request(method, path, **options))

    def request(
        self,
        method: str,
        path: str,
        *,
        stream: bool = False,
        read_timeout: float | None = None,
        **options: Unpack[CallOptions],
    ) -> requests.Response:
        """Make a call. With ``stream`` the caller reads the body and closes the response.

        :raises GatewayUnreachable: there is no gateway, or the connection was lost.
        :raises NotAuthorised: the token is not the gateway's.
        :raises IncompatibleVersion: client and gateway are not compatible.
        :raises GatewayFault: the response is not one of a gateway.
        :raises ShotbridgeError: the error that the gateway responded with.
        """
        content, content_type = _encode_body(options.get("body"))
        headers = {"Content-Type": content_type} if content_type else {}
        headers |= options.get("headers", {})
        is_idempotent = options.get("idempotent", method == "GET")
        resends = 1 if options.get("retry_once") else self.settings.retries if is_idempotent else 0
        timeout = (self.settings.connect_timeout, read_timeout or self.settings.read_timeout)

        def attempt_request(endpoint: Endpoint) -> requests.Response:
            return self._send_once(
                endpoint,
                method,
                path,
                params=options.get("params"),
                data=content,
                headers=headers,
                stream=stream,
                timeout=timeout,
            )

        return self._call_with_retries(attempt_request, resends=resends)

    def upload(
        self, path: str, body: Any, *, headers: Mapping[str, str], timeout: float
    ) -> requests.Response:
        """Send a body that is bytes or has a length and consists of :class:`FilePart`. It is never
        retried, because the body has been read.

        ``timeout``: seconds for each block and for the response.
        """

        def attempt_request(endpoint: Endpoint) -> requests.Response:
            return self._send_once(
                endpoint, "PATCH", path, data=body, headers=headers, timeout=(timeout, timeout)
            )

        return self._call_with_retries(attempt_request, resends=0, retries=0)

    def wait_before_retry(self, attempt: int, error: ShotbridgeError) -> None:
        """Wait before a retry: 0.2 s, doubling up to 5 s, with random jitter so that many clients
        do not retry at the same moment. Raises ``error`` if the transport is closed meanwhile."""
        if self._closed.wait(min(5.0, 0.2 * 2**attempt) * random.uniform(0.5, 1.0)):
            raise error

    def close(self) -> None:
        """Close all connections; calls that wait for a retry end with their last error."""
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
        """Make a call until there is a response, with at most ``retries`` retries, of which at
        most ``resends`` after it was sent."""
        retries = self.settings.retries if retries is None else retries
        attempt = times_sent = 0
        while True:
            endpoint: Endpoint | None = None
            try:
                endpoint = self._current_endpoint()
                return call(endpoint)
            except NotAuthorised:
                # The token may have been replaced: the next call reads it again.
                self._drop_endpoint(endpoint)
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
                    # Even if the handshake was sent, the call itself was not.
                    raise ConnectionLost(failure.error, unsent=True) from failure.__cause__
                self._endpoint = endpoint
            return self._endpoint

    def _drop_endpoint(self, endpoint: Endpoint | None) -> None:
        """Have the next call locate the gateway again, unless another thread already has."""
        with self._connect_lock:
            if endpoint is not None and self._endpoint is endpoint:
                self._endpoint = None

    def _handshake(self, endpoint: Endpoint) -> About:
        from bridge_core.models.gateway import About

        timeout = (self.settings.connect_timeout, self.settings.read_timeout)
        response = self._send_once(endpoint, "GET", "/v1/about", timeout=timeout)
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
                headers={**user_header(self.user), **(headers or {})},
                timeout=timeout,
                allow_redirects=False,
                stream=stream,
            )
            if response.ok and not response.is_redirect:
                return response
            with response:
                raise error_from_response(response, endpoint)
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            message = f"this is not a valid URL: {error}"
            next_step = "correct client.url in the configuration"
            raise ConfigError(message, where=endpoint.url, next_step=next_step) from error
        except requests.exceptions.RequestException as error:
            raise connection_lost(error, endpoint) from error

    def _session(self, endpoint: Endpoint) -> requests.Session:
        """This thread's own session: requests does not guarantee that sessions are thread-safe."""
        from bridge_core.connection.sessions import open_session

        cached: tuple[Endpoint, requests.Session] | None = getattr(self._local, "session", None)
        if cached is not None and cached[0] == endpoint:
            return cached[1]
        if cached is not None:
            cached[1].close()
        new_session = open_session(endpoint, self.settings.read_timeout)
        self._sessions.add(new_session)
        self._local.session = (endpoint, new_session)
        return new_session


def user_header(name: str) -> dict[str, str]:
    """The header that says who makes a call; none for a blank name, which the gateway refuses."""
    return {USER_HEADER: quote(name, safe="", errors="replace")} if name.strip() else {}


def quote_id(id: str) -> str:  # noqa: A002
    """Quote an id as one segment of a URL's path.

    :raises NotFound: the id is ``.`` or ``..``, which would change the path.
    """
    if id in (".", ".."):
        raise NotFound(f"there is nothing with the id {id!r}", next_step="check the id")
    return quote(id, safe="")


def get_job(transport: Transport, job_id: str) -> Job:
    """The current state of a job.

    :raises NotFound: there is no such job.
    """
    from bridge_core.models.jobs import Job

    return transport.request_json(Job, "GET", f"/v1/jobs/{quote_id(job_id)}")


def _encode_body(body: Any) -> tuple[Any, str]:
    """The bytes and content type of a body."""
    if body is None or isinstance(body, bytes):
        return body, ""
    if isinstance(body, dict | list):
        return json.dumps(body).encode(), "application/json"
    return body.model_dump_json().encode(), "application/json"
