"""The panel as one of Nuke's panes. Imported when it is shown for the first time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from bridge_nuke.host import NukeHost

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings
    from bridge_nuke.shot_names import ShotNameCache
    from bridge_ui.app.panel import Panel

_log = logging.getLogger(__name__)

#: Milliseconds between a change in the script and the panel's look at it: whoever selects a
#: hundred nodes by dragging changes a hundred knobs.
_DEBOUNCE_MS = 120

#: What shots were called, for as long as Nuke runs: panes are closed and opened again while their
#: jobs go on.
_NAME_CACHE: ShotNameCache = {}


class ShotbridgePane(QWidget):
    """Shows the panel, or in words why there is none. Nuke makes it without arguments, docks it,
    moves it from pane to pane, and deletes it when its tab is closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panel: Panel | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        # Whatever is wrong must not reach Nuke, which would be left with half a pane.
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
        # Nuke may delete the pane without asking it; its widgets are still there when it is told.
        panel = self.panel
        self.destroyed.connect(lambda: panel.close_down())
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.shut_down_on_quit)

    def shut_down(self, timeout: float = 0.0) -> None:
        """End what the panel does; what was sent goes on at the gateway. Waits ``timeout`` seconds
        at most for its threads, which end by themselves otherwise. May be called twice."""
        if self.panel is not None:
            self.panel.close_down(timeout)

    def shut_down_on_quit(self) -> None:
        """Nuke ends: threads that still run then would be killed in the middle of something."""
        self.shut_down(2.0)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DeferredDelete:
            self.shut_down()
        return super().event(event)


def _create_panel(parent: QWidget) -> Panel:
    from bridge_ui.app.opening import open_panel

    settings = _settings_reader()
    host = NukeHost(settings, lambda call: QTimer.singleShot(_DEBOUNCE_MS, call), _NAME_CACHE)
    return open_panel(settings, host, parent)


def _settings_reader() -> Callable[[], Settings]:
    """Reads the configuration once: the panel on a thread of its own, and then for the host."""

    @cache
    def read() -> Settings:
        from bridge_core.config import load_settings

        return load_settings().settings

    return read
