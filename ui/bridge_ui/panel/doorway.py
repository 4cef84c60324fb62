"""What is seen of a panel before it is at work."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget

from bridge_core.errors import ShotbridgeError
from bridge_ui.panel.pieces import button, column, label, row, title
from bridge_ui.theme.sheet import look
from bridge_ui.translate import tr


class Doorway(QWidget):
    """The panel's name and that it opens; or why it cannot, and what to do."""

    seen = Signal()
    """It is on the screen for the first time: what takes time may begin."""
    again = Signal()
    """Somebody has mended what was wrong."""

    def __init__(self) -> None:
        super().__init__()
        look(self, "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._unseen = True
        self._words = label(tr("Opening …"), "dim", wrap=True)
        self._next = label("", "dim", wrap=True)
        self._again = button(tr("Try again"), does=self.again.emit)
        self._again.setObjectName("try-again")
        self._next.hide()
        self._again.hide()
        said = column(self._words, self._next, row(self._again, 1), gap=8)
        inner = row(title("Shotbridge"), said, gap=10, grows=1)
        inner.setAlignment(Qt.AlignmentFlag.AlignTop)
        inner.setContentsMargins(14, 9, 8, 9)
        self.setLayout(inner)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        if self._unseen:
            self._unseen = False
            self.seen.emit()

    def wait(self) -> None:
        """It is being opened, once more."""
        self._say(tr("Opening …"), "dim")

    def refuse(self, error: ShotbridgeError) -> None:
        """It cannot be opened."""
        why = f"{error.what} ({error.where})" if error.where else error.what
        self._say(tr("The panel cannot open: {why}.", why=why), "bad", error.next_step)

    def _say(self, words: str, style: str, next_step: str = "") -> None:
        look(self._words, style)
        self._words.setText(words)
        self._next.setText(next_step)
        self._next.setVisible(bool(next_step))
        self._again.setVisible(style == "bad")
