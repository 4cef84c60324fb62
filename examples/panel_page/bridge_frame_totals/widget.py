"""The widget: it shows what the panel's controller knows, and watches it for changes."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from bridge_ui.shots.controller import ShotsController, ShotsState
from bridge_ui.widgets.basic import label, vbox


class FrameTotalsPage(QWidget):
    def __init__(self, shots: ShotsController) -> None:
        super().__init__()
        self._shots = shots
        self.total = label(wrap=True)
        self.setLayout(vbox(self.total, 1, margin=12))
        # The panel calls `stop` when it closes.
        self.stop = shots.state.watch(self._shots_changed)

    def _shots_changed(self, _: ShotsState) -> None:
        ranges = [row.shot.cut_range for row in self._shots.selected if row.shot is not None]
        frames = sum(one.count for one in ranges)
        self.total.setText(f"Frames of the selected shots: {frames}")
