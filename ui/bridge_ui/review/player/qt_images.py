"""Decoding JPEGs without blocking other threads, and safe painting."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QByteArray, QDataStream
from PySide6.QtGui import QImage, QImageReader, QPaintDevice, QPainter

from bridge_core.errors import UnreadableMedia

_LOG = logging.getLogger(__name__)


def decode_jpeg(data: bytes) -> QImage:
    """A JPEG as ``Format_RGB32``. Safe in any thread.

    :raises UnreadableMedia: not a picture, or truncated.
    """
    # QImageReader.read releases the GIL while it decodes; QImage.fromData and loadFromData keep it
    # and block the main thread (12 ms for each frame of 1080p, PySide6 6.11.3). The device has to
    # be Qt's own, such as a data stream's: a QBuffer made here takes the GIL with every read,
    # inside Qt's locks, and two threads then deadlock.
    stream = QDataStream(QByteArray(data))
    reader = QImageReader(stream.device(), QByteArray(b"jpeg"))
    reader.setAutoDetectImageFormat(False)
    picture = reader.read()
    if picture.isNull():
        raise UnreadableMedia(
            f"a frame could not be decoded: {reader.errorString()}",
            next_step="send the job again; the gateway then makes the frame again",
        )
    if picture.format() != QImage.Format.Format_RGB32:
        picture = picture.convertToFormat(QImage.Format.Format_RGB32)
    return picture


def image_bytes(picture: QImage) -> int:
    """Size of the pixels in bytes."""
    return picture.sizeInBytes()


@contextmanager
def safe_painter(device: QPaintDevice) -> Iterator[QPainter]:
    """A painter that is always ended; exceptions are logged and cost one repaint.

    An exception that leaves ``paintEvent`` with an active painter can crash the host.
    """
    painter = QPainter(device)
    try:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        yield painter
    except Exception:
        _LOG.exception("painting failed")
    finally:
        painter.end()
