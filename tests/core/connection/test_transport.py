"""Retries, and the errors for missing and invalid responses."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bridge_core.connection.endpoint import Endpoint, is_loopback
from bridge_core.connection.transport import Transport
from bridge_core.errors import (
    ConfigError,
    GatewayFault,
    GatewayUnreachable,
    IdempotencyKeyReused,
    IncompatibleVersion,
    MissingFrames,
    NotAuthorised,
    NotFound,
)
from bridge_core.models.gateway import About, Health
from bridge_core.models.notes import NewNote, Note
from bridge_core.models.settings import ClientSettings

HEALTHY = {"ok": True, "checks": []}


@pytest.fixture(autouse=True)
def _healthy(gateway: Any) -> None:
    gateway.canned_answers["GET /v1/health"] = HEALTHY


def health(transport: Transport) -> Health:
    return transport.request_json(Health, "GET", "/v1/health")


def note(transport: Transport) -> Note:
    return transport.request_json(Note, "POST", "/v1/versions/v/notes", body=NewNote(text="closer"))


@pytest.fixture
def unreachable_url() -> Iterator[str]:
    """A URL where nothing will be listening."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_the_handshake_is_made_once(gateway: Any, transport: Transport) -> None:
    assert transport.about().instance_id == "one"
    health(transport)
    health(transport)
    assert gateway.count("GET", "/v1/about") == 1


@pytest.mark.parametrize(
    "fault", [{"refuse": True}, {"cut_answer": True}, {"drop_answer": True}, {"hang": True}]
)
def test_a_read_is_retried_until_there_is_a_response(
    fault: dict[str, Any], gateway: Any, transport: Transport
) -> None:
    gateway.fault("GET", "/v1/health", **fault)
    gateway.fault("GET", "/v1/health", **fault)
    assert health(transport).ok
    assert gateway.count("GET", "/v1/health") == 3


@pytest.mark.parametrize("fault", [{"cut_answer": True}, {"drop_answer": True}, {"hang": True}])
def test_a_note_that_may_have_arrived_is_never_sent_again(
    fault: dict[str, Any], gateway: Any, transport: Transport
) -> None:
    gateway.fault("POST", "/v1/versions/v/notes", **fault)
    with pytest.raises(GatewayUnreachable) as caught:
        note(transport)
    assert gateway.count("POST", "/v1/versions/v/notes") == 1
    assert caught.value.next_step


def test_a_note_that_was_never_sent_is_sent_again(gateway: Any, settings: Any) -> None:
    asked = []

    def locate() -> Endpoint:
        asked.append(1)
        port = gateway.port if len(asked) > 2 else 1
        return Endpoint(f"http://127.0.0.1:{port}", "strict-token-0123456789")

    with Transport(locate, settings.client) as transport:
        assert note(transport).text == "closer"
    assert len(asked) == 3
    assert gateway.count("POST", "/v1/versions/v/notes") == 1


def test_retries_run_out(gateway: Any, transport: Transport) -> None:
    for _ in range(10):
        gateway.fault("GET", "/v1/health", drop_answer=True)
    with pytest.raises(GatewayUnreachable):
        health(transport)
    assert gateway.count("GET", "/v1/health") == 1 + transport.settings.retries


def test_a_missing_gateway_is_reported(unreachable_url: str) -> None:
    settings = ClientSettings(retries=1)
    with (
        Transport(lambda: Endpoint(unreachable_url, "t"), settings) as transport,
        pytest.raises(GatewayUnreachable) as caught,
    ):
        health(transport)
    assert "nothing is listening" in caught.value.message
    assert caught.value.where == unreachable_url
    assert "client.url" in caught.value.next_step


def test_a_gateway_that_does_not_respond_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings = ClientSettings(retries=0, read_timeout=0.2)
        with (
            Transport(lambda: Endpoint(url, "t"), settings) as transport,
            pytest.raises(GatewayUnreachable, match="did not respond in time"),
        ):
            health(transport)


def test_after_a_disconnect_the_handshake_is_repeated(gateway: Any, transport: Transport) -> None:
    health(transport)
    gateway.restart()
    gateway.fault("GET", "/v1/health", drop_answer=True)
    health(transport)
    assert transport.about().instance_id == "one+"
    assert gateway.count("GET", "/v1/about") == 2


def test_closing_ends_the_wait_for_the_next_attempt(gateway: Any, settings: Any) -> None:
    many = settings.client.model_copy(update={"retries": 20})
    transport = Transport(lambda: Endpoint("http://127.0.0.1:1", "t"), many)
    errors: list[BaseException] = []

    def call() -> None:
        try:
            health(transport)
        except GatewayUnreachable as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join(0.3)
    transport.close()
    thread.join(10)
    assert len(errors) == 1


@pytest.mark.parametrize(
    ("status", "kind", "body", "error", "message"),
    [
        (200, "text/html", b"<html>welcome to the wiki</html>", GatewayFault, "welcome"),
        (200, "application/json", b'{"ok": tr', GatewayFault, "not a response of a Shotbridge"),
        (200, "application/json", b"", GatewayFault, "empty response"),
        (200, "application/json", b"\xff\xfe\x00", GatewayFault, "not a response"),
        (404, "text/html", b"<h1>Not Found</h1>", GatewayFault, "Not Found"),
        (500, "text/plain", b"Internal Server Error", GatewayFault, "500"),
        (500, "application/problem+json", b"not json", GatewayFault, "not json"),
        (401, "text/plain", b"who?", NotAuthorised, "token"),
    ],
)
def test_an_invalid_response_is_a_fault(
    status: int,
    kind: str,
    body: bytes,
    error: type[Exception],
    message: str,
    gateway: Any,
    transport: Transport,
) -> None:
    gateway.fault("GET", "/v1/health", answer=(status, kind, body))
    with pytest.raises(error, match=message):
        health(transport)
    assert gateway.count("GET", "/v1/health") == 1


def test_an_unavailable_gateway_behind_a_proxy_is_retried(
    gateway: Any, transport: Transport
) -> None:
    gateway.fault("GET", "/v1/health", answer=(502, "text/html", b"<h1>Bad Gateway</h1>"))
    gateway.fault("GET", "/v1/health", answer=(503, "text/html", b"<h1>Away</h1>"))
    assert health(transport).ok


def test_a_redirect_is_not_followed(gateway: Any, transport: Transport) -> None:
    gateway.fault(
        "GET",
        "/v1/health",
        answer=(302, "text/html", b""),
        headers={"Location": "http://elsewhere.invalid/"},
    )
    with pytest.raises(GatewayFault, match=r"elsewhere\.invalid"):
        health(transport)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("missing_frames", MissingFrames),
        ("not_found", NotFound),
        ("key_reused", IdempotencyKeyReused),
        ("not_authorised", NotAuthorised),
        ("incompatible_version", IncompatibleVersion),
    ],
)
def test_a_problem_becomes_its_error_class(
    code: str, error: type[Exception], gateway: Any, transport: Transport
) -> None:
    problem = {
        "code": code,
        "message": "w",
        "where": "h",
        "next_step": "n",
        "details": {"frames": [1]},
    }
    gateway.fault(
        "GET", "/v1/health", answer=(409, "application/problem+json", json.dumps(problem).encode())
    )
    with pytest.raises(error) as caught:
        health(transport)
    assert str(caught.value) == "w (h). Next: n"
    assert caught.value.details["frames"] == [1]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("about", "is_local", "side", "next_step"),
    [
        ({"api_version": "0.9"}, False, "gateway", "have the gateway updated"),
        ({"api_version": "0.9"}, True, "gateway", "shotbridge stop"),
        ({"api_version": "2.0"}, False, "client", "update Shotbridge on this machine"),
        ({"min_client_version": "0.10.0"}, False, "client", "0.10.0 or newer"),
    ],
)
def test_the_handshake_says_which_side_to_update(
    about: dict[str, str], is_local: bool, side: str, next_step: str, gateway: Any, settings: Any
) -> None:
    gateway.about = gateway.about.model_copy(update=about)
    address = Endpoint(gateway.url, "strict-token-0123456789", is_local=is_local)
    with (
        Transport(lambda: address, settings.client) as transport,
        pytest.raises(IncompatibleVersion) as caught,
    ):
        health(transport)
    assert caught.value.details["update"] == side
    assert next_step in caught.value.next_step


@pytest.mark.parametrize(
    "about", [{"api_version": "1.7"}, {"version": "3.0"}, {"min_client_version": "0.0.9"}]
)
def test_newer_minor_versions_are_accepted(
    about: dict[str, str], gateway: Any, transport: Transport
) -> None:
    gateway.about = gateway.about.model_copy(update=about)
    assert health(transport).ok


def test_another_program_at_the_url_is_reported(gateway: Any, transport: Transport) -> None:
    gateway.fault("GET", "/v1/about", answer=(200, "application/json", b'{"hello": "world"}'))
    with pytest.raises(GatewayFault, match="hello"):
        transport.about()


def test_neither_proxy_nor_netrc_is_used_for_a_local_gateway(
    gateway: Any, transport: Transport, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert health(transport).ok  # the fixture checks the token


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("http://127.0.0.1:80", True),
        ("http://localhost", True),
        ("http://[::1]:9/x", True),
        ("https://gateway.studio", False),
        ("http://127.0.0.1.evil.example", False),
    ],
)
def test_loopback_urls_are_recognised(url: str, inside: bool) -> None:
    assert is_loopback(url) is inside


def test_many_threads_share_one_transport(gateway: Any, transport: Transport) -> None:
    found: list[About] = []
    threads = [threading.Thread(target=lambda: found.append(transport.about())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert gateway.count("GET", "/v1/about") == 1


def test_an_invalid_url_is_a_config_error(settings: Any) -> None:
    with (
        Transport(lambda: Endpoint("http://[::1", "t"), settings.client) as transport,
        pytest.raises(ConfigError),
    ):
        health(transport)


def test_the_token_is_not_printed() -> None:
    assert "secret" not in repr(Endpoint("http://x", "secret"))
