"""Thumbnails decoded at the size in which they are shown."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from PySide6.QtCore import QBuffer, QByteArray, QSize, Qt
from PySide6.QtGui import QImageReader, QPixmap

#: Pixmaps, enough for several screens of rows; about 5 MB at 90 x 50 pixels.
_CACHE_SIZE = 300


class PixmapCache:
    """``fetch`` returns the JPEG of a key, or None if it is not loaded."""

    def __init__(self, fetch: Callable[[str], bytes | None]) -> None:
        self._fetch = fetch
        self._cache: OrderedDict[tuple[str, int, int], QPixmap] = OrderedDict()

    def get(self, key: str, size: QSize) -> QPixmap | None:
        """Scaled to fit into ``size``, in device pixels."""
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
        """Forget the pixmaps of a key whose JPEG changed."""
        for cache_key in [one for one in self._cache if one[0] == key]:
            del self._cache[cache_key]


def _decode(jpeg: bytes, bounds: QSize) -> QPixmap:
    """Scale while decoding, which is faster than scaling afterwards."""
    buffer = QBuffer()
    buffer.setData(QByteArray(jpeg))
    reader = QImageReader(buffer)
    size = reader.size()
    if size.isValid():
        reader.setScaledSize(size.scaled(bounds, Qt.AspectRatioMode.KeepAspectRatio))
    return QPixmap.fromImage(reader.read())
