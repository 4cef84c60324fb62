"""What was asked for of shots that the host has yet to render: written down, rendered, sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bridge_core.errors import ShotbridgeError
from bridge_core.host import Capability
from bridge_core.locks import FileLock
from bridge_core.outbox import Outbox
from bridge_ui.controllers.observable import Observable
from bridge_ui.controllers.pool import Failed, Latest
from bridge_ui.controllers.rendering import Renderings
from bridge_ui.controllers.sending import keyed

if TYPE_CHECKING:
    from bridge_core.host import Scene
    from bridge_core.models.jobs import Job
    from bridge_core.models.outbox import Entry
    from bridge_core.models.requests import Request
    from bridge_core.models.shots import Shot
    from bridge_ui.controllers.sending import Dispatch
    from bridge_ui.controllers.session import Session


@dataclass(frozen=True, slots=True)
class Left:
    """What an earlier panel was asked for and did not come to render."""

    shots: tuple[str, ...] = ()
    """Names."""
    here: int = 0
    """How many of them the scene has now, just as they were."""


class Unrendered:
    """Such a request stands in ``to_render/`` under ``client.state_dir``, kept as the outbox keeps
    its own, from the moment that it is accepted until it stands in the outbox with its plate.

    A panel that is closed, or a host that dies, leaves it there. Nothing goes on by itself then: a
    host that has just started must not begin to render, least of all what may have ended it. A
    later panel finds what is :attr:`left`, and a person says so.
    """

    def __init__(self, session: Session, dispatch: Dispatch, failed: Failed) -> None:
        self.left: Observable[Left] = Observable(Left())
        self._session = session
        self._dispatch = dispatch
        self._failed = failed
        self._renderings = Renderings(session)
        self.rendering = self._renderings.state
        self._kept = Outbox(session.settings.client.state_dir / "to_render")
        self._locks: dict[str, FileLock] = {}
        """By key, of those that this panel has taken on; for the outbox's thread only."""
        self._mine: set[str] = set()
        """Keys of those that are written down or rendered now."""
        self._entries: tuple[Entry, ...] = ()
        """Those that are left."""
        self._handles: dict[Shot, str] = {}
        """Of the scene's shots whose plates the host has yet to write."""
        self._looking: Latest[tuple[Entry, ...]] = Latest(session.accepting)

    def ask(
        self,
        wanted: Iterable[tuple[str, Request]],
        sent: Callable[[Job], None],
        accepted: Callable[[], None],
    ) -> None:
        """Requests, each with the host's handle of its shot. ``accepted`` is told once they are
        written down, ``sent`` once for each that the gateway has."""
        handles, requests = zip(*wanted, strict=True)
        by_key = keyed(requests)
        self._mine |= by_key.keys()
        self._session.recent_requests.add(by_key)

        def write_down(_: object) -> list[Entry]:
            entries = [self._kept.put(request, key) for key, request in by_key.items()]
            return self._take_on(entries)

        def written(entries: list[Entry]) -> None:
            accepted()
            self._render(zip(handles, entries, strict=True), sent)

        def refused(error: ShotbridgeError) -> None:
            self._mine -= by_key.keys()
            self._session.recent_requests.drop(*by_key)
            self._drop(*by_key)
            self._failed(error)

        self._session.accepting.run(write_down, written, refused)

    def look(self, scene: Scene) -> None:
        """See what is left; whoever reads the scene anew calls this."""
        if Capability.RENDER not in self._session.host.capabilities:
            return
        self._handles = {item.shot: item.handle for item in scene.shots if item.to_render}
        self._looking.ask(lambda _: self._free(), self._found, self._failed)

    def go_on(self) -> None:
        """Render and send what is left and the scene has now."""
        here = {
            entry.key: self._handles[entry.request.shot]
            for entry in self._entries
            if entry.request.shot in self._handles
        }

        def take_on(_: object) -> list[Entry]:
            return self._take_on(entry for entry in self._free() if entry.key in here)

        def taken(entries: list[Entry]) -> None:
            self._mine |= {entry.key for entry in entries}
            self._render(((here[entry.key], entry) for entry in entries), lambda _: None)

        self._found(tuple(entry for entry in self._entries if entry.key not in here))
        self._session.accepting.run(take_on, taken, self._failed)

    def forget(self) -> None:
        """Nobody wants what is left any more."""
        self._drop(*(entry.key for entry in self._entries))
        self._found(())

    def stop(self) -> None:
        """Render no more: what this panel has taken on is taken back."""
        self._renderings.stop()
        self._session.recent_requests.drop(*self._mine)
        self._drop(*self._mine)
        self._mine.clear()

    def close(self) -> None:
        """Render no more: what was not rendered is left to a later panel."""
        self._renderings.stop()
        self._looking.cancel()
        self._session.accepting.run(lambda _: self._let_go(*self._locks))

    def _render(self, entries: Iterable[tuple[str, Entry]], sent: Callable[[Job], None]) -> None:
        for handle, entry in entries:
            if entry.key in self._mine:  # else it was taken back meanwhile
                shot, frames = entry.request.shot, entry.request.try_frames
                done = partial(self._rendered, entry, sent)
                self._renderings.render(handle, shot, frames, done, partial(self._missed, entry))

    def _rendered(self, entry: Entry, sent: Callable[[Job], None], shot: Shot) -> None:
        """Sent under the key that it has had: whatever dies in between, nothing is paid twice."""
        self._mine.discard(entry.key)
        whole = entry.request.model_copy(update={"shot": shot})
        instead = partial(self._dropped, entry.key)
        self._dispatch.send({entry.key: whole}, sent, self._failed, instead=instead)

    def _missed(self, entry: Entry, error: ShotbridgeError) -> None:
        self._mine.discard(entry.key)
        self._session.recent_requests.drop(entry.key)
        self._drop(entry.key)
        self._failed(error)

    def _found(self, entries: tuple[Entry, ...]) -> None:
        self._entries = entries
        shots = [entry.request.shot for entry in entries]
        here = sum(shot in self._handles for shot in shots)
        self.left.set(Left(tuple(shot.id.shot for shot in shots), here))

    def _drop(self, *keys: str) -> None:
        self._session.accepting.run(lambda _: self._dropped(*keys), None, self._failed)

    # On the outbox's thread

    def _free(self) -> tuple[Entry, ...]:
        """Those that no panel has taken on."""
        found = []
        for entry in self._kept.entries():
            if entry.key not in self._locks:
                with self._lock(entry.key) as lock:
                    if lock.acquire():
                        found.append(entry)
        return tuple(found)

    def _take_on(self, entries: Iterable[Entry]) -> list[Entry]:
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
        return FileLock(self._kept.folder / "locks" / key)

    def _dropped(self, *keys: str) -> None:
        self._let_go(*keys)
        for key in keys:
            self._kept.done(key)

    def _let_go(self, *keys: str) -> None:
        for key in keys:
            if (lock := self._locks.pop(key, None)) is not None:
                lock.release()
