"""What Blender last rendered. It tells nobody what its Render Result holds, so this listens.

Registered when Blender starts: nothing heavy is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy


@dataclass(frozen=True, slots=True)
class RenderedFrame:
    """The frame that stands in a slot of Blender's Render Result."""

    scene: str
    frame: int
    width: int
    height: int
    slot: int


@dataclass(slots=True)
class PlateRender:
    """A rendering that is ours and not the artist's, as Blender tells of it."""

    is_started: bool = False
    """It has read its settings; others may be set."""
    is_finished: bool = False
    is_cancelled: bool = False
    """It has ended because somebody pressed Esc."""


@dataclass(slots=True)
class _MonitorState:
    last_render: RenderedFrame | None = None
    load_count: int = 0
    """Counts the files that were loaded."""
    plate_render: PlateRender | None = None
    uses_own_slot: bool = False
    render_slot: int = 0
    """Where what is rendered now goes, whichever slot is looked at meanwhile."""


_state = _MonitorState()


def last_render() -> RenderedFrame | None:
    """None: nothing was rendered since the file was opened and the extension enabled."""
    return _state.last_render


def load_count() -> int:
    """Another number means another file: everything of the old one is gone."""
    return _state.load_count


def uses_own_slot() -> bool:
    """Our own renders went to another slot since the artist's last one."""
    return _state.uses_own_slot


def mark_own_slot_used() -> None:
    _state.uses_own_slot = True


def begin_plate_render() -> PlateRender:
    """What is rendered from now on, until it has ended, is ours."""
    _state.plate_render = PlateRender()
    return _state.plate_render


def is_plate_render_running() -> bool:
    """Blender is at work on a rendering of ours. It is for a moment longer than the rendering."""
    return _state.plate_render is not None and bool(bpy.app.is_job_running("RENDER"))


def discard_plate_render() -> None:
    """It never began, or it ran in a Blender without a window, which keeps one render only."""
    _state.plate_render = None
    if bpy.app.background:
        _state.last_render = None


def _on_render_init(*_: Any) -> None:
    result = bpy.data.images.get("Render Result")
    _state.render_slot = result.render_slots.active_index if result is not None else 0


def _on_render_pre(*_: Any) -> None:
    job = _state.plate_render
    if job is not None and job.is_finished:
        _state.plate_render = None  # this is another: the artist's
    elif job is not None:
        job.is_started = True


def _on_render_post(scene: Any, *_: Any) -> None:
    from .media import cropped_size  # not when Blender starts

    if _state.plate_render is None:
        size = cropped_size(scene)
        _state.last_render = RenderedFrame(
            scene.name, scene.frame_current, *size, _state.render_slot
        )
        _state.uses_own_slot = False


def _on_render_complete(*_: Any) -> None:
    _finish_plate_render(cancelled=False)


def _on_render_cancel(*_: Any) -> None:
    _finish_plate_render(cancelled=True)


def _finish_plate_render(*, cancelled: bool) -> None:
    if _state.plate_render is not None and not bpy.app.background:
        _state.plate_render.is_finished, _state.plate_render.is_cancelled = True, cancelled


def _on_load_post(*_: Any) -> None:
    _state.last_render = _state.plate_render = None
    _state.uses_own_slot = False
    _state.load_count += 1


#: Of a rendering Blender tells on the thread that renders.
_HANDLERS = (
    ("render_init", _on_render_init),
    ("render_pre", _on_render_pre),
    ("render_post", _on_render_post),
    ("render_complete", _on_render_complete),
    ("render_cancel", _on_render_cancel),
    ("load_post", _on_load_post),
)


def register() -> None:
    for name, handler in _HANDLERS:
        bpy.app.handlers.persistent(handler)
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    for name, handler in _HANDLERS:
        handlers = getattr(bpy.app.handlers, name)
        if handler in handlers:
            handlers.remove(handler)
    _state.last_render = _state.plate_render = None
