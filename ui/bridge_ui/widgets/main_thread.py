"""Runs calls from any thread on Qt's main thread."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QLocale, QObject, Qt, QTimer, QTranslator, Signal, Slot

from bridge_ui.core import translate

_log = logging.getLogger(__name__)

#: Milliseconds for which calls are run before events are processed.
BUDGET_MS = 3


def call_later(owner: QObject, call: Callable[[], object]) -> None:
    """Run a call after pending events, unless ``owner`` is deleted by then. (``QTimer.singleShot``
    takes an owner only since PySide6 6.7; Nuke 16 has 6.5.)"""
    timer = QTimer(owner, singleShot=True)
    timer.timeout.connect(timer.deleteLater)
    timer.timeout.connect(call)
    timer.start(0)


class MainThreadDispatcher(QObject):
    """Provides ``post`` for controllers. Create it on the main thread; :meth:`post` may be called
    from any thread.

    Calls run in order, for a few milliseconds at a time; after :meth:`close` none runs.
    """

    _calls_waiting = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._calls: deque[Callable[[], None]] = deque()
        self._closed = False
        # Reentrant: garbage collection may run while it is held, and finalizers may post.
        self._lock = threading.RLock()
        self._is_scheduled = False
        """A run is scheduled; one per call would starve the event loop."""
        # Unlike a queued signal, a timer lets input and painting go first.
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._run)
        self._calls_waiting.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def post(self, call: Callable[[], None]) -> None:
        with self._lock:
            if self._closed:
                return
            self._calls.append(call)
            if self._is_scheduled:
                return
            self._is_scheduled = True
        try:
            self._calls_waiting.emit()
        except RuntimeError:
            # The Qt object was deleted with its window.
            self._closed = True
            self._calls.clear()

    def close(self) -> None:
        self._closed = True
        self._calls.clear()

    @Slot()
    def _run(self) -> None:
        until = time.perf_counter() + BUDGET_MS / 1000
        while True:
            with self._lock:
                if self._closed or not self._calls:
                    self._is_scheduled = False
                    return
                call = self._calls.popleft()
            try:
                call()
            except Exception:
                # An exception that leaves a slot can terminate the host.
                _log.exception("a call on the main thread failed")
            if time.perf_counter() > until:
                self._timer.start()
                return


def install_translations(
    folder: Path = Path(__file__).parents[1] / "translations", locale: QLocale | None = None
) -> None:
    """Let :func:`bridge_ui.core.translate.tr` use the catalogue ``shotbridge_<language>.qm`` of the
    system's language, if it exists. The host's translators are not changed."""
    catalogue = QTranslator()
    if catalogue.load(locale or QLocale.system(), "shotbridge", "_", str(folder)):
        translate.set_lookup(lambda text: catalogue.translate(translate.CONTEXT, text) or text)
