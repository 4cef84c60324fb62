"""Opens and closes the panel's window; there is at most one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from . import preferences, qt_event_loop

if TYPE_CHECKING:
    from .panel_window import PanelWindow

_window: PanelWindow | None = None
_subscriber = object()


def open_window() -> None:
    """Open the panel, or bring an open one to the front.

    :raises ConfigError: the panel does not support this PySide6.
    """
    global _window
    if _window is None:
        qt_event_loop.application()
        from bridge_ui.app.opening import open_panel

        from .host import BlenderHost
        from .panel_window import PanelWindow

        reader = preferences.settings_reader()
        panel = open_panel(reader, BlenderHost(reader))
        _window = PanelWindow(panel, _on_closed, on_top=preferences.get_preferences().stay_on_top)
        qt_event_loop.hold_window(_window)
    _window.come_to_front()


def close_window() -> None:
    """Close the panel if it is open."""
    if _window is None:
        return
    from shiboken6 import isValid

    if isValid(_window):
        _window.close()
    else:
        _on_closed()  # at exit, Qt may be gone before the extension is unregistered


def register() -> None:
    bpy.msgbus.subscribe_rna(
        key=(bpy.types.PreferencesSystem, "use_online_access"),
        owner=_subscriber,
        args=(),
        notify=_on_online_access_changed,
        options={"PERSISTENT"},
    )


def unregister() -> None:
    bpy.msgbus.clear_by_owner(_subscriber)
    close_window()


def _on_closed() -> None:
    """Called by the window when it was closed."""
    global _window
    window, _window = _window, None
    if window is not None:
        qt_event_loop.release_window(window)


def _on_online_access_changed() -> None:
    """Open the panel again: online access is checked when it opens."""
    if _window is not None:
        close_window()
        open_window()
