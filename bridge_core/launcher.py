"""Finds this user's own gateway, or starts it.

In ``client.state_dir``::

    gateway.json     where it is; the gateway writes and removes it
    gateway.token    the token of its callers, mode 0600; the gateway makes it
    gateway.lock     held while one process looks and starts, so that only one does
    gateway.pid      the process that was started last; one that is ending still holds its data
    gateway.log      what it says; the one before is gateway.log.1
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
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.address import Address
from bridge_core.errors import (
    ConfigError,
    GatewayFault,
    GatewayUnreachable,
    NotWritable,
)
from bridge_core.locks import FileLock
from bridge_core.tokens import read_token

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings

#: Bytes after which the log is put aside at the next start.
_LOG_LIMIT = 5_000_000
#: Seconds between two looks.
_PULSE = 0.05
#: Seconds that a running gateway gets to say who it is.
_ABOUT_SECONDS = 5.0
#: Seconds that a gateway gets to end in order.
_STOP_SECONDS = 15.0
_INSTALL = 'install the gateway (in a checkout of Shotbridge: pip install ".[gateway]")'

#: Gateways that this process started, so that their ends are noticed.
_children: dict[int, subprocess.Popen[bytes]] = {}


@atexit.register
def _let_go() -> None:
    """Gateways outlive who started them; Python would warn of children that nobody waited for."""
    for child in _children.values():
        if child.poll() is None:
            child.returncode = 0


@dataclass(frozen=True)
class _Announcement:
    url: str
    instance: str
    pid: int


def ensure(settings: Settings) -> Address:
    """Where the gateway is: the studio's at ``client.url``, or this user's own, which is started
    when it does not run.

    :raises ConfigError: there is no token for the studio's gateway, or no gateway to start here.
    :raises NotAuthorised: others may read the token.
    :raises GatewayFault: it ended while starting; the end of its log is in the message.
    :raises GatewayUnreachable: it did not answer within ``client.start_timeout``.
    """
    if settings.client.url is not None:
        return _studio(settings)
    state = settings.client.state_dir
    deadline = time.monotonic() + settings.client.start_timeout
    found = _running(state)
    if found is None:
        with _alone(state, deadline):
            found = _running(state) or _start(settings, deadline)
    return Address(found.url, _own_token(state), own=True)


def find(settings: Settings) -> Address:
    """As :func:`ensure`, but nothing is started.

    :raises GatewayUnreachable: this user's own gateway does not run, or does not answer.
    """
    if settings.client.url is not None:
        return _studio(settings)
    state = settings.client.state_dir
    found = _running(state)
    if found is None:
        raise GatewayUnreachable(
            "no gateway runs here",
            where=str(state),
            next_step="`shotbridge services` starts it; or set client.url to the studio's",
        )
    return Address(found.url, _own_token(state), own=True)


def stop(settings: Settings) -> bool:
    """End this user's own gateway in order; whether there was one. Its jobs go on after the next
    start.

    :raises GatewayUnreachable: it did not end.
    """
    state = settings.client.state_dir
    deadline = time.monotonic() + _STOP_SECONDS
    with _alone(state, deadline):
        found = _running(state, answering=False)
        if found is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGTERM)
        while _alive(found.pid):
            if time.monotonic() > deadline:
                raise GatewayUnreachable(
                    f"the gateway (process {found.pid}) does not end",
                    where=found.url,
                    next_step=f"look at {state / 'gateway.log'}, then end the process by hand",
                )
            time.sleep(_PULSE)
        return True


def gateway_command(settings: Settings) -> list[str]:
    """The command line that runs the gateway's program here, without arguments: the one that is
    set; else this process's own Python, where it has the gateway; else ``shotbridge-gateway`` on
    the ``PATH``. A host's Python has the client only, or is no program of its own.

    :raises ConfigError: there is none.
    """
    if settings.client.gateway_command:
        return list(settings.client.gateway_command)
    name = Path(sys.executable or "").name.lower()
    is_python = re.fullmatch(r"python[0-9.]*w?(\.exe)?", name) is not None
    if is_python and importlib.util.find_spec("bridge_gateway") is not None:
        return [sys.executable, "-m", "bridge_gateway"]
    installed = shutil.which("shotbridge-gateway")
    if installed is not None:
        return [installed]
    raise ConfigError(
        f"there is no gateway to start: {name or 'this program'} has none inside, and there is no "
        "shotbridge-gateway on the PATH",
        next_step=f"{_INSTALL} into a Python of its own, and set client.gateway_command to "
        "[/path/to/that/python, -m, bridge_gateway]; or set client.url to the studio's gateway",
    )


def _running(state: Path, *, answering: bool = True) -> _Announcement | None:
    """The gateway that is announced, if it is the one that answers there.

    :raises GatewayUnreachable: it runs and does not answer; with ``answering`` False it is given.
    """
    found = _announced(state)
    if found is None:
        return None
    try:
        about = _about(found.url)
    except ConnectionError:
        return None
    except (OSError, http.client.HTTPException) as error:
        if not _alive(found.pid):
            return None
        if not answering:
            return found
        raise GatewayUnreachable(
            f"the gateway runs (process {found.pid}) and does not answer: {error}",
            where=found.url,
            next_step="wait a moment; if it stays so, `shotbridge stop` ends it",
        ) from error
    return found if about.get("instance") == found.instance else None


def _announced(state: Path) -> _Announcement | None:
    try:
        raw = json.loads((state / "gateway.json").read_text(encoding="utf-8"))
        return _Announcement(str(raw["url"]), str(raw["instance"]), int(raw["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # none, or of another version: the handshake would refuse that anyway


def _about(url: str) -> dict[str, object]:
    """``/v1/about`` by the standard library: whoever only looks need not load requests."""
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(
        place.hostname or "", place.port, timeout=_ABOUT_SECONDS
    )
    try:
        connection.request("GET", "/v1/about")
        answer = json.loads(connection.getresponse().read(1_000_000))
    except ValueError:
        return {}
    finally:
        connection.close()
    return answer if isinstance(answer, dict) else {}


def _start(settings: Settings, deadline: float) -> _Announcement:
    from bridge_core.config.handover import as_variables

    state = settings.client.state_dir
    command = [
        *gateway_command(settings),
        "serve",
        "--announce",
        str(state / "gateway.json"),
        "--token-file",
        str(state / "gateway.token"),
        "--idle-exit",
    ]
    _await_end_of_last(state)
    (state / "gateway.json").unlink(missing_ok=True)
    log = state / "gateway.log"
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(state / "gateway.log.1")
    with log.open("ab") as stream:
        begin = stream.tell()
        child = _spawn(command, {**os.environ, **as_variables(settings)}, state, stream.fileno())
    _children[child.pid] = child
    (state / "gateway.pid").write_text(str(child.pid), encoding="utf-8")
    try:
        while time.monotonic() < deadline:
            found = _announced(state)
            if found is not None:
                return found
            if child.poll() is not None:
                raise _died(child, command, log, begin)
            time.sleep(_PULSE)
    except BaseException:
        _end(child)
        raise
    _end(child)
    raise GatewayUnreachable(
        f"the gateway did not answer within {settings.client.start_timeout:g} s, and was ended",
        where=str(log),
        next_step="look at its log; client.start_timeout sets how long is waited",
        details={"log": _tail(log, begin)},
    )


def _await_end_of_last(state: Path) -> None:
    """Let a gateway that answers no more come to its end. Whoever has its number long after it
    ended is somebody else, and is not waited for longer than an ending takes."""
    try:
        last = int((state / "gateway.pid").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    deadline = time.monotonic() + _STOP_SECONDS
    while _alive(last) and time.monotonic() < deadline:
        time.sleep(_PULSE)


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
        raise cannot_start(command, error) from error


def cannot_start(command: list[str], error: OSError) -> ConfigError:
    """In words, what the system said of :func:`gateway_command`."""
    return ConfigError(
        f"the gateway cannot be started: {error.strerror or error}",
        where=command[0],
        next_step="correct client.gateway_command",
    )


def _died(
    child: subprocess.Popen[bytes], command: list[str], log: Path, begin: int
) -> ConfigError | GatewayFault:
    tail = _tail(log, begin)
    missing = re.search(r"No module named '?([\w.]+)'?", tail)
    if missing:
        return ConfigError(
            f"the gateway is not installed: there is no module {missing[1]} in {command[0]}",
            where=str(log),
            next_step=f"{_INSTALL} there, or set client.gateway_command or client.url",
            details={"log": tail},
        )
    return GatewayFault(
        f"the gateway ended while starting, with exit code {child.returncode}. "
        f"It said: {tail.strip() or 'nothing'}",
        where=str(log),
        next_step="correct what it says and try again",
        details={"exit_code": child.returncode, "log": tail},
    )


def _tail(log: Path, begin: int) -> str:
    """The last lines that this start wrote."""
    with log.open("rb") as stream:
        stream.seek(begin)
        return "\n".join(stream.read().decode("utf-8", "replace").splitlines()[-15:])


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _alive(pid: int) -> bool:
    child = _children.get(pid)
    if child is not None:
        return child.poll() is None
    if sys.platform == "win32":
        return _alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return False  # the number was given to somebody else's process
    return not _has_ended(pid)


def _has_ended(pid: int) -> bool:
    """Whether a process has ended and only waits for who started it, such as an open panel, to
    take note: a zombie, whose number still takes signals."""
    stat = Path("/proc", str(pid), "stat")
    if stat.exists():
        with contextlib.suppress(OSError):
            # The state stands behind the name, which may itself hold brackets (man 5 proc).
            return stat.read_text(errors="replace").rpartition(")")[2].split()[0] == "Z"
    with contextlib.suppress(OSError):
        told = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return told.stdout.strip().startswith("Z")
    return False


def _alive_on_windows(pid: int) -> bool:
    # os.kill(pid, 0) would end the process there.
    listed = subprocess.run(
        ["tasklist", "/FI", f"PID eq {pid}", "/NH"], capture_output=True, text=True, check=False
    )
    return str(pid) in listed.stdout.split()


@contextmanager
def _alone(state: Path, deadline: float) -> Iterator[None]:
    """Hold the launcher's lock; whoever has it is done in moments, or starts the gateway."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(state / "gateway.lock")
        while not lock.acquire():
            if time.monotonic() > deadline:
                raise GatewayUnreachable(
                    "another process has been starting the gateway for too long",
                    where=str(lock.path),
                    next_step=f"look at {state / 'gateway.log'}",
                )
            time.sleep(_PULSE)
    except OSError as error:
        raise NotWritable(
            f"this folder cannot be written: {error.strerror or error}",
            where=str(state),
            next_step="have its permissions changed, or move client.state_dir",
        ) from error
    with lock:
        yield


def _studio(settings: Settings) -> Address:
    assert settings.client.url is not None
    return Address(settings.client.url.rstrip("/"), _studio_token(settings))


def _own_token(state: Path) -> str:
    return read_token(state / "gateway.token", others=0o077)


def _studio_token(settings: Settings) -> str:
    path = settings.client.token_file
    if path is None:
        raise ConfigError(
            "client.url names a gateway, and nothing holds the token for it",
            where=str(settings.client.url),
            next_step="set client.token_file to the file with the token",
        )
    # A studio may hand its token to a group; nobody else is to read it, nor to change it.
    return read_token(path, others=0o027)
