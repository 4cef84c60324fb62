"""What is shown in place of a panel that is not loaded, and of a page that cannot be."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget

from bridge_core.errors import ShotbridgeError
from bridge_ui.core.translate import tr
from bridge_ui.icons import SIZE
from bridge_ui.widgets.basic import (
    ProblemText,
    button,
    fill_background,
    framed,
    hbox,
    label,
    title,
    vbox,
)
from bridge_ui.widgets.main_thread import call_later


class LoadingView(QWidget):
    """A message that the panel is opening; or why it cannot open, and the next step."""

    first_shown = Signal()
    """Painted for the first time, so that loading may start."""
    retry_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        fill_background(self, "bar")
        self._is_unpainted = True
        self._text = label(tr("Opening …"), "dim")
        self._problem = ProblemText()
        retry = button(tr("Try again"), on_click=self.retry_requested.emit, name="try-again")
        text = vbox(self._problem, hbox(retry, 1), margin=12, gap=8)
        self._problem_box = framed(text, "warning")
        self._problem_box.hide()
        line = hbox(title("Shotbridge"), self._text, 1, gap=10)
        line.addStrut(SIZE)  # as high as the toolbar that replaces it
        self.setLayout(vbox(line, self._problem_box, 1, margin=(14, 10, 14, 10), gap=9))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        if self._is_unpainted:
            self._is_unpainted = False
            # After this frame is on screen, so that nothing delays it.
            call_later(self, self.first_shown.emit)

    def show_loading(self) -> None:
        self._text.show()
        self._problem_box.hide()

    def show_error(self, error: ShotbridgeError) -> None:
        why = f"{error.message} ({error.where})" if error.where else error.message
        self._problem.show_problem(tr("The panel cannot open: {why}", why=why), error.next_step)
        self._text.hide()
        self._problem_box.show()


class PageProblemView(QWidget):
    """Why a page of another package cannot be shown, and the next step."""

    def __init__(self, error: ShotbridgeError) -> None:
        super().__init__()
        self.text = f"{error.message} ({error.where})"
        problem = ProblemText(is_boxed=True)
        problem.show_problem(self.text, error.next_step)
        self.setLayout(vbox(problem, 1, margin=(14, 10, 14, 10)))

    def stop(self) -> None:
        """It watches nothing."""
