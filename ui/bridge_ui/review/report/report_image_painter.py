"""The pictures of a review report, with the strokes of its notes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage

from bridge_core.errors import ShotbridgeError, UnreadableMedia
from bridge_core.models.notes import Stroke
from bridge_ui.core.translate import tr
from bridge_ui.review.annotations.stroke_painter import paint_strokes
from bridge_ui.review.player.frame_sources import FrameSource, has_frame
from bridge_ui.review.player.player import decode_jpeg
from bridge_ui.widgets.basic import safe_painter

CancelCheck = Callable[[], None]
"""Called between pictures; raises an exception if the report was cancelled."""

_JPEG_QUALITY = 88  # 0 to 100


def report_image(source: FrameSource, frame: int, strokes: Sequence[Stroke] = ()) -> QImage | str:
    """A frame with strokes, or a text that says why it cannot be loaded."""
    if not has_frame(source, frame):
        return tr("There is no frame {n}", n=frame)
    try:
        image = decode_jpeg(source.frame(frame))
    except ShotbridgeError as error:
        return tr("Frame {n} could not be loaded: {why}", n=frame, why=error.message)
    if strokes:
        with safe_painter(image) as painter:
            paint_strokes(painter, strokes, QRectF(image.rect()))
    return image


def encode_jpeg(image: QImage, width: int = 0) -> bytes:
    """An image as JPEG, scaled to ``width`` if that is given.

    :raises UnreadableMedia: it cannot be encoded.
    """
    if width:
        image = image.scaledToWidth(width, Qt.TransformationMode.SmoothTransformation)
    # Through a file: a QBuffer made here would take the GIL inside Qt's locks (see decode_jpeg).
    with tempfile.TemporaryDirectory(prefix="shotbridge-report-") as folder:
        file = Path(folder) / "frame.jpg"
        if not image.save(str(file), quality=_JPEG_QUALITY):
            raise UnreadableMedia(
                "a frame could not be encoded for the report",
                where=folder,
                next_step="check whether the disk with this folder is full",
            )
        return file.read_bytes()
