"""A review as one HTML file: what was decided and said, with the drawn frames in it.

The file holds its pictures and needs nothing else; it can be mailed, and printed to PDF. All words
of people and services are escaped.
"""

from __future__ import annotations

import base64
import html
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage

from bridge_core.errors import NotWritable, ShotbridgeError, UnreadableMedia
from bridge_core.models.notes import Note, Stroke
from bridge_core.models.versions import DecisionRecord
from bridge_ui.review.drawing import paint_strokes
from bridge_ui.review.pictures import decode, painting
from bridge_ui.review.sources import FrameSource, holds
from bridge_ui.translate import tr

_QUALITY = 88  # of the JPEGs, 0 to 100
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } .facts, .by { color: #666; } .facts { margin: 0 0 1.5rem; }
article { border-top: 1px solid #ddd; padding: 1rem 0; break-inside: avoid; }
img { max-width: 100%; border-radius: 4px; display: block; }
p { margin: .5rem 0; white-space: pre-wrap; } .missing { color: #a33; }
"""


@dataclass(frozen=True)
class SheetOf:
    """What a sheet is about."""

    shot: str
    version: str
    """As in ``Upscale v003``."""
    status: str
    notes: Sequence[Note]
    decisions: Sequence[DecisionRecord]
    source: FrameSource
    """The version's pictures."""


def write_sheet(path: Path, about: SheetOf) -> Path:
    """Write the sheet. Fetches pictures: for a worker thread, never for a host's main thread.

    A frame that cannot be had is named in its place, and the sheet is made all the same.

    :raises NotWritable: the file cannot be written.
    """
    text = "".join(_parts(about))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotWritable(
            f"the review sheet could not be written: {error.strerror or error}",
            where=str(path),
            next_step="choose another folder",
        ) from error
    return path


def _parts(about: SheetOf) -> Iterable[str]:
    name = html.escape(f"{about.shot} · {about.version}")
    yield (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        f"<style>{_STYLE}</style></head><body>\n<h1>{name}</h1>\n"
        f'<p class="facts">{html.escape(about.status)}</p>\n'
    )
    for decision in about.decisions:
        words = f"{decision.status} · {_who(decision.by, decision.at)}"
        yield f"<article><p><strong>{html.escape(words)}</strong></p>"
        yield f"<p>{html.escape(decision.comment)}</p></article>\n"
    for note in about.notes:
        yield f"<article>{_picture(note, about.source)}<p>{html.escape(note.text)}</p>"
        yield f'<p class="by">{html.escape(f"{_where(note)} · {_who(note.by, note.at)}")}</p>'
        yield "</article>\n"
    yield "</body></html>\n"


def _picture(note: Note, source: FrameSource) -> str:
    """The first frame that a note speaks of, with what was drawn; on a whole version, its first."""
    frames = source.frames
    frame = note.frames.first if note.frames is not None else (frames[0] if frames else 0)
    if not holds(source, frame):
        return f'<p class="missing">{html.escape(tr("There is no frame {n}", n=frame))}</p>'
    try:
        data = source.frame(frame)
        if note.strokes:
            data = drawn(data, note.strokes)
    except ShotbridgeError as error:
        words = tr("Frame {n} could not be had: {why}", n=frame, why=error.what)
        return f'<p class="missing">{html.escape(words)}</p>'
    code = base64.b64encode(data).decode("ascii")
    words = html.escape(tr("Frame {n}", n=frame))
    return f'<img alt="{words}" src="data:image/jpeg;base64,{code}">'


def drawn(data: bytes, strokes: Sequence[Stroke]) -> bytes:
    """A JPEG with strokes in it.

    :raises UnreadableMedia: it cannot be read, or not be made again.
    """
    image: QImage = decode(data)
    with painting(image) as painter:
        paint_strokes(painter, strokes, QRectF(image.rect()))
    # Through a file: a QBuffer made here would ask for Python's lock inside Qt's (see ``decode``).
    with tempfile.TemporaryDirectory(prefix="shotbridge-sheet-") as folder:
        file = Path(folder) / "frame.jpg"
        if not image.save(str(file), quality=_QUALITY):
            raise UnreadableMedia(
                "a drawn frame could not be saved",
                where=folder,
                next_step="look whether the disk of this folder is full",
            )
        return file.read_bytes()


def _where(note: Note) -> str:
    if note.frames is None:
        return tr("whole version")
    if note.frames.count == 1:
        return tr("frame {n}", n=note.frames.first)
    return tr("frames {range}", range=f"{note.frames.first}–{note.frames.last}")


def _who(by: str, at: datetime) -> str:
    return f"{by}, {at.astimezone():%Y-%m-%d %H:%M}"
