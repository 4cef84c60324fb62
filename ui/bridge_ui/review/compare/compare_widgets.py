"""Choosers for A and B, and the buttons of the compare modes."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QPushButton, QSizePolicy, QWidget

from bridge_ui.core.translate import tr
from bridge_ui.review.compare.viewer_settings import CompareMode
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import button, hbox, label
from bridge_ui.widgets.inputs import ComboBox


class SideChooser(QWidget):
    """A or B, and the list of what it can show."""

    chosen = Signal(str)
    """The id of a choice."""

    def __init__(self, side: str, colours: ThemeColours) -> None:
        super().__init__()
        self.combo_box = ComboBox(colours)
        self.combo_box.setAccessibleName(tr("What {side} shows", side=side))
        self.combo_box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.combo_box.setMinimumContentsLength(6)
        self.set_choices = self.combo_box.set_choices
        letter = label(side, "dim")
        letter.setBuddy(self.combo_box)
        self.setLayout(hbox(letter, self.combo_box, grows=1))
        self.combo_box.activated.connect(
            lambda index: self.chosen.emit(self.combo_box.itemData(index))
        )


class CompareModeButtons(QWidget):
    """One button for each compare mode."""

    chosen = Signal(object)
    """A :class:`CompareMode`."""

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
        self._group = QButtonGroup(self)
        self._buttons: dict[CompareMode, QPushButton] = {}
        for number, mode in enumerate(CompareMode, 1):
            widget = button("", on_click=partial(self.chosen.emit, mode), takes_focus=False)
            widget.setCheckable(True)
            widget.setAccessibleName(_mode_name(mode))
            widget.setToolTip(f"{_mode_name(mode)} ({number})")
            self._group.addButton(widget)
            self._buttons[mode] = widget
        self.setLayout(hbox(*self._buttons.values(), gap=0))
        self.setStyleSheet(_segment_style(colours))
        self.set_compact(False, stretched=False)

    def set_compact(self, compact: bool, *, stretched: bool) -> None:
        """Use short labels; ``stretched`` buttons share the whole width."""
        policy = QSizePolicy.Policy.Expanding if stretched else QSizePolicy.Policy.Preferred
        for mode, mode_button in self._buttons.items():
            mode_button.setText(_short_mode_name(mode) if compact else _mode_name(mode))
            mode_button.setSizePolicy(policy, QSizePolicy.Policy.Fixed)
            mode_button.setMinimumWidth(20 if stretched else mode_button.sizeHint().width())

    def show_mode(self, mode: CompareMode) -> None:
        self._buttons[mode].setChecked(True)


def _segment_style(t: ThemeColours) -> str:
    """Adjacent buttons; the checked one is underlined as well as tinted."""
    chosen = t.mix("accent", "raised", 0.28)
    return f"""
QPushButton {{
    background: {t.panel}; border: 1px solid {t.line}; border-left-width: 0; border-radius: 0;
    border-bottom-width: 2px; padding: 4px 9px; color: {t.dim};
}}
QPushButton:first-child {{ border-left-width: 1px; }}
QPushButton:hover {{ background: {t.raised}; color: {t.text}; }}
QPushButton:checked {{ background: {chosen}; color: {t.text}; border-bottom-color: {t.accent}; }}
QPushButton:focus {{ color: white; border-color: {t.accent}; border-left-width: 1px; }}
"""


def _mode_name(mode: CompareMode) -> str:
    return {
        CompareMode.A: tr("A"),
        CompareMode.B: tr("B"),
        CompareMode.WIPE: tr("Wipe"),
        CompareMode.DIFFERENCE: tr("Difference"),
        CompareMode.OVERLAY: tr("Overlay"),
        CompareMode.SIDE_BY_SIDE: tr("Side by side"),
    }[mode]


def _short_mode_name(mode: CompareMode) -> str:
    short = {
        CompareMode.DIFFERENCE: tr("Diff"),
        CompareMode.OVERLAY: tr("Over"),
        CompareMode.SIDE_BY_SIDE: tr("Side"),
    }
    return short.get(mode) or _mode_name(mode)
