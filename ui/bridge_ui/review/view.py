"""Where the picture stands in the widget: fit, zoom and pan."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSizeF

#: Screen pixels for one pixel of the picture.
_LEAST, _MOST = 0.05, 32.0
_STEP = 1.25


class View:
    """Fits the picture until somebody zooms; sizes in logical pixels of the widget."""

    def __init__(self) -> None:
        self.picture = QSizeF(16, 9)
        """Of the picture in its own pixels."""
        self._zoom: float | None = None
        self._centre = QPointF(0.5, 0.5)  # of the widget, over the picture

    @property
    def fitted(self) -> bool:
        return self._zoom is None

    def zoom(self, room: QRectF) -> float:
        """Logical pixels of the screen for each of the picture."""
        if self._zoom is not None:
            return self._zoom
        if self.picture.isEmpty() or room.isEmpty():
            return 1.0
        return min(room.width() / self.picture.width(), room.height() / self.picture.height())

    def place(self, room: QRectF) -> QRectF:
        """Where the picture stands in a part of the widget."""
        size = self.picture * self.zoom(room)
        if self._zoom is None:
            corner = room.center() - QPointF(size.width() / 2, size.height() / 2)
        else:
            corner = room.center() - QPointF(
                size.width() * self._centre.x(), size.height() * self._centre.y()
            )
        return QRectF(corner, size)

    def fit(self) -> None:
        self._zoom = None
        self._centre = QPointF(0.5, 0.5)

    def zoom_to(self, zoom: float, room: QRectF, at: QPointF) -> None:
        """Zoom, with the picture's point under ``at`` staying where it is."""
        before = self.place(room)
        if before.isEmpty():
            return
        part = QPointF(
            (at.x() - before.left()) / before.width(), (at.y() - before.top()) / before.height()
        )
        self._zoom = max(_LEAST, min(_MOST, zoom))
        size = self.picture * self._zoom
        corner = at - QPointF(part.x() * size.width(), part.y() * size.height())
        self._set_corner(corner, size, room)

    def zoom_by(self, steps: float, room: QRectF, at: QPointF) -> None:
        self.zoom_to(self.zoom(room) * _STEP**steps, room, at)

    def pan(self, by: QPointF, room: QRectF) -> None:
        """Move a zoomed picture; a fitted one stays."""
        if self._zoom is None:
            return
        at = self.place(room)
        self._set_corner(at.topLeft() + by, at.size(), room)

    def _set_corner(self, corner: QPointF, size: QSizeF, room: QRectF) -> None:
        centre = room.center() - corner
        # Some of the picture always stays in sight.
        self._centre = QPointF(
            max(0.0, min(1.0, centre.x() / size.width())),
            max(0.0, min(1.0, centre.y() / size.height())),
        )
