"""One panel's session: its gateway, its host, and the threads that it works with."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from bridge_core.errors import GatewayUnreachable, ShotbridgeError
from bridge_ui.controllers.board import Board
from bridge_ui.controllers.feed import Feed, Heard
from bridge_ui.controllers.observable import Observable, Post
from bridge_ui.controllers.pool import Latest, Pool, Task
from bridge_ui.translate import counted, tr

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.host import Host
    from bridge_core.models.gateway import Health
    from bridge_core.models.jobs import Job
    from bridge_core.models.outbox import Entry
    from bridge_core.models.services import Service
    from bridge_core.models.settings import Settings

#: Jobs asked for in one call; parsing more at once would hold up the panel's thread, which shares
#: Python's lock with the one that parses.
PAGE = 100
#: Ended jobs that are listed, newest first; the running ones all are.
ENDED_JOBS = 300


class Line(StrEnum):
    """How things stand between panel and gateway."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    LOST = "lost"
    """It comes back by itself when the gateway does."""
    REFUSED = "refused"
    """A person has to do something: a wrong token, a version too old, no gateway to start."""


@dataclass(frozen=True, slots=True)
class Connection:
    line: Line
    words: str
    """Who answers or why nobody does, in words: ``Gateway on this machine``."""
    next_step: str = ""
    own: bool = True
    """This user's own gateway; else the studio's."""

    @property
    def up(self) -> bool:
        return self.line is Line.CONNECTED


@dataclass(frozen=True, slots=True)
class OutboxState:
    """Requests accepted here that the gateway has not got yet, and those that it never takes."""

    waiting: tuple[Entry, ...] = ()
    refused: tuple[Entry, ...] = ()

    @property
    def words(self) -> str:
        if not self.waiting and not self.refused:
            return tr("Outbox empty")
        parts = []
        if self.waiting:
            parts.append(counted(len(self.waiting), "{n} waits to be sent", "{n} wait to be sent"))
        if self.refused:
            parts.append(counted(len(self.refused), "{n} was refused", "{n} were refused"))
        return " · ".join(parts)


class Session:
    """Holds what all controllers share. ``post`` carries calls to the panel's thread.

    ``connection``, ``health``, ``services`` and ``outbox`` are kept up to date by themselves once
    :meth:`start` was called; ``board`` holds jobs and versions.
    """

    def __init__(
        self, settings: Settings, host: Host, post: Post, *, client: Client | None = None
    ) -> None:
        from bridge_core.client import Client

        self.settings = settings
        self.host = host
        self.client = client or Client(settings)
        self.post = post
        self.board = Board()
        self.pool = Pool(post, 3, "shotbridge-calls")
        """For calls that are answered soon."""
        self.pictures = Pool(post, 2, "shotbridge-pictures")
        """For proxies and thumbnails."""
        self.transfers = Pool(post, 2, "shotbridge-transfers")
        """For what may take minutes: sending and fetching."""
        self.connection = Observable(self._connecting())
        self.health: Observable[Health | None] = Observable(None)
        self.services: Observable[tuple[Service, ...]] = Observable(())
        self.outbox = Observable(OutboxState())
        self._feed = Feed(self.client, post, self._heard)
        self._asked: Latest[None] = Latest(self.pool)
        self._health: Latest[Health] = Latest(self.pool)
        self._listing: Latest[list[Job]] = Latest(self.pool)
        self._flushing: Task | None = None
        self._closed = False

    @property
    def user(self) -> str:
        """Under whose name requests, notes and decisions are recorded."""
        return self.settings.client.user or getpass.getuser()
