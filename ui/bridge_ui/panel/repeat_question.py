"""Asks whether to make again what is being made, or was just made."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtWidgets import QFrame

from bridge_ui.panel.pieces import FitRow, button, column, label
from bridge_ui.theme.sheet import look
from bridge_ui.translate import tr


class Sender(Protocol):
    """A controller whose state has a ``question``."""

    def send_anyway(self) -> None: ...

    def dismiss_question(self) -> None: ...


class RepeatQuestion(QFrame):
    """The question with its two answers; hidden while nothing is asked."""

    def __init__(self, sender: Sender, name: str) -> None:
        """``name``: object name of the button that makes it again."""
        super().__init__()
        self._words = label("", "warn", wrap=True)
        again = button(tr("Make it again"), does=sender.send_anyway)
        again.setObjectName(name)
        leave = button(tr("Don't make it"), "quiet", does=sender.dismiss_question)
        self.setLayout(column(self._words, FitRow(again, leave), margin=10, gap=5))
        look(self, "warning")
        self.hide()

    def ask(self, question: str) -> None:
        """Empty: nothing is asked."""
        self._words.setText(question)
        self.setVisible(bool(question))
