"""The style sheet of the panel's own root widget; nothing outside it is touched.

Widgets say what they are with the dynamic property ``look``: ``card``, ``chip``, ``main``,
``quiet``, ``title``, ``dim``, ``small``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from bridge_ui.theme.colours import ThemeColours


def apply_theme(widget: QWidget, colours: ThemeColours) -> None:
    """Give a widget and all in it our colours."""
    widget.setPalette(_palette(widget.palette(), colours))
    widget.setStyleSheet(style_sheet(colours))


def set_style_class(widget: QWidget, name: str) -> QWidget:
    """Say what a widget is; called again with another name it changes its looks."""
    if widget.property("look") != name:
        widget.setProperty("look", name)
        # One that was never shown is polished then.
        if widget.testAttribute(Qt.WidgetAttribute.WA_WState_Polished):
            widget.style().unpolish(widget)
            widget.style().polish(widget)
    return widget


def _palette(base: QPalette, colours: ThemeColours) -> QPalette:
    palette = QPalette(base)
    role = QPalette.ColorRole
    for which, tone in (
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
        palette.setColor(which, tone)
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, colours.mix("dim", "panel", 0.7))
    return palette


def style_sheet(t: ThemeColours) -> str:
    """All rules, made of tones."""
    hover = t.mix("text", "raised", 0.08)
    chosen = t.mix("accent", "raised", 0.22)
    off = t.mix("dim", "panel", 0.7)
    return f"""
* {{ outline: none; }}
QWidget {{ color: {t.text}; }}
QWidget:disabled {{ color: {off}; }}
QToolTip {{ color: {t.text}; background: {t.raised}; border: 1px solid {t.line}; padding: 4px; }}
QFrame[look="panel"], QWidget[look="panel"] {{ background: {t.panel}; }}
QWidget[look="ground"] {{ background: {t.ground}; }}
QWidget[look="bar"] {{ background: {t.panel}; border-bottom: 1px solid {t.line}; }}
QWidget[look="status"] {{ background: {t.panel}; border-top: 1px solid {t.line}; }}
QFrame[look="card"] {{ background: {t.ground}; border: 1px solid {t.line}; border-radius: 6px; }}
QFrame[look="warning"] {{
    background: {t.mix("warn", "ground", 0.10)};
    border: 1px solid {t.mix("warn", "line", 0.6)}; border-radius: 6px;
}}
QFrame[look="popover"] {{
    background: {t.panel}; border: 1px solid {t.line}; border-radius: 8px;
}}
QLabel {{ background: transparent; }}
QLabel[look="dim"], QLabel[look="small"] {{ color: {t.dim}; }}
QLabel[look="good"] {{ color: {t.good}; }}
QLabel[look="warn"] {{ color: {t.warn}; }}
QLabel[look="bad"] {{ color: {t.bad}; }}

QPushButton, QToolButton {{
    background: {t.raised}; border: 1px solid {t.line}; border-radius: 5px; padding: 5px 10px;
}}
QPushButton:hover, QToolButton:hover {{ background: {hover}; }}
QPushButton:pressed, QToolButton:pressed {{ background: {t.field}; }}
QPushButton:focus, QToolButton:focus {{ border-color: {t.accent}; }}
QPushButton:checked, QToolButton:checked {{
    background: {chosen}; border-color: {t.mix("accent", "line", 0.55)};
}}
QPushButton[look="quiet"], QToolButton[look="quiet"] {{
    background: transparent; border-color: transparent; padding: 4px 6px;
}}
QPushButton[look="quiet"]:hover, QToolButton[look="quiet"]:hover {{ background: {t.raised}; }}
QPushButton[look="quiet"]:checked, QToolButton[look="quiet"]:checked {{
    background: {chosen}; border-color: {t.mix("accent", "line", 0.55)};
}}
QPushButton[look="quiet"]:focus, QToolButton[look="quiet"]:focus {{ border-color: {t.accent}; }}
QPushButton[look="link"] {{
    background: transparent; border: 1px solid transparent; color: {t.accent}; padding: 2px 4px;
}}
QPushButton[look="link"]:hover {{ background: {t.raised}; }}
QPushButton[look="link"]:focus {{ border-color: {t.accent}; }}
QPushButton[look="chip"] {{ border-radius: 11px; padding: 3px 10px; background: transparent; }}
QPushButton[look="chip"]:hover {{ background: {t.raised}; }}
QPushButton[look="chip"]:checked {{ background: {chosen}; }}
QPushButton[look="chip"]:focus {{ border-color: {t.accent}; }}
QPushButton[look="main"] {{
    background: {t.button_fill}; border: 1px solid {t.button_fill}; color: white;
    border-radius: 6px; padding: 9px 14px; font-weight: 600;
}}
QPushButton[look="main"]:hover {{ background: {t.mix("accent", "press", 0.25)}; }}
QPushButton[look="main"]:focus {{ border-color: white; }}
QPushButton[look="main"]:disabled {{
    background: {t.raised}; border-color: {t.line}; color: {t.dim};
}}
QPushButton[look="service"] {{
    background: {t.mix("accent", "panel", 0.14)};
    border-color: {t.mix("accent", "line", 0.45)}; text-align: left;
}}
QPushButton[look="service"]:focus {{ border-color: {t.accent}; }}
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
QTabBar[look="roomy"]::tab {{ padding: 8px 10px 6px 10px; }}
QTabBar QToolButton {{ padding: 0; border-radius: 0; }}
QTabBar::tear {{ image: none; width: 0; }}
QTabBar::tab:hover {{ color: {t.text}; }}
QTabBar::tab:selected {{ color: {t.text}; border-bottom-color: {t.accent}; }}
QTabBar::tab:focus {{ background: {t.raised}; }}

QListView {{ background: {t.panel}; border: none; }}
QListView:focus {{ border: none; }}
QScrollArea {{ background: transparent; border: none; }}
QScrollArea > QWidget > QWidget[look="sheet"] {{ background: transparent; }}
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
