"""Runs the gateway: opens everything in order, says where it is, and closes everything again.

The order at the start: socket, contents, desk (which takes the data folder's lock), token,
server, announcement. What is announced answers.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from uuid import uuid4

import uvicorn
from anyio import to_thread
from sqlalchemy.exc import SQLAlchemyError

import bridge_core
from bridge_core.errors import ConfigError, StorageError, StorageUnavailable
from bridge_core.models.base import now
from bridge_core.models.gateway import About
from bridge_core.models.settings import GatewaySettings
from bridge_gateway import private
from bridge_gateway.api.activity import Activity
from bridge_gateway.api.app import create_app
from bridge_gateway.api.connections import BoundedProtocol, Connections, Limits, system_limits
from bridge_gateway.api.gate import OLDEST_CLIENT, Door
from bridge_gateway.api.parts import Parts
from bridge_gateway.api.sse import Broadcaster
from bridge_gateway.jobs.desk import Desk
from bridge_gateway.media.plate_proxies import PlateProxies
from bridge_gateway.providers.local.provider import LocalProvider
from bridge_gateway.store.content import ContentStore
from bridge_gateway.store.partial import told
from bridge_gateway.store.roots import Roots

_log = logging.getLogger(__name__)

#: Connections that may wait to be taken.
_QUEUE = 1024


@dataclass(frozen=True)
class Options:
    """What is asked of one start, besides the configuration."""

    token_file: Path | None = None
    """None: ``token`` in the data folder."""
    announce: Path | None = None
    """Where to write what :func:`announcement` says."""
    idle_exit: bool = False
    """End after ``gateway.idle_exit_seconds`` without a call or a job."""


def serve(settings: GatewaySettings, options: Options) -> None:
    """Run until a signal comes or nobody needs it. The first SIGTERM or SIGINT ends it in order:
    jobs go on after the next start. A second one ends it at once.

    :raises ConfigError: the port is taken, another gateway works on the same data, or the token
        file is unfit.
    :raises StorageError: a folder cannot be written.
    """
    with ExitStack() as stack:
        stop = stack.enter_context(_signals())
        listener = stack.enter_context(listen(settings.host, settings.port))
        with told(settings.data_dir):
            settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        contents = ContentStore(settings.data_dir / "contents", settings.content_limit * 1_000_000)
        roots = Roots(settings.media_roots)
        provider = LocalProvider(settings)
        stack.callback(provider.close)
        desk = Desk(settings, [provider], contents, roots)
        _start(desk, settings)
        stack.callback(desk.stop)
        token = private.token(options.token_file or settings.data_dir / "token")
        about = About(
            version=bridge_core.__version__,
            api=bridge_core.API_VERSION,
            oldest_client=OLDEST_CLIENT,
            instance=uuid4().hex,
        )
        plate_proxies = PlateProxies(
            settings.data_dir / "plate_proxies", settings.colour, settings.proxies
        )
        stack.callback(plate_proxies.close)
        parts = Parts(about, desk, contents, roots, Broadcaster(desk), plate_proxies)
        hosts = (settings.host, *settings.allowed_hosts)
        activity = Activity()
        app = create_app(parts, Door.of(token, OLDEST_CLIENT, hosts), activity)
        address = url(settings.host, listener.getsockname()[1])

        def ready() -> None:
            _log.info("gateway %s answers at %s", about.version, address)
            if options.announce is not None:
                private.write(options.announce, announcement(address, about))
                stack.callback(_withdraw, options.announce, about.instance)

        server = Server(config(app), parts.events, ready)
        stop.server = server
        idle = settings.idle_exit_seconds if options.idle_exit else 0
        asyncio.run(_run(server, listener, Idle(activity, desk, idle)))


def announcement(address: str, about: About) -> str:
    """JSON: ``url``, ``pid``, ``instance``, ``version``, ``api``, ``started`` (ISO 8601, UTC).
    Who finds one asks ``/v1/about`` whether the instance still answers there."""
    found = {
        "url": address,
        "pid": os.getpid(),
        "instance": about.instance,
        "version": about.version,
        "api": about.api,
        "started": now().isoformat(),
    }
    return json.dumps(found, indent=1) + "\n"


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    :raises ConfigError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_QUEUE)
        # asyncio sets it on sockets that name their protocol only, which this one does not; without
        # it every answer in two parts waits 40 ms for the other side's delayed acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        raise ConfigError(
            f"the gateway cannot listen there: {error.strerror or error}",
            where=f"gateway.host {host}, gateway.port {port}",
            next_step="stop the program that uses this port, or set gateway.port to another one "
            "(0: any free one)",
        ) from error


def url(host: str, port: int) -> str:
    """The address under which this machine reaches the gateway."""
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """Says when it answers, and ends the streams of events before it waits for calls to end."""

    def __init__(
        self, config: uvicorn.Config, events: Broadcaster, ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._events = events
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(_QUEUE)  # asyncio's backlog is both, how many wait and are taken
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._events.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to :func:`serve`: uvicorn would raise them again once the server has
        ended, and so kill the process before the desk is closed."""
        yield


def _start(desk: Desk, settings: GatewaySettings) -> None:
    try:
        with told(settings.data_dir):
            desk.start()
    except (SQLAlchemyError, StorageUnavailable) as error:
        cause = error.__cause__ if isinstance(error, StorageUnavailable) else error
        if not isinstance(cause, SQLAlchemyError):
            raise  # a disk, which says so itself
        raise StorageError(
            f"the gateway's database cannot be opened: {getattr(cause, 'orig', None) or cause}",
            # The address itself may hold a password.
            where="gateway.database_url" if settings.database_url else str(settings.data_dir),
            next_step="correct gateway.database_url or gateway.data_dir, or repair the database",
        ) from error


@dataclass(frozen=True)
class Idle:
    """Ends a server that nobody needs any more."""

    activity: Activity
    desk: Desk
    seconds: float
    """0: never."""

    async def end(self, server: uvicorn.Server) -> None:
        """End the server once there was no call, no listener and no job for so long."""
        while self.seconds:
            await asyncio.sleep(min(self.seconds / 4, 10.0))
            if self._unused() and not await to_thread.run_sync(self.desk.busy) and self._unused():
                _log.info("nobody has called for %g seconds; ending", self.seconds)
                server.should_exit = True
                return

    def _unused(self) -> bool:
        return self.activity.idle_seconds() >= self.seconds


class _Stop:
    """What a signal does: the first ends the server, the second the process."""

    def __init__(self) -> None:
        self.asked = False
        self._server: uvicorn.Server | None = None

    @property
    def server(self) -> uvicorn.Server | None:
        return self._server

    @server.setter
    def server(self, server: uvicorn.Server) -> None:
        self._server = server
        server.should_exit = self.asked

    def __call__(self, number: int, _: FrameType | None) -> None:
        if self.asked:
            os._exit(128 + number)
        self.asked = True
        if self._server is not None:
            self._server.should_exit = True


@contextmanager
def _signals() -> Iterator[_Stop]:
    stop = _Stop()
    kinds = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        kinds.append(signal.SIGBREAK)
    before = {kind: signal.signal(kind, stop) for kind in kinds}
    try:
        yield stop
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


async def _run(server: Server, listener: socket.socket, idle: Idle) -> None:
    watching = asyncio.create_task(idle.end(server))
    try:
        await server.serve(sockets=[listener])
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def config(app: object, limits: Limits | None = None) -> uvicorn.Config:
    """``limits``: of connections; None: what the system gives."""
    bounded = partial(BoundedProtocol, open_connections=Connections(limits or system_limits()))
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=bounded,  # type: ignore[arg-type]
        # Connections taken at one go: some goes are over before the first of them is counted.
        backlog=32,
        ws="none",
        lifespan="off",
        log_config=None,
        server_header=False,
        proxy_headers=False,
        # Longer than clients keep an idle connection, so that none is cut under a call.
        timeout_keep_alive=75,
        # For listeners that take nothing any more; calls are short, and uploads go on later.
        timeout_graceful_shutdown=5,
    )


def _withdraw(announced: Path, instance: str) -> None:
    """Remove the announcement, unless a later gateway has written its own there."""
    with suppress(OSError, ValueError):
        if json.loads(announced.read_text(encoding="utf-8")).get("instance") == instance:
            announced.unlink()
