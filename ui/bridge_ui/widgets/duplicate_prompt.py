"""Asks whether to make again what is being made, or was just made."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtWidgets import QFrame

from bridge_ui.core.translate import tr
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import WrapRow, button, column, label


class DuplicateConfirmation(Protocol):
    """A controller whose state has a ``question``."""

    def confirm_send(self) -> None: ...

    def dismiss_question(self) -> None: ...


class DuplicatePrompt(QFrame):
    """The question with its two answers; hidden while nothing is asked."""

    def __init__(self, sender: DuplicateConfirmation, object_name: str) -> None:
        """``name``: object name of the button that makes it again."""
        super().__init__()
        self._words = label("", "warn", wrap=True)
        again = button(tr("Make it again"), on_click=sender.confirm_send)
        again.setObjectName(object_name)
        leave = button(tr("Don't make it"), "quiet", on_click=sender.dismiss_question)
        self.setLayout(column(self._words, WrapRow(again, leave), margin=10, gap=5))
        set_style_class(self, "warning")
        self.hide()

    def show_question(self, question: str) -> None:
        """Empty: nothing is asked."""
        self._words.setText(question)
        self.setVisible(bool(question))
