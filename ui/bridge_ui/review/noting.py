"""Writing a note: words and what is drawn, at a frame, from in to out, or on the whole version."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QMenu, QPushButton, QToolButton, QWidget

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Stroke
from bridge_ui.panel.pieces import FitRow, button, column, pops_up, row
from bridge_ui.review.transport import sign_button
from bridge_ui.theme.sheet import look
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import tr

FRAME, MARKS, WHOLE = "frame", "marks", "whole"


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


class NoteField(QWidget):
    """One line of words. ``wanted`` asks the room to keep a note."""

    wanted = Signal()
    draw = Signal()

    def __init__(self, tones: Tones) -> None:
        super().__init__()
        self._reach = FRAME
        self._frame = 0
        self._marks = (0, 0)
        self._strokes = 0
        self._busy = False
        self._version = ""
        self.pencil = sign_button("pencil", tr("Draw on the picture (D)"), tones)
        self.pencil.setCheckable(True)
        self.pencil.clicked.connect(self.draw)
        self.words = _Words()
        self.words.setMaxLength(5000)
        self.words.setAccessibleName(tr("Note"))
        self.words.returnPressed.connect(self._ask)
        self.words.textChanged.connect(self._show)
        self._where = QToolButton()
        look(self._where, "quiet")
        self._where.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._where.setToolTip(tr("What the note speaks of"))
        menu = QMenu(self)
        for reach, name in (
            (FRAME, tr("This frame")),
            (MARKS, tr("From in to out point")),
            (WHOLE, tr("The whole version")),
        ):
            menu.addAction(name).triggered.connect(
                lambda _on=False, reach=reach: self._set_reach(reach)
            )
        pops_up(self._where, menu)
        self._save: QPushButton = button(tr("Save note"), does=self._ask)
        self._save.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        say = QWidget()
        say.setLayout(row(self.pencil, self.words, gap=4, grows=1))
        keep = QWidget()
        keep.setLayout(row(self._where, self._save, gap=4, grows=0))
        self.setLayout(column(FitRow(say, keep, gap=4, grows=0)))
        self._show()

    def show_version(self, name: str) -> None:
        """That notes are about; empty: none is on the screen, and there is nothing to write on."""
        self._version = name
        self.setEnabled(bool(name))
        self._show()

    def show_place(self, frame: int, marks: tuple[int, int], strokes: int) -> None:
        """Frame on the screen, in and out point, number of strokes drawn on the frame."""
        if (frame, marks, strokes) != (self._frame, self._marks, self._strokes):
            self._frame, self._marks, self._strokes = frame, marks, strokes
            self._show()

    def set_busy(self, busy: bool) -> None:
        """A note is on its way: not the same one twice."""
        self._busy = busy
        self._show()

    def frames(self, rate: object) -> FrameRange | None:
        if self._reach == MARKS:
            return FrameRange.of(*self._marks, rate)
        if self._reach == WHOLE:
            return None
        return FrameRange.of(self._frame, self._frame, rate)

    def _set_reach(self, reach: str) -> None:
        self._reach = reach
        self._show()

    def _show(self) -> None:
        where = {
            FRAME: str(self._frame),
            MARKS: f"{self._marks[0]}–{self._marks[1]}",
            WHOLE: tr("whole version"),
        }
        self._where.setText(f"{where[self._reach]} ▾")
        self._where.setAccessibleName(tr("The note speaks of {where}", where=where[self._reach]))
        self._save.setToolTip(tr("On {version}", version=self._version) if self._version else "")
        self.words.setPlaceholderText(self._hint())
        says = bool(self.words.text().strip()) or self._strokes > 0
        self._save.setEnabled(says and not self._busy)

    def _hint(self) -> str:
        if not self._version:
            return tr("No version is on the screen")
        if self._strokes:
            return tr("What this drawing on {version} means (N)", version=self._version)
        return tr("Write a note on {version} (N)", version=self._version)

    def _ask(self) -> None:
        if self._save.isEnabled():
            self.wanted.emit()


class _Words(QLineEdit):
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
