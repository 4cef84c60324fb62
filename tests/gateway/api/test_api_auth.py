"""Which calls are accepted: token, Host, Origin, version."""

from __future__ import annotations

import socket

import pytest
from in_process_gateway import InProcessGateway

from bridge_gateway.api.app import create_routes_app
from bridge_gateway.api.auth.middleware import PUBLIC_PATH

CALLS = [
    (method.upper(), path.format(id="x", frame=1, path="a", sha256="0" * 64))
    for path, calls in create_routes_app().openapi()["paths"].items()
    for method in calls
]


@pytest.mark.parametrize(("method", "path"), [*CALLS, ("GET", "/v1/openapi.json"), ("GET", "/x")])
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer a-token-that-is-only-for-test"},
        {"Authorization": "Bearer a-token-that-is-only-for-tests-"},
        {"Authorization": "Basic a-token-that-is-only-for-tests"},
        {"Authorization": "a-token-that-is-only-for-tests"},
        {"Authorization": b"Bearer \xff\xfe"},
        {"X-Token": "a-token-that-is-only-for-tests"},
    ],
    ids=repr,
)
def test_only_the_handshake_works_without_the_token(
    gateway: InProcessGateway, method: str, path: str, given: dict[str, str]
) -> None:
    answer = gateway.call(method, path, token=None, headers=given)
    if path == PUBLIC_PATH:
        assert answer.status == 200
        return
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "not_authorised"


def test_the_token_is_not_read_from_the_url(gateway: InProcessGateway) -> None:
    path = "/v1/jobs?token=a-token-that-is-only-for-tests"
    assert gateway.call("GET", path, token=None).status == 401


def test_no_path_looks_like_the_handshake(gateway: InProcessGateway) -> None:
    for path in (
        "/v1/about/",
        "/v1/about/../jobs",
        "/v1/jobs?/v1/about",
        "//v1/about",
        "/v1/About",
    ):
        assert gateway.call("GET", path, token=None).status == 401


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1:80",
        "[::1]:5",
        "gateway.studio",
        "Gateway.Studio:8000",
    ],
)
def test_allowed_host_names(gateway: InProcessGateway, host: str) -> None:
    assert gateway.call("GET", "/v1/about", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "127.0.0.2",
        "user@localhost",
        "localhost/x",
        "localhost#",
        "localhost?x",
        "[::1",
        "[::1]x",
        "",
        "gateway.studio.",
        "0",
    ],
)
def test_foreign_host_names(gateway: InProcessGateway, host: str) -> None:
    answer = gateway.call("GET", "/v1/about", headers={"Host": host})
    assert answer.status == 403
    assert answer.json()["code"] == "not_authorised"
    assert "allowed_hosts" in answer.json()["next_step"]


def test_two_host_headers(gateway: InProcessGateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as connection:
        connection.sendall(
            b"GET /v1/about HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n"
            b"Connection: close\r\n\r\n"
        )
        assert connection.makefile("rb").readline().split()[1] in (b"400", b"403")


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "", "http://localhost:1", "file://", "http://127.0.0.1.evil"],
)
def test_foreign_web_pages(gateway: InProcessGateway, origin: str) -> None:
    for method, path in (("GET", "/v1/about"), ("GET", "/v1/jobs"), ("OPTIONS", "/v1/jobs")):
        answer = gateway.call(method, path, headers={"Origin": origin})
        assert answer.status == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_web_page_of_the_gateway_itself(gateway: InProcessGateway) -> None:
    origin = {"Origin": gateway.url, "Host": f"127.0.0.1:{gateway.port}"}
    answer = gateway.call("GET", "/v1/jobs", headers=origin)
    assert answer.status == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("client", "status"),
    [
        ("0.1.0", 200),
        ("0.1", 200),
        ("0.2.0.dev3", 200),
        ("1.0.0rc1+local.5", 200),
        ("99.0.0", 200),
        ("0.0.9", 426),
        ("0.0", 426),
        ("", 422),
        ("new", 422),
        ("1", 422),
        ("1.2.3.4.5", 422),
        ("9" * 5000 + ".0", 422),
        ("1.0 or so", 422),
    ],
)
def test_versions_of_clients(gateway: InProcessGateway, client: str, status: int) -> None:
    answer = gateway.call("GET", "/v1/jobs", headers={"X-Shotbridge-Client": client})
    assert answer.status == status
    if status == 426:
        body = answer.json()
        assert body["code"] == "incompatible_version"
        assert "update" in body["next_step"]
        assert body["details"]["min_client_version"]


def test_a_client_that_is_too_old_still_gets_the_handshake(gateway: InProcessGateway) -> None:
    answer = gateway.call("GET", "/v1/about", token=None, headers={"X-Shotbridge-Client": "0.0.1"})
    assert answer.json()["min_client_version"]


def test_no_secret_in_the_log(gateway: InProcessGateway, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    gateway.call("GET", "/v1/jobs")
    gateway.call("GET", "/v1/jobs", token="another-token-that-is-wrong")
    assert "a-token-that-is-only-for-tests" not in caplog.text
    assert "another-token-that-is-wrong" not in caplog.text
