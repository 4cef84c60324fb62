"""What Blender last rendered. It tells nobody what its Render Result holds, so this listens.

Registered when Blender starts: nothing heavy is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy


@dataclass(frozen=True, slots=True)
class RenderedFrame:
    """The frame that stands in Blender's Render Result."""

    scene: str
    frame: int
    width: int
    height: int


@dataclass(slots=True)
class _State:
    last: RenderedFrame | None = None
    file: int = 0
    """Counts the files that were loaded."""
    quiet: bool = False
    aside: bool = False


_state = _State()


def last() -> RenderedFrame | None:
    """None: nothing was rendered since the file was opened and the extension enabled."""
    return _state.last


def file_count() -> int:
    """Another number means another file: everything of the old one is gone."""
    return _state.file


def is_aside() -> bool:
    """Our own renders went to another slot since the artist's last one."""
    return _state.aside


def put_aside() -> None:
    _state.aside = True


class Quiet:
    """While it is entered, what is rendered is not the artist's."""

    def __enter__(self) -> None:
        _state.quiet = True

    def __exit__(self, *_: object) -> None:
        _state.quiet = False
        if bpy.app.background:
            _state.last = None  # Blender without a window keeps one render only


def _rendered(scene: Any, *_: Any) -> None:
    from .media import render_size  # not when Blender starts

    if not _state.quiet:
        _state.last = RenderedFrame(scene.name, scene.frame_current, *render_size(scene))
        _state.aside = False


def _loaded(*_: Any) -> None:
    _state.last = None
    _state.aside = False
    _state.file += 1


_HANDLERS = (("render_post", _rendered), ("load_post", _loaded))


def register() -> None:
    for name, handler in _HANDLERS:
        bpy.app.handlers.persistent(handler)
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    for name, handler in _HANDLERS:
        handlers = getattr(bpy.app.handlers, name)
        if handler in handlers:
            handlers.remove(handler)
    _state.last = None
