"""The pen tray: tools, colours, widths, undo; and the pen itself, from the canvas to the sketch."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import QBoxLayout, QButtonGroup, QFrame, QLineEdit, QMenu, QToolButton

from bridge_core.models.notes import StrokeTool
from bridge_ui.panel.pieces import pops_up
from bridge_ui.review.canvas import Canvas
from bridge_ui.review.strokes import COLOURS, TEXT_HEIGHT, WIDTHS, Sketch
from bridge_ui.review.transport import sign_button
from bridge_ui.theme.sheet import look
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import tr

ERASER = "eraser"


class PenTray(QFrame):
    """What the pen does; a column in the picture's corner, or a row below it."""

    undo = Signal()
    redo = Signal()

    def __init__(self, tones: Tones) -> None:
        super().__init__()
        self.tool: str = StrokeTool.PEN
        self.colour = COLOURS[0]
        self.width_part = WIDTHS[1]
        self._tones = tones
        look(self, "popover")
        self.setAccessibleName(tr("Drawing tools"))
        self._layout = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._layout.setContentsMargins(3, 3, 3, 3)
        self._layout.setSpacing(1)
        group = QButtonGroup(self)
        self._tools: dict[str, QToolButton] = {}
        for tool, sign, tip in (
            (StrokeTool.PEN, "pencil", tr("Pen")),
            (StrokeTool.ARROW, "arrow-up-right", tr("Arrow")),
            (StrokeTool.BOX, "square", tr("Box")),
            (StrokeTool.ELLIPSE, "circle", tr("Ellipse")),
            (StrokeTool.TEXT, "type", tr("Text")),
            (ERASER, "eraser", tr("Eraser: takes away the stroke that it touches")),
        ):
            button = sign_button(sign, tip, tones)
            look(button, "tool")
            button.setCheckable(True)
            button.setChecked(tool == self.tool)
            button.clicked.connect(lambda _on=False, tool=tool: self.choose(tool))
            group.addButton(button)
            self._tools[tool] = button
            self._layout.addWidget(button)
        self._paint_button = QToolButton()
        look(self._paint_button, "tool")
        self._paint_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._paint_button.setToolTip(tr("Colour and width"))
        self._paint_button.setAccessibleName(tr("Colour and width"))
        pops_up(self._paint_button, self._paint_menu())
        self._layout.addWidget(self._paint_button)
        self._undo = sign_button("undo-2", tr("Undo (Ctrl+Z)"), tones)
        self._redo = sign_button("redo-2", tr("Redo (Ctrl+Shift+Z)"), tones)
        for button, signal in ((self._undo, self.undo), (self._redo, self.redo)):
            look(button, "tool")
            button.clicked.connect(signal)
            self._layout.addWidget(button)
        self.setStyleSheet(_tray(tones))
        self._show_paint()

    def set_column(self, column: bool) -> None:
        way = QBoxLayout.Direction
        self._layout.setDirection(way.TopToBottom if column else way.LeftToRight)

    def choose(self, tool: str) -> None:
        self.tool = tool
        self._tools[tool].setChecked(True)

    def show_history(self, sketch: Sketch) -> None:
        self._undo.setEnabled(sketch.can_undo)
        self._redo.setEnabled(sketch.can_redo)

    def _paint_menu(self) -> QMenu:
        menu = QMenu(self)
        names = (tr("Amber"), tr("Red"), tr("Green"), tr("Blue"), tr("White"))
        for colour, name in zip(COLOURS, names, strict=True):
            action = menu.addAction(_dot(colour, 9), name)
            action.triggered.connect(lambda _on=False, colour=colour: self._take(colour=colour))
        menu.addSeparator()
        for width, name in zip(WIDTHS, (tr("Thin"), tr("Middle"), tr("Thick")), strict=True):
            action = menu.addAction(_dot(self._tones.text, 2 + width * 1000), name)
            action.triggered.connect(lambda _on=False, width=width: self._take(width=width))
        return menu

    def _take(self, *, colour: str | None = None, width: float | None = None) -> None:
        self.colour = colour or self.colour
        self.width_part = width or self.width_part
        self._show_paint()

    def _show_paint(self) -> None:
        self._paint_button.setIcon(_dot(self.colour, 4 + self.width_part * 1000))


def _tray(t: Tones) -> str:
    return f"""
QFrame {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 7px; }}
QToolButton {{ background: transparent; border: 1px solid transparent; padding: 5px; }}
QToolButton:hover {{ background: {t.raised}; }}
QToolButton:checked {{
    background: {t.mixed("accent", "raised", 0.3)}; border-color: {t.accent};
}}
QToolButton:focus {{ border-color: {t.accent}; }}
QToolButton::menu-indicator {{ image: none; }}
"""


def _dot(colour: str, across: float) -> QIcon:
    picture = QPixmap(32, 32)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    try:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawEllipse(QPointF(16, 16), across, across)
    finally:
        painter.end()
    picture.setDevicePixelRatio(2)
    return QIcon(picture)


class Pen:
    """Takes the canvas's strokes into the sketch, with the tray's tool, on the room's frame."""

    def __init__(self, canvas: Canvas, tray: PenTray, sketch: Sketch) -> None:
        self._canvas, self._tray, self._sketch = canvas, tray, sketch
        self.frame = 0
        """On which is drawn; the room keeps it."""
        self.changed = _nothing
        """Called after each change of the sketch."""
        self._writing: _TextField | None = None
        canvas.pen_down.connect(self._down)
        canvas.pen_moved.connect(self._moved)
        canvas.pen_up.connect(self._up)
        tray.undo.connect(self.undo)
        tray.redo.connect(self.redo)

    def take(self, sketch: Sketch) -> None:
        """Draw into another sketch; words that are being written stay with the last one."""
        if self._writing is not None:
            self._writing.finish()
        self._sketch.cancel()
        self._sketch = sketch

    def undo(self) -> int | None:
        return self._told(self._sketch.undo())

    def redo(self) -> int | None:
        return self._told(self._sketch.redo())

    def leave(self) -> None:
        """What is under the pen was not meant."""
        self._sketch.cancel()
        if self._writing is not None:
            self._writing.give_up()
        self.changed()

    def _told(self, frame: int | None) -> int | None:
        self.changed()
        return frame

    def _down(self, x: float, y: float) -> None:
        tool = self._tray.tool
        if tool == ERASER:
            self._erase(x, y)
        elif tool == StrokeTool.TEXT:
            self._write((x, y))
        else:
            self._sketch.begin(
                self.frame,
                StrokeTool(tool),
                (x, y),
                colour=self._tray.colour,
                width=self._tray.width_part,
            )
            self.changed()

    def _moved(self, x: float, y: float) -> None:
        if self._tray.tool == ERASER:
            self._erase(x, y)
        else:
            self._sketch.move((x, y))
            self.changed()

    def _up(self) -> None:
        self._sketch.end()
        self.changed()

    def _erase(self, x: float, y: float) -> None:
        size = self._canvas.view.picture
        if self._sketch.erase(self.frame, (x, y), size.width() / size.height()):
            self.changed()

    def _write(self, at: tuple[float, float]) -> None:
        if self._writing is not None:
            self._writing.finish()
        frame, colour = self.frame, self._tray.colour
        place = self._canvas.picture_rect()

        def done(text: str) -> None:
            self._writing = None
            if self._sketch.write(frame, at, text, colour=colour):
                self.changed()
            self._canvas.setFocus()

        self._writing = _TextField(self._canvas, colour, done)
        self._writing.open(
            QPointF(place.left() + at[0] * place.width(), place.top() + at[1] * place.height()),
            max(12, round(TEXT_HEIGHT * place.width())),
        )


class _TextField(QLineEdit):
    """Writes on the picture: Return keeps the words, Escape does not."""

    def __init__(self, parent: Canvas, colour: str, done: Callable[[str], None]) -> None:
        super().__init__(parent)
        self._canvas = parent
        self._done = done
        self._open = True
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
        room = self._canvas.size()
        self.resize(min(size.width(), room.width()), size.height())
        self.move(
            int(max(0, min(at.x(), room.width() - self.width()))),
            int(max(0, min(at.y(), room.height() - self.height()))),
        )
        self.show()
        self.setFocus()

    def finish(self) -> None:
        self._end(self.text())

    def give_up(self) -> None:
        self._end("")

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Escape:
            self.give_up()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: object) -> None:  # noqa: N802
        super().focusOutEvent(event)  # type: ignore[arg-type]
        self.finish()

    def _end(self, text: str) -> None:
        if self._open:
            self._open = False
            self.hide()
            self.deleteLater()
            self._done(text)


def _nothing() -> None: ...
