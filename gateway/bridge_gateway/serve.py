"""Runs the gateway: opens its parts in order, announces its URL, and closes them again.

The order at the start: socket, job runtime (which locks the data folder), token, server,
announcement. An announced gateway answers calls.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any
from uuid import uuid4

import uvicorn
from anyio import to_thread
from sqlalchemy.exc import SQLAlchemyError

import bridge_core
from bridge_core.errors import ConfigError, StorageError, StorageUnavailable
from bridge_core.models.base import now
from bridge_core.models.gateway import About
from bridge_core.models.settings import GatewaySettings
from bridge_core.system.files import atomic_write_bytes, storage_errors
from bridge_gateway.api.activity import Activity
from bridge_gateway.api.app import create_app
from bridge_gateway.api.auth.middleware import MIN_CLIENT_VERSION, AuthConfig
from bridge_gateway.api.auth.token_file import load_or_create_token
from bridge_gateway.api.connection_limits import (
    BoundedProtocol,
    ConnectionLimits,
    ConnectionRegistry,
    system_connection_limits,
)
from bridge_gateway.api.dependencies import ApiContext
from bridge_gateway.api.sse import EventBroadcaster
from bridge_gateway.jobs.runtime import JobRuntime
from bridge_gateway.media.plate_proxy_cache import PlateProxyCache
from bridge_gateway.providers.registry import ProviderRegistry

_log = logging.getLogger(__name__)

#: Connections that may wait to be accepted.
_LISTEN_BACKLOG = 1024


@dataclass(frozen=True)
class ServeOptions:
    """The options of one start, besides the settings."""

    token_file: Path | None = None
    """None: ``token`` in the data folder."""
    announce: Path | None = None
    """The file to write the announcement to, see :func:`_write_announcement`."""
    idle_exit: bool = False
    """End after ``gateway.idle_exit_seconds`` without a call or a job."""


def serve(settings: GatewaySettings, options: ServeOptions) -> None:
    """Run until a signal or, with ``idle_exit``, until it is idle. The first SIGTERM or SIGINT
    shuts it down cleanly: jobs resume at the next start. A second one ends it at once.

    :raises ConfigError: the port is in use, another gateway uses the same data folder, or the token
        file is not usable.
    :raises StorageError: a folder cannot be written.
    """
    with ExitStack() as stack:
        signal_handler = stack.enter_context(_install_signal_handlers())
        listener = stack.enter_context(open_listener(settings.host, settings.port))
        with storage_errors(settings.data_dir):
            settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        providers = ProviderRegistry(settings)
        stack.callback(providers.close)
        runtime = JobRuntime(settings, providers)
        _start_runtime(runtime, settings)
        stack.callback(runtime.stop)
        token = load_or_create_token(options.token_file or settings.data_dir / "token")
        about = About(
            version=bridge_core.__version__,
            api_version=bridge_core.API_VERSION,
            min_client_version=MIN_CLIENT_VERSION,
            instance_id=uuid4().hex,
        )
        plate_proxies = PlateProxyCache(
            settings.data_dir / "plate_proxies", settings.colour, settings.proxies
        )
        stack.callback(plate_proxies.close)
        context = ApiContext(about, runtime, EventBroadcaster(runtime.events), plate_proxies)
        hosts = (settings.host, *settings.allowed_hosts)
        activity = Activity()
        app = create_app(context, AuthConfig.create(token, hosts), activity)
        endpoint = endpoint_url(settings.host, listener.getsockname()[1])

        def announce_ready() -> None:
            _log.info("gateway %s answers at %s", about.version, endpoint)
            if options.announce is not None:
                _write_announcement(options.announce, endpoint, about)
                stack.callback(_remove_announcement, options.announce, about.instance_id)

        server = GatewayServer(server_config(app), context.event_broadcaster, announce_ready)
        signal_handler.set_server(server)
        idle_seconds = settings.idle_exit_seconds if options.idle_exit else 0
        asyncio.run(_run(server, listener, stop_when_idle(server, activity, runtime, idle_seconds)))


def _write_announcement(path: Path, endpoint: str, about: About) -> None:
    """Write ``url``, ``pid``, ``instance_id``, ``version``, ``api_version`` and ``started`` (ISO
    8601, UTC) as JSON, into a file that only its owner can read. Clients ask ``/v1/about`` whether
    the instance still answers there.

    :raises StorageError: it cannot be written.
    """
    fields = {
        "url": endpoint,
        "pid": os.getpid(),
        "instance_id": about.instance_id,
        "version": about.version,
        "api_version": about.api_version,
        "started": now().isoformat(),
    }
    with storage_errors(path.parent):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    atomic_write_bytes(path, f"{json.dumps(fields, indent=1)}\n".encode(), mode=0o600)


def open_listener(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    :raises ConfigError: the host or the port cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_LISTEN_BACKLOG)
        # asyncio sets it only on sockets that name their protocol, which this one does not. Without
        # it, responses in two parts wait 40 ms for the other side's delayed acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        raise ConfigError(
            f"the gateway cannot listen there: {error.strerror or error}",
            where=f"gateway.host {host}, gateway.port {port}",
            next_step="stop the program that uses this port, or set gateway.port to another one "
            "(0: any free one)",
        ) from error


def endpoint_url(host: str, port: int) -> str:
    """The URL under which this machine reaches the gateway."""
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class GatewayServer(uvicorn.Server):
    """Reports when it is ready, and ends the event streams before it waits for calls to end."""

    def __init__(
        self,
        config: uvicorn.Config,
        event_broadcaster: EventBroadcaster,
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._event_broadcaster = event_broadcaster
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            # asyncio's backlog sets both how many wait and how many are accepted at once.
            listener.listen(_LISTEN_BACKLOG)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._event_broadcaster.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to :func:`serve`: uvicorn would raise them again after the server has
        ended, and so kill the process before the job runtime is closed."""
        yield


def _start_runtime(runtime: JobRuntime, settings: GatewaySettings) -> None:
    try:
        with storage_errors(settings.data_dir):
            runtime.start()
    except (SQLAlchemyError, StorageUnavailable) as error:
        cause = error.__cause__ if isinstance(error, StorageUnavailable) else error
        if not isinstance(cause, SQLAlchemyError):
            raise  # the error of a disk
        raise StorageError(
            f"the gateway's database cannot be opened: {getattr(cause, 'orig', None) or cause}",
            # The URL itself may contain a password.
            where="gateway.database_url" if settings.database_url else str(settings.data_dir),
            next_step="correct gateway.database_url or gateway.data_dir, or repair the database",
        ) from error


async def stop_when_idle(
    server: uvicorn.Server, activity: Activity, runtime: JobRuntime, seconds: float
) -> None:
    """End the server after ``seconds`` without a call, a listener or a job; 0: never."""
    while seconds and not server.should_exit:
        await asyncio.sleep(min(seconds / 4, 10.0))
        if activity.idle_seconds() < seconds or await to_thread.run_sync(runtime.has_open_jobs):
            continue
        if activity.idle_seconds() >= seconds:  # a call may have come meanwhile
            _log.info("idle for %g seconds; ending", seconds)
            server.should_exit = True


class _StopSignalHandler:
    """Handles signals: the first ends the server, the second the process."""

    def __init__(self) -> None:
        self._is_requested = False
        self._server: uvicorn.Server | None = None

    def set_server(self, server: uvicorn.Server) -> None:
        self._server = server
        server.should_exit = self._is_requested

    def __call__(self, number: int, _: FrameType | None) -> None:
        if self._is_requested:
            os._exit(128 + number)
        self._is_requested = True
        if self._server is not None:
            self._server.should_exit = True


@contextmanager
def _install_signal_handlers() -> Iterator[_StopSignalHandler]:
    stop_handler = _StopSignalHandler()
    signals = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        signals.append(signal.SIGBREAK)
    previous = {kind: signal.signal(kind, stop_handler) for kind in signals}
    try:
        yield stop_handler
    finally:
        for kind, handler in previous.items():
            signal.signal(kind, handler)


async def _run(
    server: GatewayServer, listener: socket.socket, stop_when_idle: Coroutine[Any, Any, None]
) -> None:
    idle_task = asyncio.create_task(stop_when_idle)
    try:
        await server.serve(sockets=[listener])
    finally:
        idle_task.cancel()
        with suppress(asyncio.CancelledError):
            await idle_task


def server_config(app: object, limits: ConnectionLimits | None = None) -> uvicorn.Config:
    """The configuration of the server; ``limits`` None: those of the system."""
    bounded = partial(
        BoundedProtocol, open_connections=ConnectionRegistry(limits or system_connection_limits())
    )
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=bounded,  # type: ignore[arg-type]
        # Connections accepted at once: several rounds may pass before the first of them is counted.
        backlog=32,
        ws="none",
        lifespan="off",
        log_config=None,
        server_header=False,
        proxy_headers=False,
        # Longer than clients keep idle connections, so that none is closed during a call.
        timeout_keep_alive=75,
        # For listeners that no longer read; calls are short, and uploads can be resumed.
        timeout_graceful_shutdown=5,
    )


def _remove_announcement(path: Path, instance_id: str) -> None:
    """Remove the announcement, unless another gateway has written its own there."""
    with suppress(OSError, ValueError):
        if json.loads(path.read_text(encoding="utf-8")).get("instance_id") == instance_id:
            path.unlink()
