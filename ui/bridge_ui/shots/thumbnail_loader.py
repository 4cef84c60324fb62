"""Loads and caches thumbnails of the visible rows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_core.errors import ShotbridgeError
from bridge_ui.core.observable import Unwatch, Watchers
from bridge_ui.core.thread_pool import BackgroundTask

if TYPE_CHECKING:
    from bridge_core.models.shots import Shot
    from bridge_ui.core.session import Session

#: JPEGs; about 20 MB.
CACHE_SIZE = 400


@dataclass(frozen=True, slots=True)
class ThumbnailKey:
    """What a thumbnail shows: the newest version of a shot, or a frame of its plate."""

    shot: Shot
    version: str | None

    @property
    def frame(self) -> int:
        cut = self.shot.cut_range
        return cut.first + cut.count // 2


class ThumbnailLoader:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._cache: OrderedDict[ThumbnailKey, bytes] = OrderedDict()
        self._tasks: dict[ThumbnailKey, BackgroundTask] = {}
        self._failed: set[ThumbnailKey] = set()
        """Retried after reconnecting."""
        self._wanted: dict[str, ThumbnailKey] = {}
        self._watchers: Watchers[str] = Watchers()
        self._unwatch = session.on_connected(self._retry)

    def request(self, thumbnails: Mapping[str, ThumbnailKey]) -> None:
        """Load the thumbnails of these rows; cancel all others."""
        self._wanted = dict(thumbnails)
        keys = set(thumbnails.values())
        for thumbnail in [loading for loading in self._tasks if loading not in keys]:
            self._tasks.pop(thumbnail).cancel()
        for thumbnail in dict.fromkeys(thumbnails.values()):
            if thumbnail not in self._tasks and thumbnail not in self._failed | self._cache.keys():
                self._tasks[thumbnail] = self._fetch(thumbnail)

    def get(self, thumbnail: ThumbnailKey) -> bytes | None:
        """The JPEG, if loaded."""
        jpeg = self._cache.get(thumbnail)
        if jpeg is not None:
            self._cache.move_to_end(thumbnail)
        return jpeg

    def watch(self, callback: Callable[[str], None]) -> Unwatch:
        return self._watchers.add(callback)

    def close(self) -> None:
        self._unwatch()
        self._watchers.clear()
        for task in self._tasks.values():
            task.cancel()

    def _fetch(self, thumbnail: ThumbnailKey) -> BackgroundTask:
        client = self._session.client

        def fetch(_: BackgroundTask) -> bytes:
            if thumbnail.version is not None:
                return client.thumbnail(thumbnail.version)
            return client.plate_proxy(thumbnail.shot.plate, thumbnail.frame)

        def on_loaded(jpeg: bytes) -> None:
            self._tasks.pop(thumbnail, None)
            self._cache[thumbnail] = jpeg
            while len(self._cache) > CACHE_SIZE:
                self._cache.popitem(last=False)
            for key, wanted in self._wanted.items():
                if wanted == thumbnail:
                    self._watchers.notify(key)

        def on_failed(_: ShotbridgeError) -> None:
            self._tasks.pop(thumbnail, None)
            self._failed.add(thumbnail)

        return self._session.picture_pool.run(fetch, on_loaded, on_failed)

    def _retry(self) -> None:
        self._failed.clear()
        self.request(self._wanted)
