"""Lists of a controller's rows: the Qt model, which reports changes row by row, the view, and the
delegate, which paints thumbnail, title, two lines of text and progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PySide6.QtCore import (
    QItemSelection,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    QStringListModel,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from bridge_ui.core.observable import ListChange, ObservableList
from bridge_ui.core.status_sign import StatusSign, Tone
from bridge_ui.icons import pixmap
from bridge_ui.theme.colours import ThemeColours

T = TypeVar("T")
ModelIndex = QModelIndex | QPersistentModelIndex

#: The row itself, for delegates.
ROW_ROLE = Qt.ItemDataRole.UserRole


class RowsModel(Generic[T], QStringListModel):
    """``accessible_text`` of a row is used by screen readers and by keyboard search.

    The base class, filled with empty strings, does the counting. A view asks for the row count
    with every row that it lays out; implemented in Python, 10,000 rows took 15 ms, and as long
    again for each thread that wanted the GIL in between.
    """

    def __init__(
        self, rows: ObservableList[T], accessible_text: Any, parent: QObject | None = None
    ) -> None:
        super().__init__([""] * len(rows), parent)
        self._rows = rows
        self._accessible_text = accessible_text
        self._inserting = range(0)
        """Rows that exist already while views are being notified of them."""
        self.stop = rows.watch(self._changed)

    def data(self, index: ModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row_index = index.row()
        if (
            self._inserting
            and row_index >= self._inserting.start
            and self.rowCount() < len(self._rows)
        ):
            row_index += len(self._inserting)  # views do not count them yet
        if not 0 <= row_index < len(self._rows):
            return None
        if role == ROW_ROLE:
            return self._rows[row_index]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._accessible_text(self._rows[row_index])
        return None

    def _changed(self, change: ListChange) -> None:
        if change.reset:
            self.setStringList([""] * len(self._rows))
        elif change.inserted:
            self._inserting = change.inserted
            self.insertRows(change.inserted.start, len(change.inserted))
            self._inserting = range(0)
        for first, last in consecutive_runs(change.positions):
            self.dataChanged.emit(self.index(first), self.index(last))

    def selection(self, positions: Sequence[int]) -> QItemSelection:
        """The selection of these rows, which must be in ascending order."""
        selection = QItemSelection()
        for first, last in consecutive_runs(positions):
            selection.select(self.index(first), self.index(last))
        return selection


class RowsView(QListView):
    """A long list of rows of the same height."""

    def __init__(self) -> None:
        super().__init__()
        # Its own viewport: asking for the one that Qt creates would make PySide load all classes of
        # widgets, to find out which one it is.
        viewport = QWidget()
        viewport.setBackgroundRole(QPalette.ColorRole.Base)
        viewport.setAutoFillBackground(True)
        self.setViewport(viewport)
        self.setUniformItemSizes(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)

    def dataChanged(self, first: ModelIndex, last: ModelIndex, roles: Iterable[int] = ()) -> None:  # noqa: N802
        """Only repaint: a list view would lay out all rows (18 ms with 10,000)."""
        QAbstractItemView.dataChanged(self, first, last, list(roles))

    def selected_rows(self) -> list[int]:
        """Positions in ascending order, read as ranges, as there may be thousands."""
        rows: list[int] = []
        for span in self.selectionModel().selection().toList():
            rows.extend(range(span.top(), span.bottom() + 1))
        return sorted(rows)


def consecutive_runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """First and last of each run of consecutive numbers, which must be in ascending order."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        first = runs.pop()[0] if runs and number == runs[-1][1] + 1 else number
        runs.append((first, number))
    return runs


_PADDING = 8
_ICON_SIZE = 13

#: Icon of each symbol of :class:`~bridge_ui.core.status_sign.StatusSign`.
ICON_BY_SYMBOL = {
    "…": "hourglass",
    "▸": "play",
    "✓": "check",
    "⚠": "triangle-alert",
    "○": "ban",
    "?": "circle-question-mark",
    "◆": "diamond",
    "↺": "rotate-ccw",
    "✕": "x",
}


@dataclass(frozen=True, slots=True)
class RowContent:
    title: str
    details: str
    """Below the title."""
    sign: StatusSign
    progress: float | None = None
    """0 to 1; None: no progress bar."""
    badge: str = ""
    """Short text at the right of the title."""


def tone_colour(colours: ThemeColours, tone: Tone) -> str:
    return {
        Tone.NEUTRAL: colours.dim,
        Tone.BUSY: colours.accent,
        Tone.ATTENTION: colours.warn,
        Tone.SUCCESS: colours.good,
        Tone.ERROR: colours.bad,
    }[tone]


class RowDelegate(Generic[T], QStyledItemDelegate):
    """``describe`` returns the content of a row; ``thumbnail`` its pixmap for a size in device
    pixels, or None while loading (only called for visible rows). Without ``thumbnail``, rows have
    no space for one."""

    def __init__(
        self,
        parent: QWidget,
        colours: ThemeColours,
        describe: Callable[[T], RowContent],
        thumbnail: Callable[[T, QSize], QPixmap | None] | None = None,
    ) -> None:
        super().__init__(parent)
        self._colours = colours
        self._describe = describe
        self._thumbnail = thumbnail
        self._icon_cache: dict[tuple[str, str, float], QPixmap] = {}
        self._fonts: tuple[QFont, QFont, QFont] | None = None

    def sizeHint(self, option: QStyleOptionViewItem, _index: ModelIndex) -> QSize:  # noqa: N802
        name, text_font, _ = self._fonts_for(option.font)
        text = QFontMetrics(name).height() + 2 * QFontMetrics(text_font).height() + 6
        return QSize(160, text + 2 * _PADDING + 3)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: ModelIndex) -> None:
        painter.save()
        try:
            self._paint(painter, option, index)
        finally:
            painter.restore()

    def _paint(self, painter: QPainter, option: QStyleOptionViewItem, index: ModelIndex) -> None:
        colours, area = self._colours, QRect(option.rect)
        row: Any = index.data(ROW_ROLE)
        if row is None:
            return
        content = self._describe(row)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if chosen or hovered:
            background = colours.raised if chosen else colours.mix("raised", "panel", 0.5)
            painter.fillRect(area, QColor(background))
        if chosen:
            edge = QRect(area.left(), area.top(), 3, area.height())
            painter.fillRect(edge, QColor(colours.accent))
        if focused:
            painter.setPen(QColor(colours.mix("accent", "panel", 0.6)))
            painter.drawRect(area.adjusted(0, 0, -1, -1))
        inner = area.adjusted(_PADDING + 3, _PADDING, -_PADDING, -_PADDING)
        if self._thumbnail is not None and area.width() >= 180:
            inner = self._paint_thumbnail(painter, inner, row)
        self._paint_text(painter, option, inner, content)

    def _paint_thumbnail(self, painter: QPainter, area: QRect, row: T) -> QRect:
        assert self._thumbnail is not None
        # The text has priority if space is short.
        width = min(round((area.height() - 3) * 16 / 9), round(area.width() * 0.32))
        frame = QRect(area.left(), area.top(), width, round(width * 9 / 16))
        painter.fillRect(frame, QColor(self._colours.canvas))
        scale = painter.device().devicePixelRatioF()
        picture = self._thumbnail(row, frame.size() * scale)
        if picture is not None and not picture.isNull():
            target = QRect(0, 0, round(picture.width() / scale), round(picture.height() / scale))
            target.moveCenter(frame.center())
            painter.drawPixmap(target, picture)
        return area.adjusted(frame.width() + 10, 0, 0, 0)

    def _paint_text(
        self, painter: QPainter, option: QStyleOptionViewItem, area: QRect, content: RowContent
    ) -> None:
        colours = self._colours
        name, text_font, small = self._fonts_for(option.font)
        left, top, width = area.left(), area.top(), area.width()
        tall = QFontMetrics(name).height()
        if content.badge:
            metrics = QFontMetrics(small)
            badge_width = metrics.horizontalAdvance(content.badge)
            painter.setFont(small)
            painter.setPen(QColor(colours.dim))
            painter.drawText(
                QRect(left + width - badge_width, top, badge_width, tall),
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                content.badge,
            )
            width -= badge_width + 8
        self._draw_line(painter, name, colours.text, QRect(left, top, width, tall), content.title)
        top += tall + 2
        small_tall = QFontMetrics(text_font).height()
        width = area.width()
        line = QRect(left, top, width, small_tall)
        self._draw_line(painter, text_font, colours.dim, line, content.details)
        top += small_tall + 2
        colour = tone_colour(colours, content.sign.tone)
        inset = 0
        if content.sign.symbol in ICON_BY_SYMBOL:
            scale = painter.device().devicePixelRatioF()
            sign = self._icon(ICON_BY_SYMBOL[content.sign.symbol], colour, scale)
            painter.drawPixmap(left, top + (small_tall - _ICON_SIZE) // 2, sign)
            inset = _ICON_SIZE + 5
        spot = QRect(left + inset, top, width - inset, small_tall)
        self._draw_line(painter, text_font, colour, spot, content.sign.text)
        if content.progress is not None:
            top += small_tall + 2
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            bar = QRectF(left, top, width, 3)
            painter.setBrush(QColor(colours.line))
            painter.drawRoundedRect(bar, 1.5, 1.5)
            part = max(0.0, min(1.0, content.progress))
            if part > 0:
                painter.setBrush(QColor(colours.accent))
                painter.drawRoundedRect(QRectF(left, top, max(3.0, width * part), 3), 1.5, 1.5)

    def _draw_line(
        self, painter: QPainter, font: QFont, colour: str, area: QRect, text: str
    ) -> None:
        painter.setFont(font)
        painter.setPen(QColor(colour))
        short = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, short)

    def _icon(self, name: str, colour: str, scale: float) -> QPixmap:
        key = (name, colour, scale)
        if key not in self._icon_cache:
            self._icon_cache[key] = pixmap(name, colour, _ICON_SIZE, scale)
        return self._icon_cache[key]

    def _fonts_for(self, font: QFont) -> tuple[QFont, QFont, QFont]:
        """Fonts of the title, the text and the badge."""
        if self._fonts is None or self._fonts[1].pointSizeF() != font.pointSizeF() * 0.92:
            name, text_font, small = QFont(font), QFont(font), QFont(font)
            name.setBold(True)
            if font.pointSizeF() > 0:
                text_font.setPointSizeF(font.pointSizeF() * 0.92)
                small.setPointSizeF(font.pointSizeF() * 0.85)
            self._fonts = (name, text_font, small)
        return self._fonts
