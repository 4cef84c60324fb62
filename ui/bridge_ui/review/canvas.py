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
from bridge_ui.review.composing import Panes, compose
from bridge_ui.review.drawing import Overlay, paint_strokes
from bridge_ui.review.look import Compare, Look
from bridge_ui.review.pictures import painting
from bridge_ui.review.view import View
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import tr

_GRAB = 12  # logical pixels to each side of the wipe's line
_HANDLE = 11.0
_MARGIN = 8
_GAP = 6  # between the two pictures side by side
_SHARP_FROM = 2.0  # zoom from which pixels are shown as squares


class Canvas(QWidget):
    """Shows what it is given; knows nothing of time.

    While ``drawing`` is on, the left button draws: ``pen_down``, ``pen_moved`` and ``pen_up`` tell
    where, 0 to 1 over the picture.
    """

    look_changed = Signal()
    zoom_changed = Signal()
    pen_side = Signal(str)
    """Emitted before ``pen_down``: ``A`` or ``B``, where only that side's picture is seen there."""
    pen_down = Signal(float, float)
    pen_moved = Signal(float, float)
    pen_up = Signal()

    def __init__(self, tones: Tones, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.look = Look()
        self.view = View()
        self.drawing = False
        self._tones = tones
        self._pictures: dict[str, QImage | None] = {"A": None, "B": None}
        self._titles = {"A": "A", "B": "B"}
        self._told: dict[str, str] = {"A": "", "B": ""}
        self._corners = ("", "")
        self._strokes: tuple[Stroke, ...] = ()
        self._live: Stroke | None = None
        self._overlays = (Overlay(), Overlay())
        self._drag = ""
        self._last = QPointF()
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
            if size != self.view.picture:
                self.view.picture = size
                self.zoom_changed.emit()
        self.update()

    def tell(self, a: str, b: str) -> None:
        """Words over a side that has no picture: why."""
        if self._told != {"A": a, "B": b}:
            self._told = {"A": a, "B": b}
            self.update()

    def name(self, a: str, b: str) -> None:
        """What A and B are."""
        self._titles = {"A": a, "B": b}
        self.update()

    def caption(self, left: str, right: str) -> None:
        """Small words in the picture's lower corners."""
        self._corners = (left, right)
        self.update()

    def show_strokes(self, strokes: tuple[Stroke, ...], live: Stroke | None) -> None:
        self._strokes, self._live = strokes, live
        self.update()

    def set_look(self, **changes: object) -> None:
        """Change parts of the look, as in ``set_look(gain=8.0)``."""
        for name, value in changes.items():
            setattr(self.look, name, value)
        self.update()
        self.look_changed.emit()

    # Zoom

    def fit(self) -> None:
        self.view.fit()
        self._zoomed()

    def zoom_by(self, steps: float, at: QPointF | None = None) -> None:
        room = self._room_at(at) if at is not None else self._rooms()[0]
        self.view.zoom_by(steps, room, at if at is not None else room.center())
        self._zoomed()

    def actual_size(self) -> None:
        """One pixel of the picture on one of the screen."""
        room = self._rooms()[0]
        self.view.zoom_to(1 / self.devicePixelRatioF(), room, room.center())
        self._zoomed()

    @property
    def zoom(self) -> float:
        """Screen pixels for one of the picture."""
        return self.view.zoom(self._rooms()[0]) * self.devicePixelRatioF()

    def picture_rect(self) -> QRectF:
        """Where the picture (A's, side by side) stands in the widget."""
        return self.view.place(self._rooms()[0])

    def _zoomed(self) -> None:
        self.update()
        self.zoom_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.zoom_changed.emit()

    # Geometry

    def _rooms(self) -> tuple[QRectF, QRectF]:
        """Parts of the widget for A and B: the same, but for side by side."""
        whole = QRectF(self.rect())
        if self.look.compare is not Compare.SIDE_BY_SIDE:
            return whole, whole
        if self.width() >= self.height() * 1.2:
            half = (whole.width() - _GAP) / 2
            return whole.adjusted(0, 0, -half - _GAP, 0), whole.adjusted(half + _GAP, 0, 0, 0)
        half = (whole.height() - _GAP) / 2
        return whole.adjusted(0, 0, 0, -half - _GAP), whole.adjusted(0, half + _GAP, 0, 0)

    def _room_at(self, at: QPointF) -> QRectF:
        first, second = self._rooms()
        return second if second.contains(at) and not first.contains(at) else first

    def _side_at(self, at: QPointF) -> str:
        """The side whose picture is seen at a position; empty: both, mixed."""
        compare = self.look.compare
        if compare in (Compare.A, Compare.B):
            return compare.value
        if compare is Compare.WIPE:
            return "A" if at.x() < self._line(self.view.place(QRectF(self.rect()))) else "B"
        if compare is Compare.SIDE_BY_SIDE:
            return "A" if self._room_at(at) == self._rooms()[0] else "B"
        return ""

    def _panes(self) -> Panes:
        room_a, room_b = self._rooms()
        a, b = self._fitted("A", room_a), self._fitted("B", room_b)
        if self.look.compare is not Compare.WIPE:
            return Panes(a, b, room_a, room_b)
        line = self._line(self.view.place(room_a))
        left, right = QRectF(room_a), QRectF(room_b)
        left.setRight(line)
        right.setLeft(line)
        return Panes(a, b, left, right)

    def _fitted(self, side: str, room: QRectF) -> QRectF:
        """A picture of another shape stands in the middle of the common place."""
        place, image = self.view.place(room), self._pictures[side]
        if image is None:
            return place
        size = QSizeF(image.size()).scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
        if abs(size.width() - place.width()) < 1.5 and abs(size.height() - place.height()) < 1.5:
            return place
        corner = place.center() - QPointF(size.width() / 2, size.height() / 2)
        return QRectF(corner, size)

    def _line(self, place: QRectF) -> float:
        """Where the wipe's line stands, in whole pixels so that it does not shimmer."""
        line = float(round(place.left() + self.look.wipe * place.width()))
        return max(0.0, min(float(self.width() - 1), line))

    def _on_picture(self, at: QPointF) -> tuple[float, float]:
        place = self.view.place(self._room_at(at))
        return (at.x() - place.left()) / place.width(), (at.y() - place.top()) / place.height()

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        with painting(self) as painter:
            painter.fillRect(self.rect(), QColor(self._tones.canvas))
            panes = self._panes()
            compose(
                painter,
                self.look,
                panes,
                self._pictures["A"],
                self._pictures["B"],
                sharp=self.zoom >= _SHARP_FROM,
            )
            self._paint_strokes(painter)
            if self.look.compare is Compare.WIPE and any(self._titles.values()):
                self._paint_wipe(painter)
            self._paint_words(painter, panes)

    def _paint_strokes(self, painter: QPainter) -> None:
        rooms = self._rooms()
        shown = rooms if self.look.compare is Compare.SIDE_BY_SIDE else rooms[:1]
        for overlay, room in zip(self._overlays, shown, strict=False):
            place = self.view.place(room)
            overlay.paint(painter, self._strokes, place, room)
            if self._live is not None:
                painter.save()
                painter.setClipRect(room)
                paint_strokes(painter, (self._live,), place)
                painter.restore()

    def _paint_wipe(self, painter: QPainter) -> None:
        place = self.view.place(QRectF(self.rect())).intersected(QRectF(self.rect()))
        line = self._line(self.view.place(QRectF(self.rect())))
        painter.fillRect(QRectF(line - 1.5, place.top(), 3, place.height()), QColor(0, 0, 0, 90))
        painter.fillRect(QRectF(line - 0.5, place.top(), 1, place.height()), QColor("white"))
        centre = QPointF(line, place.center().y())
        painter.setPen(QPen(QColor(0, 0, 0, 120), 1))
        painter.setBrush(QColor("white"))
        painter.drawEllipse(centre, _HANDLE, _HANDLE)
        pen = QPen(QColor("#1d1e20"), 1.6)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        for way in (-1, 1):
            tip = centre + QPointF(way * 6.5, 0)
            painter.drawPolyline([tip + QPointF(-way * 3, -3), tip, tip + QPointF(-way * 3, 3)])

    def _paint_words(self, painter: QPainter, panes: Panes) -> None:
        compare = self.look.compare
        whole = QRectF(self.rect())
        places = {"A": panes.a.intersected(whole), "B": panes.b.intersected(whole)}
        for side in compare.sides:
            right = side == "B" and compare not in (Compare.B, Compare.SIDE_BY_SIDE)
            self._paint_chip(painter, self._titles[side], places[side], right=right, top=True)
            if self._told[side]:
                self._paint_told(painter, side, places[side])
        left, right_words = self._corners
        anchor = places["B" if compare is Compare.B else "A"]
        taken = self._paint_chip(painter, left, anchor, right=False, top=False)
        wide = painter.fontMetrics().horizontalAdvance(right_words) + 2 * _MARGIN
        free = anchor.width() - taken - 3 * _MARGIN
        if compare is not Compare.SIDE_BY_SIDE and wide <= free:
            self._paint_chip(painter, right_words, anchor, right=True, top=False)

    def _paint_chip(
        self, painter: QPainter, text: str, place: QRectF, *, right: bool, top: bool
    ) -> float:
        """Words on a dark plate in a corner of the picture; the width that they took."""
        if not text or place.width() < 60:
            return 0.0
        metrics = painter.fontMetrics()
        most = place.width() / (2.15 if top and self.look.compare is not Compare.A else 1.0)
        text = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, int(most - 4 * _MARGIN))
        high = metrics.height() + 6.0
        wide = metrics.horizontalAdvance(text) + 14.0
        x = place.right() - _MARGIN - wide if right else place.left() + _MARGIN
        y = place.top() + _MARGIN if top else place.bottom() - _MARGIN - high
        box = QRectF(x, y, wide, high)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(14, 15, 16, 190))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor("#e7e8ea"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        return wide

    def _paint_told(self, painter: QPainter, side: str, place: QRectF) -> None:
        part = QRectF(place)
        if not any(self._titles.values()):
            part = QRectF(self.rect())  # nothing is open
        elif self.look.compare is Compare.WIPE:
            line = self._line(self.view.place(QRectF(self.rect())))
            if side == "A":
                part.setRight(line - _HANDLE)
            else:
                part.setLeft(line + _HANDLE)
        elif self.look.compare in (Compare.OVERLAY, Compare.DIFFERENCE):
            half = part.height() / 2
            part.adjust(0, 0, 0, -half) if side == "A" else part.adjust(0, half, 0, 0)
        part.adjust(10, 4, -10, -4)
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        box = QRectF(
            painter.fontMetrics().boundingRect(part.toRect(), int(flags), self._told[side])
        )
        if part.width() < 40:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(14, 15, 16, 240))
        painter.drawRoundedRect(box.adjusted(-8, -5, 8, 5), 4, 4)
        painter.setPen(QColor("#e7e8ea"))
        painter.drawText(part, int(flags), self._told[side])

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._last = event.position()
        self._drag = self._kind_of_drag(event)
        if self._drag == "draw":
            if side := self._side_at(event.position()):
                self.pen_side.emit(side)
            self.pen_down.emit(*self._on_picture(event.position()))
        elif self._drag == "wipe":
            self._wipe_to(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        at = event.position()
        if self._drag == "draw":
            self.pen_moved.emit(*self._on_picture(at))
        elif self._drag == "wipe":
            self._wipe_to(at)
        elif self._drag == "pan":
            self.view.pan(at - self._last, self._room_at(at))
            self._zoomed()
        self._last = at
        self._point(at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._drag == "draw":
            self.pen_up.emit()
        self._drag = ""
        self._point(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self.drawing:
            self.mousePressEvent(event)
        elif event.button() == Qt.MouseButton.LeftButton and not self._near_line(event.position()):
            self.fit() if not self.view.fitted else self.actual_size()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        steps = event.angleDelta().y() / 120
        if steps:
            self.zoom_by(steps, event.position())
        event.accept()

    def _kind_of_drag(self, event: QMouseEvent) -> str:
        button = event.button()
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if button == Qt.MouseButton.MiddleButton or (button == Qt.MouseButton.LeftButton and alt):
            return "pan"
        if button != Qt.MouseButton.LeftButton:
            return ""
        if self.drawing:
            return "draw"
        if self._near_line(event.position()):
            return "wipe"
        if not self.view.fitted:
            return "pan"
        return "wipe" if self.look.compare is Compare.WIPE else ""

    def _near_line(self, at: QPointF) -> bool:
        if self.look.compare is not Compare.WIPE:
            return False
        return abs(at.x() - self._line(self.view.place(QRectF(self.rect())))) <= _GRAB

    def _wipe_to(self, at: QPointF) -> None:
        place = self.view.place(QRectF(self.rect()))
        if place.width() > 0:
            wipe = (at.x() - place.left()) / place.width()
            self.set_look(wipe=max(0.0, min(1.0, wipe)))

    def _point(self, at: QPointF) -> None:
        """The pointer says what a press would do."""
        if self.drawing:
            shape = Qt.CursorShape.CrossCursor
        elif self._drag == "pan":
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._near_line(at) or self._drag == "wipe":
            shape = Qt.CursorShape.SplitHCursor
        elif not self.view.fitted:
            shape = Qt.CursorShape.OpenHandCursor
        else:
            shape = Qt.CursorShape.ArrowCursor
        if self.cursor().shape() != shape:
            self.setCursor(shape)
