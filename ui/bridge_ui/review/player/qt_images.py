"""JPEG bytes as pictures that paint fast, decoded without holding up other threads."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QByteArray, QDataStream
from PySide6.QtGui import QImage, QImageReader, QPaintDevice, QPainter

from bridge_core.errors import UnreadableMedia

_LOG = logging.getLogger(__name__)


def decode_jpeg(data: bytes) -> QImage:
    """A JPEG as ``Format_RGB32``. Safe on any thread.

    :raises UnreadableMedia: not a picture, or cut short.
    """
    # QImageReader.read lets go of Python's lock while it decodes; QImage.fromData and loadFromData
    # hold it, and the main thread with it (12 ms for each frame of 1080p, PySide6 6.11.3). The
    # device has to be Qt's own, as a data stream has one: a QBuffer made here asks for that lock
    # with every read, inside Qt's locks, and two threads then wait for each other for ever.
    stream = QDataStream(QByteArray(data))
    reader = QImageReader(stream.device(), QByteArray(b"jpeg"))
    reader.setAutoDetectImageFormat(False)
    picture = reader.read()
    if picture.isNull():
        raise UnreadableMedia(
            f"a frame could not be shown: {reader.errorString()}",
            next_step="the gateway makes it again when the job is sent again",
        )
    if picture.format() != QImage.Format.Format_RGB32:
        picture = picture.convertToFormat(QImage.Format.Format_RGB32)
    return picture


def image_bytes(picture: QImage) -> int:
    """Bytes of its pixels."""
    return picture.sizeInBytes()


@contextmanager
def safe_painter(device: QPaintDevice) -> Iterator[QPainter]:
    """A painter that is always ended; what goes wrong in between is logged and costs one paint.

    An exception that leaves ``paintEvent`` with a living painter can take the host with it.
    """
    painter = QPainter(device)
    try:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        yield painter
    except Exception:
        _LOG.exception("painting went wrong")
    finally:
        painter.end()
