"""Notices what a person does in Blender, and tells it in portions.

Blender tells add-ons of changed data, but not of strips that were selected. So a timer looks at a
fingerprint of the sequencer a few times a second, which takes about a hundredth of a millisecond
for each strip; what Blender does tell of makes it count as changed.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable
from typing import Any

import bpy

from . import rendered
from . import sequencer_api as api
from .open_editors import image_editors

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
    told: list[Any] = [
        bpy.data.filepath,
        rendered.last(),
        _of_scene(scene),
        _of_scene(bpy.context.scene),
        tuple(_of_image(editor.image, editor.image_user) for editor in image_editors()),
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


def _of_scene(scene: Any) -> tuple[Any, ...]:
    render = scene.render
    return (
        scene.name,
        scene.frame_start,
        scene.frame_end,
        scene.camera and scene.camera.name,
        render.fps,
        render.fps_base,
        render.resolution_x,
        render.resolution_y,
        render.resolution_percentage,
        render.pixel_aspect_x,
        render.pixel_aspect_y,
    )


def _of_strip(strip: Any) -> tuple[Any, ...]:
    told: tuple[Any, ...] = (strip.name, *api.bounds(strip), api.content_bounds(strip)[0])
    if strip.type == "SPEED":
        return (*told, strip.speed_control, strip.speed_factor)
    if strip.type not in api.PICTURES:
        return told
    told = (*told, *api.content_trims(strip))
    if strip.type == "SCENE":
        camera, scene = strip.scene_camera, strip.scene
        return (*told, strip.scene_input, camera and camera.name, scene and _of_scene(scene))
    files = strip.elements
    ends = (files[0].filename, files[-1].filename) if len(files) else ()
    folder = strip.filepath if strip.type == "MOVIE" else strip.directory
    colour, backwards = strip.colorspace_settings.name, strip.use_reverse_frames
    return (*told, folder, len(files), *ends, colour, backwards, *api.retiming_keys(strip))


def _of_image(image: Any, user: Any) -> tuple[Any, ...]:
    return (
        image.name,
        image.filepath,
        image.source,
        image.is_dirty,
        image.colorspace_settings.name,
        user.frame_start,
        user.frame_duration,
        user.frame_offset,
    )
