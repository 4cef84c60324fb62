"""The canvas's geometry: fit, zoom and pan; where A, B and the wipe are in a compare mode."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QImage

from bridge_ui.review.compare.comparison_painter import PlacedPicture
from bridge_ui.review.compare.viewer_settings import CompareMode, ViewerSettings

_GRAB_DISTANCE = 12  # logical pixels on each side of the wipe line
_GAP = 6  # between the pictures side by side
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


class CanvasLayout:
    """Computed from the settings and the transform as they are now."""

    def __init__(
        self, settings: ViewerSettings, transform: CanvasTransform, widget_rect: QRectF
    ) -> None:
        self.settings, self.transform, self.widget_rect = settings, transform, widget_rect

    @property
    def areas(self) -> tuple[QRectF, QRectF]:
        """Parts of the widget for A and B; equal, except side by side."""
        whole = self.widget_rect
        if self.settings.compare is not CompareMode.SIDE_BY_SIDE:
            return whole, whole
        if whole.width() >= whole.height() * 1.2:
            half = (whole.width() - _GAP) / 2
            return whole.adjusted(0, 0, -half - _GAP, 0), whole.adjusted(half + _GAP, 0, 0, 0)
        half = (whole.height() - _GAP) / 2
        return whole.adjusted(0, 0, 0, -half - _GAP), whole.adjusted(0, half + _GAP, 0, 0)

    def area_at(self, position: QPointF) -> QRectF:
        first, second = self.areas
        return second if second.contains(position) and not first.contains(position) else first

    def side_at(self, position: QPointF) -> str:
        """The side whose picture is shown at a position; empty if both are."""
        compare = self.settings.compare
        if compare in (CompareMode.A, CompareMode.B):
            return compare.value
        if compare is CompareMode.WIPE:
            return "A" if position.x() < self.wipe_x else "B"
        if compare is CompareMode.SIDE_BY_SIDE:
            return "A" if self.area_at(position) == self.areas[0] else "B"
        return ""

    def place_pictures(self, a: QImage | None, b: QImage | None) -> dict[str, PlacedPicture]:
        """The pictures of both sides where they are painted."""
        areas = self.areas
        clips = [QRectF(area) for area in areas]
        if self.settings.compare is CompareMode.WIPE:
            clips[0].setRight(self.wipe_x)
            clips[1].setLeft(self.wipe_x)
        rects = [self._image_rect(image, area) for image, area in zip((a, b), areas, strict=True)]
        placed = map(PlacedPicture, (a, b), rects, clips)
        return dict(zip("AB", placed, strict=True))

    def _image_rect(self, image: QImage | None, area: QRectF) -> QRectF:
        """An image of another aspect ratio is centred in the picture's rectangle."""
        rect = self.transform.picture_rect(area)
        if image is None:
            return rect
        size = QSizeF(image.size()).scaled(rect.size(), Qt.AspectRatioMode.KeepAspectRatio)
        if abs(size.width() - rect.width()) < 1.5 and abs(size.height() - rect.height()) < 1.5:
            return rect
        corner = rect.center() - QPointF(size.width() / 2, size.height() / 2)
        return QRectF(corner, size)

    def to_picture(self, position: QPointF) -> tuple[float, float]:
        """A position as fractions of the picture's width and height."""
        rect = self.transform.picture_rect(self.area_at(position))
        return (
            (position.x() - rect.left()) / rect.width(),
            (position.y() - rect.top()) / rect.height(),
        )

    # Wipe

    @property
    def wipe_x(self) -> float:
        """The wipe line's position, in whole pixels so that it does not flicker."""
        rect = self.transform.picture_rect(self.widget_rect)
        x = float(round(rect.left() + self.settings.wipe * rect.width()))
        return max(0.0, min(self.widget_rect.width() - 1, x))

    def wipe_at(self, position: QPointF) -> float:
        """The wipe value, 0 to 1, that moves the line to a position."""
        rect = self.transform.picture_rect(self.widget_rect)
        if rect.width() <= 0:
            return self.settings.wipe
        return max(0.0, min(1.0, (position.x() - rect.left()) / rect.width()))

    def is_near_wipe(self, position: QPointF) -> bool:
        if self.settings.compare is not CompareMode.WIPE:
            return False
        return abs(position.x() - self.wipe_x) <= _GRAB_DISTANCE
