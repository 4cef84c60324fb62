"""The canvas's geometry: where A, B and the wipe are, for a compare mode, zoom and widget size."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QImage

from bridge_ui.review.canvas.qt_canvas_transform import CanvasTransform
from bridge_ui.review.compare.comparison_painter import CompareRects
from bridge_ui.review.compare.viewer_settings import CompareMode, ViewerSettings

_GRAB_DISTANCE = 12  # logical pixels on each side of the wipe line
_GAP = 6  # between the pictures side by side


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

    def compare_rects(self, pictures: Mapping[str, QImage | None]) -> CompareRects:
        area_a, area_b = self.areas
        a, b = self._image_rect(pictures["A"], area_a), self._image_rect(pictures["B"], area_b)
        if self.settings.compare is not CompareMode.WIPE:
            return CompareRects(a, b, area_a, area_b)
        left, right = QRectF(area_a), QRectF(area_b)
        left.setRight(self.wipe_x)
        right.setLeft(self.wipe_x)
        return CompareRects(a, b, left, right)

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
