"""The list of a version's notes, below the picture of a narrow viewer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from bridge_core.models.notes import Note
from bridge_ui.core.display_text import note_frames_text
from bridge_ui.core.translate import tr, tr_count
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import (
    WrapRow,
    button,
    clear_layout,
    column,
    framed,
    label,
    scroll_area,
)

_MAX_HEIGHT, _MIN_HEIGHT = 150, 104  # pixels; less would not show two notes
_SCROLL_BAR_WIDTH = 10


class NotesList(QWidget):
    """Each note with its frames and author, and a button to revise from it."""

    frame_requested = Signal(int)
    revision_requested = Signal(object)
    """Make the next version from this note."""

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
        self._colours = colours
        self._list = QVBoxLayout()
        self._list.setSpacing(6)
        inside = QWidget()
        inside.setLayout(column(self._list, 1))
        self.setLayout(column(scroll_area(inside)))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setMaximumHeight(0)

    def show_notes(self, notes: Sequence[Note]) -> None:
        clear_layout(self._list)
        for note in notes:
            card = self._note_card(note)
            self._list.addWidget(card)
            card.show()  # so that it counts in the height, visible or not
        self._fit_height()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit_height()

    def _fit_height(self) -> None:
        """Adapt the height to the notes, within limits."""
        notes = self._list.count()
        height = self._list.totalHeightForWidth(self.width() - _SCROLL_BAR_WIDTH) if notes else 0
        self.setMaximumHeight(min(_MAX_HEIGHT, height))
        self.setMinimumHeight(min(_MIN_HEIGHT, height))

    def _note_card(self, note: Note) -> QFrame:
        parts: list[QWidget] = [label(note.by, "small")]
        if note.display_frame is not None:
            go = partial(self.frame_requested.emit, note.display_frame)
            parts.insert(0, button(note_frames_text(note), "link", on_click=go))
        parts.append(
            button(tr("Revise"), "link", on_click=partial(self.revision_requested.emit, note))
        )
        parts[-1].setToolTip(tr("Make the next version from this note"))
        foot = WrapRow(*parts, gap=4, grows=len(parts) - 2)
        text = note.text or tr_count(len(note.strokes), "{n} stroke", "{n} strokes")
        return framed(column(label(text, wrap=True), foot, margin=6, gap=0), "card")
