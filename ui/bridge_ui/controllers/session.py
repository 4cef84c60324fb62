"""One panel's session: its gateway, its host, and the threads that it works with."""

from __future__ import annotations

import getpass
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from bridge_core.errors import GatewayUnreachable, ShotbridgeError
from bridge_ui.controllers.board import Board, portions
from bridge_ui.controllers.feed import Feed, Heard, Introduced
from bridge_ui.controllers.observable import Observable, Post, Unwatch, Watchers
from bridge_ui.controllers.pool import Latest, Pool, Task
from bridge_ui.controllers.recent_requests import RecentRequests
from bridge_ui.translate import counted, tr

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.host import Host
    from bridge_core.models.gateway import Health
    from bridge_core.models.jobs import Job, JobState
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
    version: str = ""
    """Of the gateway; empty while it is not known."""

    @property
    def up(self) -> bool:
        return self.line is Line.CONNECTED


@dataclass(frozen=True, slots=True)
class OutboxState:
    """Requests accepted here that the gateway has not got yet, and those that it never takes."""

    waiting: tuple[Entry, ...] = ()
    refused: tuple[Entry, ...] = ()
    problem: str = ""
    """Why the outbox cannot be read; empty otherwise."""
    next_step: str = ""

    @property
    def words(self) -> str:
        if self.problem:
            return self.problem
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
        self.disk = Pool(post, 2, "shotbridge-disk")
        """For files of this machine: what waits for the network never holds these up."""
        self.accepting = Pool(post, 1, "shotbridge-outbox", finishes=True)
        """For the outbox alone, one after the other: what is pressed is written down whatever
        else hangs, and what is taken back afterwards is found there."""
        self.plates = Pool(post, 1, "shotbridge-plates")
        """For a look at plates, on storage that may hang for minutes."""
        self.pictures = Pool(post, 2, "shotbridge-pictures", rest=0.010)
        """For proxies and thumbnails."""
        self.transfers = Pool(post, 2, "shotbridge-transfers")
        """For what may take minutes: sending and fetching."""
        self.connection = Observable(self._connecting())
        self.health: Observable[Health | None] = Observable(None)
        self.services: Observable[tuple[Service, ...]] = Observable(())
        self.outbox = Observable(OutboxState())
        self.recent_requests = RecentRequests(
            self.board, lambda: self.services.value, lambda: self.outbox.value.waiting
        )
        self._feed = Feed(self.client, post, self._heard)
        self._health: Latest[Health] = Latest(self.pool)
        self._listing: Latest[None] = Latest(self.pool)
        self.on_their_way: dict[str, threading.Event] = {}
        """Of the requests that are being sent, by key: set where one is taken back."""
        self._outbox: Latest[OutboxState] = Latest(self.accepting)
        self._connected: Watchers[None] = Watchers()
        self._named: Watchers[None] = Watchers()
        self._flushing: Task | None = None
        self._closed = False

    @property
    def user(self) -> str:
        """Under whose name requests, notes and decisions are recorded."""
        return self.settings.client.user or getpass.getuser()

    def name_user(self, name: str | None) -> None:
        """From now on; None: the system's name for them."""
        client = self.settings.client.model_copy(update={"user": name})
        self.settings = self.settings.model_copy(update={"client": client})
        self._named.tell(None)

    def on_named(self, callback: Callable[[], None]) -> Unwatch:
        """Have ``callback`` called when the user has another name."""
        return self._named.add(lambda _: callback())

    def service_title(self, service: str) -> str:
        """What people call a service; of one that the gateway has no longer, its id."""
        found = (one.title for one in self.services.value if one.id == service)
        return next(found, service.replace("_", " ").capitalize())

    def start(self) -> None:
        """Begin to connect; starts this user's own gateway where it does not run."""
        self._feed.start()
        self.look_at_outbox()

    def retry(self) -> None:
        """A person wants it now: the line is taken up anew, and everything asked again."""
        if not self.connection.value.up:
            self.connection.set(self._connecting())
        self._feed.retry()

    def ask_health(self) -> None:
        self._health.ask(lambda _: self.client.health(), self.health.set)

    def look_at_outbox(self) -> None:
        """Tell how the outbox stands; whoever put something there calls this."""

        def look(_: Task) -> OutboxState:
            return OutboxState(self.client.outbox.entries(), self.client.outbox.refused())

        self._outbox.ask(look, self.outbox.set, self._outbox_failed)

    def flush(self) -> None:
        """Send what waits in the outbox, unless that is being done."""
        if self._flushing is not None:
            return

        def ended(jobs: list[Job]) -> None:
            self._flushing = None
            self.board.learn(jobs=jobs)
            self.look_at_outbox()

        def failed(_: ShotbridgeError) -> None:
            # The outbox tells what is left; the connection, why.
            self._flushing = None
            self.look_at_outbox()

        self._flushing = self.transfers.run(lambda _: self.client.flush(), ended, failed)

    def take_out(self, key: str) -> None:
        """Take a request back that is being sent, waits in the outbox, or was refused."""
        if key in self.on_their_way:
            self.on_their_way[key].set()

        def take(_: Task) -> None:
            self.client.outbox.done(key)
            self.client.outbox.forget(key)

        self.accepting.run(take, lambda _: self.look_at_outbox(), self._outbox_failed)

    def on_connected(self, callback: Callable[[], None]) -> Unwatch:
        """Have ``callback`` called each time the line stands anew: what was asked for before may
        be otherwise by now. Where it stands already, at once."""
        unwatch = self._connected.add(lambda _: callback())
        if self.connection.value.up:
            callback()
        return unwatch

    def close(self, timeout: float = 0.0) -> bool:
        """End everything: what was asked is cancelled, but for what the outbox is to hold, and
        nobody is told any more. The gateway and its jobs go on. Waits for the threads ``timeout``
        seconds at most, and says whether all have ended; those that have not are daemons and hold
        up no exit."""
        if self._closed:
            return True
        self._closed = True
        for one in (self.connection, self.health, self.services, self.outbox):
            one.clear()
        pools = (self.accepting, self.pool, self.disk, self.plates, self.pictures, self.transfers)
        share = timeout / (1 + len(pools))
        ended = self._feed.close(share)
        for pool in pools:
            ended = pool.close(share) and ended
        self.client.close()
        return ended

    # What the feed says

    def _heard(self, heard: Heard) -> None:
        if heard.connected is not None:
            self._introduced(heard.connected)
        elif heard.lost is not None:
            self._lost(heard.lost)
        self.board.hear(heard.events)

    def _introduced(self, who: Introduced) -> None:
        own = self.settings.client.url is None
        place = tr("this machine") if own else str(self.settings.client.url)
        words = tr("Gateway on {place}", place=place)
        self.services.set(who.services)
        self.connection.set(Connection(Line.CONNECTED, words, own=own, version=who.about.version))
        self._connected.tell(None)
        self.ask_health()
        self._list_jobs()
        self.flush()

    def _lost(self, error: ShotbridgeError) -> None:
        own = self.settings.client.url is None
        if isinstance(error, GatewayUnreachable):
            words = tr("The gateway does not answer: {why}", why=error.what)
            step = tr("nothing is lost, and the panel connects again by itself")
            self.connection.set(Connection(Line.LOST, words, step, own))
        else:
            words = tr("The gateway cannot be used: {why}", why=error.what)
            self.connection.set(Connection(Line.REFUSED, words, error.next_step, own))

    def _list_jobs(self) -> None:
        """All that run or wait, and the last that have ended."""

        shown = {job.id for job in self.board.jobs.values() if not job.state.ended}

        def ask(task: Task) -> None:
            from bridge_core.models.jobs import JobState

            seen: set[str] = set()
            for state in (JobState.RUNNING, JobState.QUEUED):
                seen |= self._pages(task, state, limit=None)
            seen |= self._pages(task, None, limit=ENDED_JOBS)
            # What was shown as going on may have ended meanwhile, further down than these pages.
            for missed in shown - seen:
                if not task.cancelled:
                    self._learned(task, [self.client.job(missed)])

        self._listing.ask(ask, lambda _: None)

    def _pages(self, task: Task, state: JobState | None, limit: int | None) -> set[str]:
        """Ids of the jobs that were learned."""
        seen: set[str] = set()
        before = None
        while not task.cancelled and (limit is None or len(seen) < limit):
            page = self.client.jobs(state=state, before=before, limit=PAGE)
            self._learned(task, page)
            seen |= {job.id for job in page}
            if len(page) < PAGE:
                break
            before = page[-1].id
        return seen

    def _learned(self, task: Task, jobs: list[Job]) -> None:
        for portion in portions(jobs):
            self.post(partial(self._learn, task, portion))

    def _learn(self, task: Task, jobs: Sequence[Job]) -> None:
        if not task.cancelled and not self._closed:
            self.board.learn(jobs=jobs)

    def _outbox_failed(self, error: ShotbridgeError) -> None:
        self.outbox.set(OutboxState(problem=error.what, next_step=error.next_step))

    def _connecting(self) -> Connection:
        own = self.settings.client.url is None
        words = tr("Starting the gateway on this machine") if own else tr("Connecting")
        return Connection(Line.CONNECTING, words, own=own)
