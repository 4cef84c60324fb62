"""A review sheet as a PDF, A4 across: painted block by block, a new page where one is full.

Everything is measured in points (1/72 inch); the fonts' sizes too, so that a sheet looks the same
whatever the screen of the machine that it was made on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMarginsF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QImage,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
    QPen,
    QTextLayout,
    QTextOption,
)

from bridge_core.models.notes import Note
from bridge_ui.controllers.sheets import Sheet, SheetShot, SheetVersion, place_of, said_by
from bridge_ui.controllers.signs import Tone
from bridge_ui.controllers.words import decided
from bridge_ui.review.sheet_frames import Pause, frame_of
from bridge_ui.translate import counted, tr

_PAGE = QSizeF(842, 595)
_MARGIN = 36.0
_HEAD, _FOOT = 22.0, 18.0  # of the lines at a page's top and bottom, with their distance
_BODY = QRectF(
    _MARGIN,
    _MARGIN + _HEAD,
    _PAGE.width() - 2 * _MARGIN,
    _PAGE.height() - 2 * _MARGIN - _HEAD - _FOOT,
)
_PICTURE = 330.0  # width of a frame; its words stand at the right
_SMALL = 72.0  # width of an overview's pictures
_GAP = 14.0
_DOTS = 150  # an inch, of pictures: a frame of 330 points needs no more than 690 pixels

_INK, _DIM, _RULE = QColor("#1d1e20"), QColor("#6a6e75"), QColor("#c9ccd1")
_TONES = {
    Tone.GOOD: QColor("#1c6b3a"),
    Tone.BAD: QColor("#a3322a"),
    Tone.WAITS: QColor("#8a5a00"),
    Tone.BUSY: QColor("#4b4f55"),
    Tone.PLAIN: QColor("#4b4f55"),
}

Paint = Callable[[QPainter, float, float], None]
"""Paints a block whose upper left corner is at these points."""


@dataclass(frozen=True)
class _Block:
    """What stays together on one page."""

    height: float
    paint: Paint
    keep: bool = False
    """On the page of the next one: a heading, a first line."""


def write_pdf(path: Path, sheet: Sheet, pause: Pause) -> None:
    """
    :raises OSError: the file cannot be written, or not whole.
    """
    path.touch()  # Qt tells of no reason where it cannot write
    writer = QPdfWriter(str(path))
    writer.setTitle(sheet.title)
    writer.setCreator("Shotbridge")
    writer.setPageLayout(
        QPageLayout(
            QPageSize(QPageSize.PageSizeId.A4), QPageLayout.Orientation.Landscape, QMarginsF()
        )
    )
    writer.setResolution(1200)
    painter = QPainter()
    if not painter.begin(writer):
        raise OSError(None, tr("the file cannot be opened for writing"))
    try:
        painter.scale(1200 / 72, 1200 / 72)
        _Pages(writer, painter, sheet).fill(pause)
    finally:
        painter.end()
    if not _is_whole(path):
        raise OSError(None, tr("the disk took only a part of it; is it full?"))


def _is_whole(path: Path) -> bool:
    """Qt tells of no write that failed. A PDF ends with the place of its table of contents, which
    lies elsewhere, or nowhere, if anything before it is missing."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64))
        end = re.search(rb"startxref\s+(\d+)\s+%%EOF\s*$", file.read(64))
        file.seek(int(end[1]) if end else 0)
        return file.read(4) == b"xref"


class _Pages:
    """Puts blocks below each other, and begins new pages."""

    def __init__(self, writer: QPdfWriter, painter: QPainter, sheet: Sheet) -> None:
        self._writer, self._painter, self._sheet = writer, painter, sheet
        self._number = 1
        self._y = _BODY.top()

    def fill(self, pause: Pause) -> None:
        self._frame_page()
        held: list[_Block] = []
        for block in _blocks(self._sheet):
            pause()
            held.append(block)
            if not block.keep:
                self._put(held)
                held = []
        self._put(held)

    def _put(self, blocks: list[_Block]) -> None:
        """Blocks that belong on one page."""
        ends = self._y + sum(block.height for block in blocks)
        if ends > _BODY.bottom() and self._y > _BODY.top():
            self._turn()
        for block in blocks:
            block.paint(self._painter, _BODY.left(), self._y)
            self._y += block.height

    def _turn(self) -> None:
        self._writer.newPage()
        self._number += 1
        self._y = _BODY.top()
        self._frame_page()

    def _frame_page(self) -> None:
        left, right = _BODY.left(), _BODY.right()
        top, bottom = _MARGIN, _PAGE.height() - _MARGIN
        painter = self._painter
        _line(
            painter,
            QPointF(left, top),
            self._sheet.title,
            _font(9, bold=True),
            _INK,
            right - left - 200,
        )
        _line(painter, QPointF(right - 190, top), self._sheet.made, _font(8), _DIM, 190, right=True)
        _rule(painter, left, right, top + 15)
        _line(painter, QPointF(left, bottom - 10), "Shotbridge", _font(8), _DIM, 200)
        number = tr("Page {n}", n=self._number)
        _line(painter, QPointF(right - 100, bottom - 10), number, _font(8), _DIM, 100, right=True)


def _blocks(sheet: Sheet) -> Iterator[_Block]:
    yield from _text(sheet.title, _font(20, bold=True), _INK, after=2)
    yield from _text(sheet.summary, _font(10), _DIM, after=_GAP)
    if len(sheet.shots) > 1:
        for shot in sheet.shots:
            yield _overview(shot)
        yield _space(_GAP)
    for shot in sheet.shots:
        if shot.versions:
            yield from _shot(shot)


def _shot(shot: SheetShot) -> Iterator[_Block]:
    def head(painter: QPainter, x: float, y: float) -> None:
        _line(painter, QPointF(x, y), shot.name, _font(14, bold=True), _INK, _BODY.width())
        _line(painter, QPointF(x, y + 19), shot.facts, _font(9), _DIM, _BODY.width())
        _rule(painter, x, x + _BODY.width(), y + 34)

    yield _Block(44, head, keep=True)
    for version in shot.versions:
        yield from _beside(
            frame_of(version.pictures, version.key_frame), list(_about(shot, version))
        )
        for note in version.on_frames:
            picture = frame_of(version.pictures, version.frame_for(note), note.strokes)
            yield from _beside(picture, list(_said(shot, note)))


def _about(shot: SheetShot, version: SheetVersion) -> Iterator[_Block]:
    """What stands beside a version's picture."""
    across = _BODY.width() - _PICTURE - _GAP
    colour = _TONES[version.sign.tone]
    yield from _text(version.title, _font(12, bold=True), _INK, width=across, after=1)
    yield from _text(version.standing, _font(9, bold=True), colour, width=across, after=3)
    for at, record in enumerate(reversed(version.version.decisions)):
        if at:
            yield from _text(decided(record), _font(9), _DIM, width=across, after=2)
        if record.comment:
            yield from _text(record.comment, _font(10), _INK, width=across, after=6)
    yield from _text(version.facts, _font(8), _DIM, width=across, after=10)
    for note in version.on_the_whole:
        yield from _said(shot, note)


def _said(shot: SheetShot, note: Note) -> Iterator[_Block]:
    across = _BODY.width() - _PICTURE - _GAP
    drawn = counted(len(note.strokes), "{n} stroke drawn", "{n} strokes drawn")
    yield from _text(note.text or drawn, _font(10), _INK, width=across, after=2)
    facts = f"{place_of(note, shot.shot.plate)} · {said_by(note)}"
    yield from _text(facts, _font(8), _DIM, width=across, after=8)


def _beside(picture: QImage | str, words: list[_Block]) -> Iterator[_Block]:
    """A picture with words at its right; those that are longer go on below it, in the same
    column."""
    high = _PICTURE * 9 / 16
    if isinstance(picture, QImage):
        high = min(_PICTURE * picture.height() / picture.width(), _BODY.height() - 60)
    beside: list[_Block] = []
    taken = 0.0
    while words and taken + words[0].height <= high:
        taken += words[0].height
        beside.append(words.pop(0))

    def paint(painter: QPainter, x: float, y: float) -> None:
        _picture(painter, picture, QRectF(x, y, _PICTURE, high))
        for block in beside:
            block.paint(painter, x + _PICTURE + _GAP, y)
            y += block.height

    yield _Block(high + (0 if words else _GAP), paint)
    for block in words:

        def aside(painter: QPainter, x: float, y: float, block: _Block = block) -> None:
            block.paint(painter, x + _PICTURE + _GAP, y)

        yield _Block(block.height, aside)
    if words:
        yield _space(_GAP)


def _overview(shot: SheetShot) -> _Block:
    newest = shot.versions[0] if shot.versions else None
    high = _SMALL * 9 / 16
    picture = frame_of(newest.pictures, newest.key_frame) if newest is not None else ""
    notes = sum(len(version.notes) for version in shot.versions)

    def paint(painter: QPainter, x: float, y: float) -> None:
        _picture(painter, picture, QRectF(x, y, _SMALL, high))
        middle = y + high / 2 - 7
        columns: list[tuple[float, str, QFont, QColor]] = [
            (88, shot.name, _font(10, bold=True), _INK)
        ]
        if newest is None:
            columns.append((260, tr("No version yet"), _font(10), _DIM))
        else:
            words = f"{newest.sign.mark} {newest.sign.words}"
            told = counted(notes, "{n} note", "{n} notes") if notes else ""
            columns += [
                (260, newest.title, _font(10), _INK),
                (430, words, _font(10, bold=True), _TONES[newest.sign.tone]),
                (640, told, _font(10), _DIM),
            ]
        for at, (left, text, font, colour) in enumerate(columns):
            right = columns[at + 1][0] if at + 1 < len(columns) else _BODY.width()
            _line(painter, QPointF(x + left, middle), text, font, colour, right - left - 8)
        _rule(painter, x, x + _BODY.width(), y + high + 4)

    return _Block(high + 8, paint)


def _space(height: float) -> _Block:
    return _Block(height, lambda _painter, _x, _y: None)


def _text(
    text: str, font: QFont, colour: QColor, *, width: float = _BODY.width(), after: float = 0.0
) -> Iterator[_Block]:
    """A block for each line, so that a long text goes on on the next page."""
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    option.setUseDesignMetrics(True)
    paragraphs = text.split("\n")
    for number, paragraph in enumerate(paragraphs):
        layout = QTextLayout(paragraph, font)
        layout.setTextOption(option)
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
            line.setPosition(QPointF(0, 0))
        layout.endLayout()
        for at in range(layout.lineCount()):
            last = number == len(paragraphs) - 1 and at == layout.lineCount() - 1

            def paint(
                painter: QPainter, x: float, y: float, layout: QTextLayout = layout, at: int = at
            ) -> None:
                painter.setPen(QPen(colour))
                layout.lineAt(at).draw(painter, QPointF(x, y))

            high = max(layout.lineAt(at).height(), font.pixelSize() * 1.25)
            yield _Block(high + (after if last else 0.0), paint)


def _picture(painter: QPainter, picture: QImage | str, place: QRectF) -> None:
    if isinstance(picture, QImage):
        most = round(_DOTS / 72 * place.width())
        if picture.width() > most:
            picture = picture.scaledToWidth(most, Qt.TransformationMode.SmoothTransformation)
        painter.drawImage(place, picture)
        return
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(_RULE, 0.75))
    painter.drawRect(place)
    painter.setPen(QPen(_TONES[Tone.BAD]))
    painter.setFont(_font(9))
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(place.adjusted(8, 8, -8, -8), int(flags), picture)


def _line(
    painter: QPainter,
    at: QPointF,
    text: str,
    font: QFont,
    colour: QColor,
    width: float,
    *,
    right: bool = False,
) -> None:
    """One line from ``at`` on, shortened where it is too long."""
    painter.setFont(font)
    painter.setPen(QPen(colour))
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(width))
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    place = QRectF(at, QSizeF(width, font.pixelSize() * 1.5))
    painter.drawText(place, int(side | Qt.AlignmentFlag.AlignTop), shown)


def _rule(painter: QPainter, left: float, right: float, y: float) -> None:
    painter.setPen(QPen(_RULE, 0.75))
    painter.drawLine(QPointF(left, y), QPointF(right, y))


def _font(size: int, *, bold: bool = False) -> QFont:
    """The application's own font, in points of the page."""
    font = QFont()
    font.setPixelSize(size)
    font.setBold(bold)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return font
