"""The canvas: shows A and B compared, with zoom, strokes and captions; takes mouse and pen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from bridge_ui.core.translate import tr
from bridge_ui.review.annotations.stroke_painter import StrokeOverlay, paint_strokes
from bridge_ui.review.canvas.canvas_layout import CanvasLayout, CanvasTransform
from bridge_ui.review.canvas.caption_painter import CaptionPainter, paint_wipe_line
from bridge_ui.review.compare.comparison_painter import paint_comparison
from bridge_ui.review.compare.viewer_settings import CompareMode, ViewerSettings
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import safe_painter

if TYPE_CHECKING:
    from bridge_core.models.notes import Stroke

_SHARP_ZOOM = 2.0  # zoom from which pixels are shown as squares


class ViewerCanvas(QWidget):
    """Shows pictures and strokes of one frame.

    While ``is_drawing``, the left button draws: ``pen_down``, ``pen_moved`` and ``pen_up`` are
    emitted with positions from 0 to 1 over the picture.
    """

    settings_changed = Signal()
    zoom_changed = Signal()
    pen_side = Signal(str)
    """Emitted before ``pen_down`` if only this side's picture is shown there: ``A`` or ``B``."""
    pen_down = Signal(float, float)
    pen_moved = Signal(float, float)
    pen_up = Signal()

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
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

    # Content

    def show_pictures(self, a: QImage | None, b: QImage | None) -> None:
        self._pictures = {"A": a, "B": b}
        sizes = [image.size() for image in (a, b) if image is not None]
        if sizes:
            # The larger one defines 100 %, so that no pixel of it is hidden.
            size = QSizeF(max(sizes, key=lambda size: size.width()))
            if size != self.transform.picture_size:
                self.transform.picture_size = size
                self.zoom_changed.emit()
        self.update()

    def set_messages(self, a: str, b: str) -> None:
        """Say why a side has no picture; empty if it has one."""
        if self._messages != {"A": a, "B": b}:
            self._messages = {"A": a, "B": b}
            self.update()

    def set_titles(self, a: str, b: str) -> None:
        """Set the titles of A and B; both empty if nothing is open."""
        self._titles = {"A": a, "B": b}
        self.update()

    def set_captions(self, left: str, right: str) -> None:
        """Set the captions in the lower corners."""
        self._corner_captions = (left, right)
        self.update()

    def show_strokes(self, strokes: tuple[Stroke, ...], active: Stroke | None) -> None:
        self._strokes, self._active_stroke = strokes, active
        self.update()

    def update_settings(self, **changes: object) -> None:
        """Change settings by name, as in ``update_settings(gain=8.0)``."""
        for name, value in changes.items():
            setattr(self.settings, name, value)
        self.update()
        self.settings_changed.emit()

    # Zoom

    def fit(self) -> None:
        self.transform.fit()
        self._notify_zoom()

    def zoom_by(self, steps: float, position: QPointF | None = None) -> None:
        area = self._layout.area_at(position) if position is not None else self._layout.areas[0]
        self.transform.zoom_by(steps, area, position if position is not None else area.center())
        self._notify_zoom()

    def actual_size(self) -> None:
        """Show one pixel of the picture as one pixel of the screen."""
        area = self._layout.areas[0]
        self.transform.zoom_to(1 / self.devicePixelRatioF(), area, area.center())
        self._notify_zoom()

    @property
    def zoom(self) -> float:
        """Screen pixels for one pixel of the picture."""
        return self.transform.zoom(self._layout.areas[0]) * self.devicePixelRatioF()

    def picture_rect(self) -> QRectF:
        """The picture's rectangle in the widget; A's when side by side."""
        return self.transform.picture_rect(self._layout.areas[0])

    def _notify_zoom(self) -> None:
        self.update()
        self.zoom_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.zoom_changed.emit()

    @property
    def _layout(self) -> CanvasLayout:
        return CanvasLayout(self.settings, self.transform, QRectF(self.rect()))

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        with safe_painter(self) as painter:
            painter.fillRect(self.rect(), QColor(self._colours.canvas))
            layout, is_empty = self._layout, not any(self._titles.values())
            placed = layout.place_pictures(self._pictures["A"], self._pictures["B"])
            sharp = self.zoom >= _SHARP_ZOOM
            paint_comparison(painter, self.settings, placed["A"], placed["B"], sharp=sharp)
            self._paint_strokes(painter)
            if self.settings.compare is CompareMode.WIPE and not is_empty:
                paint_wipe_line(painter, layout)
            captions = CaptionPainter(painter, layout, placed)
            captions.paint_titles(self._titles)
            captions.paint_messages(self._messages, is_empty=is_empty)
            captions.paint_captions(*self._corner_captions)

    def _paint_strokes(self, painter: QPainter) -> None:
        areas = self._layout.areas
        shown_areas = areas if self.settings.compare is CompareMode.SIDE_BY_SIDE else areas[:1]
        for overlay, area in zip(self._overlays, shown_areas, strict=False):
            rect = self.transform.picture_rect(area)
            overlay.paint(painter, self._strokes, rect, area)
            if self._active_stroke is not None:
                painter.save()
                painter.setClipRect(area)
                paint_strokes(painter, (self._active_stroke,), rect)
                painter.restore()

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._last_position = event.position()
        self._drag_mode = self._drag_mode_for(event)
        if self._drag_mode == "draw":
            if side := self._layout.side_at(event.position()):
                self.pen_side.emit(side)
            self.pen_down.emit(*self._layout.to_picture(event.position()))
        elif self._drag_mode == "wipe":
            self.update_settings(wipe=self._layout.wipe_at(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        position = event.position()
        if self._drag_mode == "draw":
            self.pen_moved.emit(*self._layout.to_picture(position))
        elif self._drag_mode == "wipe":
            self.update_settings(wipe=self._layout.wipe_at(position))
        elif self._drag_mode == "pan":
            self.transform.pan(position - self._last_position, self._layout.area_at(position))
            self._notify_zoom()
        self._last_position = position
        self._update_cursor(position)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._drag_mode == "draw":
            self.pen_up.emit()
        self._drag_mode = ""
        self._update_cursor(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self.is_drawing:
            self.mousePressEvent(event)
        elif event.button() == Qt.MouseButton.LeftButton and not self._layout.is_near_wipe(
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
        if self._layout.is_near_wipe(event.position()):
            return "wipe"
        if not self.transform.is_fitted:
            return "pan"
        return "wipe" if self.settings.compare is CompareMode.WIPE else ""

    def _update_cursor(self, position: QPointF) -> None:
        """Set the cursor for what a press would do."""
        if self.is_drawing:
            shape = Qt.CursorShape.CrossCursor
        elif self._drag_mode == "pan":
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._layout.is_near_wipe(position) or self._drag_mode == "wipe":
            shape = Qt.CursorShape.SplitHCursor
        elif not self.transform.is_fitted:
            shape = Qt.CursorShape.OpenHandCursor
        else:
            shape = Qt.CursorShape.ArrowCursor
        if self.cursor().shape() != shape:
            self.setCursor(shape)
