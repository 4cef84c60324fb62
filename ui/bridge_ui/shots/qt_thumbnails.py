"""Pictures of rows, decoded once at the size that they are shown in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from PySide6.QtCore import QBuffer, QByteArray, QSize, Qt
from PySide6.QtGui import QImageReader, QPixmap

#: Pictures kept: several screens of rows. At 90 x 50 pixels they take 5 MB.
_CACHE_SIZE = 300


class PixmapCache:
    """``fetch`` gives the JPEG of a key, None while it is not there."""

    def __init__(self, fetch: Callable[[str], bytes | None]) -> None:
        self._fetch = fetch
        self._cache: OrderedDict[tuple[str, int, int], QPixmap] = OrderedDict()

    def get(self, key: str, size: QSize) -> QPixmap | None:
        """As large as fits into ``room``, in pixels of the screen."""
        cache_key = (key, size.width(), size.height())
        if cache_key in self._cache:
            self._cache.move_to_end(cache_key)
            return self._cache[cache_key]
        jpeg = self._fetch(key)
        if jpeg is None:
            return None
        self._cache[cache_key] = _decode(jpeg, size)
        while len(self._cache) > _CACHE_SIZE:
            self._cache.popitem(last=False)
        return self._cache[cache_key]

    def discard(self, key: str) -> None:
        """There is a newer one."""
        for which in [which for which in self._cache if which[0] == key]:
            del self._cache[which]


def _decode(jpeg: bytes, bounds: QSize) -> QPixmap:
    """A JPEG is scaled while it is decoded, which is faster than both one after the other."""
    buffer = QBuffer()
    buffer.setData(QByteArray(jpeg))
    reader = QImageReader(buffer)
    size = reader.size()
    if size.isValid():
        reader.setScaledSize(size.scaled(bounds, Qt.AspectRatioMode.KeepAspectRatio))
    return QPixmap.fromImage(reader.read())
