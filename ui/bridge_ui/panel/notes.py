"""The tab with what was said and decided about the version under review."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from bridge_core.models.notes import Note
from bridge_ui.controllers.review import ReviewController, ReviewState
from bridge_ui.controllers.words import decided, review_sign, spell_place, spell_when
from bridge_ui.panel.pieces import LOOKS, box, button, column, empty, label, row, scrolled, title
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import counted, tr


class NotesTab(QWidget):
    """:attr:`go_to` carries a frame, :attr:`again` the request that a note became."""

    go_to = Signal(int)
    again = Signal(object)

    def __init__(self, review: ReviewController, tones: Tones) -> None:
        super().__init__()
        self._review = review
        self._tones = tones
        self._shown: tuple[object, ...] = ()
        self._title = title("", 1.1)
        self._list = QVBoxLayout()
        self._list.setSpacing(10)
        inside = QWidget()
        body = column(self._title, self._list, 1, gap=12)
        body.setContentsMargins(14, 12, 14, 12)
        inside.setLayout(body)
        self.setLayout(column(scrolled(inside)))
        self._unwatch = review.state.watch(self._show)

    def close_watches(self) -> None:
        self._unwatch()

    def _show(self, state: ReviewState) -> None:
        which = state.version and state.version.id
        told = (which, state.notes, state.decisions)
        if told == self._shown:
            return
        self._shown = told
        name = next((c.label for c in state.choices if c.id == which), "")
        self._title.setText(name if state.version else tr("Notes"))
        empty(self._list)
        if state.version is None:
            self._list.addWidget(label(tr("Review a version to see its notes."), "dim", wrap=True))
            return
        for note in state.notes:
            self._list.addWidget(self._note(note))
        for decision in state.decisions:
            words = label(decided(decision), LOOKS[review_sign(decision.status).tone], wrap=True)
            comment = label(decision.comment, wrap=True)
            comment.setVisible(bool(decision.comment))
            self._list.addWidget(box(column(words, comment, margin=10, gap=2), "card"))
        if not state.notes and not state.decisions:
            hint = tr("Nothing was said yet. Press N in the review room to write, D to draw.")
            self._list.addWidget(label(hint, "dim", wrap=True))

    def _note(self, note: Note) -> QFrame:
        words = label(note.text or tr("drawn, without words"), wrap=True)
        facts = [note.by, spell_when(note.at)]
        if note.strokes:
            facts.append(counted(len(note.strokes), "{n} stroke", "{n} strokes"))
        foot = row(1)
        if note.frame is not None:
            go = partial(self.go_to.emit, note.frame)
            to_frame = button(spell_place(note), "link", does=go)
            to_frame.setToolTip(tr("Go to this frame"))
            foot.insertWidget(0, to_frame)
        again = button(
            tr("make a version from this"),
            "link",
            does=lambda: self._make_again(note),
        )
        foot.insertWidget(foot.count() - 1, again)
        who = label(" · ".join(facts), "small", wrap=True)
        return box(column(words, who, foot, margin=10, gap=3), "card")

    def _make_again(self, note: Note) -> None:
        if note.frame is not None:
            self.go_to.emit(note.frame)  # the frame to try first
        self._review.make_again(note, self.again.emit)
