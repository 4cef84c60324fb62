"""The frames of a review sheet, with what was drawn on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage

from bridge_core.errors import ShotbridgeError
from bridge_core.models.notes import Stroke
from bridge_ui.core.translate import tr
from bridge_ui.review.annotations.stroke_painter import paint_strokes
from bridge_ui.review.player.frame_source import FrameSource, has_frame
from bridge_ui.review.player.qt_images import decode_jpeg, safe_painter

#: Called between pictures; raises where nobody wants the sheet any more.
CancelCheck = Callable[[], None]


def report_image(source: FrameSource, frame: int, strokes: Sequence[Stroke] = ()) -> QImage | str:
    """A frame with what was drawn on it, or in words why it cannot be had."""
    if not has_frame(source, frame):
        return tr("There is no frame {n}", n=frame)
    try:
        image = decode_jpeg(source.frame(frame))
    except ShotbridgeError as error:
        return tr("Frame {n} could not be had: {why}", n=frame, why=error.message)
    if strokes:
        with safe_painter(image) as painter:
            paint_strokes(painter, strokes, QRectF(image.rect()))
    return image
