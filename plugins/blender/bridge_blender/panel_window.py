"""The Qt window for the panel, in a host without Qt."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QWidget

from bridge_ui.widgets.basic import vbox

if TYPE_CHECKING:
    from bridge_ui.app.panel import Panel

_log = logging.getLogger(__name__)

#: Geometry of the last window, for the next one.
_last_geometry: QRect | None = None


class PanelWindow(QWidget):
    """Closes the panel when the window is closed, and calls ``on_closed`` once.

    :param on_top: keep the window above others; otherwise it goes behind Blender with each click.
    """

    def __init__(self, panel: Panel, on_closed: Callable[[], None], *, on_top: bool) -> None:
        super().__init__()
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint, on_top)
        self.setWindowTitle(panel.windowTitle())
        self.setLayout(vbox(panel))
        self._panel = panel
        self._on_closed: Callable[[], None] | None = on_closed
        self.setGeometry(_last_geometry or self._default_geometry())

    def come_to_front(self) -> None:
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        global _last_geometry
        on_closed, self._on_closed = self._on_closed, None
        if on_closed is not None:
            _last_geometry = self.geometry()
            try:
                self._panel.stop()
            except Exception:
                # The window must close even so: otherwise it would stay without a working panel.
                _log.exception("closing the panel failed")
            on_closed()
        event.accept()

    def _default_geometry(self) -> QRect:
        """As narrow as a dock, at the right edge of the screen, so that Blender is visible."""
        available = self.screen().availableGeometry()
        character_width = self.fontMetrics().horizontalAdvance("x")
        width = min(68 * character_width, available.width())
        height = min(round(0.9 * available.height()), available.height())
        top = available.top() + (available.height() - height) // 2
        return QRect(available.right() - width, top, width, height)
