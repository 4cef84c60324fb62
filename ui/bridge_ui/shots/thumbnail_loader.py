"""Small pictures for lists: fetched for what is in sight only, and kept for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_core.errors import ShotbridgeError
from bridge_ui.core.observable import Unwatch, Watchers
from bridge_ui.core.workers import BackgroundTask

if TYPE_CHECKING:
    from bridge_core.models.shots import Shot
    from bridge_ui.core.session import Session

#: Pictures kept; about 20 MB of JPEGs.
CACHE_SIZE = 400


@dataclass(frozen=True, slots=True)
class ThumbnailKey:
    """What a row's thumbnail shows: its newest version, else a frame of its plate."""

    shot: Shot
    version: str | None

    @property
    def frame(self) -> int:
        cut = self.shot.cut_range
        return cut.first + cut.count // 2


class ThumbnailLoader:
    """JPEGs by the key of a row."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._cache: OrderedDict[ThumbnailKey, bytes] = OrderedDict()
        self._tasks: dict[ThumbnailKey, BackgroundTask] = {}
        self._failed: set[ThumbnailKey] = set()
        """Not to be had; asked for again when the gateway is back."""
        self._wanted: dict[str, ThumbnailKey] = {}
        self._watchers: Watchers[str] = Watchers()
        self._unwatch = session.on_connected(self._retry)

    def request(self, wanted: Mapping[str, ThumbnailKey]) -> None:
        """These rows are in sight now, and no others."""
        self._wanted = dict(wanted)
        pictures = set(wanted.values())
        for picture in [p for p in self._tasks if p not in pictures]:
            self._tasks.pop(picture).cancel()
        for picture in dict.fromkeys(wanted.values()):
            if picture not in self._tasks and picture not in self._failed | self._cache.keys():
                self._tasks[picture] = self._fetch(picture)

    def get(self, picture: ThumbnailKey) -> bytes | None:
        """The JPEG, if it is here."""
        found = self._cache.get(picture)
        if found is not None:
            self._cache.move_to_end(picture)
        return found

    def watch(self, callback: Callable[[str], None]) -> Unwatch:
        return self._watchers.add(callback)

    def close(self) -> None:
        self._unwatch()
        self._watchers.clear()
        for task in self._tasks.values():
            task.cancel()

    def _fetch(self, picture: ThumbnailKey) -> BackgroundTask:
        client = self._session.client

        def fetch(_: BackgroundTask) -> bytes:
            if picture.version is not None:
                return client.thumbnail(picture.version)
            return client.plate_proxy(picture.shot.plate, picture.frame)

        def on_loaded(jpeg: bytes) -> None:
            self._tasks.pop(picture, None)
            self._cache[picture] = jpeg
            while len(self._cache) > CACHE_SIZE:
                self._cache.popitem(last=False)
            for key, wanted in self._wanted.items():
                if wanted == picture:
                    self._watchers.notify(key)

        def on_failed(_: ShotbridgeError) -> None:
            self._tasks.pop(picture, None)
            self._failed.add(picture)

        return self._session.picture_pool.run(fetch, on_loaded, on_failed)

    def _retry(self) -> None:
        self._failed.clear()
        self.request(self._wanted)
