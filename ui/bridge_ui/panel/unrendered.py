"""What an earlier panel was asked for and did not come to render, offered once more."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from bridge_ui.controllers.unrendered import Left, Unrendered
from bridge_ui.panel.pieces import FitRow, box, button, column, label
from bridge_ui.translate import counted, tr


class UnrenderedCard(QWidget):
    """Shown only while something is left."""

    def __init__(self, unrendered: Unrendered) -> None:
        super().__init__()
        self._words = label("", wrap=True)
        self._where = label(
            tr("Those that are listed and unchanged can be rendered here."), "dim", wrap=True
        )
        self.go_on = button(tr("Render and send"), does=unrendered.go_on)
        self.go_on.setObjectName("render-left")
        self.forget = button(tr("Forget"), "link", does=unrendered.forget)
        self.forget.setObjectName("forget-left")
        buttons = FitRow(self.go_on, self.forget, gap=8)
        inner = column(self._words, self._where, buttons, margin=10, gap=4)
        self.setLayout(column(box(inner, "card")))
        self._unwatch = unrendered.left.watch(self._show)

    def close_watches(self) -> None:
        self._unwatch()

    def _show(self, left: Left) -> None:
        count, names = len(left.shots), ", ".join(left.shots[:3])
        if count > 3:
            names += " " + counted(count - 3, "and {n} more", "and {n} more")
        self._words.setText(
            tr("RecentRequests for, but not rendered before the panel closed: {shots}", shots=names)
        )
        self._where.setVisible(left.here < count)
        self.go_on.setEnabled(left.here > 0)
        self.setVisible(count > 0)
