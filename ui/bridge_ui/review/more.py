"""What is wanted now and then in the review room: the sheet to hand on, and the picture's size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QMenu, QToolButton

from bridge_ui.icons import icon
from bridge_ui.panel.pieces import pops_up
from bridge_ui.theme.sheet import look
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import tr


class Scope(StrEnum):
    """What a review sheet is about."""

    VERSION = "version"
    SELECTED = "selected"
    CUT = "cut"


class MoreButton(QToolButton):
    """Opens the menu. ``sheets`` says which sheets can be made, and in which words."""

    sheet_wanted = Signal(object)
    """A :class:`Scope`."""
    fit = Signal()
    actual_size = Signal()

    def __init__(self, tones: Tones) -> None:
        super().__init__()
        self.sheets: Callable[[], Sequence[tuple[Scope, str]]] = tuple
        self.setIcon(icon("ellipsis", tones.text))
        self.setIconSize(QSize(16, 16))
        words = tr("Review sheet, size of the picture")
        self.setToolTip(words)
        self.setAccessibleName(words)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setObjectName("more")
        look(self, "quiet")
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self.fill)
        pops_up(self, self._menu)

    def fill(self) -> QMenu:
        """The menu as it stands now."""
        self._menu.clear()
        for scope, words in self.sheets():
            action = self._menu.addAction(tr("Review sheet of {what} …", what=words))
            action.triggered.connect(lambda _on=False, scope=scope: self.sheet_wanted.emit(scope))
        if self._menu.actions():
            self._menu.addSeparator()
        self._menu.addAction(tr("Fit the picture (F)")).triggered.connect(self.fit)
        self._menu.addAction(tr("100 % (0)")).triggered.connect(self.actual_size)
        return self._menu
