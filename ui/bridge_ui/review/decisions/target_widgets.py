"""Chooses which of two visible versions decisions and notes are for; offers new results."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QWidget

from bridge_ui.core.translate import tr
from bridge_ui.widgets.basic import WrapRow, button, chip, hbox, label, vbox


class TargetChooser(QWidget):
    """A choice between two visible versions; hidden if there is only one."""

    chosen = Signal(str)
    """The id of a version."""

    def __init__(self) -> None:
        super().__init__()
        self._ids = ("", "")
        self._names = ("", "")
        self._compact = False
        self._group = QButtonGroup(self)
        self._buttons = [chip("") for _ in self._ids]
        for index, widget in enumerate(self._buttons):
            widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            widget.clicked.connect(partial(self._choose, index))
            self._group.addButton(widget)
        self._label = label(tr("Notes and decisions for"), "dim")
        self.setLayout(hbox(self._label, WrapRow(*self._buttons, gap=4), gap=6, grows=1))
        self.hide()

    def set_compact(self, compact: bool) -> None:
        """Show only the other version; the decision buttons name the chosen one."""
        self._compact = compact
        self._label.setVisible(not compact)
        self._refresh()

    def show_targets(self, targets: Sequence[tuple[str, str]], chosen: str) -> None:
        """Set ids and names, at most two; ``chosen`` is an id."""
        self.setVisible(len(targets) > 1)
        if len(targets) < 2:
            self._ids = ("", "")
            return
        self._ids = (targets[0][0], targets[1][0])
        self._names = (targets[0][1], targets[1][1])
        for widget, version_id, name in zip(self._buttons, self._ids, self._names, strict=True):
            widget.setToolTip(tr("Notes and decisions for {name} (T)", name=name))
            widget.setAccessibleName(widget.toolTip())
            widget.setChecked(version_id == chosen)
        self._refresh()

    def _refresh(self) -> None:
        for widget, name in zip(self._buttons, self._names, strict=True):
            widget.setText(f"⇄ {name}" if self._compact else name)
            widget.setVisible(not (self._compact and widget.isChecked()))

    def select_side(self, side: str) -> None:
        """Choose the version on side ``A`` or ``B``."""
        index = "AB".index(side)
        if not self.isHidden() and not self._buttons[index].isChecked():
            self._choose(index)

    def switch(self) -> None:
        """Choose the other version."""
        if not self.isHidden():
            self._choose(int(self._buttons[0].isChecked()))

    def _choose(self, index: int, _checked: bool = False) -> None:
        self.chosen.emit(self._ids[index])


class NewResultPrompt(QWidget):
    """A button that shows a new result."""

    result_requested = Signal(str)
    """The id of the result."""

    def __init__(self) -> None:
        super().__init__()
        self._choice_id = ""
        self.button = button("", "chip", name="show-new-result", takes_focus=False)
        self.button.clicked.connect(lambda: self.result_requested.emit(self._choice_id))
        self.setLayout(vbox(self.button))
        self.hide()

    def show_result(self, choice_id: str, name: str) -> None:
        """Offer a choice by its id; empty hides the button."""
        self._choice_id = choice_id
        self.button.setToolTip(tr("Show it as B"))
        self.button.setText(tr("New: {name}", name=name))
        self.setVisible(bool(choice_id))
