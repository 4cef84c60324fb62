"""Requests for shots whose plates the host renders first: stored, rendered, sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bridge_core.errors import ShotbridgeError
from bridge_core.hosts.base import HostCapability
from bridge_core.outbox import Outbox
from bridge_core.system.locks import FileLock
from bridge_ui.core.observable import Observable
from bridge_ui.core.thread_pool import LatestCall, OnError
from bridge_ui.host.plate_renderer import PlateRenderer
from bridge_ui.send.request_sender import with_keys

if TYPE_CHECKING:
    from bridge_core.hosts.base import HostScene
    from bridge_core.models.jobs import Job
    from bridge_core.models.outbox import OutboxEntry
    from bridge_core.models.requests import Request
    from bridge_core.models.shots import Shot
    from bridge_ui.core.session import Session
    from bridge_ui.send.request_sender import RequestSender


@dataclass(frozen=True, slots=True)
class PendingRendersState:
    """Requests that an earlier panel accepted but did not render."""

    shots: tuple[str, ...] = ()
    """Their names."""
    available_count: int = 0
    """How many of them are unchanged in the current scene."""


class PendingRenders:
    """An accepted request is stored in ``pending_renders/`` under ``client.state_dir``, in the
    format of the outbox, until it is in the outbox with its plate.

    It stays there if the panel is closed or the host crashes. Rendering does not resume by itself:
    a host that has just started must not begin to render, least of all what may have crashed it. A
    later panel lists these requests in :attr:`state`, and the user decides.
    """

    def __init__(self, session: Session, sender: RequestSender, on_error: OnError) -> None:
        self.state: Observable[PendingRendersState] = Observable(PendingRendersState())
        self._session = session
        self._sender = sender
        self._on_error = on_error
        self._renderer = PlateRenderer(session)
        self.progress = self._renderer.state
        self._outbox = Outbox(session.settings.client.state_dir / "pending_renders")
        self._locks: dict[str, FileLock] = {}
        """Locks of claimed requests, by key; for the outbox thread only."""
        self._own_keys: set[str] = set()
        """Keys of requests that this panel stores or renders."""
        self._entries: tuple[OutboxEntry, ...] = ()
        """Requests left by an earlier panel."""
        self._item_ids_to_render: dict[Shot, str] = {}
        """The host's item ids of the shots that need rendering."""
        self._entries_call: LatestCall[tuple[OutboxEntry, ...]] = LatestCall(session.outbox_pool)

    def add(
        self,
        requests_by_item: Iterable[tuple[str, Request]],
        on_sent: Callable[[Job], None],
        on_accepted: Callable[[], None],
    ) -> None:
        """Add requests, each with the host's item id of its shot. ``on_accepted`` is called when
        they are stored, ``on_sent`` for each that the gateway has."""
        user = self._session.user
        item_ids, requests = zip(*requests_by_item, strict=True)
        by_key = with_keys(requests)
        self._own_keys |= by_key.keys()
        self._session.recent_requests.add(by_key)

        def store(_: object) -> list[OutboxEntry]:
            return self._claim(
                [
                    self._outbox.add(request, key, requested_by=user)
                    for key, request in by_key.items()
                ]
            )

        def stored(entries: list[OutboxEntry]) -> None:
            on_accepted()
            self._render(zip(item_ids, entries, strict=True), on_sent)

        def refused(error: ShotbridgeError) -> None:
            self._own_keys -= by_key.keys()
            self._session.recent_requests.discard(*by_key)
            self._discard(*by_key)
            self._on_error(error)

        self._session.outbox_pool.run(store, stored, refused)

    def refresh(self, scene: HostScene) -> None:
        """Look for requests left by earlier panels; call after reading the scene."""
        if HostCapability.RENDER not in self._session.host.capabilities:
            return
        self._item_ids_to_render = {
            item.shot: item.item_id for item in scene.shots if item.needs_render
        }
        self._entries_call.run(
            lambda _: self._unclaimed_entries(), self._set_entries, self._on_error
        )

    def resume(self) -> None:
        """Render and send those of the left requests that are in the scene."""
        item_ids_by_key = {
            entry.key: self._item_ids_to_render[entry.request.shot]
            for entry in self._entries
            if entry.request.shot in self._item_ids_to_render
        }

        def claim(_: object) -> list[OutboxEntry]:
            return self._claim(
                entry for entry in self._unclaimed_entries() if entry.key in item_ids_by_key
            )

        def claimed(entries: list[OutboxEntry]) -> None:
            self._own_keys |= {entry.key for entry in entries}
            self._render(((item_ids_by_key[entry.key], entry) for entry in entries), lambda _: None)

        self._set_entries(
            tuple(entry for entry in self._entries if entry.key not in item_ids_by_key)
        )
        self._session.outbox_pool.run(claim, claimed, self._on_error)

    def discard(self) -> None:
        """Discard the left requests."""
        self._discard(*(entry.key for entry in self._entries))
        self._set_entries(())

    def stop(self) -> None:
        """Stop rendering and withdraw this panel's requests."""
        self._renderer.stop()
        self._session.recent_requests.discard(*self._own_keys)
        self._discard(*self._own_keys)
        self._own_keys.clear()

    def close(self) -> None:
        """Stop rendering; the requests are left to a later panel."""
        self._renderer.stop()
        self._entries_call.cancel()
        self._session.outbox_pool.run(lambda _: self._release(*self._locks))

    def _render(
        self, entries: Iterable[tuple[str, OutboxEntry]], on_sent: Callable[[Job], None]
    ) -> None:
        for item_id, entry in entries:
            if entry.key in self._own_keys:  # not withdrawn meanwhile
                shot, frames = entry.request.shot, entry.request.test_frames
                done = partial(self._send_rendered, entry, on_sent)
                self._renderer.render(
                    item_id, shot, frames, done, partial(self._render_failed, entry)
                )

    def _send_rendered(
        self, entry: OutboxEntry, on_sent: Callable[[Job], None], shot: Shot
    ) -> None:
        """Keeps the idempotency key, so that a crash in between cannot cause a second charge."""
        self._own_keys.discard(entry.key)
        request = entry.request.model_copy(update={"shot": shot})
        after_stored = partial(self._remove, entry.key)
        self._sender.send(
            {entry.key: request},
            on_sent,
            self._on_error,
            requested_by=entry.requested_by,
            after_stored=after_stored,
        )

    def _render_failed(self, entry: OutboxEntry, error: ShotbridgeError) -> None:
        self._own_keys.discard(entry.key)
        self._session.recent_requests.discard(entry.key)
        self._discard(entry.key)
        self._on_error(error)

    def _set_entries(self, entries: tuple[OutboxEntry, ...]) -> None:
        self._entries = entries
        shots = [entry.request.shot for entry in entries]
        available_count = sum(shot in self._item_ids_to_render for shot in shots)
        self.state.set(PendingRendersState(tuple(shot.id.shot for shot in shots), available_count))

    def _discard(self, *keys: str) -> None:
        self._session.outbox_pool.run(lambda _: self._remove(*keys), None, self._on_error)

    # On the outbox thread

    def _unclaimed_entries(self) -> tuple[OutboxEntry, ...]:
        """Requests that no panel has claimed."""
        unclaimed = []
        for entry in self._outbox.entries():
            if entry.key not in self._locks:
                with self._lock(entry.key) as lock:
                    if lock.acquire():
                        unclaimed.append(entry)
        return tuple(unclaimed)

    def _claim(self, entries: Iterable[OutboxEntry]) -> list[OutboxEntry]:
        """Lock requests against other panels while this one runs; returns those that were free."""
        claimed = []
        for entry in entries:
            lock = self._lock(entry.key)
            if lock.acquire():
                self._locks[entry.key] = lock
                claimed.append(entry)
        return claimed

    def _lock(self, key: str) -> FileLock:
        return FileLock(self._outbox.folder / "locks" / key)

    def _remove(self, *keys: str) -> None:
        self._release(*keys)
        for key in keys:
            self._outbox.remove(key)

    def _release(self, *keys: str) -> None:
        for key in keys:
            if (lock := self._locks.pop(key, None)) is not None:
                lock.release()
