"""The pen tray: tools, colours, widths, undo; and the pen itself, from the canvas to the sketch."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import QBoxLayout, QButtonGroup, QFrame, QLineEdit, QMenu, QToolButton

from bridge_core.models.notes import StrokeTool
from bridge_ui.core.translate import tr
from bridge_ui.review.annotations.sketch import COLOURS, TEXT_HEIGHT, WIDTHS, Sketch
from bridge_ui.review.canvas.canvas_widget import ViewerCanvas
from bridge_ui.review.player.transport_widgets import icon_button
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import open_menu_on_click

ERASER = "eraser"


class DrawingToolbar(QFrame):
    """What the pen does; a column in the picture's corner, or a row below it."""

    undo_requested = Signal()
    redo_requested = Signal()

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
        self.tool: str = StrokeTool.PEN
        self.colour = COLOURS[0]
        self.stroke_width = WIDTHS[1]
        self._colours = colours
        set_style_class(self, "popover")
        self.setAccessibleName(tr("Drawing tools"))
        self._layout = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._layout.setContentsMargins(3, 3, 3, 3)
        self._layout.setSpacing(1)
        group = QButtonGroup(self)
        self._tool_buttons: dict[str, QToolButton] = {}
        for tool, sign, tip in (
            (StrokeTool.PEN, "pencil", tr("Pen")),
            (StrokeTool.ARROW, "arrow-up-right", tr("Arrow")),
            (StrokeTool.BOX, "square", tr("Box")),
            (StrokeTool.ELLIPSE, "circle", tr("Ellipse")),
            (StrokeTool.TEXT, "type", tr("Text")),
            (ERASER, "eraser", tr("Eraser: takes away the stroke that it touches")),
        ):
            button = icon_button(sign, tip, colours)
            set_style_class(button, "tool")
            button.setCheckable(True)
            button.setChecked(tool == self.tool)
            button.clicked.connect(lambda _on=False, tool=tool: self.select_tool(tool))
            group.addButton(button)
            self._tool_buttons[tool] = button
            self._layout.addWidget(button)
        self._style_button = QToolButton()
        set_style_class(self._style_button, "tool")
        self._style_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._style_button.setToolTip(tr("Colour and width"))
        self._style_button.setAccessibleName(tr("Colour and width"))
        open_menu_on_click(self._style_button, self._style_menu())
        self._layout.addWidget(self._style_button)
        self._undo_button = icon_button("undo-2", tr("Undo (Ctrl+Z)"), colours)
        self._redo_button = icon_button("redo-2", tr("Redo (Ctrl+Shift+Z)"), colours)
        for button, signal in (
            (self._undo_button, self.undo_requested),
            (self._redo_button, self.redo_requested),
        ):
            set_style_class(button, "tool")
            button.clicked.connect(signal)
            self._layout.addWidget(button)
        self.setStyleSheet(_toolbar_style(colours))
        self._show_style()

    def set_vertical(self, vertical: bool) -> None:
        way = QBoxLayout.Direction
        self._layout.setDirection(way.TopToBottom if vertical else way.LeftToRight)

    def select_tool(self, tool: str) -> None:
        self.tool = tool
        self._tool_buttons[tool].setChecked(True)

    def show_history(self, sketch: Sketch) -> None:
        self._undo_button.setEnabled(sketch.can_undo)
        self._redo_button.setEnabled(sketch.can_redo)

    def _style_menu(self) -> QMenu:
        menu = QMenu(self)
        names = (tr("Amber"), tr("Red"), tr("Green"), tr("Blue"), tr("White"))
        for colour, name in zip(COLOURS, names, strict=True):
            action = menu.addAction(_dot_icon(colour, 9), name)
            action.triggered.connect(
                lambda _on=False, colour=colour: self._set_style(colour=colour)
            )
        menu.addSeparator()
        for width, name in zip(WIDTHS, (tr("Thin"), tr("Middle"), tr("Thick")), strict=True):
            action = menu.addAction(_dot_icon(self._colours.text, 2 + width * 1000), name)
            action.triggered.connect(lambda _on=False, width=width: self._set_style(width=width))
        return menu

    def _set_style(self, *, colour: str | None = None, width: float | None = None) -> None:
        self.colour = colour or self.colour
        self.stroke_width = width or self.stroke_width
        self._show_style()

    def _show_style(self) -> None:
        self._style_button.setIcon(_dot_icon(self.colour, 4 + self.stroke_width * 1000))


def _toolbar_style(t: ThemeColours) -> str:
    return f"""
QFrame {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 7px; }}
QToolButton {{ background: transparent; border: 1px solid transparent; padding: 5px; }}
QToolButton:hover {{ background: {t.raised}; }}
QToolButton:checked {{
    background: {t.mix("accent", "raised", 0.3)}; border-color: {t.accent};
}}
QToolButton:focus {{ border-color: {t.accent}; }}
QToolButton::menu-indicator {{ image: none; }}
"""


def _dot_icon(colour: str, radius: float) -> QIcon:
    picture = QPixmap(32, 32)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    try:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawEllipse(QPointF(16, 16), radius, radius)
    finally:
        painter.end()
    picture.setDevicePixelRatio(2)
    return QIcon(picture)


class PenInput:
    """Takes the canvas's strokes into the sketch, with the tray's tool, on the room's frame."""

    def __init__(self, canvas: ViewerCanvas, toolbar: DrawingToolbar, sketch: Sketch) -> None:
        self._canvas, self._toolbar, self._sketch = canvas, toolbar, sketch
        self.frame = 0
        """On which is drawn; the room keeps it."""
        self.on_change = _do_nothing
        """Called after each change of the sketch."""
        self._text_field: _TextField | None = None
        canvas.pen_down.connect(self._down)
        canvas.pen_moved.connect(self._moved)
        canvas.pen_up.connect(self._up)
        toolbar.undo_requested.connect(self.undo)
        toolbar.redo_requested.connect(self.redo)

    def set_sketch(self, sketch: Sketch) -> None:
        """Draw into another sketch; words that are being written stay with the last one."""
        if self._text_field is not None:
            self._text_field.finish()
        self._sketch.cancel()
        self._sketch = sketch

    def undo(self) -> int | None:
        return self._notify_change(self._sketch.undo())

    def redo(self) -> int | None:
        return self._notify_change(self._sketch.redo())

    def cancel(self) -> None:
        """What is under the pen was not meant."""
        self._sketch.cancel()
        if self._text_field is not None:
            self._text_field.cancel()
        self.on_change()

    def _notify_change(self, frame: int | None) -> int | None:
        self.on_change()
        return frame

    def _down(self, x: float, y: float) -> None:
        tool = self._toolbar.tool
        if tool == ERASER:
            self._erase(x, y)
        elif tool == StrokeTool.TEXT:
            self._add_text((x, y))
        else:
            self._sketch.begin(
                self.frame,
                StrokeTool(tool),
                (x, y),
                colour=self._toolbar.colour,
                width=self._toolbar.stroke_width,
            )
            self.on_change()

    def _moved(self, x: float, y: float) -> None:
        if self._toolbar.tool == ERASER:
            self._erase(x, y)
        else:
            self._sketch.move((x, y))
            self.on_change()

    def _up(self) -> None:
        self._sketch.end()
        self.on_change()

    def _erase(self, x: float, y: float) -> None:
        size = self._canvas.transform.picture_size
        if self._sketch.erase(self.frame, (x, y), size.width() / size.height()):
            self.on_change()

    def _add_text(self, at: tuple[float, float]) -> None:
        if self._text_field is not None:
            self._text_field.finish()
        frame, colour = self.frame, self._toolbar.colour
        place = self._canvas.picture_rect()

        def on_done(text: str) -> None:
            self._text_field = None
            if self._sketch.add_text(frame, at, text, colour=colour):
                self.on_change()
            self._canvas.setFocus()

        self._text_field = _TextField(self._canvas, colour, on_done)
        self._text_field.open(
            QPointF(place.left() + at[0] * place.width(), place.top() + at[1] * place.height()),
            max(12, round(TEXT_HEIGHT * place.width())),
        )


class _TextField(QLineEdit):
    """Writes on the picture: Return keeps the words, Escape does not."""

    def __init__(self, parent: ViewerCanvas, colour: str, on_done: Callable[[str], None]) -> None:
        super().__init__(parent)
        self._canvas = parent
        self._on_done = on_done
        self._is_open = True
        self.setAccessibleName(tr("Text on the picture"))
        self.setPlaceholderText(tr("Write, then Return"))
        self.setStyleSheet(
            f"QLineEdit {{ color: {colour}; background: #0e0f10; border: 1px solid {colour};"
            " border-radius: 4px; padding: 2px 6px; }"
        )
        self.returnPressed.connect(self.finish)

    def open(self, at: QPointF, height: int) -> None:
        font = self.font()
        font.setPixelSize(height)
        self.setFont(font)
        size = QSize(max(180, height * 10), self.sizeHint().height())
        canvas_size = self._canvas.size()
        self.resize(min(size.width(), canvas_size.width()), size.height())
        self.move(
            int(max(0, min(at.x(), canvas_size.width() - self.width()))),
            int(max(0, min(at.y(), canvas_size.height() - self.height()))),
        )
        self.show()
        self.setFocus()

    def finish(self) -> None:
        self._finish(self.text())

    def cancel(self) -> None:
        self._finish("")

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Escape:
            self.cancel()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: object) -> None:  # noqa: N802
        super().focusOutEvent(event)  # type: ignore[arg-type]
        self.finish()

    def _finish(self, text: str) -> None:
        if self._is_open:
            self._is_open = False
            self.hide()
            self.deleteLater()
            self._on_done(text)


def _do_nothing() -> None: ...
