"""The style sheet of the panel's root widget; nothing outside it is changed.

The dynamic property ``styleClass`` of a widget selects its rules: ``card``, ``chip``, ``main``,
``quiet``, ``dim``, ``small`` and others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from bridge_ui.theme.colours import ThemeColours


def apply_theme(widget: QWidget, colours: ThemeColours) -> None:
    """Apply palette and style sheet to a widget and its children."""
    widget.setPalette(_palette(widget.palette(), colours))
    widget.setStyleSheet(style_sheet(colours))


def set_style_class(widget: QWidget, name: str) -> QWidget:
    """Set the style class of a widget, and update its style if it changed."""
    if widget.property("styleClass") != name:
        widget.setProperty("styleClass", name)
        # One that was never shown is polished when it is.
        if widget.testAttribute(Qt.WidgetAttribute.WA_WState_Polished):
            widget.style().unpolish(widget)
            widget.style().polish(widget)
    return widget


def _palette(base: QPalette, colours: ThemeColours) -> QPalette:
    palette = QPalette(base)
    role = QPalette.ColorRole
    for which, colour in (
        (role.Window, colours.panel),
        (role.WindowText, colours.text),
        (role.Base, colours.field),
        (role.AlternateBase, colours.panel),
        (role.Text, colours.text),
        (role.PlaceholderText, colours.dim),
        (role.Button, colours.raised),
        (role.ButtonText, colours.text),
        (role.Highlight, colours.button_fill),
        (role.HighlightedText, "#ffffff"),
        (role.ToolTipBase, colours.raised),
        (role.ToolTipText, colours.text),
        (role.Link, colours.accent),
    ):
        palette.setColor(which, colour)
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, colours.mix("dim", "panel", 0.7))
    return palette


def style_sheet(t: ThemeColours) -> str:
    """All rules, with the colours filled in."""
    hover = t.mix("text", "raised", 0.08)
    chosen = t.mix("accent", "raised", 0.22)
    off = t.mix("dim", "panel", 0.7)
    return f"""
* {{ outline: none; }}
QWidget {{ color: {t.text}; }}
QWidget:disabled {{ color: {off}; }}
QToolTip {{ color: {t.text}; background: {t.raised}; border: 1px solid {t.line}; padding: 4px; }}
QFrame[styleClass="panel"], QWidget[styleClass="panel"] {{ background: {t.panel}; }}
QWidget[styleClass="background"] {{ background: {t.ground}; }}
QWidget[styleClass="bar"] {{ background: {t.panel}; border-bottom: 1px solid {t.line}; }}
QWidget[styleClass="status"] {{ background: {t.panel}; border-top: 1px solid {t.line}; }}
QFrame[styleClass="card"] {{
    background: {t.ground}; border: 1px solid {t.line}; border-radius: 6px;
}}
QFrame[styleClass="warning"] {{
    background: {t.mix("warn", "ground", 0.10)};
    border: 1px solid {t.mix("warn", "line", 0.6)}; border-radius: 6px;
}}
QFrame[styleClass="popover"] {{
    background: {t.panel}; border: 1px solid {t.line}; border-radius: 8px;
}}
QLabel {{ background: transparent; }}
QLabel[styleClass="dim"], QLabel[styleClass="small"] {{ color: {t.dim}; }}
QLabel[styleClass="good"] {{ color: {t.good}; }}
QLabel[styleClass="warn"] {{ color: {t.warn}; }}
QLabel[styleClass="bad"] {{ color: {t.bad}; }}

QPushButton, QToolButton {{
    background: {t.raised}; border: 1px solid {t.line}; border-radius: 5px; padding: 5px 10px;
}}
QPushButton:hover, QToolButton:hover {{ background: {hover}; }}
QPushButton:pressed, QToolButton:pressed {{ background: {t.field}; }}
QPushButton:focus, QToolButton:focus {{ border-color: {t.accent}; }}
QPushButton:checked, QToolButton:checked {{
    background: {chosen}; border-color: {t.mix("accent", "line", 0.55)};
}}
QPushButton[styleClass="quiet"], QToolButton[styleClass="quiet"] {{
    background: transparent; border-color: transparent; padding: 4px 6px;
}}
QPushButton[styleClass="quiet"]:hover, QToolButton[styleClass="quiet"]:hover {{
    background: {t.raised};
}}
QPushButton[styleClass="quiet"]:checked, QToolButton[styleClass="quiet"]:checked {{
    background: {chosen}; border-color: {t.mix("accent", "line", 0.55)};
}}
QPushButton[styleClass="quiet"]:focus, QToolButton[styleClass="quiet"]:focus {{
    border-color: {t.accent};
}}
QPushButton[styleClass="link"] {{
    background: transparent; border: 1px solid transparent; color: {t.accent}; padding: 2px 4px;
}}
QPushButton[styleClass="link"]:hover {{ background: {t.raised}; }}
QPushButton[styleClass="link"]:focus {{ border-color: {t.accent}; }}
QPushButton[styleClass="chip"] {{
    border-radius: 11px; padding: 3px 10px; background: transparent;
}}
QPushButton[styleClass="chip"]:hover {{ background: {t.raised}; }}
QPushButton[styleClass="chip"]:checked {{ background: {chosen}; }}
QPushButton[styleClass="chip"]:focus {{ border-color: {t.accent}; }}
QPushButton[styleClass="main"] {{
    background: {t.button_fill}; border: 1px solid {t.button_fill}; color: white;
    border-radius: 6px; padding: 9px 14px; font-weight: 600;
}}
QPushButton[styleClass="main"]:hover {{ background: {t.mix("accent", "button_fill", 0.25)}; }}
QPushButton[styleClass="main"]:focus {{ border-color: white; }}
QPushButton[styleClass="main"]:disabled {{
    background: {t.raised}; border-color: {t.line}; color: {t.dim};
}}
QPushButton[styleClass="service"] {{
    background: {t.mix("accent", "panel", 0.14)};
    border-color: {t.mix("accent", "line", 0.45)}; text-align: left;
}}
QPushButton[styleClass="service"]:focus {{ border-color: {t.accent}; }}
QPushButton::menu-indicator, QToolButton::menu-indicator {{ image: none; width: 0; }}

QLineEdit, QPlainTextEdit, QSpinBox, QDoubleSpinBox, QComboBox {{
    background: {t.field}; border: 1px solid {t.line}; border-radius: 5px; padding: 4px 7px;
    selection-background-color: {t.button_fill}; selection-color: white;
}}
QLineEdit:focus, QPlainTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus {{
    border-color: {t.accent};
}}
QSpinBox, QDoubleSpinBox {{ padding-right: 8px; }}
QSpinBox::up-button, QSpinBox::down-button,
QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {{ width: 0; border: none; }}
QComboBox {{ padding-right: 2px; }}
QComboBox::drop-down {{ border: none; width: 20px; }}
QComboBox::down-arrow {{ image: none; }}
QComboBox QAbstractItemView {{
    background: {t.panel}; border: 1px solid {t.line}; selection-background-color: {t.button_fill};
}}

QSlider {{ min-height: 20px; background: transparent; }}
QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {t.line}; }}
QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {t.accent}; }}
QSlider::handle:horizontal {{
    width: 14px; height: 14px; margin: -5px 0; border-radius: 7px; background: {t.text};
}}
QSlider::handle:horizontal:focus {{ background: white; border: 2px solid {t.accent};
    width: 12px; height: 12px; border-radius: 8px; margin: -6px 0; }}

QTabBar {{ background: transparent; qproperty-drawBase: 0; }}
QTabBar::tab {{
    background: transparent; border: none; border-bottom: 2px solid transparent;
    padding: 8px 6px 6px 6px; color: {t.dim};
}}
QTabBar[styleClass="wide"]::tab {{ padding: 8px 10px 6px 10px; }}
QTabBar QToolButton {{ padding: 0; border-radius: 0; }}
QTabBar::tear {{ image: none; width: 0; }}
QTabBar::tab:hover {{ color: {t.text}; }}
QTabBar::tab:selected {{ color: {t.text}; border-bottom-color: {t.accent}; }}
QTabBar::tab:focus {{ background: {t.raised}; }}

QListView {{ background: {t.panel}; border: none; }}
QListView:focus {{ border: none; }}
QScrollArea {{ background: transparent; border: none; }}
QScrollArea > QWidget > QWidget[styleClass="scroll"] {{ background: transparent; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar::handle:vertical {{
    background: {t.mix("dim", "panel", 0.35)}; border-radius: 3px; min-height: 28px; margin: 2px;
}}
QScrollBar::handle:vertical:hover {{ background: {t.dim}; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle:horizontal {{
    background: {t.mix("dim", "panel", 0.35)}; border-radius: 3px; min-width: 28px; margin: 2px;
}}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QSplitter::handle {{ background: {t.line}; }}
QProgressBar {{ background: {t.line}; border: none; border-radius: 2px; max-height: 4px; }}
QProgressBar::chunk {{ background: {t.accent}; border-radius: 2px; }}
QMenu {{ background: {t.panel}; border: 1px solid {t.line}; padding: 4px; }}
QMenu::item {{ padding: 5px 22px 5px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: {t.button_fill}; color: white; }}
QMenu::item:disabled {{ color: {off}; }}
QMenu::separator {{ height: 1px; background: {t.line}; margin: 4px; }}
"""
