"""The panel as a pane of Nuke. Imported when the pane is shown for the first time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from bridge_nuke.host import NukeHost

if TYPE_CHECKING:
    from bridge_nuke.shot_names import ShotNameCache
    from bridge_ui.app.panel import Panel

_log = logging.getLogger(__name__)

#: Milliseconds from a change in the script to the panel's update: selecting a hundred nodes by
#: dragging changes a hundred knobs.
_DEBOUNCE_MS = 120

#: Shot names, for as long as Nuke runs: panes are closed and opened again while their jobs run.
_NAME_CACHE: ShotNameCache = {}


class ShotbridgePane(QWidget):
    """Shows the panel, or why it cannot be opened. Nuke creates it without arguments, docks it,
    moves it from pane to pane, and deletes it when its tab is closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panel: Panel | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        # No error may reach Nuke, which would be left with half a pane.
        try:
            self.panel = _create_panel(self)
        except Exception as error:
            _log.exception("the panel cannot be opened")
            label = QLabel(f"Shotbridge cannot open here: {error}")
            label.setWordWrap(True)
            label.setMargin(12)
            layout.addWidget(label)
            return
        layout.addWidget(self.panel)
        # Nuke may delete the pane without an event; its widgets still exist in "destroyed".
        panel = self.panel
        self.destroyed.connect(lambda: panel.stop())
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.stop_on_quit)

    def stop(self, timeout: float = 0.0) -> None:
        """Close the panel; jobs continue on the gateway. Waits at most ``timeout`` seconds for the
        panel's threads, which end on their own afterwards. May be called twice."""
        if self.panel is not None:
            self.panel.stop(timeout)

    def stop_on_quit(self) -> None:
        """Nuke quits: threads that still run then would be killed in the middle of their work."""
        self.stop(2.0)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DeferredDelete:
            self.stop()
        return super().event(event)


def _create_panel(parent: QWidget) -> Panel:
    from bridge_ui.app.opening import open_panel, settings_reader

    settings = settings_reader()
    host = NukeHost(settings, lambda call: QTimer.singleShot(_DEBOUNCE_MS, call), _NAME_CACHE)
    return open_panel(settings, host, parent)
