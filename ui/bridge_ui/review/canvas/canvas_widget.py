"""The picture under review: A and B compared, drawn on, zoomed; mouse and pen on it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from bridge_core.models.notes import Stroke
from bridge_ui.core.translate import tr
from bridge_ui.review.annotations.stroke_painter import StrokeOverlay, paint_strokes
from bridge_ui.review.canvas.qt_canvas_transform import CanvasTransform
from bridge_ui.review.compare.comparison_painter import CompareRects, paint_comparison
from bridge_ui.review.compare.viewer_settings import CompareMode, ViewerSettings
from bridge_ui.review.player.qt_images import safe_painter
from bridge_ui.theme.colours import ThemeColours

_GRAB_DISTANCE = 12  # logical pixels to each side of the wipe's line
_HANDLE_RADIUS = 11.0
_MARGIN = 8
_GAP = 6  # between the two pictures side by side
_SHARP_ZOOM = 2.0  # zoom from which pixels are shown as squares


class ViewerCanvas(QWidget):
    """Shows what it is given; knows nothing of time.

    While ``drawing`` is on, the left button draws: ``pen_down``, ``pen_moved`` and ``pen_up`` tell
    where, 0 to 1 over the picture.
    """

    settings_changed = Signal()
    zoom_changed = Signal()
    pen_side = Signal(str)
    """Emitted before ``pen_down``: ``A`` or ``B``, where only that side's picture is seen there."""
    pen_down = Signal(float, float)
    pen_moved = Signal(float, float)
    pen_up = Signal()

    def __init__(self, colours: ThemeColours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.settings = ViewerSettings()
        self.transform = CanvasTransform()
        self.is_drawing = False
        self._colours = colours
        self._pictures: dict[str, QImage | None] = {"A": None, "B": None}
        self._titles = {"A": "A", "B": "B"}
        self._messages: dict[str, str] = {"A": "", "B": ""}
        self._corner_captions = ("", "")
        self._strokes: tuple[Stroke, ...] = ()
        self._active_stroke: Stroke | None = None
        self._overlays = (StrokeOverlay(), StrokeOverlay())
        self._drag_mode = ""
        self._last_position = QPointF()
        self.setAccessibleName(tr("Picture"))
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 90)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(960, 540)

    # What is shown

    def show_pictures(self, a: QImage | None, b: QImage | None) -> None:
        self._pictures = {"A": a, "B": b}
        sizes = [image.size() for image in (a, b) if image is not None]
        if sizes:
            # The larger one measures the zoom, so that 100 % hides no pixel of it.
            size = QSizeF(max(sizes, key=lambda size: size.width()))
            if size != self.transform.picture_size:
                self.transform.picture_size = size
                self.zoom_changed.emit()
        self.update()

    def set_messages(self, a: str, b: str) -> None:
        """Words over a side that has no picture: why."""
        if self._messages != {"A": a, "B": b}:
            self._messages = {"A": a, "B": b}
            self.update()

    def set_titles(self, a: str, b: str) -> None:
        """What A and B are."""
        self._titles = {"A": a, "B": b}
        self.update()

    def set_captions(self, left: str, right: str) -> None:
        """Small words in the picture's lower corners."""
        self._corner_captions = (left, right)
        self.update()

    def show_strokes(self, strokes: tuple[Stroke, ...], active: Stroke | None) -> None:
        self._strokes, self._active_stroke = strokes, active
        self.update()

    def update_settings(self, **changes: object) -> None:
        """Change parts of the look, as in ``set_look(gain=8.0)``."""
        for name, value in changes.items():
            setattr(self.settings, name, value)
        self.update()
        self.settings_changed.emit()

    # Zoom

    def fit(self) -> None:
        self.transform.fit()
        self._notify_zoom()

    def zoom_by(self, steps: float, at: QPointF | None = None) -> None:
        area = self._area_at(at) if at is not None else self._areas()[0]
        self.transform.zoom_by(steps, area, at if at is not None else area.center())
        self._notify_zoom()

    def actual_size(self) -> None:
        """One pixel of the picture on one of the screen."""
        area = self._areas()[0]
        self.transform.zoom_to(1 / self.devicePixelRatioF(), area, area.center())
        self._notify_zoom()

    @property
    def zoom(self) -> float:
        """Screen pixels for one of the picture."""
        return self.transform.zoom(self._areas()[0]) * self.devicePixelRatioF()

    def picture_rect(self) -> QRectF:
        """Where the picture (A's, side by side) stands in the widget."""
        return self.transform.picture_rect(self._areas()[0])

    def _notify_zoom(self) -> None:
        self.update()
        self.zoom_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.zoom_changed.emit()

    # Geometry

    def _areas(self) -> tuple[QRectF, QRectF]:
        """Parts of the widget for A and B: the same, but for side by side."""
        whole = QRectF(self.rect())
        if self.settings.compare is not CompareMode.SIDE_BY_SIDE:
            return whole, whole
        if self.width() >= self.height() * 1.2:
            half = (whole.width() - _GAP) / 2
            return whole.adjusted(0, 0, -half - _GAP, 0), whole.adjusted(half + _GAP, 0, 0, 0)
        half = (whole.height() - _GAP) / 2
        return whole.adjusted(0, 0, 0, -half - _GAP), whole.adjusted(0, half + _GAP, 0, 0)

    def _area_at(self, at: QPointF) -> QRectF:
        first, second = self._areas()
        return second if second.contains(at) and not first.contains(at) else first

    def _side_at(self, at: QPointF) -> str:
        """The side whose picture is seen at a position; empty: both, mixed."""
        compare = self.settings.compare
        if compare in (CompareMode.A, CompareMode.B):
            return compare.value
        if compare is CompareMode.WIPE:
            return (
                "A"
                if at.x() < self._wipe_x(self.transform.picture_rect(QRectF(self.rect())))
                else "B"
            )
        if compare is CompareMode.SIDE_BY_SIDE:
            return "A" if self._area_at(at) == self._areas()[0] else "B"
        return ""

    def _compare_rects(self) -> CompareRects:
        area_a, area_b = self._areas()
        a, b = self._image_rect("A", area_a), self._image_rect("B", area_b)
        if self.settings.compare is not CompareMode.WIPE:
            return CompareRects(a, b, area_a, area_b)
        wipe_x = self._wipe_x(self.transform.picture_rect(area_a))
        left, right = QRectF(area_a), QRectF(area_b)
        left.setRight(wipe_x)
        right.setLeft(wipe_x)
        return CompareRects(a, b, left, right)

    def _image_rect(self, side: str, area: QRectF) -> QRectF:
        """A picture of another shape stands in the middle of the common place."""
        rect, image = self.transform.picture_rect(area), self._pictures[side]
        if image is None:
            return rect
        size = QSizeF(image.size()).scaled(rect.size(), Qt.AspectRatioMode.KeepAspectRatio)
        if abs(size.width() - rect.width()) < 1.5 and abs(size.height() - rect.height()) < 1.5:
            return rect
        corner = rect.center() - QPointF(size.width() / 2, size.height() / 2)
        return QRectF(corner, size)

    def _wipe_x(self, picture: QRectF) -> float:
        """Where the wipe's line stands, in whole pixels so that it does not shimmer."""
        x = float(round(picture.left() + self.settings.wipe * picture.width()))
        return max(0.0, min(float(self.width() - 1), x))

    def _to_picture(self, at: QPointF) -> tuple[float, float]:
        rect = self.transform.picture_rect(self._area_at(at))
        return (at.x() - rect.left()) / rect.width(), (at.y() - rect.top()) / rect.height()

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        with safe_painter(self) as painter:
            painter.fillRect(self.rect(), QColor(self._colours.canvas))
            rects = self._compare_rects()
            paint_comparison(
                painter,
                self.settings,
                rects,
                self._pictures["A"],
                self._pictures["B"],
                sharp=self.zoom >= _SHARP_ZOOM,
            )
            self._paint_strokes(painter)
            if self.settings.compare is CompareMode.WIPE and any(self._titles.values()):
                self._paint_wipe_line(painter)
            self._paint_captions(painter, rects)

    def _paint_strokes(self, painter: QPainter) -> None:
        areas = self._areas()
        shown_areas = areas if self.settings.compare is CompareMode.SIDE_BY_SIDE else areas[:1]
        for overlay, area in zip(self._overlays, shown_areas, strict=False):
            rect = self.transform.picture_rect(area)
            overlay.paint(painter, self._strokes, rect, area)
            if self._active_stroke is not None:
                painter.save()
                painter.setClipRect(area)
                paint_strokes(painter, (self._active_stroke,), rect)
                painter.restore()

    def _paint_wipe_line(self, painter: QPainter) -> None:
        rect = self.transform.picture_rect(QRectF(self.rect())).intersected(QRectF(self.rect()))
        wipe_x = self._wipe_x(self.transform.picture_rect(QRectF(self.rect())))
        painter.fillRect(QRectF(wipe_x - 1.5, rect.top(), 3, rect.height()), QColor(0, 0, 0, 90))
        painter.fillRect(QRectF(wipe_x - 0.5, rect.top(), 1, rect.height()), QColor("white"))
        centre = QPointF(wipe_x, rect.center().y())
        painter.setPen(QPen(QColor(0, 0, 0, 120), 1))
        painter.setBrush(QColor("white"))
        painter.drawEllipse(centre, _HANDLE_RADIUS, _HANDLE_RADIUS)
        pen = QPen(QColor("#1d1e20"), 1.6)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        for direction in (-1, 1):
            tip = centre + QPointF(direction * 6.5, 0)
            painter.drawPolyline(
                [tip + QPointF(-direction * 3, -3), tip, tip + QPointF(-direction * 3, 3)]
            )

    def _paint_captions(self, painter: QPainter, rects: CompareRects) -> None:
        compare = self.settings.compare
        widget_rect = QRectF(self.rect())
        visible = {"A": rects.a.intersected(widget_rect), "B": rects.b.intersected(widget_rect)}
        for side in compare.sides:
            right = side == "B" and compare not in (CompareMode.B, CompareMode.SIDE_BY_SIDE)
            self._paint_caption(painter, self._titles[side], visible[side], right=right, top=True)
            if self._messages[side]:
                self._paint_message(painter, side, visible[side])
        left, right_text = self._corner_captions
        anchor = visible["B" if compare is CompareMode.B else "A"]
        used_width = self._paint_caption(painter, left, anchor, right=False, top=False)
        right_width = painter.fontMetrics().horizontalAdvance(right_text) + 2 * _MARGIN
        free_width = anchor.width() - used_width - 3 * _MARGIN
        if compare is not CompareMode.SIDE_BY_SIDE and right_width <= free_width:
            self._paint_caption(painter, right_text, anchor, right=True, top=False)

    def _paint_caption(
        self, painter: QPainter, text: str, rect: QRectF, *, right: bool, top: bool
    ) -> float:
        """Words on a dark plate in a corner of the picture; the width that they took."""
        if not text or rect.width() < 60:
            return 0.0
        metrics = painter.fontMetrics()
        max_width = rect.width() / (
            2.15 if top and self.settings.compare is not CompareMode.A else 1.0
        )
        text = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, int(max_width - 4 * _MARGIN))
        height = metrics.height() + 6.0
        width = metrics.horizontalAdvance(text) + 14.0
        x = rect.right() - _MARGIN - width if right else rect.left() + _MARGIN
        y = rect.top() + _MARGIN if top else rect.bottom() - _MARGIN - height
        box = QRectF(x, y, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(14, 15, 16, 190))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor("#e7e8ea"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        return width

    def _paint_message(self, painter: QPainter, side: str, rect: QRectF) -> None:
        area = QRectF(rect)
        if not any(self._titles.values()):
            area = QRectF(self.rect())  # nothing is open
        elif self.settings.compare is CompareMode.WIPE:
            wipe_x = self._wipe_x(self.transform.picture_rect(QRectF(self.rect())))
            if side == "A":
                area.setRight(wipe_x - _HANDLE_RADIUS)
            else:
                area.setLeft(wipe_x + _HANDLE_RADIUS)
        elif self.settings.compare in (CompareMode.OVERLAY, CompareMode.DIFFERENCE):
            half = area.height() / 2
            area.adjust(0, 0, 0, -half) if side == "A" else area.adjust(0, half, 0, 0)
        area.adjust(10, 4, -10, -4)
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        box = QRectF(
            painter.fontMetrics().boundingRect(area.toRect(), int(flags), self._messages[side])
        )
        if area.width() < 40:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(14, 15, 16, 240))
        painter.drawRoundedRect(box.adjusted(-8, -5, 8, 5), 4, 4)
        painter.setPen(QColor("#e7e8ea"))
        painter.drawText(area, int(flags), self._messages[side])

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._last_position = event.position()
        self._drag_mode = self._drag_mode_for(event)
        if self._drag_mode == "draw":
            if side := self._side_at(event.position()):
                self.pen_side.emit(side)
            self.pen_down.emit(*self._to_picture(event.position()))
        elif self._drag_mode == "wipe":
            self._move_wipe(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        at = event.position()
        if self._drag_mode == "draw":
            self.pen_moved.emit(*self._to_picture(at))
        elif self._drag_mode == "wipe":
            self._move_wipe(at)
        elif self._drag_mode == "pan":
            self.transform.pan(at - self._last_position, self._area_at(at))
            self._notify_zoom()
        self._last_position = at
        self._update_cursor(at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._drag_mode == "draw":
            self.pen_up.emit()
        self._drag_mode = ""
        self._update_cursor(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self.is_drawing:
            self.mousePressEvent(event)
        elif event.button() == Qt.MouseButton.LeftButton and not self._is_near_wipe(
            event.position()
        ):
            self.fit() if not self.transform.is_fitted else self.actual_size()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        steps = event.angleDelta().y() / 120
        if steps:
            self.zoom_by(steps, event.position())
        event.accept()

    def _drag_mode_for(self, event: QMouseEvent) -> str:
        button = event.button()
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if button == Qt.MouseButton.MiddleButton or (button == Qt.MouseButton.LeftButton and alt):
            return "pan"
        if button != Qt.MouseButton.LeftButton:
            return ""
        if self.is_drawing:
            return "draw"
        if self._is_near_wipe(event.position()):
            return "wipe"
        if not self.transform.is_fitted:
            return "pan"
        return "wipe" if self.settings.compare is CompareMode.WIPE else ""

    def _is_near_wipe(self, at: QPointF) -> bool:
        if self.settings.compare is not CompareMode.WIPE:
            return False
        return (
            abs(at.x() - self._wipe_x(self.transform.picture_rect(QRectF(self.rect()))))
            <= _GRAB_DISTANCE
        )

    def _move_wipe(self, at: QPointF) -> None:
        rect = self.transform.picture_rect(QRectF(self.rect()))
        if rect.width() > 0:
            wipe = (at.x() - rect.left()) / rect.width()
            self.update_settings(wipe=max(0.0, min(1.0, wipe)))

    def _update_cursor(self, at: QPointF) -> None:
        """The pointer says what a press would do."""
        if self.is_drawing:
            shape = Qt.CursorShape.CrossCursor
        elif self._drag_mode == "pan":
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._is_near_wipe(at) or self._drag_mode == "wipe":
            shape = Qt.CursorShape.SplitHCursor
        elif not self.transform.is_fitted:
            shape = Qt.CursorShape.OpenHandCursor
        else:
            shape = Qt.CursorShape.ArrowCursor
        if self.cursor().shape() != shape:
            self.setCursor(shape)
