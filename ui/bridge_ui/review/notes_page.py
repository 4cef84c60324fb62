"""The page with the notes, decisions, texts and findings of the version under review."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from bridge_ui.core.display_text import (
    decision_text,
    format_timestamp,
    note_frames_text,
    review_status_sign,
)
from bridge_ui.core.observable import unwatch_all
from bridge_ui.core.translate import tr, tr_count
from bridge_ui.review.annotations.note_widgets import revise_button
from bridge_ui.review.controller import ReviewController, ReviewState
from bridge_ui.review.documents_controller import DocumentsController
from bridge_ui.review.documents_widget import DocumentsWidget
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import (
    STYLE_BY_TONE,
    button,
    clear_layout,
    framed,
    hbox,
    label,
    scroll_area,
    title,
    vbox,
)

if TYPE_CHECKING:
    from bridge_core.models.notes import Note


class NotesPage(QWidget):
    frame_requested = Signal(int)
    revision_ready = Signal(object)
    """The request that a note became."""

    def __init__(
        self, review: ReviewController, documents: DocumentsController, colours: ThemeColours
    ) -> None:
        super().__init__()
        self._review = review
        self._colours = colours
        self._shown: tuple[object, ...] = ()
        self._title = title("", 1.1)
        self._list = vbox(gap=10)
        self.documents = DocumentsWidget(documents)
        self.documents.frame_requested.connect(self.frame_requested)
        body = vbox(self._title, self._list, self.documents, 1, margin=(14, 12, 14, 12), gap=12)
        self.setLayout(vbox(scroll_area(body)))
        self.stop = unwatch_all(review.state.watch(self._show), self.documents.stop)

    def _show(self, state: ReviewState) -> None:
        which = state.version and state.version.id
        content = (which, state.notes, state.decisions)
        if content == self._shown:
            return
        self._shown = content
        self._title.setText(state.version_label or tr("Notes"))
        clear_layout(self._list)
        if state.version is None:
            self._list.addWidget(label(tr("Review a version to see its notes."), "dim", wrap=True))
            return
        for note in state.notes:
            self._list.addWidget(self._make_note_card(note))
        for decision in state.decisions:
            style = STYLE_BY_TONE[review_status_sign(decision.status).tone]
            decision_label = label(decision_text(decision), style, wrap=True)
            comment = label(decision.comment, wrap=True)
            comment.setVisible(bool(decision.comment))
            card = framed(vbox(decision_label, comment, margin=10, gap=2), "card")
            self._list.addWidget(card)
        if not state.notes and not state.decisions:
            hint = tr("No notes yet. In the review, press N to write, D to draw.")
            self._list.addWidget(label(hint, "dim", wrap=True))

    def _make_note_card(self, note: Note) -> QFrame:
        text = label(note.text or tr("drawing without text"), wrap=True)
        facts = [note.by, format_timestamp(note.at)]
        if note.strokes:
            facts.append(tr_count(len(note.strokes), "{n} stroke", "{n} strokes"))
        foot = hbox(1)
        if note.display_frame is not None:
            go = partial(self.frame_requested.emit, note.display_frame)
            tip = tr("Go to this frame")
            foot.insertWidget(0, button(note_frames_text(note), "link", on_click=go, tip=tip))
        foot.insertWidget(foot.count() - 1, revise_button(partial(self._revise, note)))
        author = label(" · ".join(facts), "small", wrap=True)
        return framed(vbox(text, author, foot, margin=10, gap=3), "card")

    def _revise(self, note: Note) -> None:
        if note.display_frame is not None:
            self.frame_requested.emit(note.display_frame)  # a test frame would show this one
        self._review.revise_from_note(note, self.revision_ready.emit)
