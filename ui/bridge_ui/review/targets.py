"""Chooses which of two versions on the screen decisions and notes are about; offers new results."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QWidget

from bridge_ui.panel.pieces import FitRow, button, chip, column, label, row
from bridge_ui.translate import tr


class TargetChooser(QWidget):
    """A choice between the two versions on the screen; hidden where there is only one."""

    chosen = Signal(str)
    """The id of a version."""

    def __init__(self) -> None:
        super().__init__()
        self._ids = ("", "")
        self._names = ("", "")
        self._short = False
        self._group = QButtonGroup(self)
        self._buttons = [chip("") for _ in self._ids]
        for at, one in enumerate(self._buttons):
            one.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            one.clicked.connect(partial(self._choose, at))
            self._group.addButton(one)
        self._words = label(tr("Notes and decisions about"), "dim")
        self.setLayout(row(self._words, FitRow(*self._buttons, gap=4), gap=6, grows=1))
        self.hide()

    def set_short(self, short: bool) -> None:
        """Show only the other version: the buttons below name the chosen one."""
        self._short = short
        self._words.setVisible(not short)
        self._show()

    def show_targets(self, targets: Sequence[tuple[str, str]], chosen: str) -> None:
        """Ids and names, at most two; ``chosen`` is an id."""
        self.setVisible(len(targets) > 1)
        if len(targets) < 2:
            self._ids = ("", "")
            return
        self._ids = (targets[0][0], targets[1][0])
        self._names = (targets[0][1], targets[1][1])
        for one, which, name in zip(self._buttons, self._ids, self._names, strict=True):
            one.setToolTip(tr("Notes and decisions about {name} (T)", name=name))
            one.setAccessibleName(one.toolTip())
            one.setChecked(which == chosen)
        self._show()

    def _show(self) -> None:
        for one, name in zip(self._buttons, self._names, strict=True):
            one.setText(f"⇄ {name}" if self._short else name)
            one.setVisible(not (self._short and one.isChecked()))

    def choose_side(self, side: str) -> None:
        """``A`` or ``B``, of two that are there; A's is the first."""
        at = "AB".index(side)
        if not self.isHidden() and not self._buttons[at].isChecked():
            self._choose(at)

    def other(self) -> None:
        """The one that is not chosen now."""
        if not self.isHidden():
            self._choose(int(self._buttons[0].isChecked()))

    def _choose(self, at: int, _checked: bool = False) -> None:
        self.chosen.emit(self._ids[at])


class Offer(QWidget):
    """A button that shows a new result."""

    wanted = Signal(str)
    """The id of what is offered."""

    def __init__(self) -> None:
        super().__init__()
        self._id = ""
        self.look = button("", "chip", does=lambda: self.wanted.emit(self._id))
        self.look.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.look.setObjectName("look-at-offer")
        self.setLayout(column(self.look))
        self.hide()

    def show_offer(self, which: str, name: str) -> None:
        """``which`` is the id of a choice; empty: nothing is offered."""
        self._id = which
        self.look.setToolTip(tr("Look at it"))
        self.look.setText(tr("New: {name}", name=name))
        self.setVisible(bool(which))
