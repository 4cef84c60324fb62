"""Finds or starts this user's local gateway.

In ``client.state_dir``::

    gateway.json     the gateway's announcement of its URL; it writes and removes the file
    gateway.token    the token for clients, mode 0600; the gateway creates it
    gateway.lock     held while a process starts the gateway, so that only one does
    gateway.pid      id and identity of the process that was started last; while it is ending, it
                     still uses its data
    gateway.log      its log; the previous one is gateway.log.1

A gateway at the announced URL is accepted if it proves that it knows the token
(:mod:`bridge_core.connection.gateway_proof`). A process is only ended or waited for if its identity
is the recorded one (:mod:`bridge_core.system.processes`).
"""

from __future__ import annotations

import atexit
import contextlib
import http.client
import json
import re
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
from bridge_core.connection.endpoint import Endpoint, read_token
from bridge_core.errors import ConfigError, GatewayFault, GatewayUnreachable, NotAuthorised
from bridge_core.gateway_program import (
    INSTALL_HINT,
    gateway_command,
    gateway_environment,
    start_error,
)
from bridge_core.system import processes
from bridge_core.system.files import storage_errors
from bridge_core.system.locks import FileLock
from bridge_core.system.private_files import make_private_folder, open_private, read_own_file

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings

#: Size in bytes above which the log is rotated at the next start.
_MAX_LOG_BYTES = 5_000_000
#: Seconds between two polls.
_POLL_SECONDS = 0.05
#: Maximum size in bytes of gateway.json and gateway.pid.
_MAX_RECORD_BYTES = 100_000
#: Seconds for a running gateway to prove itself.
_PROOF_TIMEOUT = 5.0
#: Seconds for a gateway to shut down.
_STOP_TIMEOUT = 15.0

#: Gateways that this process has started, to notice when they end.
_children: dict[int, subprocess.Popen[bytes]] = {}


@atexit.register
def _detach_children() -> None:
    """Gateways outlive this process; Python would warn about child processes still running."""
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
    """A process that was started as this user's gateway, even if its id has been reused."""

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
    """The endpoint of the studio's gateway at ``client.url``, or else of this user's local gateway,
    which is started if it does not run.

    :raises ConfigError: there is no token for the studio's gateway, or no gateway is installed.
    :raises NotAuthorised: others can read the token.
    :raises GatewayFault: the gateway ended while starting; the message has the end of its log.
    :raises GatewayUnreachable: it did not respond within ``client.start_timeout``.
    """
    if settings.client.url is not None:
        return _studio_endpoint(settings.client.url, settings.client.token_file)
    state = settings.client.state_dir
    deadline = time.monotonic() + settings.client.start_timeout
    announcement = _find_running(state)
    if announcement is None:
        with _launch_lock(state, deadline):
            announcement = _find_running(state) or _start(settings, deadline)
    return Endpoint(announcement.url, _local_token(state), is_local=True)


def find_gateway(settings: Settings) -> Endpoint:
    """As :func:`ensure_gateway`, but nothing is started.

    :raises GatewayUnreachable: the local gateway does not run, or does not respond.
    """
    if settings.client.url is not None:
        return _studio_endpoint(settings.client.url, settings.client.token_file)
    state = settings.client.state_dir
    announcement = _find_running(state)
    if announcement is None:
        message = "no local gateway is running"
        next_step = "start it with `shotbridge services`, or set client.url to the studio's"
        raise GatewayUnreachable(message, where=str(state), next_step=next_step)
    return Endpoint(announcement.url, _local_token(state), is_local=True)


def stop_gateway(settings: Settings) -> bool:
    """Shut down this user's local gateway and return whether there was one. Its jobs continue after
    the next start.

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
                    message = "a gateway is running that was not started by this user's Shotbridge"
                    where = f"{announcement.url}, process {announcement.pid}"
                    next_step = "stop it where it was started"
                    raise GatewayUnreachable(message, where=where, next_step=next_step)
            return False
        while process.alive:
            if time.monotonic() > deadline:
                message = f"the gateway (process {process.pid}) does not shut down"
                next_step = f"check {state / 'gateway.log'}, then end the process by hand"
                raise GatewayUnreachable(message, where=str(state), next_step=next_step)
            time.sleep(_POLL_SECONDS)
        return True


def _find_running(state: Path) -> _Announcement | None:
    """The announced gateway, if it responds and proves itself.

    :raises GatewayUnreachable: it is running but does not respond.
    :raises NotAuthorised: it is running but does not know the token.
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
        message = (
            f"the gateway is running (process {announcement.pid}) but does not respond: {error}"
        )
        next_step = "wait a moment; if it persists, stop it with `shotbridge stop`"
        raise GatewayUnreachable(message, where=announcement.url, next_step=next_step) from error
    if _is_running(announcement, state):
        gateway = f"the running gateway (process {announcement.pid})"
        message = f"{gateway} does not know the token in {state / 'gateway.token'}"
        next_step = "stop it with `shotbridge stop`; the next call starts one with this token"
        raise NotAuthorised(message, where=announcement.url, next_step=next_step)
    return None


def _read_announcement(state: Path) -> _Announcement | None:
    """The announcement; None if there is none, it is damaged, or the file is another user's."""
    try:
        raw = json.loads(read_own_file(state / "gateway.json", _MAX_RECORD_BYTES) or b"")
        parts = urllib.parse.urlsplit(str(raw["url"]))
        if parts.scheme != "http" or not parts.hostname or not parts.port:
            return None
        return _Announcement(parts.geturl(), str(raw["instance_id"]), int(raw["pid"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _responds(announcement: _Announcement, state: Path) -> bool:
    """Whether the announced gateway responds at its URL and proves itself.

    :raises OSError: there is no response.
    :raises http.client.HTTPException: the response is not HTTP.
    """
    parts = urllib.parse.urlsplit(announcement.url)
    host_and_port = parts.hostname or "", parts.port or 0
    with socket.create_connection(host_and_port, timeout=_PROOF_TIMEOUT) as connection:
        if not (state / "gateway.token").exists():
            return False
        url, token = announcement.url, _local_token(state)
        response = gateway_proof.request_proof(connection, url, token, _PROOF_TIMEOUT)
    return response.proven_instance == announcement.instance


def _is_running(announcement: _Announcement, state: Path) -> bool:
    """Whether the announced process is the gateway that was started last, and is alive."""
    process = _read_last_process(state)
    return process is not None and process.pid == announcement.pid and process.alive


def _read_last_process(state: Path) -> _GatewayProcess | None:
    """The process that was started last; None without a valid record."""
    try:
        record = read_own_file(state / "gateway.pid", _MAX_RECORD_BYTES) or b""
        pid, identity = record.decode().split(" ", 1)
        return _GatewayProcess(int(pid), identity.strip())
    except (OSError, ValueError):
        return None


def _write_last_process(state: Path, process: _GatewayProcess) -> None:
    with open_private(state / "gateway.pid", "wb") as file:
        file.write(f"{process.pid} {process.identity}\n".encode())


def _start(settings: Settings, deadline: float) -> _Announcement:
    state = settings.client.state_dir
    log = state / "gateway.log"
    files = ("--announce", state / "gateway.json", "--token-file", state / "gateway.token")
    arguments = ("serve", *files, "--log", log, "--idle-exit")
    command = gateway_command(settings, *map(str, arguments))
    _wait_for_last_process(state)
    (state / "gateway.json").unlink(missing_ok=True)
    if log.exists() and log.stat().st_size > _MAX_LOG_BYTES:
        log.replace(state / "gateway.log.1")
    with open_private(log, "ab") as stream:
        log_offset = stream.tell()
        child = _spawn(command, gateway_environment(settings), state, stream.fileno())
    _children[child.pid] = child
    _write_last_process(state, _GatewayProcess.of(child.pid))
    try:
        while time.monotonic() < deadline:
            announcement = _read_announcement(state)
            if announcement is not None:
                if announcement.pid != child.pid:  # the command is a wrapper, such as rez's
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
        f"the gateway did not respond within {settings.client.start_timeout:g} s and was stopped",
        where=str(log),
        next_step="check its log; client.start_timeout sets how long to wait",
        details={"log": _log_tail(log, log_offset)},
    )


def _wait_for_last_process(state: Path) -> None:
    """Wait until the previous gateway process has ended."""
    process = _read_last_process(state)
    deadline = time.monotonic() + _STOP_TIMEOUT
    while process is not None and process.alive and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _spawn(
    command: list[str], environment: dict[str, str], folder: Path, log: int
) -> subprocess.Popen[bytes]:
    """Start a process that outlives this one and is detached from its terminal."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    try:
        # A working folder of its own: ``-m`` puts it on the module path, and it must not keep a
        # disk from being unmounted.
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


def _startup_error(
    child: subprocess.Popen[bytes], command: list[str], log: Path, log_offset: int
) -> ConfigError | GatewayFault:
    tail = _log_tail(log, log_offset)
    missing = re.search(r"No module named '?([\w.]+)'?", tail)
    if missing:
        message = f"the gateway is not installed: there is no module {missing[1]} in {command[0]}"
        next_step = f"{INSTALL_HINT} there, or set client.gateway_command or client.url"
        return ConfigError(message, where=str(log), next_step=next_step, details={"log": tail})
    return GatewayFault(
        f"the gateway ended while starting, with exit code {child.returncode}. "
        f"Its log ends: {tail.strip() or '(empty)'}",
        where=str(log),
        next_step="solve the problem that the log shows, and try again",
        details={"exit_code": child.returncode, "log": tail},
    )


def _log_tail(log: Path, log_offset: int) -> str:
    """The last lines of the log since this start."""
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
    """Hold the lock of gateway.lock, waiting for it until ``deadline``."""
    with storage_errors(state, "or set another client.state_dir"):
        make_private_folder(state)
        lock = FileLock(state / "gateway.lock")
        while not lock.acquire():
            if time.monotonic() > deadline:
                message = "another process has been starting the gateway for too long"
                next_step = f"check {state / 'gateway.log'}"
                raise GatewayUnreachable(message, where=str(lock.path), next_step=next_step)
            time.sleep(_POLL_SECONDS)
    with lock:
        yield


def _local_token(state: Path) -> str:
    return read_token(state / "gateway.token", forbidden_mode=0o077)


def _studio_endpoint(url: str, token_file: Path | None) -> Endpoint:
    if token_file is None:
        message = "client.url is set, but there is no token for that gateway"
        next_step = "set client.token_file to the file with the token"
        raise ConfigError(message, where=url, next_step=next_step)
    # The studio's token may be readable for a group, but nobody else may read or change it.
    return Endpoint(url.rstrip("/"), read_token(token_file, forbidden_mode=0o027))
