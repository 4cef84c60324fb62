"""The attacks of ``test_attack_connections.py`` at full scale, on a gateway as it is run."""

from __future__ import annotations

import json
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [pytest.mark.attack, pytest.mark.timeout(600)]

HALF = b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nX-Slow: "


@dataclass
class GatewayProcess:
    process: subprocess.Popen[bytes]
    port: int
    token: str
    log: Path

    def get(self, path: str, token: str | None = None) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def line(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)


@pytest.fixture(params=[1024, 20_000], ids=["few descriptors", "many descriptors"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GatewayProcess]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # This process is the attacker, and needs as many descriptors.
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    most = min(hard, request.param)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, most), most))

    log, announced = tmp_path / "gateway.log", tmp_path / "gateway.json"
    command = [sys.executable, "-m", "bridge_gateway", "serve", "--announce", str(announced)]
    command += ["--log", str(log)]
    for name in ("data", "library"):
        command += ["--set", f"gateway.{name}_dir={tmp_path / name}"]
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, preexec_fn=limit)
    try:
        deadline = time.monotonic() + 60
        while not announced.exists():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        port = int(json.loads(announced.read_text())["url"].rpartition(":")[2])
        yield GatewayProcess(process, port, (tmp_path / "data" / "token").read_text().strip(), log)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert "Traceback" not in log.read_text()
        assert log.stat().st_size < 6_000_000
    finally:
        process.kill()
        process.wait()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_1100_incomplete_headers(running: GatewayProcess) -> None:
    until = time.monotonic() + 20
    slowest = 0.0
    with ExitStack() as stack:
        for _ in range(1100):
            connection = stack.enter_context(running.line())
            connection.sendall(HALF)
        while time.monotonic() < until:
            begin = time.monotonic()
            assert running.get("/v1/health")[0] == 200
            slowest = max(slowest, time.monotonic() - begin)
    assert slowest < 20  # a second on an idle machine
    assert running.log.stat().st_size < 500_000


def test_2500_calls_without_a_token(running: GatewayProcess) -> None:
    wrong: list[Any] = []

    def call(count: int) -> None:
        for number in range(count):
            status, _ = running.get(f"/v1/jobs?n={number}", token="wrong")
            if status != 401:
                wrong.append(status)

    threads = [threading.Thread(target=call, args=(250,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert running.get("/v1/jobs") == (200, b"[]")


def test_endless_bodies_without_a_token(running: GatewayProcess) -> None:
    begin = time.monotonic()
    before = psutil.Process(running.process.pid).memory_info().rss
    sent = [0] * 20

    def flood(index: int) -> None:
        with running.line() as connection:
            head = (
                b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            connection.sendall(head)
            try:
                while time.monotonic() - begin < 60:
                    connection.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
                    sent[index] += 65_536
            except OSError:
                return

    threads = [threading.Thread(target=flood, args=(index,)) for index in range(len(sent))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begin < 45
    assert max(sent) < 30_000_000  # including all buffers of the system
    assert psutil.Process(running.process.pid).memory_info().rss - before < 200_000_000
    assert running.get("/v1/jobs") == (200, b"[]")


def test_20000_lines_of_nonsense(running: GatewayProcess) -> None:
    for _ in range(20_000):
        with running.line() as connection:
            connection.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
    assert running.get("/v1/jobs") == (200, b"[]")
    assert running.log.stat().st_size < 500_000


def test_the_largest_bodies_of_unknown_keys(running: GatewayProcess) -> None:
    body = b"{" + b",".join(b'"key%06d":%d' % (i, i % 10) for i in range(970_000)) + b"}"
    assert 13_000_000 < len(body) < 16 * 1024 * 1024
    head = (
        f"POST /v1/media/readable HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {running.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    process = psutil.Process(running.process.pid)
    before = process.memory_info().rss
    with running.line() as connection:
        connection.sendall(head.encode() + body)
        assert connection.recv(12) == b"HTTP/1.1 422"
    assert process.memory_info().rss - before < 800_000_000
