"""Paints A and B compared: wipe, difference, overlay, side by side, with exposure and gamma."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter

from bridge_ui.review.compare.viewer_settings import CompareMode, ViewerSettings
from bridge_ui.widgets.basic import safe_painter


@dataclass(frozen=True)
class PlacedPicture:
    """A picture, its rectangle, and the part of the widget that it is clipped to."""

    image: QImage | None
    rect: QRectF
    clip: QRectF

    @property
    def visible(self) -> QRectF:
        return self.rect.intersected(self.clip)


def paint_comparison(
    painter: QPainter, settings: ViewerSettings, a: PlacedPicture, b: PlacedPicture, *, sharp: bool
) -> None:
    """Paint A and B. ``sharp`` shows pixels as squares.

    Exposure, gamma and gain are one table of 256 values, applied to the visible pixels, so that
    their cost depends on the widget's size and not on the picture's.
    """
    table = settings.lookup_table
    if table is None and settings.compare is not CompareMode.DIFFERENCE:
        _paint_sides(painter, settings, a, b, sharp=sharp)
        return
    device = painter.device()
    ratio = device.devicePixelRatioF()
    pictures = {"A": a, "B": b}
    shown = [pictures[side].visible for side in settings.compare.sides]
    area = shown[0].united(shown[-1])
    area = area.intersected(QRectF(0, 0, device.width(), device.height()))
    area = QRectF(area.toAlignedRect())
    size = QSize(round(area.width() * ratio), round(area.height() * ratio))
    if size.isEmpty():
        return
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.black)
    image.setDevicePixelRatio(ratio)
    with safe_painter(image) as inner:
        inner.translate(-area.topLeft())
        _paint_sides(inner, settings, a, b, sharp=sharp)
    if table is not None:
        image = _apply_table(image, table)
        image.setDevicePixelRatio(ratio)
    painter.drawImage(area.topLeft(), image)


def _apply_table(image: QImage, table: bytes) -> QImage:
    """Map each value of a picture through a table, in one pass in C."""
    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    data = bytes(rgb.constBits()).translate(table)
    mapped = QImage(
        data, rgb.width(), rgb.height(), rgb.bytesPerLine(), QImage.Format.Format_RGB888
    )
    # The conversion copies: ``data`` is freed after this call.
    return mapped.convertToFormat(QImage.Format.Format_RGB32)


def _paint_sides(
    painter: QPainter, settings: ViewerSettings, a: PlacedPicture, b: PlacedPicture, *, sharp: bool
) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not sharp)
    # Antialiased edges would blend with what is below and show as lines in a difference.
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    compare = settings.compare
    if compare is not CompareMode.B:
        _paint_image(painter, a)
    if compare is CompareMode.DIFFERENCE:
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Difference)
    elif compare is CompareMode.OVERLAY:
        painter.setOpacity(settings.opacity)
    if compare is not CompareMode.A:
        _paint_image(painter, b)
    painter.restore()


def _paint_image(painter: QPainter, picture: PlacedPicture) -> None:
    """Paint only the visible part of a picture, so that no more than that is scaled."""
    image, rect, target = picture.image, picture.rect, picture.visible
    if image is None or rect.isEmpty() or target.isEmpty():
        return
    scale_x, scale_y = image.width() / rect.width(), image.height() / rect.height()
    source = QRectF(
        QPointF((target.left() - rect.left()) * scale_x, (target.top() - rect.top()) * scale_y),
        target.size(),
    )
    source.setWidth(target.width() * scale_x)
    source.setHeight(target.height() * scale_y)
    painter.drawImage(target, image, source)
