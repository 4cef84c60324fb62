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
class Job:
    """A rendering that is ours and not the artist's, as Blender tells of it."""

    begun: bool = False
    """It has read its settings; others may be set."""
    ended: bool = False
    stopped: bool = False
    """It has ended because somebody pressed Esc."""


@dataclass(slots=True)
class _State:
    last: RenderedFrame | None = None
    file: int = 0
    """Counts the files that were loaded."""
    job: Job | None = None
    aside: bool = False
    slot: int = 0
    """Where what is rendered now goes, whichever slot is looked at meanwhile."""


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


def begin() -> Job:
    """What is rendered from now on, until it has ended, is ours."""
    _state.job = Job()
    return _state.job


def is_ours() -> bool:
    """Blender is at work on a rendering of ours. It is for a moment longer than the rendering."""
    return _state.job is not None and bool(bpy.app.is_job_running("RENDER"))


def forget_ours() -> None:
    """It never began, or it ran in a Blender without a window, which keeps one render only."""
    _state.job = None
    if bpy.app.background:
        _state.last = None


def _started(*_: Any) -> None:
    result = bpy.data.images.get("Render Result")
    _state.slot = result.render_slots.active_index if result is not None else 0


def _begun(*_: Any) -> None:
    job = _state.job
    if job is not None and job.ended:
        _state.job = None  # this is another: the artist's
    elif job is not None:
        job.begun = True


def _rendered(scene: Any, *_: Any) -> None:
    from .media import cropped_size  # not when Blender starts

    if _state.job is None:
        size = cropped_size(scene)
        _state.last = RenderedFrame(scene.name, scene.frame_current, *size, _state.slot)
        _state.aside = False


def _complete(*_: Any) -> None:
    _end(stopped=False)


def _stopped(*_: Any) -> None:
    _end(stopped=True)


def _end(*, stopped: bool) -> None:
    if _state.job is not None and not bpy.app.background:
        _state.job.ended, _state.job.stopped = True, stopped


def _loaded(*_: Any) -> None:
    _state.last = _state.job = None
    _state.aside = False
    _state.file += 1


#: Of a rendering Blender tells on the thread that renders.
_HANDLERS = (
    ("render_init", _started),
    ("render_pre", _begun),
    ("render_post", _rendered),
    ("render_complete", _complete),
    ("render_cancel", _stopped),
    ("load_post", _loaded),
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
    _state.last = _state.job = None
