"""Gives Qt its turns inside Blender's main loop.

Qt's own loop never runs here: Blender's timer hands Qt a few milliseconds some fifty times a
second, for as long as a window of ours is open. Loading a file or a modal operator may take timers
away, so it is put back after each load; what goes wrong in a turn is logged and never reaches
Blender, which would take the timer off for good.
"""

from __future__ import annotations

import locale
import logging
from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication, QWidget

_log = logging.getLogger(__name__)

#: Seconds between two turns: a picture's time at 50 frames a second.
INTERVAL = 0.02
#: Milliseconds that one turn may go on as long as events keep coming; Blender needs the rest.
BUDGET_MS = 10

#: Windows that are open. Python's reference is the one that keeps them alive.
_open_windows: list[QWidget] = []
_is_processing = False


def application() -> QApplication:
    """The process's one application: another extension's, if it has one, else ours."""
    from PySide6.QtWidgets import QApplication

    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    # Qt takes the system's locale for the whole process; Blender wants numbers with a point.
    previous_locale = locale.setlocale(locale.LC_ALL)
    try:
        created = QApplication(["shotbridge"])
    finally:
        locale.setlocale(locale.LC_ALL, previous_locale)
    created.setQuitOnLastWindowClosed(False)
    return created


def hold_window(window: QWidget) -> None:
    """Give Qt its turns until :func:`let_go` was called for every window."""
    if window not in _open_windows:
        _open_windows.append(window)
    _ensure_timer()


def release_window(window: QWidget) -> None:
    """A window has closed: it is deleted in the turn that follows."""
    from shiboken6 import isValid

    if window in _open_windows:
        _open_windows.remove(window)
    if isValid(window):
        window.deleteLater()


def is_running() -> bool:
    return bool(bpy.app.timers.is_registered(_on_timer))


def process_events() -> None:
    """Let Qt do what it has to. Called from inside of one, by a handler that lets Blender work,
    it does nothing."""
    global _is_processing
    from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop

    app = QCoreApplication.instance()
    if _is_processing or app is None:
        return
    _is_processing = True
    try:
        app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, BUDGET_MS)
        # Without a loop of Qt's nothing else deletes what was to be deleted later.
        app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    finally:
        _is_processing = False


def register() -> None:
    bpy.app.handlers.load_post.append(_on_load_post)


def unregister() -> None:
    """Stop at once. Windows must have closed by now."""
    if _on_load_post in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(_on_load_post)
    process_events_logged()
    if is_running():
        bpy.app.timers.unregister(_on_timer)


def process_events_logged() -> None:
    """A turn whose trouble is logged."""
    try:
        process_events()
    except Exception:
        _log.exception("a turn of the panel failed")


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
