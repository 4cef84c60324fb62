"""The gateway as a process: announcement, permissions, shutdown, one for each data folder."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


class ServeProcess:
    """``python -m bridge_gateway serve`` on a folder of its own."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.folder = folder
        self.announcement_file = folder / "run" / "gateway.json"
        self.log = folder / "log.txt"
        command = [sys.executable, "-m", "bridge_gateway", "serve"]
        command += ["--announce", str(self.announcement_file)]
        command += ["--set", f"gateway.data_dir={folder / 'data'}"]
        command += ["--set", f"gateway.library_dir={folder / 'library'}", *more]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log)

    def wait_for_announcement(self) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.announcement_file.exists():
                announcement: dict[str, Any] = json.loads(self.announcement_file.read_text())
                return announcement
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)
        raise AssertionError(self.log.read_text())

    def get(self, path: str, **headers: str) -> Any:
        request = urllib.request.Request(
            self.wait_for_announcement()["url"] + path, headers=headers
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def token(self) -> str:
        return (self.folder / "data" / "token").read_text().strip()

    def end(self, kind: int = signal.SIGTERM) -> int:
        self.process.send_signal(kind)
        return self.process.wait(30)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    started: list[ServeProcess] = []

    def begin(*more: str, folder: Path = tmp_path) -> ServeProcess:
        started.append(ServeProcess(folder, *more))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait(30)


def test_an_announced_gateway_answers(start: Any) -> None:
    gateway = start()
    announcement = gateway.wait_for_announcement()
    assert announcement["url"].startswith("http://127.0.0.1:")
    assert announcement["pid"] == gateway.process.pid
    about = gateway.get("/v1/about")
    assert {name: announcement[name] for name in ("instance_id", "version", "api_version")} == {
        name: about[name] for name in ("instance_id", "version", "api_version")
    }
    services = gateway.get("/v1/services", Authorization=f"Bearer {gateway.token()}")
    assert "round_trip" in {service["id"] for service in services}


def test_token_and_announcement_are_private(start: Any) -> None:
    gateway = start()
    gateway.wait_for_announcement()
    for path in (gateway.announcement_file, gateway.folder / "data" / "token"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((gateway.folder / "data").stat().st_mode) == 0o700
    assert len(gateway.token()) >= 40
    gateway.get("/v1/services", Authorization=f"Bearer {gateway.token()}")
    assert gateway.end() == 0
    assert gateway.token() not in gateway.log.read_text()


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(start: Any, kind: int) -> None:
    gateway = start()
    gateway.wait_for_announcement()
    token = gateway.token()
    # A listening panel does not delay the end.
    port = int(gateway.wait_for_announcement()["url"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(
            f"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        assert connection.recv(12) == b"HTTP/1.1 200"
        assert gateway.end(kind) == 0
        rest = b""
        while block := connection.recv(65536):
            rest += block
        assert rest.endswith(b"0\r\n\r\n")  # ended, not cut
    assert not gateway.announcement_file.exists()
    assert "Traceback" not in gateway.log.read_text()
    again = start()
    again.wait_for_announcement()
    assert again.token() == token


def test_a_second_signal_ends_it_at_once(start: Any) -> None:
    gateway = start()
    port = int(gateway.wait_for_announcement()["url"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        # A clean shutdown waits some seconds for an upload.
        connection.sendall(
            f"PATCH /v1/content/{'0' * 64} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {gateway.token()}\r\nUpload-Offset: 0\r\n"
            "Upload-Length: 9\r\nContent-Length: 9\r\n\r\nhalf".encode()
        )
        partial = gateway.folder / "data" / "contents" / "partial" / ("0" * 64)
        deadline = time.monotonic() + 20
        while not partial.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        gateway.process.send_signal(signal.SIGTERM)
        while "Shutting down" not in gateway.log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert gateway.end() == 128 + signal.SIGTERM
    gateway.announcement_file.unlink()
    start().wait_for_announcement()


def test_a_second_gateway_on_the_same_data_is_refused(start: Any) -> None:
    first = start()
    announcement = first.wait_for_announcement()
    second = start()
    assert second.process.wait(60) == 3
    output = second.log.read_text().splitlines()[-1]
    assert output.startswith("shotbridge-gateway: another gateway is working on this data folder")
    assert "Next: " in output
    assert first.get("/v1/about")["instance_id"] == announcement["instance_id"]
    assert first.announcement_file.exists()


def test_after_a_kill_the_next_one_starts(start: Any) -> None:
    first = start()
    first.wait_for_announcement()
    first.process.kill()
    first.process.wait(30)
    assert first.announcement_file.exists()  # clients ask whether its instance still answers
    first.announcement_file.unlink()
    start().wait_for_announcement()


def test_it_exits_when_idle(start: Any) -> None:
    gateway = start("--idle-exit", "--set", "gateway.idle_exit_seconds=4")
    gateway.wait_for_announcement()
    port = int(gateway.wait_for_announcement()["url"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(
            f"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {gateway.token()}\r\n\r\n".encode()
        )
        assert connection.recv(12) == b"HTTP/1.1 200"
        time.sleep(5)
        assert gateway.process.poll() is None, "a panel is listening"
    assert gateway.process.wait(30) == 0
    assert not gateway.announcement_file.exists()


def test_it_does_not_exit_without_the_flag(start: Any) -> None:
    gateway = start("--set", "gateway.idle_exit_seconds=0.3")
    gateway.wait_for_announcement()
    time.sleep(2)
    assert gateway.process.poll() is None


@pytest.mark.parametrize(
    ("setting", "code", "message"),
    [
        ("gateway.prot=1", 3, "gateway.port"),
        ("nothing", 3, "--set section.key=value"),
        ("gateway.host=192.0.2.1", 3, "cannot listen"),
        ("gateway.database_url=sqlite:////nowhere/x.sqlite", 7, "gateway.database_url"),
        ("gateway.database_url=nonsense", 7, "gateway.database_url"),
        ("gateway.data_dir=/dev/null/data", 7, "/dev/null"),
    ],
)
def test_a_failed_start_prints_one_line(start: Any, setting: str, code: int, message: str) -> None:
    gateway = start("--set", setting)
    assert gateway.process.wait(60) == code, gateway.log.read_text()
    output = gateway.log.read_text()
    assert output.startswith("shotbridge-gateway: ")
    assert message in output
    assert len(output.splitlines()) == 1


def test_a_port_that_is_in_use(start: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        gateway = start("--set", f"gateway.port={other.getsockname()[1]}")
        assert gateway.process.wait(60) == 3
    assert "gateway.port" in gateway.log.read_text()


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("a" * 40, 0o644, "its mode is 644"),
        ("a" * 40, 0o660, "its mode is 660"),
        ("short", 0o600, "no token"),
        ("", 0o600, "no token"),
        ("a b" * 20, 0o600, "no token"),
    ],
)
def test_an_unusable_token_file(
    start: Any, tmp_path: Path, text: str, mode: int, message: str
) -> None:
    token = tmp_path / "token"
    token.write_text(text)
    token.chmod(mode)
    gateway = start("--token-file", str(token))
    assert gateway.process.wait(60) == 3
    assert message in gateway.log.read_text().splitlines()[-1]
    assert not gateway.announcement_file.exists()


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_a_token_file_for_a_user_or_a_group(start: Any, tmp_path: Path, mode: int) -> None:
    token = tmp_path / "mine"
    token.write_text("a" * 40 + "\n")
    token.chmod(mode)
    gateway = start("--token-file", str(token))
    assert gateway.get("/v1/jobs", Authorization="Bearer " + "a" * 40) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows replaces no process by another")
def test_the_command_serve_is_the_gateway_itself(tmp_path: Path) -> None:
    """As a service manager needs it: its signals reach the gateway, and it sees the exit."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = tmp_path / "studio.yaml"
    config.write_text(
        f"gateway:\n  port: {port}\n  data_dir: data\n  library_dir: library\n"
        "  allowed_hosts: [shotbridge.studio]\n"
    )
    command = [sys.executable, "-m", "bridge_core.cli.main", "serve"]
    command += ["--token-file", str(tmp_path / "token")]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stderr=log, env={**os.environ, "SHOTBRIDGE_CONFIG": str(config)}
        )
    try:
        _wait_for(f"answers at http://127.0.0.1:{port}", tmp_path / "log", process)
        # As a proxy in front of it that keeps the Host header.
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/services",
            headers={
                "Host": "shotbridge.studio",
                "Authorization": "Bearer " + (tmp_path / "token").read_text().strip(),
            },
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert json.load(answer)
        process.terminate()
        assert process.wait(30) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
    finally:
        process.kill()
        process.wait(30)


def _wait_for(text: str, log: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while text not in log.read_text():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission(start: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o500)
    gateway = start()
    assert gateway.process.wait(60) == 7


def test_small_commands(tmp_path: Path) -> None:
    def run(*arguments: str) -> Any:
        command = [sys.executable, "-m", "bridge_gateway", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    document = json.loads(run("openapi").stdout)
    assert document["openapi"].startswith("3.")
    assert json.loads(run("about").stdout)["api_version"]
    models = json.loads(run("models", "list", "--models-dir", str(tmp_path), "--json").stdout)
    assert models
    assert not any(model["installed"] for model in models)
    unknown = run("models", "list", "no-such-model", "--json")
    assert json.loads(unknown.stderr)["error"]["code"] == "not_found"
    assert unknown.returncode == 9
