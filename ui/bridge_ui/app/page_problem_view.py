"""What is shown in place of a page of another package that fails."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from bridge_core.errors import ShotbridgeError
from bridge_ui.widgets.basic import column, framed, label


class PageProblemView(QWidget):
    """Why the page cannot be shown, and the next step."""

    def __init__(self, error: ShotbridgeError) -> None:
        super().__init__()
        self.text = f"{error.message} ({error.where})"
        text = column(
            label(self.text, "bad", wrap=True),
            label(error.next_step, "dim", wrap=True),
            margin=12,
            gap=8,
        )
        outer = column(framed(text, "warning"), 1)
        outer.setContentsMargins(14, 10, 14, 10)
        self.setLayout(outer)

    def stop_watching(self) -> None:
        """It watches nothing."""
