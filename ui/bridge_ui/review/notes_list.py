"""The notes of a version, below the picture of a narrow room."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from bridge_core.models.notes import Note
from bridge_ui.panel.pieces import box, button, column, empty, label, row, scrolled
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import counted, tr

_TALL, _LEAST = 150, 104  # pixels; below the least, two notes are not seen


class NotesList(QWidget):
    """Each note with who said it, where, and what can be done with it."""

    go_to = Signal(int)
    again = Signal(object)

    def __init__(self, tones: Tones) -> None:
        super().__init__()
        self._tones = tones
        self._list = QVBoxLayout()
        self._list.setSpacing(6)
        inside = QWidget()
        inside.setLayout(column(self._list, 1))
        self.setLayout(column(scrolled(inside)))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setMaximumHeight(0)

    def show_notes(self, notes: Sequence[Note]) -> None:
        empty(self._list)
        for note in notes:
            self._list.addWidget(self._one(note))
        high = self._list.sizeHint().height() + 4
        self.setMaximumHeight(min(_TALL, high) if notes else 0)
        self.setMinimumHeight(min(_LEAST, high) if notes else 0)

    def _one(self, note: Note) -> QFrame:
        foot = row(gap=4)
        if note.frames is not None:
            first = note.frames.first
            words = str(first) if note.frames.count == 1 else f"{first}–{note.frames.last}"
            foot.addWidget(button(words, "link", does=lambda: self.go_to.emit(first)))
        foot.addWidget(label(note.by, "small"), 1)
        foot.addWidget(
            button(tr("make next from this"), "link", does=lambda: self.again.emit(note))
        )
        said = note.text or counted(len(note.strokes), "{n} stroke", "{n} strokes")
        return box(column(label(said, wrap=True), foot, margin=6, gap=0), "card")
