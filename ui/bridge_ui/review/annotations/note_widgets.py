"""Notes of a version: the list below the picture of a narrow viewer, and the editor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QMenu, QPushButton, QSizePolicy, QWidget

from bridge_core.models.frames import FrameRange
from bridge_ui.core.display_text import note_frames_text
from bridge_ui.core.translate import tr, tr_count
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import (
    ToolButton,
    WrapRow,
    add_action,
    button,
    clear_layout,
    framed,
    hbox,
    label,
    open_menu_on_click,
    scroll_area,
    vbox,
)

if TYPE_CHECKING:
    from bridge_core.models.notes import Note, Stroke

_MAX_HEIGHT, _MIN_HEIGHT = 150, 104  # pixels; less would not show two notes
_SCROLL_BAR_WIDTH = 10


class NoteScope(StrEnum):
    """What a note is about."""

    FRAME = "frame"
    IN_TO_OUT = "in_to_out"
    VERSION = "version"


@dataclass(frozen=True)
class NoteInput:
    """A note to be sent."""

    text: str
    strokes: tuple[Stroke, ...]
    frames: FrameRange | None
    """The frames that the text is about; None: the whole version."""
    drawn_on: int
    """The frame that the strokes were drawn on."""
    version: str
    """Id of the version."""


class NoteEditor(QWidget):
    """One line of text, its scope (a frame, from in to out point, the whole version), and buttons
    to draw and to save."""

    submitted = Signal()
    """Save the note."""
    draw_toggled = Signal()

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
        self._scope = NoteScope.FRAME
        self._frame = 0
        self._marks = (0, 0)
        self._strokes = 0
        self._busy = False
        self._version_name = ""
        self.draw_button = ToolButton("pencil", tr("Draw on the picture (D)"), colours.text)
        self.draw_button.setCheckable(True)
        self.draw_button.clicked.connect(self.draw_toggled)
        self.line_edit = _NoteLineEdit()
        self.line_edit.setMaxLength(5000)
        self.line_edit.setAccessibleName(tr("Note"))
        self.line_edit.returnPressed.connect(self._submit)
        self.line_edit.textChanged.connect(self._refresh)
        self._scope_button = ToolButton("", tr("What the note is about"))
        menu = QMenu(self)
        for scope, name in (
            (NoteScope.FRAME, tr("This frame")),
            (NoteScope.IN_TO_OUT, tr("From in to out point")),
            (NoteScope.VERSION, tr("The whole version")),
        ):
            add_action(menu, name, partial(self._set_scope, scope))
        open_menu_on_click(self._scope_button, menu)
        self._save_button = button(tr("Save note"), on_click=self._submit, takes_focus=False)
        text_row = QWidget()
        text_row.setLayout(hbox(self.draw_button, self.line_edit, gap=4, grows=1))
        button_row = QWidget()
        button_row.setLayout(hbox(self._scope_button, self._save_button, gap=4, grows=0))
        self.setLayout(vbox(WrapRow(text_row, button_row, gap=4, grows=0)))
        self._refresh()

    def show_version(self, name: str) -> None:
        """Set the name of the version; empty disables the editor."""
        self._version_name = name
        self.setEnabled(bool(name))
        self._refresh()

    def show_position(self, frame: int, marks: tuple[int, int], strokes: int) -> None:
        """Set the current frame, in and out point, and the number of unsaved strokes on it."""
        if (frame, marks, strokes) != (self._frame, self._marks, self._strokes):
            self._frame, self._marks, self._strokes = frame, marks, strokes
            self._refresh()

    def set_busy(self, busy: bool) -> None:
        """Disable saving while a note is being sent."""
        self._busy = busy
        self._refresh()

    def frame_range(self, rate: object) -> FrameRange | None:
        """The frames in the chosen scope; None: the whole version."""
        if self._scope is NoteScope.IN_TO_OUT:
            return FrameRange.of(*self._marks, rate)
        if self._scope is NoteScope.VERSION:
            return None
        return FrameRange.of(self._frame, self._frame, rate)

    def _set_scope(self, scope: NoteScope) -> None:
        self._scope = scope
        self._refresh()

    def _refresh(self) -> None:
        scope_texts = {
            NoteScope.FRAME: str(self._frame),
            NoteScope.IN_TO_OUT: f"{self._marks[0]}–{self._marks[1]}",
            NoteScope.VERSION: tr("whole version"),
        }
        self._scope_button.setText(f"{scope_texts[self._scope]} ▾")
        self._scope_button.setAccessibleName(
            tr("The note is about: {scope}", scope=scope_texts[self._scope])
        )
        self._save_button.setToolTip(
            tr("On {version}", version=self._version_name) if self._version_name else ""
        )
        self.line_edit.setPlaceholderText(self._placeholder())
        has_content = bool(self.line_edit.text().strip()) or self._strokes > 0
        self._save_button.setEnabled(has_content and not self._busy)

    def _placeholder(self) -> str:
        if not self._version_name:
            return tr("No version is on the screen")
        if self._strokes:
            return tr("Explain the drawing on {version} (N)", version=self._version_name)
        return tr("Write a note on {version} (N)", version=self._version_name)

    def _submit(self) -> None:
        if self._save_button.isEnabled():
            self.submitted.emit()


class _NoteLineEdit(QLineEdit):
    """Ignores Up and Down. Escape goes to the viewer, which returns the keyboard to the player; the
    text stays."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumWidth(60)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Wide enough for a few words; longer text scrolls."""
        return QSize(10 * self.fontMetrics().averageCharWidth(), super().sizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        # The viewer must not go to other notes while somebody is typing.
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            return
        super().keyPressEvent(event)


class NotesList(QWidget):
    """Each note with its frames and author, and a button to revise from it."""

    frame_requested = Signal(int)
    revision_requested = Signal(object)
    """Make the next version from this note."""

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
        self._colours = colours
        self._list = vbox()
        self.setLayout(vbox(scroll_area(vbox(self._list, 1))))
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
        parts.append(revise_button(partial(self.revision_requested.emit, note)))
        foot = WrapRow(*parts, gap=4, grows=len(parts) - 2)
        text = note.text or tr_count(len(note.strokes), "{n} stroke", "{n} strokes")
        return framed(vbox(label(text, wrap=True), foot, margin=6, gap=0), "card")


def revise_button(on_click: Callable[[], object]) -> QPushButton:
    """The button of a note that makes the next version from it."""
    tip = tr("Make the next version from this note")
    return button(tr("Revise"), "link", on_click=on_click, tip=tip)
