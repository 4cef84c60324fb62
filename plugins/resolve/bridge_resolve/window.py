"""The companion window: the panel beside Resolve, which docks no window of anybody else's.

Where no Resolve lets scripts in, the same panel works on an OTIO file that a person exports from
it, and writes the file that goes back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from bridge_core.errors import HostError, ShotbridgeError
from bridge_resolve.api_thread import ApiThread
from bridge_resolve.connecting import find_resolve
from bridge_resolve.host import ResolveHost
from bridge_ui.panel.opening import open_panel
from bridge_ui.qt.bridge import MainThread, install_translations
from bridge_ui.standalone_host import StandaloneHost
from bridge_ui.theme.sheet import dress, look
from bridge_ui.theme.tones import tones_for
from bridge_ui.translate import tr

if TYPE_CHECKING:
    from fusionscript import Resolve

    from bridge_core.models.settings import Settings
    from bridge_ui.panel.shell import Panel


class Companion(QWidget):
    """Reads the settings and looks for Resolve with ``find``, both off the main thread; then shows
    a panel on it, or on an OTIO file where there is none."""

    def __init__(self, settings: Callable[[], Settings], find: Callable[[], Resolve]) -> None:
        super().__init__()
        install_translations()
        self.setObjectName("companion")
        self.setWindowTitle(tr("Shotbridge beside Resolve"))
        self.setMinimumSize(420, 480)
        self.panel: Panel | None = None
        self.host: ResolveHost | None = None
        self._settings = settings
        self._find = find
        self._main_thread = MainThread(self)
        self._closed = False
        self._words = QLabel()
        self._words.setObjectName("words")
        self._words.setWordWrap(True)
        self._again = QPushButton(tr("Look again"))
        self._again.setObjectName("again")
        self._again.clicked.connect(self.look)
        self._strip = QWidget()
        row = QHBoxLayout(self._strip)
        row.setContentsMargins(14, 8, 14, 8)
        row.setSpacing(12)
        row.addWidget(self._words, 1)
        row.addWidget(self._again)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self._strip, 0, Qt.AlignmentFlag.AlignTop)
        look(self, "ground")
        dress(self, tones_for(self.palette()))

    def look(self) -> None:
        """Look for Resolve, and work with what is found."""
        self._end_panel()
        self._again.hide()
        self._words.setText(tr("Looking for DaVinci Resolve …"))
        threading.Thread(target=self._looking, name="shotbridge-looking", daemon=True).start()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self._closed = True
        self._end_panel()
        super().closeEvent(event)

    def _looking(self) -> None:
        try:
            settings = self._settings()
        except ShotbridgeError as error:
            self._main_thread.post(partial(self._cannot, error))
            return
        thread = ApiThread()
        try:
            host = ResolveHost(settings, self._find, thread, self._main_thread.post)
        except ShotbridgeError as error:
            thread.close()
            self._main_thread.post(partial(self._work_with_files, settings, error))
        except Exception as error:
            # Resolve's own library may raise whatever it likes.
            thread.close()
            told = HostError(
                f"Resolve's scripting failed: {type(error).__name__}: {error}",
                next_step="restart Resolve",
            )
            self._main_thread.post(partial(self._work_with_files, settings, told))
        else:
            self._main_thread.post(partial(self._work_in, settings, host))
            if self._closed:
                host.close()  # the window may have gone, and nobody takes it then

    def _cannot(self, error: ShotbridgeError) -> None:
        self._words.setText(
            f"{_sentence(error.what)} ({error.where}). {_sentence(error.next_step)}"
        )
        self._again.show()

    def _work_in(self, settings: Settings, host: ResolveHost) -> None:
        if self._closed:
            host.close()
            return
        self.host = host
        self._words.setText(
            tr(
                "Works on the timeline that is open in {resolve}. This window is Shotbridge's own "
                "and stays beside Resolve, which docks no others.",
                resolve=host.title,
            )
        )
        self._show(open_panel(settings, host))

    def _work_with_files(self, settings: Settings, error: ShotbridgeError) -> None:
        if self._closed:
            return
        self._words.setText(
            tr(
                "{why}. {next}.\nWith files: in Resolve, File > Export > Timeline writes OTIO; "
                "open that here, write the cut for Resolve, and File > Import > Timeline brings "
                "it back.",
                why=_sentence(error.what),
                next=_sentence(error.next_step),
            )
        )
        self._again.show()
        self._show(open_panel(settings, StandaloneHost(settings)))

    def _show(self, panel: Panel) -> None:
        self.panel = panel
        self._column.addWidget(panel, 1)
        panel.show()

    def _end_panel(self) -> None:
        panel, self.panel = self.panel, None
        if panel is not None:
            panel.close_down(timeout=2.0)
            self._column.removeWidget(panel)
            panel.deleteLater()
        host, self.host = self.host, None
        if host is not None:
            host.close()


def main(injected: Mapping[str, Any] | None = None, product: str = "") -> int:
    """Open the companion window; ends when it is closed."""
    from bridge_ui.window import application, work

    def settings() -> Settings:
        from bridge_core.config import load

        return load().settings

    app = application()
    window = Companion(settings, lambda: find_resolve(injected, product))
    window.resize(1440, 880)
    window.show()
    window.look()
    code = work(app)
    window.close()
    return code


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
