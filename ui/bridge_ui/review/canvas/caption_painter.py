"""Paints the wipe line, and the texts on the picture."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from bridge_ui.review.annotations.stroke_painter import round_pen
from bridge_ui.review.canvas.canvas_layout import CanvasLayout
from bridge_ui.review.compare.comparison_painter import PlacedPicture
from bridge_ui.review.compare.viewer_settings import CompareMode

_HANDLE_RADIUS = 11.0
_MARGIN = 8
_TEXT_COLOUR = QColor("#e7e8ea")
_CAPTION_BACKGROUND = QColor(14, 15, 16, 190)
_MESSAGE_BACKGROUND = QColor(14, 15, 16, 240)


def paint_wipe_line(painter: QPainter, layout: CanvasLayout) -> None:
    """Paint the line between A and B with its handle."""
    picture = layout.transform.picture_rect(layout.widget_rect)
    rect, x = picture.intersected(layout.widget_rect), layout.wipe_x
    painter.fillRect(QRectF(x - 1.5, rect.top(), 3, rect.height()), QColor(0, 0, 0, 90))
    painter.fillRect(QRectF(x - 0.5, rect.top(), 1, rect.height()), QColor("white"))
    centre = QPointF(x, rect.center().y())
    painter.setPen(QPen(QColor(0, 0, 0, 120), 1))
    painter.setBrush(QColor("white"))
    painter.drawEllipse(centre, _HANDLE_RADIUS, _HANDLE_RADIUS)
    painter.setPen(round_pen(QColor("#1d1e20"), 1.6))
    for direction in (-1, 1):
        tip = centre + QPointF(direction * 6.5, 0)
        painter.drawPolyline(
            [tip + QPointF(-direction * 3, -3), tip, tip + QPointF(-direction * 3, 3)]
        )


class CaptionPainter:
    """Paints titles in the upper corners, captions in the lower ones, and messages."""

    def __init__(
        self, painter: QPainter, layout: CanvasLayout, placed: Mapping[str, PlacedPicture]
    ) -> None:
        self._painter, self._layout = painter, layout
        self._compare = layout.settings.compare
        whole = layout.widget_rect
        self._visible = {side: picture.rect.intersected(whole) for side, picture in placed.items()}

    def paint_titles(self, titles: Mapping[str, str]) -> None:
        for side in self._compare.sides:
            right = side == "B" and self._compare not in (CompareMode.B, CompareMode.SIDE_BY_SIDE)
            self._paint_caption(titles[side], self._visible[side], right=right, top=True)

    def paint_captions(self, left: str, right: str) -> None:
        """Paint both captions, the right one only where it fits beside the left one."""
        rect = self._visible["B" if self._compare is CompareMode.B else "A"]
        used_width = self._paint_caption(left, rect, right=False, top=False)
        right_width = self._painter.fontMetrics().horizontalAdvance(right) + 2 * _MARGIN
        free_width = rect.width() - used_width - 3 * _MARGIN
        if self._compare is not CompareMode.SIDE_BY_SIDE and right_width <= free_width:
            self._paint_caption(right, rect, right=True, top=False)

    def paint_messages(self, messages: Mapping[str, str], *, is_empty: bool) -> None:
        """Paint the message of each side; ``is_empty``: no source is open."""
        for side in self._compare.sides:
            if messages[side]:
                area = self._layout.widget_rect if is_empty else self._message_area(side)
                self._paint_message(messages[side], area.adjusted(10, 4, -10, -4))

    def _paint_caption(self, text: str, rect: QRectF, *, right: bool, top: bool) -> float:
        """Paint a text in a corner of ``rect``; returns its width."""
        if not text or rect.width() < 60:
            return 0.0
        painter, metrics = self._painter, self._painter.fontMetrics()
        max_width = rect.width() / (2.15 if top and self._compare is not CompareMode.A else 1.0)
        text = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, int(max_width - 4 * _MARGIN))
        height = metrics.height() + 6.0
        width = metrics.horizontalAdvance(text) + 14.0
        x = rect.right() - _MARGIN - width if right else rect.left() + _MARGIN
        y = rect.top() + _MARGIN if top else rect.bottom() - _MARGIN - height
        box = QRectF(x, y, width, height)
        self._paint_box(box, _CAPTION_BACKGROUND)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        return width

    def _paint_box(self, box: QRectF, background: QColor) -> None:
        """Paint the background of a text, and prepare to paint the text."""
        self._painter.setPen(Qt.PenStyle.NoPen)
        self._painter.setBrush(background)
        self._painter.drawRoundedRect(box, 4, 4)
        self._painter.setPen(_TEXT_COLOUR)

    def _message_area(self, side: str) -> QRectF:
        """The part of the picture that shows only this side, or one half of it."""
        area = QRectF(self._visible[side])
        if self._compare is CompareMode.WIPE:
            if side == "A":
                area.setRight(self._layout.wipe_x - _HANDLE_RADIUS)
            else:
                area.setLeft(self._layout.wipe_x + _HANDLE_RADIUS)
        elif self._compare in (CompareMode.OVERLAY, CompareMode.DIFFERENCE):
            half = area.height() / 2
            area.adjust(0, 0, 0, -half) if side == "A" else area.adjust(0, half, 0, 0)
        return area

    def _paint_message(self, text: str, area: QRectF) -> None:
        if area.width() < 40:
            return
        painter = self._painter
        flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
        box = QRectF(painter.fontMetrics().boundingRect(area.toRect(), flags, text))
        self._paint_box(box.adjusted(-8, -5, 8, 5), _MESSAGE_BACKGROUND)
        painter.drawText(area, flags, text)
