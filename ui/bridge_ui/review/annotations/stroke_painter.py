"""Paints strokes, and caches them as an overlay image until they change."""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
)

from bridge_core.models.enumerations import StrokeTool
from bridge_ui.widgets.basic import safe_painter

if TYPE_CHECKING:
    from bridge_core.models.notes import Stroke

_OUTLINE = QColor(0, 0, 0, 110)  # around lines, so that they are visible on bright pictures
#: Cached overlays: enough to play over a few notes without painting them again.
_MAX_CACHED = 6
_TEXT_BACKGROUND = QColor(12, 13, 14, 190)  # behind text


def paint_strokes(painter: QPainter, strokes: Sequence[Stroke], rect: QRectF) -> None:
    """Paint strokes over a picture in ``rect``."""
    painter.save()
    for stroke in strokes:
        if stroke.tool is StrokeTool.TEXT:
            _paint_text(painter, stroke, rect)
        else:
            _paint_shape(painter, stroke, rect)
    painter.restore()


class StrokeOverlay:
    """Paints the strokes of a frame from a cached image."""

    def __init__(self) -> None:
        self._cache: OrderedDict[tuple[object, ...], tuple[QRectF, QImage] | None] = OrderedDict()

    def paint(
        self, painter: QPainter, strokes: tuple[Stroke, ...], rect: QRectF, visible: QRectF
    ) -> None:
        """Paint ``strokes`` over the picture in ``rect``, of which ``visible`` is shown."""
        if not strokes:
            return
        ratio = painter.device().devicePixelRatioF()
        key = (strokes, rect.getRect(), visible.getRect(), ratio)
        if key not in self._cache:
            self._cache[key] = _render_overlay(strokes, rect, visible, ratio)
            if len(self._cache) > _MAX_CACHED:
                self._cache.popitem(last=False)
        self._cache.move_to_end(key)
        overlay = self._cache[key]
        if overlay is not None:
            painter.drawImage(*overlay)


def _render_overlay(
    strokes: tuple[Stroke, ...], rect: QRectF, visible: QRectF, ratio: float
) -> tuple[QRectF, QImage] | None:
    """Strokes as an image, and its rectangle; None if no stroke is visible."""
    covered = QRectF()
    for stroke in strokes:
        covered = covered.united(_bounds(stroke, rect))
    area = covered.intersected(visible).toAlignedRect()
    if area.isEmpty():
        return None
    image = QImage(
        math.ceil(area.width() * ratio),
        math.ceil(area.height() * ratio),
        QImage.Format.Format_ARGB32_Premultiplied,
    )
    image.fill(Qt.GlobalColor.transparent)
    image.setDevicePixelRatio(ratio)
    with safe_painter(image) as painter:
        painter.translate(-area.left(), -area.top())
        paint_strokes(painter, strokes, rect)
    return QRectF(QPointF(area.topLeft()), QSizeF(image.size()) / ratio), image


def _to_widget(point: tuple[float, float], rect: QRectF) -> QPointF:
    return QPointF(rect.left() + point[0] * rect.width(), rect.top() + point[1] * rect.height())


def _line_width(stroke: Stroke, picture: QRectF) -> float:
    return max(1.2, stroke.width * picture.width())


def round_pen(colour: QColor, width: float) -> QPen:
    """A pen with round ends and corners."""
    pens = Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
    return QPen(colour, width, *pens)


def _paint_shape(painter: QPainter, stroke: Stroke, picture: QRectF) -> None:
    if len(stroke.points) > 2:
        _paint_freehand(painter, stroke, picture)
        return
    path = _path(stroke, picture)
    width = _line_width(stroke, picture)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    outline_width = width + max(1.5, width * 0.5)
    for pen in (round_pen(_OUTLINE, outline_width), round_pen(QColor(stroke.colour), width)):
        painter.setPen(pen)
        painter.drawPath(path)


def _paint_freehand(painter: QPainter, stroke: Stroke, picture: QRectF) -> None:
    """Paint a line as many short ones: Qt takes four times as long to antialias a whole one. The
    outline is transparent, so it has to be one line; it is painted without antialiasing."""
    points = [_to_widget(point, picture) for point in stroke.points]
    width = _line_width(stroke, picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(round_pen(_OUTLINE, width + max(1.5, width * 0.5)))
    painter.drawPolyline(points)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(round_pen(QColor(stroke.colour), width))
    painter.drawLines([QLineF(a, b) for a, b in itertools.pairwise(points)])


def _path(stroke: Stroke, picture: QRectF) -> QPainterPath:
    points = [_to_widget(point, picture) for point in stroke.points]
    path = QPainterPath()
    if stroke.tool is StrokeTool.BOX:
        radius = _line_width(stroke, picture)
        path.addRoundedRect(QRectF(points[0], points[1]).normalized(), radius, radius)
    elif stroke.tool is StrokeTool.ELLIPSE:
        path.addEllipse(QRectF(points[0], points[1]).normalized())
    elif stroke.tool is StrokeTool.ARROW:
        start, end = points
        path.moveTo(start)
        path.lineTo(end)
        angle = math.atan2(start.y() - end.y(), start.x() - end.x())
        head = max(9.0, 4.5 * _line_width(stroke, picture))
        for side in (angle + 0.5, angle - 0.5):
            path.moveTo(end)
            path.lineTo(end + QPointF(math.cos(side) * head, math.sin(side) * head))
    elif len(points) == 1:  # a dot
        path.moveTo(points[0])
        path.lineTo(points[0] + QPointF(0.01, 0))
    else:
        path.addPolygon(QPolygonF(points))
    return path


def _paint_text(painter: QPainter, stroke: Stroke, picture: QRectF) -> None:
    font, box, lines = _text_box(stroke, picture)
    painter.setFont(font)
    painter.setPen(QPen(QColor(stroke.colour), 1))
    painter.setBrush(_TEXT_BACKGROUND)
    painter.drawRoundedRect(box, 4, 4)
    metrics = QFontMetricsF(font)
    x, y = _text_left(box, font), box.top() + _padding(font) + metrics.ascent()
    for line in lines:
        painter.drawText(QPointF(x, y), line)
        y += metrics.lineSpacing()


def _text_box(stroke: Stroke, picture: QRectF) -> tuple[QFont, QRectF, list[str]]:
    font = QFont()
    font.setPixelSize(max(9, round(stroke.width * picture.width())))
    metrics = QFontMetricsF(font)
    lines = stroke.text.split("\n")
    corner = _to_widget(stroke.points[0], picture)
    width = max(metrics.horizontalAdvance(line) for line in lines) + 3 * _padding(font)
    height = metrics.lineSpacing() * len(lines) + 2 * _padding(font)
    return font, QRectF(corner, QSizeF(width, height)), lines


def _text_left(box: QRectF, font: QFont) -> float:
    return box.left() + 1.5 * _padding(font)


def _padding(font: QFont) -> float:
    return font.pixelSize() * 0.3


def _bounds(stroke: Stroke, picture: QRectF) -> QRectF:
    if stroke.tool is StrokeTool.TEXT:
        return _text_box(stroke, picture)[1].adjusted(-2, -2, 2, 2)
    margin = _line_width(stroke, picture) + 3
    return _path(stroke, picture).boundingRect().adjusted(-margin, -margin, margin, margin)
