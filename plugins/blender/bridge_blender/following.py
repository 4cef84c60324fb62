"""Notices what a person does in Blender, and tells it in portions.

Blender tells add-ons of changed data, but not of strips that were selected. So a timer looks at a
fingerprint of the sequencer a few times a second, which takes some hundredths of a millisecond for
each strip; what Blender does tell of makes it count as changed.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable
from typing import Any

import bpy

from . import rendered
from . import sequencer_api as api

_log = logging.getLogger(__name__)

#: Seconds between two looks: what a person does not notice as waiting.
LOOK = 0.4
_HANDLERS = ("load_post", "undo_post", "redo_post", "render_complete")
#: Numbers of a strip that say where it is and whether it is seen.
_NUMBERS = ("channel", "select", "mute")


def follow(changed: Callable[[], None]) -> Callable[[], None]:
    """Call ``changed`` whenever the scene may be another one, until what is given back is called;
    see :meth:`bridge_core.host.Host.watch`."""
    seen: tuple[Any, ...] = _fingerprint()

    def look() -> float:
        nonlocal seen
        try:
            now = _fingerprint()
            if now != seen:
                seen = now
                changed()
        except Exception:
            # A timer that raises is taken off; the next look may well succeed.
            _log.exception("looking at the sequencer failed")
        return LOOK

    @bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
    def look_again(*_: Any) -> None:
        nonlocal seen
        seen = ()
        if not bpy.app.timers.is_registered(look):  # loading a file has been seen to lose timers
            bpy.app.timers.register(look, first_interval=LOOK, persistent=True)

    def stop() -> None:
        if bpy.app.timers.is_registered(look):
            bpy.app.timers.unregister(look)
        for name in _HANDLERS:
            handlers = getattr(bpy.app.handlers, name)
            if look_again in handlers:
                handlers.remove(look_again)

    bpy.app.timers.register(look, first_interval=LOOK, persistent=True)
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).append(look_again)
    return stop


def _fingerprint() -> tuple[Any, ...]:
    """What the scene's shots depend on and can be looked at cheaply."""
    scene = api.sequencer_scene()
    if scene is None:
        return (None,)
    render = scene.render
    told: list[Any] = [
        bpy.data.filepath,
        rendered.last(),
        scene.name,
        scene.frame_start,
        scene.frame_end,
        render.fps,
        render.fps_base,
        render.resolution_x,
        render.resolution_y,
        render.resolution_percentage,
        scene.camera and scene.camera.name,
        tuple(_open_image_names()),
        api.is_in_sight(),
    ]
    if scene.sequence_editor is not None:
        strips = api.strips_of(scene.sequence_editor)
        for name in _NUMBERS:
            numbers = array("i", bytes(4 * len(strips)))
            strips.foreach_get(name, numbers)
            told.append(numbers.tobytes())
        told.append(tuple(map(_of_strip, strips)))
    return tuple(told)


def _of_strip(strip: Any) -> tuple[Any, ...]:
    told = (strip.name, *api.bounds(strip), api.content_bounds(strip)[0])
    if strip.type == "SPEED":
        return (*told, strip.speed_control, strip.speed_factor)
    if strip.type in ("MOVIE", "IMAGE"):
        return (*told, strip.colorspace_settings.name, *api.retiming_keys(strip))
    return told


def _open_image_names() -> list[str]:
    manager = bpy.context.window_manager
    return [
        area.spaces.active.image.name
        for window in (manager.windows if manager else ())
        for area in window.screen.areas
        if area.type == "IMAGE_EDITOR" and area.spaces.active.image is not None
    ]
