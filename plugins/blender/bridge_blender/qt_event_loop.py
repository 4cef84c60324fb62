"""Processes Qt events inside Blender's main loop.

Qt's event loop never runs here. While one of our windows is open, a timer of Blender processes Qt
events for a few milliseconds, some fifty times a second. Loading a file may remove the timer, so it
is registered again afterwards. Errors are logged and never reach Blender, which would remove the
timer.
"""

from __future__ import annotations

import locale
import logging
from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication, QWidget

_log = logging.getLogger(__name__)

#: Seconds between two timer calls: a frame at 50 frames per second.
INTERVAL = 0.02
#: Maximum milliseconds of one call while there are events; Blender needs the rest.
BUDGET_MS = 10

#: Open windows. This reference keeps them alive.
_open_windows: list[QWidget] = []
_is_processing = False


def application() -> QApplication:
    """The application of this process: that of another extension if there is one, else ours."""
    from PySide6.QtWidgets import QApplication

    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    # Qt sets the system's locale for the process, but Blender needs a decimal point.
    previous_locale = locale.setlocale(locale.LC_ALL)
    try:
        created = QApplication(["shotbridge"])
    finally:
        locale.setlocale(locale.LC_ALL, previous_locale)
    created.setQuitOnLastWindowClosed(False)
    return created


def hold_window(window: QWidget) -> None:
    """Process events until :func:`release_window` was called for every window."""
    if window not in _open_windows:
        _open_windows.append(window)
    _ensure_timer()


def release_window(window: QWidget) -> None:
    """Release a closed window; it is deleted when events are processed next."""
    from shiboken6 import isValid

    if window in _open_windows:
        _open_windows.remove(window)
    if isValid(window):
        window.deleteLater()


def is_running() -> bool:
    return bool(bpy.app.timers.is_registered(_on_timer))


def process_events() -> None:
    """Process Qt events. A nested call, from a handler that lets Blender work, does nothing."""
    global _is_processing
    from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop

    app = QCoreApplication.instance()
    if _is_processing or app is None:
        return
    _is_processing = True
    try:
        app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, BUDGET_MS)
        # Without a Qt event loop nothing else handles deleteLater().
        app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    finally:
        _is_processing = False


def register() -> None:
    bpy.app.handlers.load_post.append(_on_load_post)


def unregister() -> None:
    """Stop the timer. All windows must be closed."""
    if _on_load_post in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(_on_load_post)
    process_events_logged()
    if is_running():
        bpy.app.timers.unregister(_on_timer)


def process_events_logged() -> None:
    """Process events, and log errors."""
    try:
        process_events()
    except Exception:
        _log.exception("processing the panel's events failed")


def _on_timer() -> float | None:
    process_events_logged()
    return INTERVAL if _open_windows else None


def _ensure_timer() -> None:
    if not is_running():
        bpy.app.timers.register(_on_timer, first_interval=0.0, persistent=True)


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def _on_load_post(*_: Any) -> None:
    if _open_windows:
        _ensure_timer()
