"""Writes a review to hand on: an HTML file that holds its pictures, or a PDF, by the file's ending.

Both fetch pictures and draw notes into them: for a worker thread, never for a host's main thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from secrets import token_hex

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage

from bridge_core.errors import NotWritable, ShotbridgeError
from bridge_core.models.notes import Stroke
from bridge_ui.controllers.sheets import Sheet
from bridge_ui.review.drawing import paint_strokes
from bridge_ui.review.pictures import decode, painting
from bridge_ui.review.sources import FrameSource, holds
from bridge_ui.translate import tr

#: Called between pictures; raises where nobody wants the sheet any more.
Pause = Callable[[], None]


def write_sheet(path: Path, sheet: Sheet, pause: Pause = lambda: None) -> Path:
    """Write ``.html`` or ``.htm`` as HTML, everything else as PDF. A file that is there is
    replaced once the new one is complete.

    A frame that cannot be had is named in its place, and the sheet is made all the same.

    :raises NotWritable: the file cannot be written.
    """
    part = path.with_name(f".{token_hex(4)}{path.suffix}")
    try:
        if path.suffix.lower() in (".html", ".htm"):
            from bridge_ui.review.sheet_html import write_html

            write_html(part, sheet, pause)
        else:
            from bridge_ui.review.sheet_pdf import write_pdf

            write_pdf(part, sheet, pause)
        part.replace(path)
    except OSError as error:
        raise NotWritable(
            f"the review sheet could not be written: {error.strerror or error}",
            where=str(path),
            next_step="choose another folder",
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return path


def frame_of(source: FrameSource, frame: int, strokes: Sequence[Stroke] = ()) -> QImage | str:
    """A frame with what was drawn on it, or in words why it cannot be had."""
    if not holds(source, frame):
        return tr("There is no frame {n}", n=frame)
    try:
        image = decode(source.frame(frame))
    except ShotbridgeError as error:
        return tr("Frame {n} could not be had: {why}", n=frame, why=error.what)
    if strokes:
        with painting(image) as painter:
            paint_strokes(painter, strokes, QRectF(image.rect()))
    return image
