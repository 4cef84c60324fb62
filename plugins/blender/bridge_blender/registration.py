"""What Blender is told of, in order, and takes back in reverse."""

from __future__ import annotations

from types import ModuleType

from . import command, menus, operators, preferences, pump, rendered, window

#: Modules with ``register()`` and ``unregister()``; each undoes exactly what it did.
PARTS: tuple[ModuleType, ...] = (preferences, pump, rendered, window, operators, menus, command)


def register() -> None:
    """Called when the extension is enabled. All parts are there afterwards, or none."""
    done: list[ModuleType] = []
    try:
        for part in PARTS:
            part.register()
            done.append(part)
    except BaseException:
        _undo(done)
        raise


def unregister() -> None:
    """Called when it is disabled, and when Blender ends."""
    _undo(list(PARTS))


def _undo(parts: list[ModuleType]) -> None:
    for part in reversed(parts):
        part.unregister()
