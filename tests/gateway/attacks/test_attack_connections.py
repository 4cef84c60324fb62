"""Attacks on a gateway with connections, headers and bodies, within seconds."""

from __future__ import annotations

import http.client
import json
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from in_process_gateway import TOKEN, InProcessGateway

from bridge_core.models.gateway import compute_proof
from bridge_gateway import log
from bridge_gateway.api.connection_limits import ConnectionLimits, system_connection_limits
from bridge_gateway.api.request_limits import MAX_LISTED_ERRORS, MAX_VALUES

HALF = b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nX-Slow: "


@pytest.fixture
def small(own_gateway: InProcessGateway) -> InProcessGateway:
    """A gateway with at most twelve connections, and one second to authenticate."""
    own_gateway.close()
    own_gateway.limits = ConnectionLimits(
        connections=12, unauthenticated_seconds=1.0, unread_bytes=50_000
    )
    own_gateway.open()
    return own_gateway


def open_connection(own_gateway: InProcessGateway, data: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", own_gateway.port), timeout=20)
    connection.sendall(data)
    return connection


def is_cut(connection: socket.socket, seconds: float = 10) -> bool:
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def test_half_open_connections_do_not_block_others(small: InProcessGateway) -> None:
    job = small.send(small.submission(seconds=0.2)).json()["id"]
    with ExitStack() as stack, small.event_stream() as listener:
        for _ in range(60):
            stack.enter_context(open_connection(small, HALF))
        open_now = small._server.server_state.connections
        small.wait_until(lambda: len(open_now) <= 12, seconds=0.9)  # before their timeout
        # Calls with the token are answered at once, and authenticated connections are kept.
        begin = time.monotonic()
        assert small.call("GET", "/v1/jobs").status == 200
        assert time.monotonic() - begin < 5
        assert small.wait_for_job(job)["state"] == "succeeded"
        second = small.send(small.submission(show="second")).json()["id"]
        assert small.wait_for_job(second)["state"] == "succeeded"
        assert listener.until_end_of(second)


@pytest.mark.parametrize(
    "begin", [b"", b"GET", HALF, b"GET /v1/about HTTP/1.1\r\nHost: localhost\r\n\r\n" + HALF]
)
def test_an_unauthenticated_connection_is_closed_soon(
    small: InProcessGateway, begin: bytes
) -> None:
    with open_connection(small, begin) as connection:
        started = time.monotonic()
        assert is_cut(connection)
        assert time.monotonic() - started < 5


def test_slow_headers_gain_no_time(small: InProcessGateway) -> None:
    with open_connection(small, HALF) as connection:
        started = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - started < 10:
                connection.sendall(b"x")
                time.sleep(0.05)
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("path", [b"/v1/jobs", b"/v1/about", b"/v1/content/" + b"0" * 64, b"/x"])
@pytest.mark.parametrize("body", [b"Content-Length: 99999999999", b"Transfer-Encoding: chunked"])
def test_a_body_without_a_token_is_cut(small: InProcessGateway, path: bytes, body: bytes) -> None:
    head = b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + body + b"\r\n\r\n"
    sent = 0
    with open_connection(small, head) as connection:
        with pytest.raises(OSError):
            for _ in range(400):
                connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                sent += 4096
                time.sleep(0.001)
        assert sent < 1_600_000  # including the buffers in between


def test_a_slow_body_without_a_token_is_cut(small: InProcessGateway) -> None:
    head = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n"
    with open_connection(small, head) as connection:
        assert is_cut(connection)


def test_a_slow_upload_with_the_token_continues(small: InProcessGateway) -> None:
    head = (
        f"PATCH /v1/content/{'0' * 64} HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {TOKEN}\r\nUpload-Offset: 0\r\nUpload-Length: 9\r\n"
        "Content-Length: 9\r\n\r\n"
    )
    with open_connection(small, head.encode()) as upload:
        for byte in b"123456789":
            upload.sendall(bytes([byte]))
            time.sleep(0.2)
        assert upload.recv(12) == b"HTTP/1.1 422"  # these nine bytes have another hash


def test_a_connection_can_be_used_for_long(small: InProcessGateway) -> None:
    """Also one whose first call needed no token, like every connection of a client."""
    connection = http.client.HTTPConnection("127.0.0.1", small.port, timeout=20)
    connection.request("GET", "/v1/about?challenge=" + "c" * 32)
    assert connection.getresponse().read()
    before = connection.sock
    for _ in range(3):
        time.sleep(0.6)
        connection.request("GET", "/v1/jobs", headers={"Authorization": f"Bearer {TOKEN}"})
        assert connection.getresponse().read() == b"[]"
    assert connection.sock is before
    connection.close()


def test_authenticated_connections_are_closed_last(small: InProcessGateway) -> None:
    with ExitStack() as stack:
        kept = http.client.HTTPConnection("127.0.0.1", small.port, timeout=20)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        kept.request("GET", "/v1/jobs", headers=headers)
        kept.getresponse().read()
        before = kept.sock
        for _ in range(30):
            stack.enter_context(open_connection(small))
        kept.request("GET", "/v1/jobs", headers=headers)
        assert kept.getresponse().read() == b"[]"
        assert kept.sock is before
        kept.close()


def test_descriptors_are_reserved_for_the_gateways_own_work() -> None:
    resource = pytest.importorskip("resource")
    limits = system_connection_limits()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft >= min(hard, 16_384)
    assert limits.connections * 2 + 256 <= soft


# --- the proof


def test_the_gateway_proves_that_it_has_the_token(own_gateway: InProcessGateway) -> None:
    about = own_gateway.call("GET", "/v1/about?challenge=" + "c" * 32, token=None).json()
    assert about["proof"] == compute_proof(TOKEN, "c" * 32, about["instance_id"])
    assert own_gateway.call("GET", "/v1/about", token=None).json()["proof"] is None


@pytest.mark.parametrize("challenge", ["", "short", "a" * 129, "%0a" * 30, "a b" * 10, "é" * 30])
def test_invalid_challenges(own_gateway: InProcessGateway, challenge: str) -> None:
    from urllib.parse import quote

    path = f"/v1/about?challenge={quote(challenge, safe='%')}"
    assert own_gateway.call("GET", path, token=None).status == 422


# --- bodies


BODIES = {
    "unknown keys": b"{" + b",".join(b'"k%d":1' % i for i in range(300_000)) + b"}",
    "wrong entries": b'{"files": [' + b",".join([b"1"] * 90_000) + b"]}",
    "many values": b'{"files": [' + b"1," * MAX_VALUES + b"1]}",
    "keys of an entry": b'{"files": [{' + b",".join(b'"k%d":1' % i for i in range(5000)) + b"}]}",
    "deep": b'{"files": ' + b"[" * 70 + b"]" * 70 + b"}",
    "long list": b'{"files": [' + b",".join([b"{}"] * 100_001) + b"]}",
    "a long text": b'{"files": "' + b"x" * 10_000_000 + b'"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_body_delays_other_calls(own_gateway: InProcessGateway, body: bytes) -> None:
    slowest = 0.0
    done = threading.Event()

    def poll() -> None:
        nonlocal slowest
        while not done.is_set():
            begin = time.monotonic()
            own_gateway.call("GET", "/v1/about")
            slowest = max(slowest, time.monotonic() - begin)

    poller = threading.Thread(target=poll)
    poller.start()
    try:
        headers = {"Content-Type": "application/json"}
        answer = own_gateway.call("POST", "/v1/media/readable", body, headers=headers)
    finally:
        done.set()
        poller.join()
    assert answer.status == 422
    assert len(answer.body) < 50_000
    assert slowest < 5  # below one on an idle machine


def test_of_many_errors_the_first_are_listed(own_gateway: InProcessGateway) -> None:
    files = [{"path": "a", "size": "x", "mtime_ns": 1}] * (MAX_LISTED_ERRORS + 1)
    body = own_gateway.call("POST", "/v1/media/readable", {"files": files}).json()
    assert body["details"]["fields"][0]["field"] == "body.files.0.size"
    assert f"and {len(files) - 5} more" in body["message"]
    right = {"path": "a", "size": 1, "mtime_ns": 1}
    body = own_gateway.call("POST", "/v1/media/readable", {"files": [right] * 20 + files}).json()
    assert f"{len(files)} values are wrong" in body["message"]


def test_the_longest_list_is_accepted(own_gateway: InProcessGateway) -> None:
    file = {"path": "/plates/" + "x" * 60, "frame": 1, "size": 1, "mtime_ns": 1}
    answer = own_gateway.call("POST", "/v1/media/readable", {"files": [file] * 50_000})
    assert answer.json() == {"readable": []}


# --- the log


@pytest.fixture
def records(tmp_path: Path) -> Iterator[tuple[logging.Logger, Path]]:
    """A logger that writes to a file as the gateway's does to standard error."""
    path = tmp_path / "gateway.log"
    with path.open("a", encoding="utf-8") as stream:
        handler = log._RotatingStderrHandler(path)
        handler.setStream(stream)
        handler.setFormatter(
            log.SingleLineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
        )
        handler.addFilter(log.RepeatFilter())
        logger = logging.Logger("test")
        logger.addHandler(handler)
        yield logger, path


def test_a_record_that_repeats_is_written_once(
    records: tuple[logging.Logger, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    logger, path = records
    for _ in range(10_000):
        logger.warning("Invalid HTTP request received.")
    logger.warning("another %s", 1)
    assert len(path.read_text().splitlines()) == 2
    monkeypatch.setattr(log, "REPEAT_SECONDS", 0.0)
    logger.warning("Invalid HTTP request received.")
    assert path.read_text().endswith("received. (and 9999 times before)\n")


def test_a_record_is_one_line_whatever_it_contains(records: tuple[logging.Logger, Path]) -> None:
    logger, path = records
    evil = "a\n2026-01-01 00:00:00,000 INFO root: forged\x1b[2J\x9b\u2028"
    logger.warning("%s", evil)
    try:
        raise ValueError(evil)
    except ValueError:
        logger.exception("fault")
    lines = path.read_text().splitlines()
    assert sum(one.startswith("20") for one in lines) == 2
    assert all(one.isprintable() for one in lines)


def test_the_log_stays_small(
    records: tuple[logging.Logger, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    logger, path = records
    monkeypatch.setattr(log, "MAX_LOG_BYTES", 10_000)
    for number in range(2000):
        logger.warning("record %d", number)
    assert path.stat().st_size < 11_000
    before = path.with_name("gateway.log.1")
    assert before.stat().st_size < 11_000
    assert before.stat().st_mode & 0o077 == 0
    text = before.read_text() + path.read_text()
    assert text.splitlines()[-1].endswith("record 1999")
    numbers = [int(one.rpartition(" ")[2]) for one in text.splitlines()]
    assert numbers == list(range(numbers[0], 2000))


# --- the end


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_streams_that_nobody_reads_do_not_delay_the_end(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bridge_gateway", "serve"]
    for name in ("data", "library"):
        command += ["--set", f"gateway.{name}_dir={tmp_path / name}"]
    announced = tmp_path / "gateway.json"
    with (tmp_path / "log").open("wb") as out:
        process = subprocess.Popen([*command, "--announce", str(announced)], stderr=out)
    try:
        deadline = time.monotonic() + 60
        while not announced.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        port = int(json.loads(announced.read_text())["url"].rpartition(":")[2])
        token = (tmp_path / "data" / "token").read_text().strip()
        with ExitStack() as stack:
            for _ in range(20):
                connection = socket.socket()
                stack.enter_context(connection)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
                connection.connect(("127.0.0.1", port))
                # More responses than all buffers hold, and never read: the writer waits.
                call = (
                    "GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n"
                    f"Authorization: Bearer {token}\r\n\r\n"
                )
                connection.sendall(call.encode() * 60)
                connection.sendall(HALF)
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            begin = time.monotonic()
            assert process.wait(60) == 0
            assert time.monotonic() - begin < 20
    finally:
        process.kill()
        process.wait()
    assert (tmp_path / "log").stat().st_size < 100_000
