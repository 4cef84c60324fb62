"""A and B in one picture: wipe, difference, overlay, side by side; then exposure and gamma."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter

from bridge_ui.review.look import Compare, Look
from bridge_ui.review.pictures import painting


@dataclass(frozen=True)
class Panes:
    """Where A and B stand, and the parts of the widget in which each is seen."""

    a: QRectF
    b: QRectF
    a_seen: QRectF
    b_seen: QRectF


def compose(
    painter: QPainter,
    look: Look,
    panes: Panes,
    a: QImage | None,
    b: QImage | None,
    *,
    sharp: bool,
) -> None:
    """Paint A and B. ``sharp`` shows pixels as squares, for looking closely.

    Exposure, gamma and gain are one table of 256 values, applied to what is on the screen: their
    cost follows the widget's size and not the picture's.
    """
    table = look.table
    if table is None and look.compare is not Compare.DIFFERENCE:
        _paint_sides(painter, look, panes, a, b, sharp=sharp)
        return
    device = painter.device()
    ratio = device.devicePixelRatioF()
    area = _seen(look, panes).intersected(QRectF(0, 0, device.width(), device.height()))
    area = QRectF(area.toAlignedRect())
    size = QSize(round(area.width() * ratio), round(area.height() * ratio))
    if size.isEmpty():
        return
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.black)
    image.setDevicePixelRatio(ratio)
    with painting(image) as inner:
        inner.translate(-area.topLeft())
        _paint_sides(inner, look, panes, a, b, sharp=sharp)
    if table is not None:
        image = _through(image, table)
        image.setDevicePixelRatio(ratio)
    painter.drawImage(area.topLeft(), image)


def _through(image: QImage, table: bytes) -> QImage:
    """Each value of a picture looked up in a table: one pass in C over its bytes."""
    flat = image.convertToFormat(QImage.Format.Format_RGB888)
    data = bytes(flat.constBits()).translate(table)
    looked = QImage(
        data, flat.width(), flat.height(), flat.bytesPerLine(), QImage.Format.Format_RGB888
    )
    # A copy in Qt's own memory: ``data`` ends with this call.
    return looked.convertToFormat(QImage.Format.Format_RGB32)


def _seen(look: Look, panes: Panes) -> QRectF:
    if look.compare is Compare.A:
        return panes.a.intersected(panes.a_seen)
    if look.compare is Compare.B:
        return panes.b.intersected(panes.b_seen)
    return panes.a.intersected(panes.a_seen).united(panes.b.intersected(panes.b_seen))


def _paint_sides(
    painter: QPainter,
    look: Look,
    panes: Panes,
    a: QImage | None,
    b: QImage | None,
    *,
    sharp: bool,
) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not sharp)
    # Soft edges would mix with what is below, and a difference would show them as lines.
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    compare = look.compare
    if compare is not Compare.B:
        _paint_one(painter, a, panes.a, panes.a_seen)
    if compare is Compare.DIFFERENCE:
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Difference)
    elif compare is Compare.OVERLAY:
        painter.setOpacity(look.opacity)
    if compare is not Compare.A:
        _paint_one(painter, b, panes.b, panes.b_seen)
    painter.restore()


def _paint_one(painter: QPainter, image: QImage | None, at: QRectF, seen: QRectF) -> None:
    """Only what is seen is scaled: half of each picture in a wipe, a corner when zoomed in."""
    if image is None or at.isEmpty():
        return
    target = at.intersected(seen)
    if target.isEmpty():
        return
    across, down = image.width() / at.width(), image.height() / at.height()
    source = QRectF(
        QPointF((target.left() - at.left()) * across, (target.top() - at.top()) * down),
        target.size(),
    )
    source.setWidth(target.width() * across)
    source.setHeight(target.height() * down)
    painter.drawImage(target, image, source)
