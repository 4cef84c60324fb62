"""A panel's session: its gateway, its host and its threads."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bridge_core.errors import GatewayUnreachable, ShotbridgeError
from bridge_core.hosts.base import HostCapability
from bridge_core.text.person_names import default_person_name
from bridge_ui.core.event_listener import EventListener
from bridge_ui.core.observable import Observable, Post, Unwatch, Watchers
from bridge_ui.core.recent_requests import RecentRequests
from bridge_ui.core.store import Store, batches
from bridge_ui.core.thread_pool import (
    BackgroundTask,
    LatestCall,
    OnError,
    ThreadPool,
    unexpected_error,
)
from bridge_ui.core.translate import tr, tr_count

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.hosts.base import Host
    from bridge_core.models.gateway import Health
    from bridge_core.models.jobs import Job, JobState
    from bridge_core.models.outbox import OutboxEntry
    from bridge_core.models.services import Service
    from bridge_core.models.settings import Settings

T = TypeVar("T")

_log = logging.getLogger(__name__)

#: Jobs per call. Parsing more at once would block the panel's thread, which shares the GIL with
#: the thread that parses.
JOBS_PER_PAGE = 100
#: Ended jobs that are listed, newest first; active jobs are all listed.
MAX_ENDED_JOBS = 300


class ConnectionState(StrEnum):
    """State of the connection to the gateway."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    LOST = "lost"
    """The panel reconnects by itself when the gateway is back."""
    REFUSED = "refused"
    """Needs action by a person: wrong token, version too old, no gateway to start."""


@dataclass(frozen=True, slots=True)
class Connection:
    state: ConnectionState
    text: str
    """The gateway, or why it cannot be reached: ``Gateway on this machine``."""
    next_step: str = ""
    is_local: bool = True
    """The user's own gateway; otherwise the studio's."""

    @property
    def is_connected(self) -> bool:
        return self.state is ConnectionState.CONNECTED


@dataclass(frozen=True, slots=True)
class OutboxState:
    """Requests that are not yet sent to the gateway, and those that it refused."""

    waiting: tuple[OutboxEntry, ...] = ()
    refused: tuple[OutboxEntry, ...] = ()
    problem: str = ""
    """Why the outbox cannot be read; otherwise empty."""
    next_step: str = ""

    @property
    def text(self) -> str:
        if self.problem:
            return self.problem
        if not self.waiting and not self.refused:
            return tr("Outbox empty")
        parts = []
        if self.waiting:
            parts.append(tr("{n} waiting to be sent", n=len(self.waiting)))
        if self.refused:
            parts.append(tr_count(len(self.refused), "{n} was refused", "{n} were refused"))
        return " · ".join(parts)


class Session:
    """Holds what all controllers share. ``post`` runs a call on the panel's thread.

    ``connection``, ``health``, ``services`` and ``outbox`` are kept up to date after
    :meth:`start`; ``store`` holds jobs and versions.
    """

    def __init__(
        self, settings: Settings, host: Host, post: Post, *, client: Client | None = None
    ) -> None:
        from bridge_core.client import Client

        self.settings = settings
        self.host = host
        self.client = client or Client(settings)
        self.post = post
        self.store = Store()
        self.request_pool = ThreadPool(post, 3, "shotbridge-requests")
        """For short calls."""
        self.disk_pool = ThreadPool(post, 2, "shotbridge-disk")
        """For local files, so that they never wait for the network."""
        self.outbox_pool = ThreadPool(post, 1, "shotbridge-outbox", finish_on_close=True)
        """For the outbox alone, one call at a time: a request is stored even if everything else
        hangs, and a later withdrawal finds it."""
        self.plate_pool = ThreadPool(post, 1, "shotbridge-plates")
        """For checking plates on storage that may hang for minutes."""
        self.picture_pool = ThreadPool(post, 2, "shotbridge-pictures", pause=0.010)
        """For proxies and thumbnails."""
        self.transfer_pool = ThreadPool(post, 2, "shotbridge-transfers")
        """For uploads and downloads, which may take minutes."""
        self.connection = Observable(self._connecting_state())
        self.health: Observable[Health | None] = Observable(None)
        self.services: Observable[tuple[Service, ...]] = Observable(())
        self.outbox = Observable(OutboxState())
        self.recent_requests = RecentRequests(
            self.store, self.service, lambda: self.outbox.value.waiting
        )
        self._retry_watchers: Watchers[None] = Watchers()
        self._listener = EventListener(
            client=self.client,
            post=post,
            on_connected=self._set_connected,
            on_lost=self._set_disconnected,
            on_events=self.store.apply_events,
            on_retry=self._retry_watchers.notify,
        )
        self._health_call: LatestCall[Health] = LatestCall(self.request_pool)
        self._jobs_call: LatestCall[None] = LatestCall(self.request_pool)
        self.cancel_events: dict[str, threading.Event] = {}
        """By key of a request that is being sent; set to withdraw it."""
        self._outbox_call: LatestCall[OutboxState] = LatestCall(self.outbox_pool)
        self._connected_watchers: Watchers[None] = Watchers()
        self._user_watchers: Watchers[None] = Watchers()
        self._flush_task: BackgroundTask | None = None
        self._closed = False

    @property
    def _is_local(self) -> bool:
        """The gateway is the user's own."""
        return self.settings.client.url is None

    @property
    def user(self) -> str:
        """The name under which requests, notes and decisions are recorded."""
        return self.settings.client.user or default_person_name()

    def set_user(self, name: str | None) -> None:
        """Use this name from now on; None: the system's user name."""
        client = self.settings.client.model_copy(update={"user": name})
        self.settings = self.settings.model_copy(update={"client": client})
        self.client.set_user(name)
        self._user_watchers.notify(None)

    def on_user_changed(self, callback: Callable[[], None]) -> Unwatch:
        """Call ``callback`` whenever the user's name changes."""
        return self._user_watchers.add(lambda _: callback())

    def service(self, service_id: str) -> Service | None:
        """A service; None if the gateway no longer has it."""
        return next((service for service in self.services.value if service.id == service_id), None)

    def service_title(self, service_id: str) -> str:
        """Title of a service; derived from its id if the gateway no longer has it."""
        service = self.service(service_id)
        return service.title if service else service_id.replace("_", " ").capitalize()

    def start(self) -> None:
        """Connect; starts the user's own gateway if it does not run."""
        self._listener.start()
        self.refresh_outbox()

    def reconnect(self) -> None:
        """Reconnect now and fetch everything again, on a user's request."""
        if not self.connection.value.is_connected:
            self.connection.set(self._connecting_state())
        self._listener.reconnect()

    def refresh_health(self) -> None:
        self._health_call.run(lambda _: self.client.health(), self.health.set)

    def refresh_outbox(self) -> None:
        """Read the outbox; to be called after every change to it."""

        def read_outbox(_: BackgroundTask) -> OutboxState:
            return OutboxState(self.client.outbox.entries(), self.client.outbox.refused())

        self._outbox_call.run(read_outbox, self.outbox.set, self._outbox_failed)

    def flush(self) -> None:
        """Send the requests in the outbox, unless that is already in progress."""
        if self._flush_task is not None:
            return

        def ended(jobs: list[Job]) -> None:
            self._flush_task = None
            self.store.merge(jobs=jobs)
            self.refresh_outbox()

        def failed(_: ShotbridgeError) -> None:
            # The outbox shows what is left, the connection why.
            self._flush_task = None
            self.refresh_outbox()

        self._flush_task = self.transfer_pool.run(lambda _: self.client.flush(), ended, failed)

    def withdraw(self, key: str) -> None:
        """Withdraw a request that is being sent, is in the outbox or was refused."""
        if key in self.cancel_events:
            self.cancel_events[key].set()

        def remove(_: BackgroundTask) -> None:
            self.client.outbox.remove(key)
            self.client.outbox.discard_refused(key)

        self.outbox_pool.run(remove, lambda _: self.refresh_outbox(), self._outbox_failed)

    def call_host(
        self,
        call: Callable[[BackgroundTask], T],
        done: Callable[[T], None],
        on_error: OnError,
        run: Callable[[Callable[[BackgroundTask], T], Callable[[T], None], OnError], object]
        | None = None,
    ) -> None:
        """Run ``call`` on the host: in a worker (by ``run``, or in the disk pool) if the host
        has :attr:`HostCapability.ANY_THREAD`, otherwise synchronously on the panel's thread."""
        if HostCapability.ANY_THREAD in self.host.capabilities:
            (run or self.disk_pool.run)(call, done, on_error)
            return
        try:
            result = call(BackgroundTask())
        except ShotbridgeError as error:
            on_error(error)
        except Exception as error:
            _log.exception("a call to the host failed")
            on_error(unexpected_error(error))
        else:
            done(result)

    def on_connected(self, callback: Callable[[], None]) -> Unwatch:
        """Call ``callback`` after every new connection, when earlier results may be out of date,
        and immediately if connected."""
        unwatch = self._connected_watchers.add(lambda _: callback())
        if self.connection.value.is_connected:
            callback()
        return unwatch

    def on_retry(self, callback: Callable[[], None]) -> Unwatch:
        """Call ``callback`` every ten seconds, to try again what failed although the gateway
        answers, such as for storage that hangs."""
        return self._retry_watchers.add(lambda _: callback())

    def close(self, timeout: float = 0.0) -> bool:
        """Cancel all calls except writes to the outbox, and remove all watchers.

        The gateway and its jobs continue. Waits up to ``timeout`` seconds for the threads and
        returns whether all have ended; the others are daemons and do not block the exit.
        """
        if self._closed:
            return True
        self._closed = True
        for observable in (self.connection, self.health, self.services, self.outbox):
            observable.remove_watchers()
        pools = (
            self.outbox_pool,
            self.request_pool,
            self.disk_pool,
            self.plate_pool,
            self.picture_pool,
            self.transfer_pool,
        )
        share = timeout / (1 + len(pools))
        ended = self._listener.close(share)
        for pool in pools:
            ended = pool.close(share) and ended
        self.client.close()
        return ended

    # Updates from the gateway

    def _set_connected(self, services: tuple[Service, ...]) -> None:
        place = tr("this machine") if self._is_local else str(self.settings.client.url)
        text = tr("Gateway on {place}", place=place)
        self.services.set(services)
        self.connection.set(Connection(ConnectionState.CONNECTED, text, is_local=self._is_local))
        self._connected_watchers.notify(None)
        self.refresh_health()
        self._fetch_jobs()
        self.flush()

    def _set_disconnected(self, error: ShotbridgeError) -> None:
        if isinstance(error, GatewayUnreachable):
            state = ConnectionState.LOST
            text = tr("The gateway does not answer: {why}", why=error.message)
            step = tr("nothing is lost, and the panel connects again by itself")
        else:
            state = ConnectionState.REFUSED
            text = tr("The gateway cannot be used: {why}", why=error.message)
            step = error.next_step
        self.connection.set(Connection(state, text, step, self._is_local))

    def _fetch_jobs(self) -> None:
        """Fetch all active jobs and the latest ended ones."""
        shown = {job.id for job in self.store.jobs.values() if not job.state.ended}

        def fetch(task: BackgroundTask) -> None:
            from bridge_core.models.jobs import JobState

            fetched_ids: set[str] = set()
            for state in (JobState.RUNNING, JobState.QUEUED):
                fetched_ids |= self._fetch_job_pages(task, state, limit=None)
            fetched_ids |= self._fetch_job_pages(task, None, limit=MAX_ENDED_JOBS)
            # An active job may have ended meanwhile, further down than these pages.
            for missing_id in shown - fetched_ids:
                if not task.cancelled:
                    self._post_jobs(task, [self.client.job(missing_id)])

        self._jobs_call.run(fetch, lambda _: None)

    def _fetch_job_pages(
        self, task: BackgroundTask, state: JobState | None, limit: int | None
    ) -> set[str]:
        """Fetch jobs page by page; returns their ids."""
        fetched_ids: set[str] = set()
        before = None
        while not task.cancelled and (limit is None or len(fetched_ids) < limit):
            page = self.client.jobs(state=state, before=before, limit=JOBS_PER_PAGE)
            self._post_jobs(task, page)
            fetched_ids |= {job.id for job in page}
            if len(page) < JOBS_PER_PAGE:
                break
            before = page[-1].id
        return fetched_ids

    def _post_jobs(self, task: BackgroundTask, jobs: list[Job]) -> None:
        for batch in batches(jobs):
            self.post(partial(self._merge_jobs, task, batch))

    def _merge_jobs(self, task: BackgroundTask, jobs: Sequence[Job]) -> None:
        if not task.cancelled and not self._closed:
            self.store.merge(jobs=jobs)

    def _outbox_failed(self, error: ShotbridgeError) -> None:
        self.outbox.set(OutboxState(problem=error.message, next_step=error.next_step))

    def _connecting_state(self) -> Connection:
        local = self._is_local
        text = tr("Starting the gateway on this machine") if local else tr("Connecting")
        return Connection(ConnectionState.CONNECTING, text, is_local=local)
