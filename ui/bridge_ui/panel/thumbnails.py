"""Pictures of rows, decoded once and kept as long as they are of use."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap

#: Pictures kept: several screens of rows. At 160 x 90 they take 17 MB.
_KEPT = 300
_WIDTH = 160


class Thumbnails:
    """``fetch`` gives the JPEG of a key, None while it is not there."""

    def __init__(self, fetch: Callable[[str], bytes | None]) -> None:
        self._fetch = fetch
        self._kept: OrderedDict[str, QPixmap] = OrderedDict()

    def get(self, key: str) -> QPixmap | None:
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        found = self._fetch(key)
        if found is None:
            return None
        picture = QPixmap()
        picture.loadFromData(found)
        if picture.width() > 2 * _WIDTH:
            picture = picture.scaledToWidth(2 * _WIDTH, Qt.TransformationMode.SmoothTransformation)
        self._kept[key] = picture
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return picture

    def forget(self, key: str) -> None:
        """There is a newer one."""
        self._kept.pop(key, None)
