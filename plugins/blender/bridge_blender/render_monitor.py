"""Keeps track of what Blender rendered last: its API does not say what the Render Result holds.

Registered when Blender starts, so nothing heavy is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy


@dataclass(frozen=True, slots=True)
class RenderedFrame:
    """The frame in a slot of Blender's Render Result."""

    scene: str
    frame: int
    width: int
    height: int
    slot: int


@dataclass(slots=True)
class PlateRender:
    """State of a rendering of ours, as reported by Blender's handlers."""

    is_started: bool = False
    """It has read the settings, which may be restored now."""
    is_finished: bool = False
    is_cancelled: bool = False
    """Somebody pressed Esc."""


@dataclass(slots=True)
class RenderMonitorState:
    last_render: RenderedFrame | None = None
    """The last rendering of the artist; None since the file was opened or the extension enabled."""
    load_count: int = 0
    """Number of files loaded so far: if it changes, all data of the old file is gone."""
    plate_render: PlateRender | None = None
    """The rendering of a plate, until the artist renders again."""
    uses_own_slot: bool = False
    """Whether plates were rendered to our own slot since the artist's last rendering."""
    render_slot: int = 0
    """The slot of the current rendering, whichever slot is shown meanwhile."""


state = RenderMonitorState()


def begin_plate_render() -> PlateRender:
    """The next rendering is a plate, not the artist's."""
    state.plate_render = PlateRender()
    return state.plate_render


def is_plate_render_running() -> bool:
    """Whether Blender's render job for a plate is running; it ends slightly after the rendering."""
    return state.plate_render is not None and bool(bpy.app.is_job_running("RENDER"))


def discard_plate_render() -> None:
    """Forget a rendering that never started, or that ran in a Blender without a window, which has
    only one Render Result."""
    state.plate_render = None
    if bpy.app.background:
        state.last_render = None


def _on_render_init(*_: Any) -> None:
    result = bpy.data.images.get("Render Result")
    state.render_slot = result.render_slots.active_index if result is not None else 0


def _on_render_pre(*_: Any) -> None:
    job = state.plate_render
    if job is not None and job.is_finished:
        state.plate_render = None  # this is the artist's next rendering
    elif job is not None:
        job.is_started = True


def _on_render_post(scene: Any, *_: Any) -> None:
    from .media import cropped_size  # not at Blender's start

    if state.plate_render is None:
        size = cropped_size(scene)
        frame = RenderedFrame(scene.name, scene.frame_current, *size, state.render_slot)
        state.last_render = frame
        state.uses_own_slot = False


def _on_render_complete(*_: Any) -> None:
    _finish_plate_render(cancelled=False)


def _on_render_cancel(*_: Any) -> None:
    _finish_plate_render(cancelled=True)


def _finish_plate_render(*, cancelled: bool) -> None:
    if state.plate_render is not None and not bpy.app.background:
        state.plate_render.is_finished, state.plate_render.is_cancelled = True, cancelled


def _on_load_post(*_: Any) -> None:
    state.last_render = state.plate_render = None
    state.uses_own_slot = False
    state.load_count += 1


#: Blender calls the render handlers on the thread that renders.
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
    state.last_render = state.plate_render = None
