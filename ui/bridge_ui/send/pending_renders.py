"""What was asked for of shots that the host has yet to render: written down, rendered, sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bridge_core.errors import ShotbridgeError
from bridge_core.hosts.base import Capability
from bridge_core.outbox import Outbox
from bridge_core.system.locks import FileLock
from bridge_ui.core.observable import Observable
from bridge_ui.core.workers import LatestCall, OnError
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
    """What an earlier panel was asked for and did not come to render."""

    shots: tuple[str, ...] = ()
    """Names."""
    available_count: int = 0
    """How many of them the scene has now, just as they were."""


class PendingRenders:
    """Such a request stands in ``to_render/`` under ``client.state_dir``, kept as the outbox keeps
    its own, from the moment that it is accepted until it stands in the outbox with its plate.

    A panel that is closed, or a host that dies, leaves it there. Nothing goes on by itself then: a
    host that has just started must not begin to render, least of all what may have ended it. A
    later panel finds what is :attr:`left`, and a person says so.
    """

    def __init__(self, session: Session, sender: RequestSender, on_error: OnError) -> None:
        self.state: Observable[PendingRendersState] = Observable(PendingRendersState())
        self._session = session
        self._sender = sender
        self._on_error = on_error
        self._renderer = PlateRenderer(session)
        self.progress = self._renderer.state
        self._outbox = Outbox(session.settings.client.state_dir / "to_render")
        self._locks: dict[str, FileLock] = {}
        """By key, of those that this panel has taken on; for the outbox's thread only."""
        self._own_keys: set[str] = set()
        """Keys of those that are written down or rendered now."""
        self._entries: tuple[OutboxEntry, ...] = ()
        """Those that are left."""
        self._handles: dict[Shot, str] = {}
        """Of the scene's shots whose plates the host has yet to write."""
        self._entries_call: LatestCall[tuple[OutboxEntry, ...]] = LatestCall(session.outbox_pool)

    def add(
        self,
        handle_requests: Iterable[tuple[str, Request]],
        on_sent: Callable[[Job], None],
        on_accepted: Callable[[], None],
    ) -> None:
        """Requests, each with the host's handle of its shot. ``accepted`` is told once they are
        written down, ``sent`` once for each that the gateway has."""
        handles, requests = zip(*handle_requests, strict=True)
        by_key = with_keys(requests)
        self._own_keys |= by_key.keys()
        self._session.recent_requests.add(by_key)

        def store(_: object) -> list[OutboxEntry]:
            entries = [self._outbox.add(request, key) for key, request in by_key.items()]
            return self._claim(entries)

        def stored(entries: list[OutboxEntry]) -> None:
            on_accepted()
            self._render(zip(handles, entries, strict=True), on_sent)

        def refused(error: ShotbridgeError) -> None:
            self._own_keys -= by_key.keys()
            self._session.recent_requests.discard(*by_key)
            self._discard(*by_key)
            self._on_error(error)

        self._session.outbox_pool.run(store, stored, refused)

    def refresh(self, scene: HostScene) -> None:
        """See what is left; whoever reads the scene anew calls this."""
        if Capability.RENDER not in self._session.host.capabilities:
            return
        self._handles = {item.shot: item.item_id for item in scene.shots if item.needs_render}
        self._entries_call.run(
            lambda _: self._unclaimed_entries(), self._set_entries, self._on_error
        )

    def resume(self) -> None:
        """Render and send what is left and the scene has now."""
        handles_by_key = {
            entry.key: self._handles[entry.request.shot]
            for entry in self._entries
            if entry.request.shot in self._handles
        }

        def claim(_: object) -> list[OutboxEntry]:
            return self._claim(
                entry for entry in self._unclaimed_entries() if entry.key in handles_by_key
            )

        def claimed(entries: list[OutboxEntry]) -> None:
            self._own_keys |= {entry.key for entry in entries}
            self._render(((handles_by_key[entry.key], entry) for entry in entries), lambda _: None)

        self._set_entries(
            tuple(entry for entry in self._entries if entry.key not in handles_by_key)
        )
        self._session.outbox_pool.run(claim, claimed, self._on_error)

    def discard(self) -> None:
        """Nobody wants what is left any more."""
        self._discard(*(entry.key for entry in self._entries))
        self._set_entries(())

    def stop(self) -> None:
        """Render no more: what this panel has taken on is taken back."""
        self._renderer.stop()
        self._session.recent_requests.discard(*self._own_keys)
        self._discard(*self._own_keys)
        self._own_keys.clear()

    def close(self) -> None:
        """Render no more: what was not rendered is left to a later panel."""
        self._renderer.stop()
        self._entries_call.cancel()
        self._session.outbox_pool.run(lambda _: self._release(*self._locks))

    def _render(
        self, entries: Iterable[tuple[str, OutboxEntry]], on_sent: Callable[[Job], None]
    ) -> None:
        for handle, entry in entries:
            if entry.key in self._own_keys:  # else it was taken back meanwhile
                shot, frames = entry.request.shot, entry.request.test_frames
                done = partial(self._send_rendered, entry, on_sent)
                self._renderer.render(
                    handle, shot, frames, done, partial(self._render_failed, entry)
                )

    def _send_rendered(
        self, entry: OutboxEntry, on_sent: Callable[[Job], None], shot: Shot
    ) -> None:
        """Sent under the key that it has had: whatever dies in between, nothing is paid twice."""
        self._own_keys.discard(entry.key)
        request = entry.request.model_copy(update={"shot": shot})
        after_stored = partial(self._remove, entry.key)
        self._sender.send({entry.key: request}, on_sent, self._on_error, after_stored=after_stored)

    def _render_failed(self, entry: OutboxEntry, error: ShotbridgeError) -> None:
        self._own_keys.discard(entry.key)
        self._session.recent_requests.discard(entry.key)
        self._discard(entry.key)
        self._on_error(error)

    def _set_entries(self, entries: tuple[OutboxEntry, ...]) -> None:
        self._entries = entries
        shots = [entry.request.shot for entry in entries]
        available_count = sum(shot in self._handles for shot in shots)
        self.state.set(PendingRendersState(tuple(shot.id.shot for shot in shots), available_count))

    def _discard(self, *keys: str) -> None:
        self._session.outbox_pool.run(lambda _: self._remove(*keys), None, self._on_error)

    # On the outbox's thread

    def _unclaimed_entries(self) -> tuple[OutboxEntry, ...]:
        """Those that no panel has taken on."""
        found = []
        for entry in self._outbox.entries():
            if entry.key not in self._locks:
                with self._lock(entry.key) as lock:
                    if lock.acquire():
                        found.append(entry)
        return tuple(found)

    def _claim(self, entries: Iterable[OutboxEntry]) -> list[OutboxEntry]:
        """Have no other panel render them, for as long as this one lives; those that this went
        well with."""
        found = []
        for entry in entries:
            lock = self._lock(entry.key)
            if lock.acquire():
                self._locks[entry.key] = lock
                found.append(entry)
        return found

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
