"""A review report as PDF, A4 landscape, painted block by block.

All sizes are in points (1/72 inch), fonts included, so that a report does not depend on the screen
of the machine that writes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

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
from bridge_ui.core.display_text import decision_text
from bridge_ui.core.status_sign import Tone
from bridge_ui.core.translate import tr, tr_count
from bridge_ui.review.report.report_data import (
    ReportShot,
    ReportVersion,
    ReviewReport,
    note_author_text,
    note_location_text,
)
from bridge_ui.review.report.report_image_painter import CancelCheck, report_image

_PAGE = QSizeF(842, 595)
_MARGIN = 36.0
_HEADER_HEIGHT, _FOOTER_HEIGHT = 22.0, 18.0  # with the distance to the body
_BODY = QRectF(
    _MARGIN,
    _MARGIN + _HEADER_HEIGHT,
    _PAGE.width() - 2 * _MARGIN,
    _PAGE.height() - 2 * _MARGIN - _HEADER_HEIGHT - _FOOTER_HEIGHT,
)
_IMAGE_WIDTH = 330.0  # the text is on the right of the image
_THUMBNAIL_WIDTH = 72.0
_GAP = 14.0
_TEXT_WIDTH = _BODY.width() - _IMAGE_WIDTH - _GAP  # beside an image
_IMAGE_DPI = 150  # an image of 330 points has at most 690 pixels

_TEXT_COLOUR, _DIM_COLOUR, _RULE_COLOUR = QColor("#1d1e20"), QColor("#6a6e75"), QColor("#c9ccd1")
_TONE_COLOURS = {
    Tone.SUCCESS: QColor("#1c6b3a"),
    Tone.ERROR: QColor("#a3322a"),
    Tone.ATTENTION: QColor("#8a5a00"),
    Tone.BUSY: QColor("#4b4f55"),
    Tone.NEUTRAL: QColor("#4b4f55"),
}


class _Style(NamedTuple):
    """Text in the application's font, sized in points of the page."""

    size: int
    colour: QColor = _TEXT_COLOUR
    bold: bool = False

    @property
    def font(self) -> QFont:
        font = QFont()
        font.setPixelSize(self.size)
        font.setBold(self.bold)
        font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        return font


_NORMAL, _DIM, _SMALL = _Style(10), _Style(9, _DIM_COLOUR), _Style(8, _DIM_COLOUR)

PaintBlock = Callable[[QPainter, float, float], None]
"""Paints a block with its top left corner at x and y."""


@dataclass(frozen=True)
class _Block:
    """Content that is not split between pages."""

    height: float
    paint: PaintBlock
    keep_with_next: bool = False
    """Keep on the same page as the next block, such as a heading."""


def write_pdf_report(path: Path, report: ReviewReport, check_cancelled: CancelCheck) -> None:
    """Write a report as PDF.

    :raises OSError: the file cannot be written completely.
    """
    path.touch()  # raises an error with the reason, which Qt does not give
    writer = QPdfWriter(str(path))
    writer.setTitle(report.title)
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
        _PdfPaginator(writer, painter, report).write_pages(check_cancelled)
    finally:
        painter.end()
    if not _is_complete(path):
        raise OSError(None, tr("the file is incomplete; is the disk full?"))


def _is_complete(path: Path) -> bool:
    """Whether all of a PDF was written; Qt does not report failed writes. A PDF ends with the
    offset of its cross-reference table, which is wrong if anything before it is missing."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64))
        end = re.search(rb"startxref\s+(\d+)\s+%%EOF\s*$", file.read(64))
        file.seek(int(end[1]) if end else 0)
        return file.read(4) == b"xref"


class _PdfPaginator:
    """Places blocks below each other and begins new pages."""

    def __init__(self, writer: QPdfWriter, painter: QPainter, report: ReviewReport) -> None:
        self._writer, self._painter, self._report = writer, painter, report
        self._page_number = 1
        self._y = _BODY.top()

    def write_pages(self, check_cancelled: CancelCheck) -> None:
        self._paint_header_and_footer()
        kept_together: list[_Block] = []
        for block in _report_blocks(self._report):
            check_cancelled()
            kept_together.append(block)
            if not block.keep_with_next:
                self._place_blocks(kept_together)
                kept_together = []
        self._place_blocks(kept_together)

    def _place_blocks(self, blocks: list[_Block]) -> None:
        """Place blocks that belong on one page."""
        bottom = self._y + sum(block.height for block in blocks)
        if bottom > _BODY.bottom() and self._y > _BODY.top():
            self._new_page()
        for block in blocks:
            block.paint(self._painter, _BODY.left(), self._y)
            self._y += block.height

    def _new_page(self) -> None:
        self._writer.newPage()
        self._page_number += 1
        self._y = _BODY.top()
        self._paint_header_and_footer()

    def _paint_header_and_footer(self) -> None:
        left, right = _BODY.left(), _BODY.right()
        top, bottom = _MARGIN, _PAGE.height() - _MARGIN - 10
        painter, report = self._painter, self._report
        title_width = right - left - 200
        _paint_text_line(painter, left, top, report.title, _Style(9, bold=True), title_width)
        _paint_text_line(painter, right - 190, top, report.created_text, _SMALL, 190, right=True)
        _paint_rule(painter, left, right, top + 15)
        number = tr("Page {n}", n=self._page_number)
        _paint_text_line(painter, left, bottom, "Shotbridge", _SMALL, 200)
        _paint_text_line(painter, right - 100, bottom, number, _SMALL, 100, right=True)


def _report_blocks(report: ReviewReport) -> Iterator[_Block]:
    yield from _text_blocks(report.title, _Style(20, bold=True), _BODY.width(), after=2)
    yield from _text_blocks(report.summary, _Style(10, _DIM_COLOUR), _BODY.width(), after=_GAP)
    if len(report.shots) > 1:
        for shot in report.shots:
            yield _overview_row(shot)
        yield _spacer(_GAP)
    for shot in report.shots:
        if shot.versions:
            yield from _shot_blocks(shot)


def _shot_blocks(shot: ReportShot) -> Iterator[_Block]:
    def paint_heading(painter: QPainter, x: float, y: float) -> None:
        _paint_text_line(painter, x, y, shot.name, _Style(14, bold=True), _BODY.width())
        _paint_text_line(painter, x, y + 19, shot.details_text, _DIM, _BODY.width())
        _paint_rule(painter, x, x + _BODY.width(), y + 34)

    yield _Block(44, paint_heading, keep_with_next=True)
    for version in shot.versions:
        yield from _image_with_text(
            report_image(version.frame_source, version.key_frame),
            list(_version_blocks(shot, version)),
        )
        for note in version.frame_notes:
            image = report_image(version.frame_source, version.frame_for(note), note.strokes)
            yield from _image_with_text(image, list(_note_blocks(shot, note)))


def _version_blocks(shot: ReportShot, version: ReportVersion) -> Iterator[_Block]:
    """The text beside a version's image."""
    status = _Style(9, _TONE_COLOURS[version.sign.tone], bold=True)
    yield from _text_blocks(version.title, _Style(12, bold=True), after=1)
    yield from _text_blocks(version.status_text, status, after=3)
    for index, record in enumerate(reversed(version.version.decisions)):
        if index:
            yield from _text_blocks(decision_text(record), _DIM, after=2)
        if record.comment:
            yield from _text_blocks(record.comment, _NORMAL, after=6)
    yield from _text_blocks(version.details_text, _SMALL, after=10)
    for note in version.version_notes:
        yield from _note_blocks(shot, note)


def _note_blocks(shot: ReportShot, note: Note) -> Iterator[_Block]:
    drawn = tr_count(len(note.strokes), "{n} stroke drawn", "{n} strokes drawn")
    yield from _text_blocks(note.text or drawn, _NORMAL, after=2)
    facts = f"{note_location_text(note, shot.shot.plate)} · {note_author_text(note)}"
    yield from _text_blocks(facts, _SMALL, after=8)


def _image_with_text(image: QImage | str, text_blocks: list[_Block]) -> Iterator[_Block]:
    """An image with text on its right; longer text continues below, in the same column."""
    height = _IMAGE_WIDTH * 9 / 16
    if isinstance(image, QImage):
        height = min(_IMAGE_WIDTH * image.height() / image.width(), _BODY.height() - 60)
    beside_image: list[_Block] = []
    used_height = 0.0
    while text_blocks and used_height + text_blocks[0].height <= height:
        used_height += text_blocks[0].height
        beside_image.append(text_blocks.pop(0))

    def paint(painter: QPainter, x: float, y: float) -> None:
        _paint_image(painter, image, QRectF(x, y, _IMAGE_WIDTH, height))
        for block in beside_image:
            block.paint(painter, x + _IMAGE_WIDTH + _GAP, y)
            y += block.height

    yield _Block(height + (0 if text_blocks else _GAP), paint)
    for block in text_blocks:

        def paint_below(painter: QPainter, x: float, y: float, block: _Block = block) -> None:
            block.paint(painter, x + _IMAGE_WIDTH + _GAP, y)

        yield _Block(block.height, paint_below)
    if text_blocks:
        yield _spacer(_GAP)


def _overview_row(shot: ReportShot) -> _Block:
    newest = shot.versions[0] if shot.versions else None
    height = _THUMBNAIL_WIDTH * 9 / 16
    image = report_image(newest.frame_source, newest.key_frame) if newest is not None else ""
    notes = sum(len(version.notes) for version in shot.versions)

    def paint(painter: QPainter, x: float, y: float) -> None:
        _paint_image(painter, image, QRectF(x, y, _THUMBNAIL_WIDTH, height))
        middle = y + height / 2 - 7
        columns = [(88, shot.name, _Style(10, bold=True))]
        if newest is None:
            columns.append((260, tr("No version yet"), _Style(10, _DIM_COLOUR)))
        else:
            status = f"{newest.sign.symbol} {newest.sign.text}"
            note_text = tr_count(notes, "{n} note", "{n} notes") if notes else ""
            columns += [
                (260, newest.title, _NORMAL),
                (430, status, _Style(10, _TONE_COLOURS[newest.sign.tone], bold=True)),
                (640, note_text, _Style(10, _DIM_COLOUR)),
            ]
        for index, (left, text, style) in enumerate(columns):
            right = columns[index + 1][0] if index + 1 < len(columns) else _BODY.width()
            _paint_text_line(painter, x + left, middle, text, style, right - left - 8)
        _paint_rule(painter, x, x + _BODY.width(), y + height + 4)

    return _Block(height + 8, paint)


def _spacer(height: float) -> _Block:
    return _Block(height, lambda _painter, _x, _y: None)


def _text_blocks(
    text: str, style: _Style, width: float = _TEXT_WIDTH, *, after: float
) -> Iterator[_Block]:
    """One block for each line, so that long text continues on the next page."""
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    option.setUseDesignMetrics(True)
    paragraphs = text.split("\n")
    for number, paragraph in enumerate(paragraphs):
        layout = QTextLayout(paragraph, style.font)
        layout.setTextOption(option)
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
            line.setPosition(QPointF(0, 0))
        layout.endLayout()
        for line_index in range(layout.lineCount()):
            last = number == len(paragraphs) - 1 and line_index == layout.lineCount() - 1

            def paint(
                painter: QPainter,
                x: float,
                y: float,
                layout: QTextLayout = layout,
                line_index: int = line_index,
            ) -> None:
                painter.setPen(QPen(style.colour))
                layout.lineAt(line_index).draw(painter, QPointF(x, y))

            height = max(layout.lineAt(line_index).height(), style.size * 1.25)
            yield _Block(height + (after if last else 0.0), paint)


def _paint_image(painter: QPainter, image: QImage | str, rect: QRectF) -> None:
    if isinstance(image, QImage):
        max_width = round(_IMAGE_DPI / 72 * rect.width())
        if image.width() > max_width:
            image = image.scaledToWidth(max_width, Qt.TransformationMode.SmoothTransformation)
        painter.drawImage(rect, image)
        return
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(_RULE_COLOUR, 0.75))
    painter.drawRect(rect)
    painter.setPen(QPen(_TONE_COLOURS[Tone.ERROR]))
    painter.setFont(_DIM.font)
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(rect.adjusted(8, 8, -8, -8), int(flags), image)


def _paint_text_line(
    painter: QPainter,
    x: float,
    y: float,
    text: str,
    style: _Style,
    width: float,
    *,
    right: bool = False,
) -> None:
    """Paint one line of text, elided to ``width``."""
    painter.setFont(style.font)
    painter.setPen(QPen(style.colour))
    elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(width))
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    rect = QRectF(x, y, width, style.size * 1.5)
    painter.drawText(rect, int(side | Qt.AlignmentFlag.AlignTop), elided)


def _paint_rule(painter: QPainter, left: float, right: float, y: float) -> None:
    painter.setPen(QPen(_RULE_COLOUR, 0.75))
    painter.drawLine(QPointF(left, y), QPointF(right, y))
