"""Finding and starting the local gateway, also after crashes and from several processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bridge_core import gateway_launcher
from bridge_core.client import Client
from bridge_core.config import load_settings
from bridge_core.errors import (
    ConfigError,
    GatewayFault,
    GatewayUnreachable,
    NotAuthorised,
    NotWritable,
)
from bridge_core.gateway_program import gateway_command
from bridge_core.models.settings import Settings
from bridge_core.system import processes

STUB_GATEWAY = Path(__file__).with_name("stub_gateway.py")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "state of Zoë"
    yield folder
    for start in recorded_starts(folder):
        try:
            psutil.Process(start["pid"]).kill()
        except psutil.NoSuchProcess:
            continue


def recorded_starts(state: Path) -> list[Any]:
    path = state / "starts"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def settings_for(state: Path, *options: str, **more: Any) -> Settings:
    command = [sys.executable, str(STUB_GATEWAY), *options]
    given = {"client.state_dir": state, "client.gateway_command": command}
    return load_settings({**given, **more}).settings


def has_ended(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_it_is_started_once_and_then_found(state: Path) -> None:
    settings = settings_for(state)
    first = gateway_launcher.ensure_gateway(settings)
    assert (
        gateway_launcher.ensure_gateway(settings)
        == first
        == gateway_launcher.find_gateway(settings)
    )
    assert first.is_local
    assert first.token == "stub-token-0123456789"
    assert len(recorded_starts(state)) == 1
    if os.name == "posix":
        assert state.stat().st_mode & 0o077 == 0
        [start] = recorded_starts(state)
        # A session of its own: it survives a closed terminal and the end of the host.
        assert os.getsid(start["pid"]) == start["pid"]


LAUNCHING = """
import sys
from bridge_core.gateway_launcher import ensure_gateway
from bridge_core.models.settings import Settings
print(ensure_gateway(Settings.model_validate_json(sys.argv[1])).url)
"""


def test_six_processes_at_once_start_one(state: Path) -> None:
    text = settings_for(state, "--slow", "0.5").model_dump_json()
    askers = [
        subprocess.Popen([sys.executable, "-c", LAUNCHING, text], stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    outputs = [asker.communicate(timeout=120)[0].strip() for asker in askers]
    assert [asker.returncode for asker in askers] == [0] * 6
    assert len(set(outputs)) == 1
    assert outputs[0].startswith("http://127.0.0.1:")
    # It outlives the processes that started it.
    assert len(recorded_starts(state)) == 1
    assert not has_ended(recorded_starts(state)[0]["pid"])


def test_a_killed_gateway_is_started_again(state: Path) -> None:
    settings = settings_for(state)
    with Client(settings) as client:
        first = client.about().instance_id
        os.kill(recorded_starts(state)[0]["pid"], signal.SIGKILL)
        assert client.health().ok
        assert client.about().instance_id != first
    assert len(recorded_starts(state)) == 2


def test_a_client_can_be_told_not_to_start_one(state: Path) -> None:
    with (
        Client(settings_for(state), start_gateway=False) as client,
        pytest.raises(GatewayUnreachable, match="no local gateway is running"),
    ):
        client.about()
    assert recorded_starts(state) == []


def test_an_announcement_of_another_gateway_is_ignored(state: Path) -> None:
    settings = settings_for(state)
    first = gateway_launcher.ensure_gateway(settings)
    announced = json.loads((state / "gateway.json").read_text())
    (state / "gateway.json").write_text(json.dumps({**announced, "instance_id": "another"}))
    os.kill(announced["pid"], signal.SIGKILL)
    assert gateway_launcher.ensure_gateway(settings).url != first.url


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": 1}', '{"url": "x", "pid": "y"}'])
def test_a_damaged_announcement_is_ignored(text: str, state: Path) -> None:
    state.mkdir(mode=0o700)
    (state / "gateway.json").write_text(text)
    gateway_launcher.ensure_gateway(settings_for(state))
    assert len(recorded_starts(state)) == 1


def test_a_failed_start_shows_the_log(state: Path) -> None:
    with pytest.raises(GatewayFault, match="exit code 7") as caught:
        gateway_launcher.ensure_gateway(settings_for(state, "--fail", "7"))
    assert "the disk is full" in str(caught.value)
    assert "line 49" in str(caught.value)
    assert "line 20" not in str(caught.value)
    assert caught.value.details["exit_code"] == 7
    assert caught.value.where == str(state / "gateway.log")


def test_a_start_that_takes_too_long_is_stopped(state: Path) -> None:
    with pytest.raises(GatewayUnreachable, match="did not respond within 1 s"):
        gateway_launcher.ensure_gateway(
            settings_for(state, "--silent", **{"client.start_timeout": 1})
        )
    assert has_ended(recorded_starts(state)[0]["pid"])


def test_a_gateway_that_is_not_installed_is_reported(tmp_path: Path, state: Path) -> None:
    command = [sys.executable, "-m", "bridge_gateway_that_is_not_there"]
    settings = settings_for(state, **{"client.gateway_command": command})
    with pytest.raises(ConfigError, match="not installed") as caught:
        gateway_launcher.ensure_gateway(settings)
    assert 'pip install ".[gateway]"' in caught.value.next_step


def test_a_command_that_does_not_exist_is_reported(state: Path) -> None:
    settings = settings_for(state, **{"client.gateway_command": ["/no/such/python"]})
    with pytest.raises(ConfigError) as caught:
        gateway_launcher.ensure_gateway(settings)
    assert caught.value.where == "/no/such/python"


@pytest.mark.parametrize("host", ["Nuke15.1", "resolve", "Blender", "nuke.exe", ""])
def test_inside_a_host_a_command_must_be_configured(
    host: str, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", host and f"/opt/host/{host}")
    monkeypatch.setenv("PATH", str(state))
    settings = load_settings({"client.state_dir": state}).settings
    with pytest.raises(ConfigError) as caught:
        gateway_launcher.ensure_gateway(settings)
    assert "client.gateway_command" in caught.value.next_step


def test_inside_a_host_the_installed_program_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/host/Blender")
    monkeypatch.setenv("PATH", str(tmp_path))
    program = tmp_path / "shotbridge-gateway"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert gateway_command(Settings()) == [str(program)]


def test_a_hosts_python_without_the_gateway_is_not_used(state: Path) -> None:
    """Blender's own Python has the client installed, but not the gateway."""
    program = (
        "import sys, importlib.util\n"
        "whole = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda n: None if n == 'bridge_gateway' else whole(n)\n"
        "from bridge_core.gateway_program import gateway_command\n"
        "from bridge_core.models.settings import Settings\n"
        "gateway_command(Settings())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": str(state)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ConfigError: there is no gateway to start" in done.stderr


@pytest.mark.parametrize("name", ["python", "python3.11", "python.exe", "pythonw.exe"])
def test_a_python_runs_the_gateway_itself(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", f"/opt/{name}")
    assert gateway_command(Settings()) == [f"/opt/{name}", "-m", "bridge_gateway"]


def test_settings_are_passed_to_the_gateway_but_not_in_its_arguments(state: Path) -> None:
    settings = settings_for(
        state,
        **{
            "gateway.workers": 1,
            "gateway.media_roots": ["/plates/größe", "/more"],
            "gateway.database_url": "postgresql://studio:s3cret@db/shots",
            "gateway.proxies.width": "512",
            "gateway.colour.display": None,
        },
    )
    gateway_launcher.ensure_gateway(settings)
    [start] = recorded_starts(state)
    received = load_settings(environ={**os.environ, **start["environment"]}).settings
    assert received.gateway == settings.gateway
    assert received.gateway.model_fields_set == settings.gateway.model_fields_set
    assert "s3cret" not in " ".join(psutil.Process(start["pid"]).cmdline())


def test_a_large_log_is_rotated(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_launcher, "_MAX_LOG_BYTES", 100)
    state.mkdir(mode=0o700)
    (state / "gateway.log").write_bytes(b"x" * 101)
    gateway_launcher.ensure_gateway(settings_for(state))
    assert (state / "gateway.log.1").read_bytes() == b"x" * 101
    assert (state / "gateway.log").read_text() == "the stub gateway starts\n"


def test_stop_shuts_it_down(state: Path) -> None:
    settings = settings_for(state)
    assert gateway_launcher.stop_gateway(settings) is False
    gateway_launcher.ensure_gateway(settings)
    assert gateway_launcher.stop_gateway(settings) is True
    assert has_ended(recorded_starts(state)[0]["pid"])
    assert not (state / "gateway.json").exists()
    assert gateway_launcher.stop_gateway(settings) is False


def test_a_gateway_that_is_ending_is_waited_for(state: Path) -> None:
    state.mkdir(mode=0o700)
    ending = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1.5)"])
    (state / "gateway.pid").write_text(f"{ending.pid} {processes.process_identity(ending.pid)}")
    # A child process would become a zombie; a real gateway is not a child.
    reaper = threading.Thread(target=ending.wait)
    reaper.start()
    gateway_launcher.ensure_gateway(settings_for(state))
    assert has_ended(ending.pid)
    reaper.join()


def test_a_gateway_that_hangs_is_reported_and_can_be_stopped(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(state)
    gateway_launcher.ensure_gateway(settings)
    pid = recorded_starts(state)[0]["pid"]
    monkeypatch.setattr(gateway_launcher, "_PROOF_TIMEOUT", 0.3)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(GatewayUnreachable, match="does not respond") as caught:
            gateway_launcher.ensure_gateway(settings)
        assert "shotbridge stop" in caught.value.next_step
    finally:
        os.kill(pid, signal.SIGCONT)
    assert gateway_launcher.stop_gateway(settings) is True


def test_the_studios_gateway_is_never_started(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-studio-token\n")
    token.chmod(0o640)
    given = {
        "client.url": "https://gateway.studio:8470/",
        "client.token_file": token,
        "client.state_dir": tmp_path / "state",
    }
    found = gateway_launcher.ensure_gateway(load_settings(given).settings)
    assert (found.url, found.token, found.is_local) == (
        "https://gateway.studio:8470",
        "a-studio-token",
        False,
    )
    assert not (tmp_path / "state").exists()


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o602])
def test_a_world_readable_token_is_refused(mode: int, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-studio-token\n")
    token.chmod(mode)
    settings = load_settings({"client.url": "https://g", "client.token_file": token}).settings
    with pytest.raises(NotAuthorised, match=f"{mode:03o}"):
        gateway_launcher.ensure_gateway(settings)


@pytest.mark.parametrize("text", [b"", b"two words", b"\xff\xfe", "größe".encode(), b"a\nb"])
def test_an_invalid_token_is_reported(text: bytes, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_bytes(text)
    token.chmod(0o600)
    settings = load_settings({"client.url": "https://g", "client.token_file": token}).settings
    with pytest.raises(ConfigError, match="token"):
        gateway_launcher.ensure_gateway(settings)


def test_a_state_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotWritable):
        gateway_launcher.ensure_gateway(settings_for(tmp_path / "file" / "state"))


def test_a_lock_that_is_held_for_too_long_is_reported(state: Path) -> None:
    from bridge_core.system.locks import FileLock

    state.mkdir(mode=0o700)
    with FileLock(state / "gateway.lock") as lock:
        assert lock.acquire()
        begin = time.monotonic()
        with pytest.raises(GatewayUnreachable, match="another process"):
            gateway_launcher.ensure_gateway(settings_for(state, **{"client.start_timeout": 0.5}))
        assert time.monotonic() - begin < 30


@pytest.mark.skipif(sys.platform == "win32", reason="there are no zombies on Windows")
def test_a_zombie_gateway_counts_as_ended() -> None:
    """`shotbridge stop` in a terminal, while the panel that started the gateway is open."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, but not reaped
    assert processes.process_identity(child.pid) is None
    child.wait()
