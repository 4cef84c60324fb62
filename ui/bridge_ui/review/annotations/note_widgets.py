"""Writing a note: words and what is drawn, at a frame, from in to out, or on the whole version."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QMenu, QPushButton, QToolButton, QWidget

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Stroke
from bridge_ui.core.translate import tr
from bridge_ui.review.player.transport_widgets import icon_button
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import WrapRow, button, column, open_menu_on_click, row

FRAME_SCOPE, IN_TO_OUT_SCOPE, VERSION_SCOPE = "frame", "marks", "whole"


@dataclass(frozen=True)
class NoteDraft:
    """A note that somebody wants to be kept."""

    text: str
    strokes: tuple[Stroke, ...]
    frames: FrameRange | None
    """That the words speak of; None: of the version as a whole."""
    drawn_on: int
    """The frame that the strokes were drawn on."""
    version: str
    """Id of the version that it was made on."""


class NoteEditor(QWidget):
    """One line of words. ``wanted`` asks the room to keep a note."""

    submitted = Signal()
    draw_toggled = Signal()

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
        self._scope = FRAME_SCOPE
        self._frame = 0
        self._marks = (0, 0)
        self._strokes = 0
        self._busy = False
        self._version_name = ""
        self.draw_button = icon_button("pencil", tr("Draw on the picture (D)"), colours)
        self.draw_button.setCheckable(True)
        self.draw_button.clicked.connect(self.draw_toggled)
        self.line_edit = _NoteLineEdit()
        self.line_edit.setMaxLength(5000)
        self.line_edit.setAccessibleName(tr("Note"))
        self.line_edit.returnPressed.connect(self._submit)
        self.line_edit.textChanged.connect(self._refresh)
        self._scope_button = QToolButton()
        set_style_class(self._scope_button, "quiet")
        self._scope_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._scope_button.setToolTip(tr("What the note speaks of"))
        menu = QMenu(self)
        for scope, name in (
            (FRAME_SCOPE, tr("This frame")),
            (IN_TO_OUT_SCOPE, tr("From in to out point")),
            (VERSION_SCOPE, tr("The whole version")),
        ):
            menu.addAction(name).triggered.connect(
                lambda _on=False, reach=scope: self._set_scope(reach)
            )
        open_menu_on_click(self._scope_button, menu)
        self._save_button: QPushButton = button(tr("Save note"), on_click=self._submit)
        self._save_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        text_row = QWidget()
        text_row.setLayout(row(self.draw_button, self.line_edit, gap=4, grows=1))
        button_row = QWidget()
        button_row.setLayout(row(self._scope_button, self._save_button, gap=4, grows=0))
        self.setLayout(column(WrapRow(text_row, button_row, gap=4, grows=0)))
        self._refresh()

    def show_version(self, name: str) -> None:
        """That notes are about; empty: none is on the screen, and there is nothing to write on."""
        self._version_name = name
        self.setEnabled(bool(name))
        self._refresh()

    def show_position(self, frame: int, marks: tuple[int, int], strokes: int) -> None:
        """Frame on the screen, in and out point, number of strokes drawn on the frame."""
        if (frame, marks, strokes) != (self._frame, self._marks, self._strokes):
            self._frame, self._marks, self._strokes = frame, marks, strokes
            self._refresh()

    def set_busy(self, busy: bool) -> None:
        """A note is on its way: not the same one twice."""
        self._busy = busy
        self._refresh()

    def frame_range(self, rate: object) -> FrameRange | None:
        if self._scope == IN_TO_OUT_SCOPE:
            return FrameRange.of(*self._marks, rate)
        if self._scope == VERSION_SCOPE:
            return None
        return FrameRange.of(self._frame, self._frame, rate)

    def _set_scope(self, scope: str) -> None:
        self._scope = scope
        self._refresh()

    def _refresh(self) -> None:
        scope_texts = {
            FRAME_SCOPE: str(self._frame),
            IN_TO_OUT_SCOPE: f"{self._marks[0]}–{self._marks[1]}",
            VERSION_SCOPE: tr("whole version"),
        }
        self._scope_button.setText(f"{scope_texts[self._scope]} ▾")
        self._scope_button.setAccessibleName(
            tr("The note speaks of {where}", where=scope_texts[self._scope])
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
            return tr("What this drawing on {version} means (N)", version=self._version_name)
        return tr("Write a note on {version} (N)", version=self._version_name)

    def _submit(self) -> None:
        if self._save_button.isEnabled():
            self.submitted.emit()


class _NoteLineEdit(QLineEdit):
    """Escape gives the keys back to the player; what was written stays."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumWidth(60)

    def sizeHint(self) -> QSize:  # noqa: N802
        """A few words; more are scrolled."""
        return QSize(10 * self.fontMetrics().averageCharWidth(), super().sizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        # Up and Down move the cursor nowhere in one line; the room must not jump to notes either.
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            return
        super().keyPressEvent(event)
