"""Basic widgets and layouts. All text is plain text: text from outside is never markup."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from bridge_ui.core.status_sign import Tone
from bridge_ui.icons import SIZE, icon
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class

#: Style class of a status label, by tone.
STYLE_BY_TONE = {
    Tone.NEUTRAL: "dim",
    Tone.BUSY: "dim",
    Tone.ATTENTION: "warn",
    Tone.SUCCESS: "good",
    Tone.ERROR: "bad",
}
_COSTLY = "costly"
#: Icon colour of buttons without a colour of their own.
_ICON_COLOUR = ThemeColours().text


def label(text: str = "", style: str = "", *, wrap: bool = False) -> QLabel:
    """Plain text. ``style`` is a class of the style sheet; ``small`` also has a smaller font."""
    widget = QLabel(text)
    widget.setTextFormat(Qt.TextFormat.PlainText)
    widget.setWordWrap(wrap)
    if wrap:
        # A long word, such as a path, must not widen a narrow dock.
        widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        widget.setMinimumWidth(1)
    if style:
        set_style_class(widget, style)
    if style == "small":
        scale_font(widget, 0.9)
    return widget


def title(text: str, factor: float = 1.0) -> QLabel:
    widget = label(text)
    scale_font(widget, factor, bold=True)
    return widget


def scale_font(widget: QWidget, factor: float, *, bold: bool = False) -> None:
    """Scale the host's font size by a factor."""
    font = widget.font()
    if font.pointSizeF() > 0:
        font.setPointSizeF(font.pointSizeF() * factor)
    else:
        font.setPixelSize(max(1, round(font.pixelSize() * factor)))
    if bold:
        font.setBold(True)
    widget.setFont(font)


def button(
    text: str,
    style: str = "",
    *,
    icon_name: str = "",
    colour: str = _ICON_COLOUR,
    on_click: Callable[[], object] | None = None,
    tip: str = "",
    costly: bool = False,
) -> QPushButton:
    """A push button. One with only an icon needs a ``tip``, which is also its accessible name. A
    ``costly`` one only reacts to clicks and its own shortcut, and a click does not move the focus.
    """
    widget = QPushButton(text)
    widget.setAutoDefault(False)
    if costly:
        widget.setProperty(_COSTLY, True)
        widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if style:
        set_style_class(widget, style)
    if icon_name:
        gap = 5 if text else 0
        widget.setIcon(icon(icon_name, colour, gap=gap))
        widget.setIconSize(QSize(SIZE + gap, SIZE))
    if tip:
        widget.setToolTip(tip)
        widget.setAccessibleName(text or tip)
    if on_click is not None:
        widget.clicked.connect(lambda _checked=False: on_click())
    return widget


def is_costly(widget: QWidget) -> bool:
    """See :func:`button`."""
    return bool(widget.property(_COSTLY))


def open_menu_on_click(opener: QAbstractButton, menu: QMenu) -> None:
    """Open a menu below a button on click. The menu of a tool button would run a nested event loop
    until it is closed."""
    opener.clicked.connect(lambda: menu.popup(opener.mapToGlobal(QPoint(0, opener.height()))))


def chip(text: str, *, checkable: bool = True) -> QPushButton:
    widget = button(text, "chip")
    widget.setCheckable(checkable)
    return widget


def column(
    *items: QWidget | QLayout | int, margin: int = 0, gap: int = 6, grows: int = -1
) -> QVBoxLayout:
    """A vertical layout; a number is a stretch. ``grows``: index of the item that takes the
    remaining space."""
    layout = QVBoxLayout()
    _fill(layout, items, margin, gap)
    if grows >= 0:
        layout.setStretch(grows, 1)
    return layout


def row(
    *items: QWidget | QLayout | int, margin: int = 0, gap: int = 6, grows: int = -1
) -> QHBoxLayout:
    """A horizontal layout, see :func:`column`."""
    layout = QHBoxLayout()
    _fill(layout, items, margin, gap)
    if grows >= 0:
        layout.setStretch(grows, 1)
    return layout


class WrapRow(QWidget):
    """Widgets in a row if it is wide enough, otherwise in a column. ``grows``: index of the item
    that takes the remaining space."""

    def __init__(self, *items: QWidget, gap: int = 6, grows: int = -1) -> None:
        super().__init__()
        self._items = items
        self._line = row(*items, gap=gap, grows=grows)
        # It adapts to its width and must not constrain it.
        self._line.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self.setLayout(self._line)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802
        """As wide as one row, so that it becomes one again if possible."""
        return QSize(self._required_width(), self._line.sizeHint().height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        widest = max(item.minimumSizeHint().width() for item in self._items)
        return QSize(widest, self._line.minimumSize().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.fit()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:  # a text changed
            self.fit()
        return super().event(event)

    def fit(self) -> None:
        """Change the direction if needed."""
        directions = QBoxLayout.Direction
        fits = self._required_width() <= self.width()
        direction = directions.LeftToRight if fits else directions.TopToBottom
        if direction != self._line.direction():
            self._line.setDirection(direction)
            self.updateGeometry()

    def _required_width(self) -> int:
        """Width of one row."""
        visible = [item for item in self._items if not item.isHidden()]
        gaps = self._line.spacing() * (len(visible) - 1)
        return sum(max(item.sizeHint().width(), item.minimumWidth()) for item in visible) + gaps


def _fill(
    layout: QBoxLayout, items: tuple[QWidget | QLayout | int, ...], margin: int, gap: int
) -> None:
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(gap)
    for item in items:
        if isinstance(item, int):
            layout.addStretch(item)
        elif isinstance(item, QLayout):
            layout.addLayout(item)
        else:
            layout.addWidget(item)


def framed(layout: QLayout, style: str = "") -> QFrame:
    """A frame around a layout."""
    frame = QFrame()
    frame.setLayout(layout)
    if style:
        set_style_class(frame, style)
    return frame


def scroll_area(inside: QWidget) -> QScrollArea:
    """``inside`` at full width, with vertical scrolling only."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFrameShape(QFrame.Shape.NoFrame)
    set_style_class(inside, "scroll")
    inside.setAutoFillBackground(False)
    area.setWidget(inside)
    area.viewport().setAutoFillBackground(False)
    return area


def retain_size_when_hidden(widget: QWidget, keep: bool) -> None:
    """Keep the space of a hidden widget free, so that the layout does not jump."""
    policy = widget.sizePolicy()
    if policy.retainSizeWhenHidden() != keep:
        policy.setRetainSizeWhenHidden(keep)
        widget.setSizePolicy(policy)


def clear_layout(layout: QLayout) -> None:
    """Remove and delete everything in a layout."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        inner = item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            clear_layout(inner)
