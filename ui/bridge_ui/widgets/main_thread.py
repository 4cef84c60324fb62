"""Carries calls from any thread to Qt's main thread."""

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

#: Milliseconds of waiting calls that are done in one go, before events get their turn.
BUDGET_MS = 3


def call_later(owner: QObject, call: Callable[[], object]) -> None:
    """Do something once all that waits now is done; never, where ``owner`` has gone by then.
    (``QTimer.singleShot`` takes an owner from PySide6 6.7 on; Nuke 16 brings 6.5.)"""
    timer = QTimer(owner)
    timer.setSingleShot(True)
    timer.timeout.connect(timer.deleteLater)
    timer.timeout.connect(call)
    timer.start(0)


class MainThreadDispatcher(QObject):
    """A ``post`` for controllers. Made on the main thread; :meth:`post` is called from any.

    Calls are done in order, a few milliseconds of them at a time. After :meth:`close` none is.
    """

    _calls_waiting = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._calls: deque[Callable[[], None]] = deque()
        self._closed = False
        # Reentrant: the collector may run while it is held, and whatever it ends may post.
        self._lock = threading.RLock()
        self._is_scheduled = False
        """A run is on its way: one for each call would leave the event loop no turn."""
        # A timer, unlike a queued signal, lets input and painting go first.
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
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
            # Qt's half has gone with its window; nobody is left to be told.
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
                # An exception that leaves a slot can end the host's process.
                _log.exception("a call on the main thread failed")
            if time.perf_counter() > until:
                self._timer.start()
                return


def install_translations(
    folder: Path = Path(__file__).parents[1] / "translations", locale: QLocale | None = None
) -> None:
    """Have :func:`bridge_ui.core.translate.tr` ask the catalogue ``shotbridge_<language>.qm`` of this
    machine's language, where there is one. It is ours alone: the host's translators stay as they
    are."""
    catalogue = QTranslator()
    if catalogue.load(locale or QLocale.system(), "shotbridge", "_", str(folder)):
        translate.install(lambda text: catalogue.translate(translate.CONTEXT, text) or text)
