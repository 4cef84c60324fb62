"""Offers requests that an earlier panel accepted but did not render."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from bridge_ui.core.translate import tr, tr_count
from bridge_ui.send.pending_renders import PendingRenders, PendingRendersState
from bridge_ui.widgets.basic import WrapRow, button, column, framed, label


class PendingRendersCard(QWidget):
    """Hidden while there are none."""

    def __init__(self, pending_renders: PendingRenders) -> None:
        super().__init__()
        self._text = label("", wrap=True)
        self._hint = label(
            tr("Shots that are listed and unchanged can be rendered here."), "dim", wrap=True
        )
        self.resume_button = button(tr("Render and send"), on_click=pending_renders.resume)
        self.resume_button.setObjectName("resume-renders")
        self.discard_button = button(tr("Discard"), "link", on_click=pending_renders.discard)
        self.discard_button.setObjectName("discard-renders")
        buttons = WrapRow(self.resume_button, self.discard_button, gap=8)
        inner = column(self._text, self._hint, buttons, margin=10, gap=4)
        self.setLayout(column(framed(inner, "card")))
        self._unwatch = pending_renders.state.watch(self._show)

    def stop_watching(self) -> None:
        self._unwatch()

    def _show(self, state: PendingRendersState) -> None:
        count, names = len(state.shots), ", ".join(state.shots[:3])
        if count > 3:
            names += " " + tr_count(count - 3, "and {n} more", "and {n} more")
        self._text.setText(
            tr("Requested, but not rendered before the panel closed: {shots}", shots=names)
        )
        self._hint.setVisible(state.available_count < count)
        self.resume_button.setEnabled(state.available_count > 0)
        self.setVisible(count > 0)
