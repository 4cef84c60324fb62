"""Registers the extension's modules in Blender in order, and unregisters them in reverse."""

from __future__ import annotations

from types import ModuleType

from . import (
    background_command,
    menus,
    operators,
    preferences,
    qt_event_loop,
    render_monitor,
    window,
)

#: Modules with ``register()`` and ``unregister()``.
MODULES: tuple[ModuleType, ...] = (
    preferences,
    qt_event_loop,
    render_monitor,
    window,
    operators,
    menus,
    background_command,
)


def register() -> None:
    """Called when the extension is enabled. If a module fails, none stays registered."""
    registered: list[ModuleType] = []
    try:
        for module in MODULES:
            module.register()
            registered.append(module)
    except BaseException:
        _unregister_modules(registered)
        raise


def unregister() -> None:
    """Called when it is disabled, and when Blender ends."""
    _unregister_modules(list(MODULES))


def _unregister_modules(modules: list[ModuleType]) -> None:
    for part in reversed(modules):
        part.unregister()
