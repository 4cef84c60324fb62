"""The picture's position in the canvas: fit, zoom and pan."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSizeF

#: Screen pixels for one pixel of the picture.
_MIN_ZOOM, _MAX_ZOOM = 0.05, 32.0
_ZOOM_STEP = 1.25


class CanvasTransform:
    """Fits the picture until it is zoomed; sizes are in logical pixels of the widget."""

    def __init__(self) -> None:
        self.picture_size = QSizeF(16, 9)
        """In the picture's own pixels."""
        self._zoom: float | None = None
        self._centre = QPointF(0.5, 0.5)  # the area's centre, as a fraction of the picture

    @property
    def is_fitted(self) -> bool:
        return self._zoom is None

    def zoom(self, area: QRectF) -> float:
        """Logical pixels of the screen for one pixel of the picture."""
        if self._zoom is not None:
            return self._zoom
        if self.picture_size.isEmpty() or area.isEmpty():
            return 1.0
        return min(
            area.width() / self.picture_size.width(), area.height() / self.picture_size.height()
        )

    def picture_rect(self, area: QRectF) -> QRectF:
        """The picture's rectangle within an area of the widget."""
        size = self.picture_size * self.zoom(area)
        if self._zoom is None:
            corner = area.center() - QPointF(size.width() / 2, size.height() / 2)
        else:
            corner = area.center() - QPointF(
                size.width() * self._centre.x(), size.height() * self._centre.y()
            )
        return QRectF(corner, size)

    def fit(self) -> None:
        self._zoom = None
        self._centre = QPointF(0.5, 0.5)

    def zoom_to(self, zoom: float, area: QRectF, anchor: QPointF) -> None:
        """Zoom around ``anchor``, a position in the widget."""
        rect = self.picture_rect(area)
        if rect.isEmpty():
            return
        fraction = QPointF(
            (anchor.x() - rect.left()) / rect.width(), (anchor.y() - rect.top()) / rect.height()
        )
        self._zoom = max(_MIN_ZOOM, min(_MAX_ZOOM, zoom))
        size = self.picture_size * self._zoom
        corner = anchor - QPointF(fraction.x() * size.width(), fraction.y() * size.height())
        self._set_corner(corner, size, area)

    def zoom_by(self, steps: float, area: QRectF, anchor: QPointF) -> None:
        self.zoom_to(self.zoom(area) * _ZOOM_STEP**steps, area, anchor)

    def pan(self, offset: QPointF, area: QRectF) -> None:
        """Move a zoomed picture; a fitted one does not move."""
        if self._zoom is None:
            return
        rect = self.picture_rect(area)
        self._set_corner(rect.topLeft() + offset, rect.size(), area)

    def _set_corner(self, corner: QPointF, size: QSizeF, area: QRectF) -> None:
        centre = area.center() - corner
        # Part of the picture always stays visible.
        self._centre = QPointF(
            max(0.0, min(1.0, centre.x() / size.width())),
            max(0.0, min(1.0, centre.y() / size.height())),
        )
