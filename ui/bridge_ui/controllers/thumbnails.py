"""Small pictures for lists: fetched for what is in sight only, and kept for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_core.errors import ShotbridgeError
from bridge_ui.controllers.observable import Unwatch, Watchers
from bridge_ui.controllers.pool import Task

if TYPE_CHECKING:
    from bridge_core.models.shots import Shot
    from bridge_ui.controllers.session import Session

#: Pictures kept; about 20 MB of JPEGs.
KEEP = 400


@dataclass(frozen=True, slots=True)
class Picture:
    """What a row's thumbnail shows: its newest version, else a frame of its plate."""

    shot: Shot
    version: str | None

    @property
    def frame(self) -> int:
        cut = self.shot.cut_range
        return cut.first + cut.count // 2


class Thumbnails:
    """JPEGs by the key of a row."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: OrderedDict[Picture, bytes] = OrderedDict()
        self._tasks: dict[Picture, Task] = {}
        self._missed: set[Picture] = set()
        """Not to be had; asked for again when the gateway is back."""
        self._wanted: dict[str, Picture] = {}
        self._watchers: Watchers[str] = Watchers()
        self._unwatch = session.on_connected(self._try_again)

    def want(self, wanted: Mapping[str, Picture]) -> None:
        """These rows are in sight now, and no others."""
        self._wanted = dict(wanted)
        pictures = set(wanted.values())
        for picture in [p for p in self._tasks if p not in pictures]:
            self._tasks.pop(picture).cancel()
        for picture in dict.fromkeys(wanted.values()):
            if picture not in self._tasks and picture not in self._missed | self._kept.keys():
                self._tasks[picture] = self._fetch(picture)

    def get(self, picture: Picture) -> bytes | None:
        """The JPEG, if it is here."""
        found = self._kept.get(picture)
        if found is not None:
            self._kept.move_to_end(picture)
        return found

    def watch(self, callback: Callable[[str], None]) -> Unwatch:
        return self._watchers.add(callback)

    def close(self) -> None:
        self._unwatch()
        self._watchers.clear()
        for task in self._tasks.values():
            task.cancel()

    def _fetch(self, picture: Picture) -> Task:
        client = self._session.client

        def fetch(_: Task) -> bytes:
            if picture.version is not None:
                return client.thumbnail(picture.version)
            return client.plate_proxy(picture.shot.plate, picture.frame)

        def came(jpeg: bytes) -> None:
            self._tasks.pop(picture, None)
            self._kept[picture] = jpeg
            while len(self._kept) > KEEP:
                self._kept.popitem(last=False)
            for key, wanted in self._wanted.items():
                if wanted == picture:
                    self._watchers.tell(key)

        def missed(_: ShotbridgeError) -> None:
            self._tasks.pop(picture, None)
            self._missed.add(picture)

        return self._session.pictures.run(fetch, came, missed)

    def _try_again(self) -> None:
        self._missed.clear()
        self.want(self._wanted)
