"""Asks whether to repeat a request that is active or recently done."""

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
    """The question with two buttons; hidden while there is no question."""

    def __init__(self, sender: DuplicateConfirmation, object_name: str) -> None:
        """``object_name``: of the button that confirms."""
        super().__init__()
        self._text = label("", "warn", wrap=True)
        confirm = button(tr("Make it again"), on_click=sender.confirm_send)
        confirm.setObjectName(object_name)
        dismiss = button(tr("Don't make it"), "quiet", on_click=sender.dismiss_question)
        self.setLayout(column(self._text, WrapRow(confirm, dismiss), margin=10, gap=5))
        set_style_class(self, "warning")
        self.hide()

    def show_question(self, question: str) -> None:
        """Show a question; empty: hide."""
        self._text.setText(question)
        self.setVisible(bool(question))
