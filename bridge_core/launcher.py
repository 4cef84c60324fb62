"""Finds this user's own gateway, or starts it.

In ``client.state_dir``::

    gateway.json     where it is; the gateway writes and removes it
    gateway.token    the token of its callers, mode 0600; the gateway makes it
    gateway.lock     held while one process looks and starts, so that only one does
    gateway.pid      the process that was started last, by number and identity; one that is
                     ending still holds its data
    gateway.log      what it says; what it said before is in gateway.log.1

A gateway at the announced address is accepted when it proves that it knows the token
(:mod:`bridge_core.connection.gateway_proof`). A process is ended or waited for only if its identity is the recorded
one (:mod:`bridge_core.system.processes`).
"""

from __future__ import annotations

import atexit
import contextlib
import http.client
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.connection import gateway_proof
from bridge_core.connection.endpoint import Endpoint
from bridge_core.connection.token_file import read_token
from bridge_core.errors import (
    ConfigError,
    GatewayFault,
    GatewayUnreachable,
    NotAuthorised,
    NotWritable,
)
from bridge_core.system import processes
from bridge_core.system.locks import FileLock
from bridge_core.system.private_files import make_private_folder, open_private, read_own_file

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings

#: Bytes after which the log is put aside at the next start.
_MAX_LOG_BYTES = 5_000_000
#: Seconds between two looks.
_POLL_SECONDS = 0.05
#: Bytes of an announcement, and of the record of the last process, that are read.
_MAX_RECORD_BYTES = 100_000
#: Seconds that a running gateway gets to say who it is.
_PROOF_TIMEOUT = 5.0
#: Seconds that a gateway gets to end in order.
_STOP_TIMEOUT = 15.0
_INSTALL_HINT = 'install the gateway (in a checkout of Shotbridge: pip install ".[gateway]")'

#: Gateways that this process started, so that their ends are noticed.
_children: dict[int, subprocess.Popen[bytes]] = {}


@atexit.register
def _detach_children() -> None:
    """Gateways outlive who started them; Python would warn of children that nobody waited for."""
    for child in _children.values():
        if child.poll() is None:
            child.returncode = 0


@dataclass(frozen=True)
class _Announcement:
    url: str
    instance: str
    pid: int


@dataclass(frozen=True)
class _GatewayProcess:
    """A process that was started as this user's gateway, even if its number has been reused."""

    pid: int
    identity: str

    @classmethod
    def of(cls, pid: int) -> _GatewayProcess:
        return cls(pid, processes.process_identity(pid) or "")

    @property
    def alive(self) -> bool:
        child = _children.get(self.pid)
        if child is not None and child.poll() is not None:
            return False
        return bool(self.identity) and processes.process_identity(self.pid) == self.identity


def ensure_gateway(settings: Settings) -> Endpoint:
    """Where the gateway is: the studio's at ``client.url``, or this user's own, which is started
    when it does not run.

    :raises ConfigError: there is no token for the studio's gateway, or no gateway to start here.
    :raises NotAuthorised: others may read the token.
    :raises GatewayFault: it ended while starting; the end of its log is in the message.
    :raises GatewayUnreachable: it did not answer within ``client.start_timeout``.
    """
    if settings.client.url is not None:
        return _studio_endpoint(settings)
    state = settings.client.state_dir
    deadline = time.monotonic() + settings.client.start_timeout
    announcement = _find_running(state)
    if announcement is None:
        with _launch_lock(state, deadline):
            announcement = _find_running(state) or _start(settings, deadline)
    return Endpoint(announcement.url, _local_token(state), is_local=True)


def find_gateway(settings: Settings) -> Endpoint:
    """As :func:`ensure`, but nothing is started.

    :raises GatewayUnreachable: this user's own gateway does not run, or does not answer.
    """
    if settings.client.url is not None:
        return _studio_endpoint(settings)
    state = settings.client.state_dir
    announcement = _find_running(state)
    if announcement is None:
        raise GatewayUnreachable(
            "no gateway runs here",
            where=str(state),
            next_step="`shotbridge services` starts it; or set client.url to the studio's",
        )
    return Endpoint(announcement.url, _local_token(state), is_local=True)


def stop_gateway(settings: Settings) -> bool:
    """End this user's own gateway in order; whether there was one. Its jobs go on after the next
    start.

    :raises GatewayUnreachable: it did not end.
    """
    state = settings.client.state_dir
    deadline = time.monotonic() + _STOP_TIMEOUT
    with _launch_lock(state, deadline):
        process = _read_last_process(state)
        if process is None or not processes.terminate_process(process.pid, process.identity):
            announcement = _read_announcement(state)
            with contextlib.suppress(OSError, http.client.HTTPException):
                if announcement is not None and _responds(announcement, state):
                    raise GatewayUnreachable(
                        "a gateway answers that was not started from here",
                        where=f"{announcement.url}, process {announcement.pid}",
                        next_step="end it where it was started",
                    )
            return False
        while process.alive:
            if time.monotonic() > deadline:
                raise GatewayUnreachable(
                    f"the gateway (process {process.pid}) does not end",
                    where=str(state),
                    next_step=f"look at {state / 'gateway.log'}, then end the process by hand",
                )
            time.sleep(_POLL_SECONDS)
        return True


def gateway_command(settings: Settings) -> list[str]:
    """The command line that runs the gateway's program here, without arguments: the one that is
    set; else this process's own Python, where it has the gateway; else ``shotbridge-gateway`` on
    the ``PATH``. A host's Python has the client only, or is no program of its own.

    :raises ConfigError: there is none.
    """
    if settings.client.gateway_command:
        return list(settings.client.gateway_command)
    executable = Path(sys.executable or "").name.lower()
    is_python = re.fullmatch(r"python[0-9.]*w?(\.exe)?", executable) is not None
    if is_python and importlib.util.find_spec("bridge_gateway") is not None:
        return [sys.executable, "-m", "bridge_gateway"]
    installed = shutil.which("shotbridge-gateway")
    if installed is not None:
        return [installed]
    raise ConfigError(
        f"there is no gateway to start: {executable or 'this program'} has none inside, and there is no "
        "shotbridge-gateway on the PATH",
        next_step=f"{_INSTALL_HINT} into a Python of its own, and set client.gateway_command to "
        "[/path/to/that/python, -m, bridge_gateway]; or set client.url to the studio's gateway",
    )


def _find_running(state: Path) -> _Announcement | None:
    """The gateway that is announced, if it answers there and proves who it is.

    :raises GatewayUnreachable: it runs and does not answer.
    :raises NotAuthorised: it runs and does not know the token.
    """
    announcement = _read_announcement(state)
    if announcement is None:
        return None
    try:
        if _responds(announcement, state):
            return announcement
    except ConnectionError:
        return None
    except (OSError, http.client.HTTPException) as error:
        if not _is_running(announcement, state):
            return None
        raise GatewayUnreachable(
            f"the gateway runs (process {announcement.pid}) and does not answer: {error}",
            where=announcement.url,
            next_step="wait a moment; if it stays so, `shotbridge stop` ends it",
        ) from error
    if _is_running(announcement, state):
        raise NotAuthorised(
            f"the gateway that runs (process {announcement.pid}) does not know the token in "
            f"{state / 'gateway.token'}",
            where=announcement.url,
            next_step="`shotbridge stop` ends it, and the next call starts one with this token",
        )
    return None


def _read_announcement(state: Path) -> _Announcement | None:
    """None where there is none, it is damaged, or it is another user's file."""
    try:
        raw = json.loads(read_own_file(state / "gateway.json", _MAX_RECORD_BYTES) or b"")
        parts = urllib.parse.urlsplit(str(raw["url"]))
        if parts.scheme != "http" or not parts.hostname or not parts.port:
            return None
        return _Announcement(parts.geturl(), str(raw["instance_id"]), int(raw["pid"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _responds(announcement: _Announcement, state: Path) -> bool:
    """Whether the announced gateway answers at its address.

    :raises OSError: there is no answer.
    :raises http.client.HTTPException: the answer is not HTTP.
    """
    parts = urllib.parse.urlsplit(announcement.url)
    host_and_port = parts.hostname or "", parts.port or 0
    with socket.create_connection(host_and_port, timeout=_PROOF_TIMEOUT) as connection:
        if not (state / "gateway.token").exists():
            return False
        response = gateway_proof.request_proof(
            connection, announcement.url, _local_token(state), _PROOF_TIMEOUT
        )
    return response.proven_instance == announcement.instance


def _is_running(announcement: _Announcement, state: Path) -> bool:
    """Whether the process that the announcement names is the gateway that was started."""
    process = _read_last_process(state)
    return process is not None and process.pid == announcement.pid and process.alive


def _read_last_process(state: Path) -> _GatewayProcess | None:
    """The process that was started last; None where there is no usable record."""
    try:
        pid, identity = (
            (read_own_file(state / "gateway.pid", _MAX_RECORD_BYTES) or b"").decode().split(" ", 1)
        )
        return _GatewayProcess(int(pid), identity.strip())
    except (OSError, ValueError):
        return None


def _write_last_process(state: Path, process: _GatewayProcess) -> None:
    with open_private(state / "gateway.pid", "wb") as file:
        file.write(f"{process.pid} {process.identity}\n".encode())


def _start(settings: Settings, deadline: float) -> _Announcement:
    from bridge_core.config.gateway_environment import environment_variables

    state = settings.client.state_dir
    command = [
        *gateway_command(settings),
        "serve",
        "--announce",
        str(state / "gateway.json"),
        "--token-file",
        str(state / "gateway.token"),
        "--log",
        str(state / "gateway.log"),
        "--idle-exit",
    ]
    _wait_for_last_process(state)
    (state / "gateway.json").unlink(missing_ok=True)
    log = state / "gateway.log"
    if log.exists() and log.stat().st_size > _MAX_LOG_BYTES:
        log.replace(state / "gateway.log.1")
    with open_private(log, "ab") as stream:
        log_offset = stream.tell()
        child = _spawn(
            command, {**os.environ, **environment_variables(settings)}, state, stream.fileno()
        )
    _children[child.pid] = child
    _write_last_process(state, _GatewayProcess.of(child.pid))
    try:
        while time.monotonic() < deadline:
            announcement = _read_announcement(state)
            if announcement is not None:
                if announcement.pid != child.pid:  # what was started is a wrapper, such as rez's
                    _write_last_process(state, _GatewayProcess.of(announcement.pid))
                return announcement
            if child.poll() is not None:
                raise _startup_error(child, command, log, log_offset)
            time.sleep(_POLL_SECONDS)
    except BaseException:
        _terminate(child)
        raise
    _terminate(child)
    raise GatewayUnreachable(
        f"the gateway did not answer within {settings.client.start_timeout:g} s, and was ended",
        where=str(log),
        next_step="look at its log; client.start_timeout sets how long is waited",
        details={"log": _log_tail(log, log_offset)},
    )


def _wait_for_last_process(state: Path) -> None:
    """Wait until a gateway that no longer answers has ended."""
    process = _read_last_process(state)
    deadline = time.monotonic() + _STOP_TIMEOUT
    while process is not None and process.alive and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _spawn(
    command: list[str], environment: dict[str, str], folder: Path, log: int
) -> subprocess.Popen[bytes]:
    """Start a process that outlives this one and knows nothing of its terminal."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    try:
        # Its folder is its own: ``-m`` puts it on the module path, and it must not pin a disk.
        return subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            creationflags=flags,
        )
    except OSError as error:
        raise start_error(command, error) from error


def start_error(command: list[str], error: OSError) -> ConfigError:
    """In words, what the system said of :func:`gateway_command`."""
    return ConfigError(
        f"the gateway cannot be started: {error.strerror or error}",
        where=command[0],
        next_step="correct client.gateway_command",
    )


def _startup_error(
    child: subprocess.Popen[bytes], command: list[str], log: Path, log_offset: int
) -> ConfigError | GatewayFault:
    tail = _log_tail(log, log_offset)
    missing = re.search(r"No module named '?([\w.]+)'?", tail)
    if missing:
        return ConfigError(
            f"the gateway is not installed: there is no module {missing[1]} in {command[0]}",
            where=str(log),
            next_step=f"{_INSTALL_HINT} there, or set client.gateway_command or client.url",
            details={"log": tail},
        )
    return GatewayFault(
        f"the gateway ended while starting, with exit code {child.returncode}. "
        f"It said: {tail.strip() or 'nothing'}",
        where=str(log),
        next_step="correct what it says and try again",
        details={"exit_code": child.returncode, "log": tail},
    )


def _log_tail(log: Path, log_offset: int) -> str:
    """The last lines that this start wrote."""
    with log.open("rb") as stream:
        stream.seek(log_offset)
        return "\n".join(stream.read().decode("utf-8", "replace").splitlines()[-15:])


def _terminate(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextmanager
def _launch_lock(state: Path, deadline: float) -> Iterator[None]:
    """Hold the launcher's lock; whoever has it is done in moments, or starts the gateway."""
    try:
        make_private_folder(state)
        lock = FileLock(state / "gateway.lock")
        while not lock.acquire():
            if time.monotonic() > deadline:
                raise GatewayUnreachable(
                    "another process has been starting the gateway for too long",
                    where=str(lock.path),
                    next_step=f"look at {state / 'gateway.log'}",
                )
            time.sleep(_POLL_SECONDS)
    except OSError as error:
        raise NotWritable(
            f"this folder cannot be written: {error.strerror or error}",
            where=str(state),
            next_step="have its permissions changed, or move client.state_dir",
        ) from error
    with lock:
        yield


def _studio_endpoint(settings: Settings) -> Endpoint:
    assert settings.client.url is not None
    return Endpoint(settings.client.url.rstrip("/"), _studio_token(settings))


def _local_token(state: Path) -> str:
    return read_token(state / "gateway.token", forbidden_mode=0o077)


def _studio_token(settings: Settings) -> str:
    path = settings.client.token_file
    if path is None:
        raise ConfigError(
            "client.url names a gateway, and nothing holds the token for it",
            where=str(settings.client.url),
            next_step="set client.token_file to the file with the token",
        )
    # A studio may hand its token to a group; nobody else is to read it, nor to change it.
    return read_token(path, forbidden_mode=0o027)
