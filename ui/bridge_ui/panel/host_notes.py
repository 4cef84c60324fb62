"""The line above the notes that says what was written in the host itself."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from bridge_ui.controllers.host_notes import HostNotesController, HostNotesState
from bridge_ui.panel.pieces import box, button, column, label
from bridge_ui.translate import tr


class HostNotesBar(QWidget):
    """Shown only while there is something to take over, or something went wrong."""

    def __init__(self, notes: HostNotesController, host: str) -> None:
        super().__init__()
        self._host = host
        self._words = label("", wrap=True)
        self._what = label("", "dim", wrap=True)
        self._problem = label("", "bad", wrap=True)
        self.button = button(tr("Keep as notes"), does=notes.take_over)
        self.button.setObjectName("take-notes")
        inner = column(self._words, self._what, self._problem, self.button, margin=10, gap=4)
        outer = column(box(inner, "card"))
        outer.setContentsMargins(14, 12, 14, 0)
        self.setLayout(outer)
        self._unwatch = notes.state.watch(self._show)

    def close_watches(self) -> None:
        self._unwatch()

    def _show(self, state: HostNotesState) -> None:
        self.setVisible(bool(state.notes or state.problem))
        self._words.setText(tr("{notes} in {host}", notes=state.words, host=self._host))
        self._what.setText("\n".join(f"“{one.text}”" for one in state.notes[:3]))
        self._problem.setText(f"{state.problem}. {state.next_step}" if state.problem else "")
        self._problem.setVisible(bool(state.problem))
        self.button.setEnabled(bool(state.notes) and not state.busy)
