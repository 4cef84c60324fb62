"""The drawing toolbar: tools, colours, widths, undo."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QBoxLayout, QButtonGroup, QFrame, QMenu

from bridge_core.models.enumerations import StrokeTool
from bridge_ui.core.translate import tr
from bridge_ui.review.annotations.sketch import COLOURS, WIDTHS, Sketch
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import ToolButton, open_menu_on_click, safe_painter

ERASER = "eraser"


class DrawingToolbar(QFrame):
    """The pen's tool and style; a column on the picture, or a row below it."""

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
        self._tool_buttons: dict[str, ToolButton] = {}
        for tool, icon_name, tip in (
            (StrokeTool.PEN, "pencil", tr("Pen")),
            (StrokeTool.ARROW, "arrow-up-right", tr("Arrow")),
            (StrokeTool.BOX, "square", tr("Box")),
            (StrokeTool.ELLIPSE, "circle", tr("Ellipse")),
            (StrokeTool.TEXT, "type", tr("Text")),
            (ERASER, "eraser", tr("Eraser: removes the stroke that it touches")),
        ):
            button = ToolButton(icon_name, tip, colours.text, "tool")
            button.setCheckable(True)
            button.setChecked(tool == self.tool)
            button.clicked.connect(lambda _on=False, tool=tool: self.select_tool(tool))
            group.addButton(button)
            self._tool_buttons[tool] = button
            self._layout.addWidget(button)
        self._style_button = ToolButton("", tr("Colour and width"), style="tool")
        open_menu_on_click(self._style_button, self._style_menu())
        self._layout.addWidget(self._style_button)
        undo_tip, redo_tip = tr("Undo (Ctrl+Z)"), tr("Redo (Ctrl+Shift+Z)")
        self._undo_button = ToolButton("undo-2", undo_tip, colours.text, "tool")
        self._redo_button = ToolButton("redo-2", redo_tip, colours.text, "tool")
        for button, signal in (
            (self._undo_button, self.undo_requested),
            (self._redo_button, self.redo_requested),
        ):
            button.clicked.connect(signal)
            self._layout.addWidget(button)
        self.setStyleSheet(_toolbar_style(colours))
        self._show_style()

    def set_vertical(self, vertical: bool) -> None:
        direction = QBoxLayout.Direction
        self._layout.setDirection(direction.TopToBottom if vertical else direction.LeftToRight)

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
            action.triggered.connect(partial(self._set_style, colour, None))
        menu.addSeparator()
        for width, name in zip(WIDTHS, (tr("Thin"), tr("Medium"), tr("Thick")), strict=True):
            action = menu.addAction(_dot_icon(self._colours.text, 2 + width * 1000), name)
            action.triggered.connect(partial(self._set_style, None, width))
        return menu

    def _set_style(self, colour: str | None, width: float | None, _checked: bool = False) -> None:
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
QToolButton:checked {{ background: {t.mix("accent", "raised", 0.3)}; border-color: {t.accent}; }}
QToolButton:focus {{ border-color: {t.accent}; }}
QToolButton::menu-indicator {{ image: none; }}
"""


def _dot_icon(colour: str, radius: float) -> QIcon:
    picture = QPixmap(32, 32)
    picture.fill(Qt.GlobalColor.transparent)
    with safe_painter(picture) as painter:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawEllipse(QPointF(16, 16), radius, radius)
    picture.setDevicePixelRatio(2)
    return QIcon(picture)
