"""The Qt window that holds the panel inside a host that Qt knows nothing of."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

if TYPE_CHECKING:
    from bridge_ui.app.panel import Panel

_log = logging.getLogger(__name__)

#: Where the last one stood, for the next one.
_last_geometry: QRect | None = None


class PanelWindow(QWidget):
    """Closes the panel down when it is closed itself, by its cross or from outside, and tells
    ``closed`` once.

    :param on_top: stays above other windows; else it goes behind Blender with every click there.
    """

    def __init__(self, panel: Panel, on_closed: Callable[[], None], *, on_top: bool) -> None:
        super().__init__()
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint, on_top)
        self.setWindowTitle(panel.windowTitle())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(panel)
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
                self._panel.close_down()
            except Exception:
                # Whatever it is, the window goes: it would else stay without a panel at work.
                _log.exception("the panel did not close in order")
            on_closed()
        event.accept()

    def _default_geometry(self) -> QRect:
        """As narrow as a dock, at the right edge of the screen: Blender is seen beside it."""
        available = self.screen().availableGeometry()
        character_width = self.fontMetrics().horizontalAdvance("x")
        width = min(68 * character_width, available.width())
        height = min(round(0.9 * available.height()), available.height())
        return QRect(
            available.right() - width,
            available.top() + (available.height() - height) // 2,
            width,
            height,
        )
