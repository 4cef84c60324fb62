"""The companion window: the panel beside Resolve, which cannot dock windows of other programs.

If no Resolve accepts scripts, the panel works on OTIO files that are exported from Resolve and
imported again by hand.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QWidget

from bridge_core.config import load_settings
from bridge_core.errors import HostError, ShotbridgeError
from bridge_resolve.api_thread import ApiThread
from bridge_resolve.connection import find_resolve
from bridge_resolve.host import ResolveHost
from bridge_ui.app.opening import open_panel
from bridge_ui.app.standalone_host import StandaloneHost
from bridge_ui.core.translate import tr
from bridge_ui.theme.colours import colours_for
from bridge_ui.theme.style_sheet import apply_theme, set_style_class
from bridge_ui.widgets.basic import button, hbox, label, vbox
from bridge_ui.widgets.main_thread import MainThreadDispatcher, install_translations

if TYPE_CHECKING:
    from fusionscript import Resolve

    from bridge_core.models.settings import Settings
    from bridge_ui.app.panel import Panel


class CompanionWindow(QWidget):
    """Loads the settings and connects to Resolve, both off the main thread. Then it shows a panel
    that works with Resolve, or with OTIO files."""

    def __init__(
        self, settings: Callable[[], Settings], find_resolve: Callable[[], Resolve]
    ) -> None:
        super().__init__()
        install_translations()
        self.setObjectName("companion")
        self.setWindowTitle(tr("Shotbridge beside Resolve"))
        self.setMinimumSize(420, 480)
        self.panel: Panel | None = None
        self.host: ResolveHost | None = None
        self._settings = settings
        self._find_resolve = find_resolve
        self._main_thread = MainThreadDispatcher(self)
        self._is_closed = False
        self._status_label = label(wrap=True)
        self._status_label.setObjectName("connection-status")
        self._retry_button = button(tr("Try again"), on_click=self.search)
        self._retry_button.setObjectName("retry")
        status_row = hbox(self._status_label, self._retry_button, gap=12, grows=0)
        status_row.setContentsMargins(14, 8, 14, 8)
        status_bar = QWidget()
        status_bar.setLayout(status_row)
        self._main_layout = vbox(status_bar, gap=0)
        self._main_layout.setAlignment(status_bar, Qt.AlignmentFlag.AlignTop)
        self.setLayout(self._main_layout)
        set_style_class(self, "background")
        apply_theme(self, colours_for(self.palette()))

    def search(self) -> None:
        """Connect to Resolve, and show the panel for the result."""
        self._close_panel()
        self._retry_button.hide()
        self._status_label.setText(tr("Connecting to DaVinci Resolve …"))
        name = "shotbridge-search-resolve"
        threading.Thread(target=self._search_in_thread, name=name, daemon=True).start()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self._is_closed = True
        self._close_panel()
        super().closeEvent(event)

    def _search_in_thread(self) -> None:
        try:
            settings = self._settings()
        except ShotbridgeError as error:
            self._main_thread.post(partial(self._show_settings_error, error))
            return
        thread = ApiThread()
        try:
            host = ResolveHost(settings, self._find_resolve, thread, self._main_thread.post)
        except ShotbridgeError as error:
            thread.close()
            self._main_thread.post(partial(self._use_files, settings, error))
        except Exception as error:
            # Resolve's library may raise any exception.
            thread.close()
            message = f"Resolve's scripting failed: {type(error).__name__}: {error}"
            host_error = HostError(message, next_step="restart Resolve")
            self._main_thread.post(partial(self._use_files, settings, host_error))
        else:
            self._main_thread.post(partial(self._use_resolve, settings, host))
            if self._is_closed:
                host.close()  # the window may be gone, and with it the queue of calls

    def _show_settings_error(self, error: ShotbridgeError) -> None:
        message, next_step = _capitalized(error.message), _capitalized(error.next_step)
        self._status_label.setText(f"{message} ({error.where}). {next_step}")
        self._retry_button.show()

    def _use_resolve(self, settings: Settings, host: ResolveHost) -> None:
        if self._is_closed:
            host.close()
            return
        self.host = host
        self._status_label.setText(
            tr(
                "Works on the timeline that is open in {resolve}. This window stays separate: "
                "Resolve cannot dock windows of other programs.",
                resolve=host.title,
            )
        )
        self._show_panel(open_panel(settings, host))

    def _use_files(self, settings: Settings, error: ShotbridgeError) -> None:
        if self._is_closed:
            return
        self._status_label.setText(
            tr(
                "{reason}. {next}.\nWith files: export OTIO in Resolve with File > Export > "
                "Timeline, open it here, write the cut for Resolve, and import that with "
                "File > Import > Timeline.",
                reason=_capitalized(error.message),
                next=_capitalized(error.next_step),
            )
        )
        self._retry_button.show()
        self._show_panel(open_panel(settings, StandaloneHost(settings)))

    def _show_panel(self, panel: Panel) -> None:
        self.panel = panel
        self._main_layout.addWidget(panel, 1)
        panel.show()

    def _close_panel(self) -> None:
        panel, self.panel = self.panel, None
        if panel is not None:
            panel.stop(timeout=2.0)
            self._main_layout.removeWidget(panel)
            panel.deleteLater()
        host, self.host = self.host, None
        if host is not None:
            host.close()


def main(injected: Mapping[str, Any] | None = None, product: str = "") -> int:
    """Open the companion window; returns when it is closed."""
    from bridge_ui.app.window import create_application, run_event_loop

    app = create_application()
    window = CompanionWindow(
        lambda: load_settings().settings, lambda: find_resolve(injected, product)
    )
    window.resize(1440, 880)
    window.show()
    window.search()
    code = run_event_loop(app)
    window.close()
    return code


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]
