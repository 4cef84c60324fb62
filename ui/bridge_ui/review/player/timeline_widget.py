"""The timeline bar: cut and handles, cached frames, in and out point, notes; drag to scrub."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from bridge_core.models.frames import FrameRange
from bridge_ui.core.translate import tr
from bridge_ui.review.player.player import Player
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import safe_painter
from bridge_ui.widgets.rows import consecutive_runs

_HEIGHT = 30
_CACHE_LINE_HEIGHT = 3


class TimelineBar(QWidget):
    """Shows all frames of the player from left to right with the same width."""

    def __init__(self, player: Player, colours: ThemeColours) -> None:
        super().__init__()
        self._player = player
        self._colours = colours
        self._range = FrameRange.of(1, 1)
        self._cut = self._range
        self._frame = 1
        self._marks = (1, 1)
        self._cached: list[tuple[int, int]] = []
        self._notes: tuple[FrameRange, ...] = ()
        self._unsaved_frames: tuple[int, ...] = ()
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Timeline"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        player.frame_changed.connect(self._show_frame)
        player.state_changed.connect(self._show_marks)
        player.cache_changed.connect(self._show_cached)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(400, _HEIGHT)

    def set_range(self, frames: FrameRange, cut: FrameRange) -> None:
        """``frames`` is the whole range, ``cut`` the part between the handles."""
        self._range, self._cut = frames, cut
        self.update()

    def _show_frame(self, frame: int) -> None:
        if frame != self._frame:
            self._frame = frame
            self.setAccessibleDescription(tr("frame {frame}", frame=frame))
            self.update()

    def _show_marks(self) -> None:
        self._marks = (self._player.clock.in_point, self._player.clock.out_point)
        self._show_cached()
        self.update()

    def _show_cached(self) -> None:
        runs = consecutive_runs(sorted(self._player.cache.cached_frames()))
        if runs != self._cached:
            self._cached = runs
            self.update()

    def set_notes(self, notes: Iterable[FrameRange], unsaved_frames: Iterable[int]) -> None:
        """Frames of notes, and frames with drawings that are not saved yet."""
        self._notes, self._unsaved_frames = tuple(notes), tuple(unsaved_frames)
        self.update()

    def x_of(self, frame: int) -> float:
        """The left edge of a frame."""
        return (frame - self._range.first) * self.width() / self._range.count

    def frame_at(self, x: float) -> int:
        """The frame at a position, or the nearest one."""
        number = int(x * self._range.count // max(1, self.width()))
        return self._range.first + max(0, min(self._range.count - 1, number))

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        with safe_painter(self) as painter:
            colours, body = self._colours, QRectF(0, 3, self.width(), self.height() - 6)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.field))
            painter.drawRoundedRect(body, 3, 3)
            self._fill_frames(painter, (self._cut.first, self._cut.last), colours.raised, body)
            if self._marks != (self._range.first, self._range.last):
                self._fill_frames(painter, self._marks, colours.mix("accent", "raised", 0.25), body)
            cache_line = body.adjusted(0, body.height() - _CACHE_LINE_HEIGHT, 0, 0)
            for run in self._cached:
                self._fill_frames(painter, run, colours.good, cache_line)
            self._paint_marks(painter)
            for frames in self._notes:
                self._paint_note(painter, frames)
            for frame in self._unsaved_frames:
                self._paint_unsaved_frame(painter, frame)
            self._paint_playhead(painter)
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QColor(colours.accent))
                painter.drawRoundedRect(body.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)

    def _fill_frames(
        self, painter: QPainter, run: tuple[int, int], colour: str, line: QRectF
    ) -> None:
        """Fill a line from the first frame of a run to its last."""
        left, right = self.x_of(run[0]), self.x_of(run[1] + 1)
        painter.fillRect(QRectF(left, line.top(), right - left, line.height()), QColor(colour))

    def _paint_marks(self, painter: QPainter) -> None:
        """Paint brackets, so that marks do not depend on colour."""
        colour = QColor(self._colours.accent)
        bottom = self.height() - 3.0
        for frame, direction in ((self._marks[0], 1), (self._marks[1], -1)):
            if frame == (self._range.first if direction > 0 else self._range.last):
                continue
            x = self.x_of(frame if direction > 0 else frame + 1)
            edge = x if direction > 0 else x - 2
            painter.fillRect(QRectF(edge, 3, 2, bottom - 3), colour)
            for y in (3.0, bottom - 2):
                painter.fillRect(QRectF(x if direction > 0 else x - 6, y, 6, 2), colour)

    def _frame_centre_x(self, frame: int) -> float:
        return (self.x_of(frame) + self.x_of(frame + 1)) / 2

    def _paint_note(self, painter: QPainter, frames: FrameRange) -> None:
        colour = QColor(self._colours.warn)
        y = self.height() / 2 - 1
        start, end = self._frame_centre_x(frames.first), self._frame_centre_x(frames.last)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        if end - start > 1:
            painter.drawRoundedRect(QRectF(start, y - 1.5, end - start, 3), 1.5, 1.5)
        painter.drawEllipse(QPointF(start, y), 4, 4)

    def _paint_unsaved_frame(self, painter: QPainter, frame: int) -> None:
        """Paint a diamond for a drawing that is not saved yet."""
        x, y = self._frame_centre_x(frame), self.height() / 2 - 1
        painter.setPen(QColor(self._colours.warn))
        painter.setBrush(QColor(self._colours.field))
        painter.drawPolygon(
            QPolygonF([QPointF(x, y - 5), QPointF(x + 5, y), QPointF(x, y + 5), QPointF(x - 5, y)])
        )

    def _paint_playhead(self, painter: QPainter) -> None:
        x = round(self._frame_centre_x(self._frame))
        painter.fillRect(QRectF(x - 2, 0, 4, self.height()), QColor(0, 0, 0, 110))
        painter.fillRect(QRectF(x - 1, 0, 2, self.height()), QColor("white"))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("white"))
        painter.drawPolygon(QPolygonF([QPointF(x - 5, 0), QPointF(x + 5, 0), QPointF(x, 6)]))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() == Qt.MouseButton.LeftButton:
            self._player.go_to(self.frame_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.buttons() & Qt.MouseButton.LeftButton:
            frame = self.frame_at(event.position().x())
            if frame != self._frame:
                self._player.go_to(frame)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            frame = self.frame_at(event.pos().x())
            part = "" if frame in self._cut else tr(" (handle)")
            QToolTip.showText(event.globalPos(), f"{frame}{part}", self)
            return True
        return super().event(event)
