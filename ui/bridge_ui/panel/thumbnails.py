"""Pictures of rows, decoded once at the size that they are shown in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from PySide6.QtCore import QBuffer, QByteArray, QSize, Qt
from PySide6.QtGui import QImageReader, QPixmap

#: Pictures kept: several screens of rows. At 90 x 50 pixels they take 5 MB.
_KEPT = 300


class Thumbnails:
    """``fetch`` gives the JPEG of a key, None while it is not there."""

    def __init__(self, fetch: Callable[[str], bytes | None]) -> None:
        self._fetch = fetch
        self._kept: OrderedDict[tuple[str, int, int], QPixmap] = OrderedDict()

    def get(self, key: str, room: QSize) -> QPixmap | None:
        """As large as fits into ``room``, in pixels of the screen."""
        which = (key, room.width(), room.height())
        if which in self._kept:
            self._kept.move_to_end(which)
            return self._kept[which]
        found = self._fetch(key)
        if found is None:
            return None
        self._kept[which] = _decoded(found, room)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return self._kept[which]

    def forget(self, key: str) -> None:
        """There is a newer one."""
        for which in [which for which in self._kept if which[0] == key]:
            del self._kept[which]


def _decoded(jpeg: bytes, room: QSize) -> QPixmap:
    """A JPEG is scaled while it is decoded, which is faster than both one after the other."""
    buffer = QBuffer()
    buffer.setData(QByteArray(jpeg))
    reader = QImageReader(buffer)
    size = reader.size()
    if size.isValid():
        reader.setScaledSize(size.scaled(room, Qt.AspectRatioMode.KeepAspectRatio))
    return QPixmap.fromImage(reader.read())
