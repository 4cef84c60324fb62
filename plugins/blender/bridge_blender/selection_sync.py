"""Watches Blender for changes of the selection and of shots.

Blender notifies add-ons of changed data, but not of a changed selection. So a timer compares a
fingerprint of the sequencer a few times a second, which takes about a hundredth of a millisecond
per strip. Blender's own notifications reset the fingerprint.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import bpy

from . import render_monitor
from . import sequencer_api as api

_log = logging.getLogger(__name__)

#: Seconds between two polls: short enough not to be noticed.
POLL_INTERVAL = 0.4
_HANDLERS = ("load_post", "undo_post", "redo_post", "render_complete")
#: Integer attributes of strips that are compared.
_STRIP_ATTRIBUTES = ("channel", "select", "mute")

_render_settings = attrgetter(
    *("fps", "fps_base", "resolution_x", "resolution_y", "resolution_percentage"),
    *("pixel_aspect_x", "pixel_aspect_y"),
)
_image_properties = attrgetter("name", "filepath", "source", "is_dirty", "colorspace_settings.name")


def watch_scene(on_change: Callable[[], None]) -> Callable[[], None]:
    """Call ``on_change`` when the scene may have changed, until the returned function is called.

    See :meth:`bridge_core.hosts.base.Host.watch`.
    """
    last_fingerprint: tuple[Any, ...] = _fingerprint()

    def poll() -> float:
        nonlocal last_fingerprint
        try:
            current = _fingerprint()
            if current != last_fingerprint:
                last_fingerprint = current
                on_change()
        except Exception:
            # A timer that raises is removed, and the next poll may succeed.
            _log.exception("polling the sequencer failed")
        return POLL_INTERVAL

    @bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
    def reset(*_: Any) -> None:
        nonlocal last_fingerprint
        last_fingerprint = ()
        if not bpy.app.timers.is_registered(poll):  # loading a file may remove timers
            bpy.app.timers.register(poll, first_interval=POLL_INTERVAL, persistent=True)

    def stop() -> None:
        if bpy.app.timers.is_registered(poll):
            bpy.app.timers.unregister(poll)
        for name in _HANDLERS:
            handlers = getattr(bpy.app.handlers, name)
            if reset in handlers:
                handlers.remove(reset)

    bpy.app.timers.register(poll, first_interval=POLL_INTERVAL, persistent=True)
    for name in _HANDLERS:
        getattr(bpy.app.handlers, name).append(reset)
    return stop


def _fingerprint() -> tuple[Any, ...]:
    """Values that the scene's shots depend on and that are fast to read."""
    scene = api.sequencer_scene()
    if scene is None:
        return (None,)
    values: list[Any] = [
        bpy.data.filepath,
        render_monitor.state.last_render,
        _scene_fingerprint(scene),
        _scene_fingerprint(bpy.context.scene),
        tuple(map(_image_fingerprint, api.image_editors())),
        api.is_sequencer_visible(),
    ]
    if scene.sequence_editor is not None:
        strips = api.strips_of(scene.sequence_editor)
        for name in _STRIP_ATTRIBUTES:
            numbers = array("i", bytes(4 * len(strips)))
            strips.foreach_get(name, numbers)
            values.append(numbers.tobytes())
        values.append(tuple(map(_strip_fingerprint, strips)))
    return tuple(values)


def _scene_fingerprint(scene: Any) -> tuple[Any, ...]:
    camera = scene.camera and scene.camera.name
    return (scene.name, scene.frame_start, scene.frame_end, camera, *_render_settings(scene.render))


def _strip_fingerprint(strip: Any) -> tuple[Any, ...]:
    values: tuple[Any, ...] = (strip.name, *api.bounds(strip), api.content_bounds(strip)[0])
    if strip.type == "SPEED":
        return (*values, strip.speed_control, strip.speed_factor)
    if strip.type not in api.PICTURE_TYPES:
        return values
    values = (*values, *api.content_trims(strip))
    if strip.type == "SCENE":
        camera, scene = strip.scene_camera, strip.scene
        shown = scene and _scene_fingerprint(scene)
        return (*values, strip.scene_input, camera and camera.name, shown)
    files = strip.elements
    ends = (files[0].filename, files[-1].filename) if len(files) else ()
    folder = strip.filepath if strip.type == "MOVIE" else strip.directory
    colour, backwards = strip.colorspace_settings.name, strip.use_reverse_frames
    return (*values, folder, len(files), *ends, colour, backwards, *api.retiming_keys(strip))


def _image_fingerprint(editor: Any) -> tuple[Any, ...]:
    user = editor.image_user
    frames = (user.frame_start, user.frame_duration, user.frame_offset)
    return (*_image_properties(editor.image), *frames)
