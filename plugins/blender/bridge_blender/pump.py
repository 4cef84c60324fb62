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
PULSE = 0.02
#: Milliseconds that one turn may go on as long as events keep coming; Blender needs the rest.
BUDGET_MS = 10

#: Windows that are open. Python's reference is the one that keeps them alive.
_open: list[QWidget] = []
_inside = False


def application() -> QApplication:
    """The process's one application: another extension's, if it has one, else ours."""
    from PySide6.QtWidgets import QApplication

    there = QApplication.instance()
    if isinstance(there, QApplication):
        return there
    # Qt takes the system's locale for the whole process; Blender wants numbers with a point.
    before = locale.setlocale(locale.LC_ALL)
    try:
        made = QApplication(["shotbridge"])
    finally:
        locale.setlocale(locale.LC_ALL, before)
    made.setQuitOnLastWindowClosed(False)
    return made


def keep(window: QWidget) -> None:
    """Give Qt its turns until :func:`let_go` was called for every window."""
    if window not in _open:
        _open.append(window)
    _wind_up()


def let_go(window: QWidget) -> None:
    """A window has closed: it is deleted in the turn that follows."""
    from shiboken6 import isValid

    if window in _open:
        _open.remove(window)
    if isValid(window):
        window.deleteLater()


def is_running() -> bool:
    return bool(bpy.app.timers.is_registered(_turn))


def turn() -> None:
    """Let Qt do what it has to. Called from inside of one, by a handler that lets Blender work,
    it does nothing."""
    global _inside
    from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop

    app = QCoreApplication.instance()
    if _inside or app is None:
        return
    _inside = True
    try:
        app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, BUDGET_MS)
        # Without a loop of Qt's nothing else deletes what was to be deleted later.
        app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    finally:
        _inside = False


def register() -> None:
    bpy.app.handlers.load_post.append(_loaded)


def unregister() -> None:
    """Stop at once. Windows must have closed by now."""
    if _loaded in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(_loaded)
    turn_if_possible()
    if is_running():
        bpy.app.timers.unregister(_turn)


def turn_if_possible() -> None:
    """A turn whose trouble is logged."""
    try:
        turn()
    except Exception:
        _log.exception("a turn of the panel failed")


def _turn() -> float | None:
    turn_if_possible()
    return PULSE if _open else None


def _wind_up() -> None:
    if not is_running():
        bpy.app.timers.register(_turn, first_interval=0.0, persistent=True)


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def _loaded(*_: Any) -> None:
    if _open:
        _wind_up()
