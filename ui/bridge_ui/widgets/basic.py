"""Basic widgets and layouts. All text is plain text: text from outside is never markup."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PySide6.QtCore import QEvent, QPoint, QSize, Qt
from PySide6.QtGui import QPaintDevice, QPainter, QResizeEvent
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
    QToolButton,
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
#: Pixels: on all sides, or left, top, right and bottom.
Margin = int | tuple[int, int, int, int]
_COSTLY = "costly"
#: Icon colour of buttons without a colour of their own.
_ICON_COLOUR = ThemeColours().text
_log = logging.getLogger(__name__)


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


def show_text(widget: QLabel, text: str) -> None:
    """Show a text; an empty one hides the label."""
    widget.setText(text)
    widget.setVisible(bool(text))


class ElidedLabel(QLabel):
    """Takes the remaining width and elides its text, so that it never moves other widgets; the
    tooltip has the whole text, or ``tip``."""

    def __init__(
        self, style: str = "", elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight
    ) -> None:
        super().__init__()
        self._full_text = ""
        self._elide_mode = elide
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        if style:
            set_style_class(self, style)

    def show_text(self, text: str, *, tip: str = "") -> None:
        self._full_text = text
        self.setToolTip(tip or text)
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        metrics = self.fontMetrics()
        self.setText(metrics.elidedText(self._full_text, self._elide_mode, self.width()))


def make_selectable(widget: QLabel) -> QLabel:
    """Let the text be selected and copied."""
    flags = Qt.TextInteractionFlag
    widget.setTextInteractionFlags(flags.TextSelectableByMouse | flags.TextSelectableByKeyboard)
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
    name: str = "",
    takes_focus: bool = True,
    costly: bool = False,
) -> QPushButton:
    """A push button. One with only an icon needs a ``tip``, which is also its accessible name.
    ``name`` is its object name. Unless it ``takes_focus``, a click does not move the focus. A
    ``costly`` one does not take it either, and only reacts to clicks and its own shortcut.
    """
    widget = QPushButton(text)
    widget.setAutoDefault(False)
    widget.setObjectName(name)
    widget.setProperty(_COSTLY, costly)
    if costly or not takes_focus:
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


class ToolButton(QToolButton):
    """A button of the viewer. A click does not take the focus, so that Space still plays; Tab
    reaches it."""

    def __init__(
        self, icon_name: str = "", tip: str = "", colour: str = _ICON_COLOUR, style: str = "quiet"
    ) -> None:
        super().__init__()
        if icon_name:
            self.setIcon(icon(icon_name, colour))
            self.setIconSize(QSize(SIZE, SIZE))
        self.describe(tip)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_style_class(self, style)

    def describe(self, tip: str) -> None:
        """Set the tooltip, which is also the accessible name."""
        self.setToolTip(tip)
        self.setAccessibleName(tip)


def open_menu_on_click(opener: QAbstractButton, menu: QMenu) -> None:
    """Open a menu below a button on click. The menu of a tool button would run a nested event loop
    until it is closed."""
    opener.clicked.connect(lambda: menu.popup(opener.mapToGlobal(QPoint(0, opener.height()))))


def add_action(
    menu: QMenu, text: str, on_triggered: Callable[[], object], *, is_enabled: bool = True
) -> None:
    """Add an entry to a menu."""
    action = menu.addAction(text)
    action.setEnabled(is_enabled)
    action.triggered.connect(lambda _checked=False: on_triggered())


def chip(text: str, *, checkable: bool = True) -> QPushButton:
    widget = button(text, "chip")
    widget.setCheckable(checkable)
    return widget


def vbox(
    *items: QWidget | QLayout | int, margin: Margin = 0, gap: int = 6, grows: int = -1
) -> QVBoxLayout:
    """A vertical layout; a number is a stretch. ``grows``: index of the item that takes the
    remaining space."""
    layout = QVBoxLayout()
    _fill(layout, items, margin, gap, grows)
    return layout


def hbox(
    *items: QWidget | QLayout | int, margin: Margin = 0, gap: int = 6, grows: int = -1
) -> QHBoxLayout:
    """A horizontal layout, see :func:`vbox`."""
    layout = QHBoxLayout()
    _fill(layout, items, margin, gap, grows)
    return layout


class WrapRow(QWidget):
    """Widgets in a row if it is wide enough, otherwise in a column. ``grows``: index of the item
    that takes the remaining space."""

    def __init__(self, *items: QWidget, gap: int = 6, grows: int = -1) -> None:
        super().__init__()
        self._items = items
        self._line = hbox(*items, gap=gap, grows=grows)
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
    layout: QBoxLayout,
    items: tuple[QWidget | QLayout | int, ...],
    margin: Margin,
    gap: int,
    grows: int,
) -> None:
    layout.setContentsMargins(*((margin,) * 4 if isinstance(margin, int) else margin))
    layout.setSpacing(gap)
    for item in items:
        if isinstance(item, int):
            layout.addStretch(item)
        elif isinstance(item, QLayout):
            layout.addLayout(item)
        else:
            layout.addWidget(item)
    if grows >= 0:
        layout.setStretch(grows, 1)


def framed(layout: QLayout, style: str = "") -> QFrame:
    """A frame around a layout."""
    frame = QFrame()
    frame.setLayout(layout)
    if style:
        set_style_class(frame, style)
    return frame


class ProblemText(QFrame):
    """What went wrong, and the next step; hidden while there is neither."""

    def __init__(self, *, is_boxed: bool = False) -> None:
        super().__init__()
        self._problem, self._next_step = label("", "bad", wrap=True), label("", "dim", wrap=True)
        self.setLayout(vbox(self._problem, self._next_step, margin=10 if is_boxed else 0, gap=4))
        if is_boxed:
            set_style_class(self, "warning")
        self.hide()

    def show_problem(self, problem: str, next_step: str) -> None:
        show_text(self._problem, problem)
        show_text(self._next_step, next_step)
        self.setVisible(bool(problem or next_step))


def scroll_area(layout: QLayout) -> QScrollArea:
    """A layout at full width, with vertical scrolling only."""
    area, inside = QScrollArea(), QWidget()
    inside.setLayout(layout)
    # Its own viewport, which does not fill its background. Asking for the one that Qt creates would
    # make PySide load all classes of widgets, to find out which one it is: that takes 5 ms.
    area.setViewport(QWidget())
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFrameShape(QFrame.Shape.NoFrame)
    set_style_class(inside, "scroll")
    inside.setAutoFillBackground(False)
    area.setWidget(inside)
    return area


def fill_background(widget: QWidget, style: str) -> None:
    """Let a plain widget paint the background of its style class."""
    set_style_class(widget, style)
    widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)


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


def show_popover(popover: QWidget, anchor: QWidget) -> None:
    """Show a popover at its anchor, within its parent."""
    parent = popover.parentWidget()
    assert parent is not None  # popovers lie over the panel
    width = min(380, parent.width() - 16)
    popover.setFixedWidth(width)
    inner = popover.layout()
    height = popover.sizeHint().height()
    if inner is not None and inner.hasHeightForWidth():
        height = max(inner.heightForWidth(width), popover.minimumHeight())
    size = QSize(width, height).boundedTo(parent.size() - QSize(16, 16))
    popover.resize(size)
    position = anchor.mapTo(parent, QPoint(0, anchor.height() + 4))
    if position.y() + size.height() > parent.height() - 8:
        position.setY(max(8, anchor.mapTo(parent, QPoint(0, 0)).y() - size.height() - 4))
    position.setX(max(8, min(position.x(), parent.width() - size.width() - 8)))
    popover.move(position)
    popover.show()
    popover.raise_()
    popover.setFocus()


@contextmanager
def safe_painter(device: QPaintDevice) -> Iterator[QPainter]:
    """A painter that is always ended; exceptions are logged and cost one repaint.

    An exception that leaves ``paintEvent`` with an active painter can crash the host.
    """
    painter = QPainter(device)
    try:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        yield painter
    except Exception:
        _log.exception("painting failed")
    finally:
        painter.end()
