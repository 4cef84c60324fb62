"""The token is only sent after the gateway has proved on the same connection that it knows it, and
only the gateway's own process is ended or waited for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bridge_core import gateway_launcher
from bridge_core.client import Client
from bridge_core.config import load_settings
from bridge_core.connection.endpoint import Endpoint, read_token
from bridge_core.connection.transport import Transport
from bridge_core.errors import GatewayFault, GatewayUnreachable, NotAuthorised
from bridge_core.models.gateway import Health, compute_proof
from bridge_core.models.notes import NewNote
from bridge_core.models.settings import Settings
from bridge_core.system import processes

STUB_GATEWAY = Path(__file__).parents[1] / "stub_gateway.py"
ABOUT = {
    "version": "0.1.0",
    "api_version": "1.0",
    "min_client_version": "0.1.0",
    "instance_id": "one",
}
ROOT = os.name == "posix" and os.geteuid() == 0


class Impostor:
    """Another program at a gateway's URL. ``requests`` records all it receives."""

    def __init__(self, answer: Callable[[str], bytes], port: int = 0, pace: float = 0) -> None:
        self.requests: list[str] = []
        impostor = self

        class ImpostorHandler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

            def do_GET(self) -> None:
                impostor.requests.append(f"{self.requestline}\n{self.headers}")
                [challenge] = parse_qs(urlsplit(self.path).query).get("challenge", [""])
                body = answer(challenge)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                for byte in body if pace else [body]:
                    self.wfile.write(bytes([byte]) if isinstance(byte, int) else byte)
                    time.sleep(pace)

            do_POST = do_PATCH = do_GET  # noqa: N815

        class ImpostorServer(ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Ignore clients that disconnect."""

        self.server = ImpostorServer(("127.0.0.1", port), ImpostorHandler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@contextmanager
def impostor(answer: Callable[[str], bytes], **given: Any) -> Iterator[Impostor]:
    one = Impostor(answer, **given)
    try:
        yield one
    finally:
        one.close()


def about_body(**more: Any) -> bytes:
    return json.dumps({**ABOUT, **more}).encode()


ANSWERS: dict[str, Callable[[str], bytes]] = {
    "the handshake as it was": lambda challenge: about_body(),
    "a proof by another token": lambda challenge: about_body(
        proof=compute_proof("other", challenge, "one")
    ),
    "the challenge": lambda challenge: about_body(proof=challenge),
    "a proof for another instance": lambda c: about_body(
        proof=compute_proof("the-secret", c, "two")
    ),
    "no text": lambda challenge: about_body(proof=None),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_server_without_the_token_never_receives_it(
    answer: Callable[[str], bytes], settings: Settings
) -> None:
    with (
        impostor(answer) as server,
        Transport(lambda: Endpoint(server.url, "the-secret"), settings.client) as transport,
        pytest.raises(NotAuthorised, match="does not know the token") as caught,
    ):
        transport.request_json(Health, "GET", "/v1/health")
    assert len(server.requests) == 1
    assert "the-secret" not in "".join(server.requests)
    assert "client.token_file" in caught.value.next_step


@pytest.mark.usefixtures("collector_off")
@pytest.mark.parametrize(
    "body", [b"[" * 90_000, b"\xff", b"", b'"x"', b"[1]", b'{"instance_id": 1}']
)
def test_an_invalid_response_is_reported(body: bytes, settings: Settings) -> None:
    with (
        impostor(lambda challenge: body) as server,
        Transport(lambda: Endpoint(server.url, "the-secret"), settings.client) as transport,
        pytest.raises(GatewayFault),
    ):
        transport.about()


def test_a_slow_response_times_out(settings: Settings) -> None:
    quick = settings.client.model_copy(update={"read_timeout": 0.3, "retries": 0})
    begin = time.monotonic()
    with (
        impostor(ANSWERS["no text"], pace=0.1) as server,
        Transport(lambda: Endpoint(server.url, "the-secret"), quick) as transport,
        pytest.raises(GatewayUnreachable, match="in time"),
    ):
        transport.about()
    assert time.monotonic() - begin < 5  # the response takes ten seconds


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.health(),
        lambda client: client.add_note("v", NewNote(text="x")),
        lambda client: client.thumbnail("v"),
        lambda client: next(client.events(after=1)),
        lambda client: client.jobs(),
    ],
    ids=["read", "write", "picture", "events", "list"],
)  # fmt: skip
def test_a_program_on_a_dead_gateways_port_never_receives_the_token(
    call: Callable[[Client], Any], gateway: Any, client: Client
) -> None:
    """A panel is running and has made the handshake."""
    client.about()
    port = gateway.port
    gateway.stop()
    with impostor(ANSWERS["the handshake as it was"], port=port) as server:
        with pytest.raises(NotAuthorised):
            call(client)
        assert server.requests
        assert "Bearer" not in "".join(server.requests)
    gateway.start(port)
    client.about()  # it continues with the real one


def test_each_connection_is_challenged_anew(gateway: Any, client: Client) -> None:
    gateway.canned_answers["GET /v1/health"] = {"ok": True, "checks": []}
    threads = [threading.Thread(target=client.health) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The fixture checks that the token never came first; the first thread also made the handshake.
    assert gateway.count("GET", r"/v1/about\?challenge") >= 4


# --- the local gateway


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "state"
    yield folder
    gateway_launcher.stop_gateway(settings_for(folder))


def settings_for(state: Path, **more: Any) -> Settings:
    command = [sys.executable, str(STUB_GATEWAY)]
    return load_settings(
        {"client.state_dir": state, "client.gateway_command": command, **more}
    ).settings


def kill(pid: int) -> None:
    os.kill(pid, 9)
    while processes.process_identity(pid) is not None:
        time.sleep(0.01)


def recorded_starts(state: Path) -> int:
    return len((state / "starts").read_text().splitlines())


def test_an_impostor_at_the_announced_url_is_ignored(state: Path) -> None:
    settings = settings_for(state)
    gateway_launcher.ensure_gateway(settings)
    announced = json.loads((state / "gateway.json").read_text())
    kill(announced["pid"])
    # Any earlier client of the gateway knows its instance.
    with impostor(
        lambda c: about_body(instance_id=announced["instance_id"], proof="0" * 64)
    ) as server:
        (state / "gateway.json").write_text(json.dumps({**announced, "url": server.url}))
        with Client(settings) as client:
            assert client.about().instance_id != announced["instance_id"]
        assert server.requests
        assert "Bearer" not in "".join(server.requests)
    assert recorded_starts(state) == 2


@pytest.fixture
def unrelated_process() -> Iterator[subprocess.Popen[bytes]]:
    """A process of this user that is not a gateway."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def test_stop_does_not_end_an_unrelated_process(
    state: Path, unrelated_process: subprocess.Popen[bytes]
) -> None:
    """The gateway was killed, and its process id has been reused."""
    settings = settings_for(state)
    gateway_launcher.ensure_gateway(settings)
    announced = json.loads((state / "gateway.json").read_text())
    kill(announced["pid"])
    (state / "gateway.json").write_text(json.dumps({**announced, "pid": unrelated_process.pid}))
    assert gateway_launcher.stop_gateway(settings) is False
    old = processes.process_identity(announced["pid"]) or "a boot:1"
    (state / "gateway.pid").write_text(f"{unrelated_process.pid} {old}")
    assert gateway_launcher.stop_gateway(settings) is False
    (state / "gateway.pid").write_text(f"{unrelated_process.pid}")
    assert gateway_launcher.stop_gateway(settings) is False
    # And a program that hangs at the announced port.
    with impostor(ANSWERS["no text"]) as server:
        (state / "gateway.json").write_text(
            json.dumps({**announced, "pid": unrelated_process.pid, "url": server.url})
        )
        assert gateway_launcher.stop_gateway(settings) is False
    assert unrelated_process.poll() is None


def test_a_reused_process_id_is_not_waited_for(
    state: Path, unrelated_process: subprocess.Popen[bytes]
) -> None:
    state.mkdir(mode=0o700)
    (state / "gateway.pid").write_text(
        f"{unrelated_process.pid} {processes.process_identity(os.getpid())}"
    )
    begin = time.monotonic()
    gateway_launcher._wait_for_last_process(state)
    assert time.monotonic() - begin < 5


def test_a_process_identity_is_unique(
    unrelated_process: subprocess.Popen[bytes],
) -> None:
    mine, theirs = (
        processes.process_identity(os.getpid()),
        processes.process_identity(unrelated_process.pid),
    )
    assert mine
    assert theirs
    assert mine == processes.process_identity(os.getpid())
    assert not processes.terminate_process(unrelated_process.pid, theirs + "0")
    assert processes.terminate_process(unrelated_process.pid, theirs)
    unrelated_process.wait(10)
    assert processes.process_identity(unrelated_process.pid) is None


@pytest.mark.skipif(not ROOT, reason="only root can give files away")
@pytest.mark.parametrize("name", ["gateway.json", "gateway.pid"])
def test_another_users_files_are_not_trusted(name: str, state: Path) -> None:
    gateway_launcher.ensure_gateway(settings_for(state))
    os.chown(state / name, 12345, -1)
    assert (
        gateway_launcher._read_announcement
        if name == "gateway.json"
        else gateway_launcher._read_last_process
    )(state) is None
    os.chown(state / name, 0, -1)


@pytest.mark.skipif(not ROOT, reason="only root can give files away")
def test_another_users_token_is_refused(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-token-that-another-user-wrote")
    token.chmod(0o600)
    os.chown(token, 12345, -1)
    with pytest.raises(NotAuthorised, match="belongs to another user"):
        read_token(token, forbidden_mode=0o027)


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_an_existing_state_folder_is_made_private(state: Path) -> None:
    state.mkdir()
    state.chmod(0o755)
    (state / "gateway.log").touch(0o644)
    gateway_launcher.ensure_gateway(settings_for(state))
    assert state.stat().st_mode & 0o077 == 0
    for name in ("gateway.pid", "gateway.log", "gateway.token"):
        assert (state / name).stat().st_mode & 0o077 == 0, name
