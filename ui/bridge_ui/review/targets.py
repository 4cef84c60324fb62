"""Which version decisions and notes are about where two are on the screen, and what is new."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QWidget

from bridge_ui.panel.pieces import FitRow, button, chip, column, label, row
from bridge_ui.translate import tr


class TargetChooser(QWidget):
    """One of the versions on the screen; not there while there is nothing to choose."""

    chosen = Signal(str)
    """The id of a version."""

    def __init__(self) -> None:
        super().__init__()
        self._ids = ("", "")
        self._group = QButtonGroup(self)
        self._buttons = [chip("") for _ in self._ids]
        for at, one in enumerate(self._buttons):
            one.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            one.clicked.connect(partial(self._choose, at))
            self._group.addButton(one)
        words = label(tr("Notes and decisions about"), "dim")
        words.setMinimumWidth(1)
        chips = QWidget()
        chips.setLayout(row(*self._buttons, gap=4))
        self.setLayout(column(FitRow(words, chips, gap=6)))
        self.hide()

    def show_targets(self, targets: Sequence[tuple[str, str]], chosen: str) -> None:
        """Ids and names, at most two; ``chosen`` is an id."""
        self.setVisible(len(targets) > 1)
        if len(targets) < 2:
            self._ids = ("", "")
            return
        self._ids = (targets[0][0], targets[1][0])
        for one, (which, name) in zip(self._buttons, targets, strict=True):
            one.setText(name)
            one.setToolTip(tr("Notes and decisions are about {name} (T)", name=name))
            one.setChecked(which == chosen)

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
    """Says that something is ready to be looked at."""

    wanted = Signal(str)
    """The id of what is offered."""

    def __init__(self) -> None:
        super().__init__()
        self._id = ""
        self._words = label("", "good", wrap=True)
        self.look = button(tr("Look"), "chip", does=lambda: self.wanted.emit(self._id))
        self.look.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.look.setObjectName("look-at-offer")
        self.setLayout(row(self._words, self.look, gap=8, grows=0))
        self.hide()

    def sizeHint(self) -> QSize:  # noqa: N802
        """As high as its words in the width that there is."""
        return QSize(0, super().sizeHint().height())

    def show_offer(self, which: str, name: str) -> None:
        """``which`` is the id of a choice; empty: nothing is offered."""
        self._id = which
        self._words.setText(tr("{name} is ready", name=name))
        self.setVisible(bool(which))
