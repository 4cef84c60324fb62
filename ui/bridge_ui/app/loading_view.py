"""What is seen of a panel before it is at work."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget

from bridge_core.errors import ShotbridgeError
from bridge_ui.core.translate import tr
from bridge_ui.icons import SIZE
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import button, column, framed, label, row, title
from bridge_ui.widgets.main_thread import call_later


class LoadingView(QWidget):
    """The panel's name and that it opens; or why it cannot, and what to do."""

    first_shown = Signal()
    """It is on the screen for the first time: what takes time may begin."""
    retry_requested = Signal()
    """Somebody has mended what was wrong."""

    def __init__(self) -> None:
        super().__init__()
        set_style_class(self, "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._is_unpainted = True
        self._text = label(tr("Opening …"), "dim")
        self._problem = label("", "bad", wrap=True)
        self._next = label("", "dim", wrap=True)
        retry = button(tr("Try again"), on_click=self.retry_requested.emit)
        retry.setObjectName("try-again")
        text = column(self._problem, self._next, row(retry, 1), margin=12, gap=8)
        self._problem_box = framed(text, "warning")
        self._problem_box.hide()
        line = row(title("Shotbridge"), self._text, 1, gap=10)
        line.addStrut(SIZE)  # as tall as the line with buttons that follows
        inner = column(line, self._problem_box, 1, gap=9)
        inner.setContentsMargins(14, 10, 14, 10)
        self.setLayout(inner)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        if self._is_unpainted:
            self._is_unpainted = False
            # Once this frame is on the screen: nothing is to take time from it.
            call_later(self, self.first_shown.emit)

    def show_loading(self) -> None:
        """It is being opened, once more."""
        self._text.show()
        self._problem_box.hide()

    def show_error(self, error: ShotbridgeError) -> None:
        """It cannot be opened."""
        why = f"{error.message} ({error.where})" if error.where else error.message
        self._problem.setText(tr("The panel cannot open: {why}", why=why))
        self._next.setText(error.next_step)
        self._next.setVisible(bool(error.next_step))
        self._text.hide()
        self._problem_box.show()
