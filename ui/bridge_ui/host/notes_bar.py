"""The bar that offers to import notes written in the host."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from bridge_ui.core.translate import tr
from bridge_ui.host.notes_controller import HostNotesController, HostNotesState
from bridge_ui.widgets.basic import button, framed, label, show_text, vbox


class HostNotesBar(QWidget):
    """Hidden while there are no notes to import and no problem."""

    def __init__(self, notes: HostNotesController, host: str) -> None:
        super().__init__()
        self._host = host
        self._text = label("", wrap=True)
        self._quotes = label("", "dim", wrap=True)
        self._problem = label("", "bad", wrap=True)
        self.button = button(
            tr("Import as notes"), on_click=notes.import_notes, name="import-notes"
        )
        inner = vbox(self._text, self._quotes, self._problem, self.button, margin=10, gap=4)
        self.setLayout(vbox(framed(inner, "card"), margin=(14, 12, 14, 0)))
        self.stop = notes.state.watch(self._show)

    def _show(self, state: HostNotesState) -> None:
        self.setVisible(bool(state.notes or state.problem))
        self._text.setText(tr("{notes} in {host}", notes=state.text, host=self._host))
        self._quotes.setText("\n".join(f"“{note.text}”" for note in state.notes[:3]))
        show_text(self._problem, state.problem_text)
        self.button.setEnabled(bool(state.notes) and not state.busy)
