"""The notes of a version, below the picture of a narrow room."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from bridge_core.models.notes import Note
from bridge_ui.controllers.words import spell_place
from bridge_ui.panel.pieces import FitRow, box, button, column, empty, label, scrolled
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import counted, tr

_TALL, _LEAST = 150, 104  # pixels; in less, two notes are not seen
_BAR = 10  # width of the scroll bar


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
            card = self._one(note)
            self._list.addWidget(card)
            card.show()  # counts from now on, seen or not
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def _fit(self) -> None:
        """As high as the notes are, within limits."""
        notes = self._list.count()
        high = self._list.totalHeightForWidth(self.width() - _BAR) if notes else 0
        self.setMaximumHeight(min(_TALL, high))
        self.setMinimumHeight(min(_LEAST, high))

    def _one(self, note: Note) -> QFrame:
        parts: list[QWidget] = [label(note.by, "small")]
        if note.frame is not None:
            go = partial(self.go_to.emit, note.frame)
            parts.insert(0, button(spell_place(note), "link", does=go))
        parts.append(button(tr("make next"), "link", does=lambda: self.again.emit(note)))
        parts[-1].setToolTip(tr("Make the next version from this note"))
        foot = FitRow(*parts, gap=4, grows=len(parts) - 2)
        said = note.text or counted(len(note.strokes), "{n} stroke", "{n} strokes")
        return box(column(label(said, wrap=True), foot, margin=6, gap=0), "card")
