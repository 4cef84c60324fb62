"""What is seen of a panel before it is at work."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget

from bridge_core.errors import ShotbridgeError
from bridge_ui.icons import SIZE
from bridge_ui.panel.pieces import box, button, column, label, row, title
from bridge_ui.qt.bridge import soon
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
        self._words = label(tr("Opening …"), "dim")
        self._problem = label("", "bad", wrap=True)
        self._next = label("", "dim", wrap=True)
        again = button(tr("Try again"), does=self.again.emit)
        again.setObjectName("try-again")
        said = column(self._problem, self._next, row(again, 1), margin=12, gap=8)
        self._trouble = box(said, "warning")
        self._trouble.hide()
        line = row(title("Shotbridge"), self._words, 1, gap=10)
        line.addStrut(SIZE)  # as tall as the line with buttons that follows
        inner = column(line, self._trouble, 1, gap=9)
        inner.setContentsMargins(14, 10, 14, 10)
        self.setLayout(inner)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        if self._unseen:
            self._unseen = False
            # Once this frame is on the screen: nothing is to take time from it.
            soon(self, self.seen.emit)

    def wait(self) -> None:
        """It is being opened, once more."""
        self._words.show()
        self._trouble.hide()

    def refuse(self, error: ShotbridgeError) -> None:
        """It cannot be opened."""
        why = f"{error.what} ({error.where})" if error.where else error.what
        self._problem.setText(tr("The panel cannot open: {why}", why=why))
        self._next.setText(error.next_step)
        self._next.setVisible(bool(error.next_step))
        self._words.hide()
        self._trouble.show()
