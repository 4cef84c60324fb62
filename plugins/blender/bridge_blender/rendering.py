"""Renders plates in Blender: scene strips, the camera's range, the last rendering.

A frame is rendered by Blender's render job, like with F12: Blender stays usable, shows the progress
and can be stopped with Esc. It is saved as half-float EXR in Blender's scene-linear space. Settings
are restored as soon as the job has read them. The scene's current frame follows the rendering,
since simulations need that, and is restored at the end. If the artist's rendering would be
overwritten, plates are rendered into a new slot of the Render Result.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import bpy

from bridge_core.errors import HostError, NotWritable
from bridge_core.hosts.base import RenderStep
from bridge_core.hosts.plate_rendering import render_frames, shot_to_render

from . import render_monitor
from .media import safe_file_name
from .shots import BlenderShot, BlenderShotList, SourceKind

#: Settings for half-float EXR with unchanged pixels. The order matters: each setting affects the
#: choices of the next ones.
_EXR_SETTINGS = (
    ("media_type", "IMAGE"),  # since 5.0
    ("file_format", "OPEN_EXR"),
    ("color_depth", "16"),
    ("exr_codec", "ZIP"),
    ("views_format", "INDIVIDUAL"),
    ("use_preview", False),
    ("color_management", "FOLLOW_SCENE"),
)
#: Name of our slot.
_SLOT_NAME = "Shotbridge"


def render(
    listing: BlenderShotList, item_id: str, folder: Path, frames: Sequence[int]
) -> Generator[RenderStep, None, None]:
    """See :meth:`bridge_core.hosts.base.Host.render`.

    :raises HostError: the shot needs no rendering, is gone, or cannot be rendered.
    """
    blender_shot = listing.by_item_id(item_id)
    host_shot = blender_shot.host_shot if blender_shot is not None else None
    shot = shot_to_render(host_shot, item_id, where=listing.title)
    assert blender_shot is not None  # it has the shot
    pattern = folder / f"{safe_file_name(shot.id.shot)}.%04d.exr"
    scene_render = _SceneRender(blender_shot)
    try:
        yield from render_frames(shot, frames, pattern, scene_render.render_frame)
    finally:
        scene_render.restore_frame()


class _SceneRender:
    """Renders a scene. The scene is found by name in each step: a person may remove it or load
    another file between two steps."""

    def __init__(self, blender_shot: BlenderShot) -> None:
        self._kind = blender_shot.kind
        strip = blender_shot.target if blender_shot.kind is SourceKind.STRIP else None
        self._scene_name = strip.scene.name if strip else blender_shot.target.name
        self._uses_sequencer = strip is not None and strip.scene_input == "SEQUENCER"
        camera = strip.scene_camera if strip else None
        self._camera_name = camera.name if camera else ""
        self._load_count = render_monitor.state.load_count
        last = render_monitor.state.last_render
        self._slot = last.slot if last is not None else None
        scene = self._require_scene()
        self._initial_frame = scene.frame_current, scene.frame_subframe

    def render_frame(self, frame: int, target: Path) -> Iterator[None]:
        """Render a frame; each step checks whether Blender has finished."""
        if self._kind is SourceKind.RENDER:
            self._save_frame(target, self._slot)
            return
        while render_monitor.is_plate_render_running():
            yield  # an abandoned frame: Blender cannot be asked to stop it
        scene = self._require_scene()
        if bpy.app.is_job_running("RENDER"):
            message = "Blender is rendering already"
            next_step = "wait until it has finished, and send again"
            raise HostError(message, where=f"scene {self._scene_name}", next_step=next_step)
        with self._temporary_camera():
            scene.frame_set(frame)
            slot = _plate_slot(scene)
            yield from self._run_render(frame, slot)
            self._save_frame(target, slot)

    def _run_render(self, frame: int, slot: int | None) -> Iterator[None]:
        job = render_monitor.begin_plate_render()
        changes = (
            ("render.use_sequencer", self._uses_sequencer),
            ("render.use_border", False),  # a plate is the whole frame
            ("render.use_multiview", False),
        )
        with contextlib.ExitStack() as settings:
            settings.enter_context(self._temporary_settings(*changes))
            with _active_slot(slot):
                _start_render(self._require_scene(), frame)
            while render_monitor.is_plate_render_running():
                yield
                self._require_scene()
                if job.is_started:
                    settings.close()
        if bpy.app.background:
            render_monitor.discard_plate_render()
        elif job.is_cancelled or not job.is_finished:
            render_monitor.discard_plate_render()
            message = f"the rendering was stopped at frame {frame}"
            next_step = "send the shot again; if nobody stopped it, render the frame in Blender "
            next_step += "(F12) to see what is wrong"
            raise HostError(message, where=f"scene {self._scene_name}", next_step=next_step)

    def _save_frame(self, target: Path, slot: int | None) -> None:
        scene = self._require_scene()
        image = scene.render.image_settings
        mode = ("color_mode", "RGBA" if scene.render.film_transparent else "RGB")
        settings = [setting for setting in _EXR_SETTINGS if hasattr(image, setting[0])]
        changes = [(f"render.image_settings.{name}", value) for name, value in (*settings, mode)]
        with self._temporary_settings(*changes), _active_slot(slot):
            _save_render_result(scene, target)

    def restore_frame(self) -> None:
        scene, (frame, subframe) = self._find_scene(), self._initial_frame
        if self._kind is not SourceKind.RENDER and scene and scene.frame_current != frame:
            scene.frame_set(frame, subframe=subframe)

    def _find_scene(self) -> Any:
        if self._load_count != render_monitor.state.load_count:
            return None
        return bpy.data.scenes.get(self._scene_name)

    def _require_scene(self) -> Any:
        scene = self._find_scene()
        if scene is None:
            message = f"the scene {self._scene_name} is no longer open"
            where = bpy.data.filepath or "the unsaved file"
            next_step = "open its file again and send it from there"
            raise HostError(message, where=where, next_step=next_step)
        return scene

    @contextlib.contextmanager
    def _temporary_settings(self, *changes: tuple[str, Any]) -> Iterator[None]:
        """Change settings of the scene, given by their paths, and restore them in the same order,
        in which they depend on each other."""
        scene = self._require_scene()
        previous = [(path, reduce(getattr, path.split("."), scene)) for path, _ in changes]
        try:
            for path, value in changes:
                _set_by_path(scene, path, value)
            yield
        finally:
            scene = self._find_scene()
            for path, value in previous if scene else ():
                # Settings that the old format does not have cannot be restored.
                with contextlib.suppress(TypeError):
                    _set_by_path(scene, path, value)

    @contextlib.contextmanager
    def _temporary_camera(self) -> Iterator[None]:
        """Set the strip's camera for the whole frame: render engines read it at any time."""
        scene, camera = self._require_scene(), bpy.data.objects.get(self._camera_name)
        previous_name = scene.camera.name if scene.camera else ""
        if camera is None or camera.name == previous_name:
            yield
            return
        scene.camera = camera
        try:
            yield
        finally:
            if (scene := self._find_scene()) is not None:
                scene.camera = bpy.data.objects.get(previous_name)


def _set_by_path(scene: Any, path: str, value: Any) -> None:
    *parents, name = path.split(".")
    setattr(reduce(getattr, parents, scene), name, value)


def _start_render(scene: Any, frame: int) -> None:
    """Start Blender's rendering; without a window, it is complete afterwards."""
    context: dict[str, Any] = {"scene": scene}
    view, execution_context = bpy.context.preferences.view, "EXEC_DEFAULT"
    if not bpy.app.background:
        context["window"] = bpy.context.window_manager.windows[0]
        execution_context = "INVOKE_DEFAULT"
    display, changed = view.render_display_type, bpy.context.preferences.is_dirty
    message = ""
    try:
        view.render_display_type = "NONE"  # no render window for each frame
        # With the name of a scene, Blender would render the frame of the window's scene.
        with bpy.context.temp_override(**context):
            done = bpy.ops.render.render(execution_context) & {"FINISHED", "RUNNING_MODAL"}
    except RuntimeError as error:
        done, message = set(), str(error).strip()
    finally:
        view.render_display_type = display
        bpy.context.preferences.is_dirty = changed
    if not done:
        render_monitor.discard_plate_render()
        message = f"Blender cannot render frame {frame}: {message or 'the rendering was stopped'}"
        next_step = "render it in Blender (F12) to see what is wrong, and send again"
        raise HostError(message, where=f"scene {scene.name}", next_step=next_step)


def _save_render_result(scene: Any, target: Path) -> None:
    try:
        result = bpy.data.images.get("Render Result")
        if result is None:
            raise RuntimeError("there is no Render Result")
        result.save_render(str(target), scene=scene)
    except RuntimeError as error:
        message = f"Blender cannot write the frame: {str(error).strip()}"
        next_step = "check that the disk is not full and the folder is writable; if the Render "
        next_step += "Result is gone, render again"
        raise NotWritable(message, where=str(target), next_step=next_step) from error


def _plate_slot(scene: Any) -> int | None:
    """Index of our slot, or None if it is not needed.

    It is created if the rendering would overwrite the artist's, and then used for all scenes until
    the artist renders again. A slot holds renderings of one scene; those of another scene are lost
    if its slot is changed meanwhile. Without a window there are no slots.
    """
    result, last = bpy.data.images.get("Render Result"), render_monitor.state.last_render
    is_artists = scene == bpy.context.scene or (last is not None and last.scene == scene.name)
    is_needed = is_artists or render_monitor.state.uses_own_slot
    if result is None or bpy.app.background or not is_needed:
        return None
    slots = result.render_slots
    index = next((at for at, slot in enumerate(slots) if slot.name == _SLOT_NAME), None)
    if index is None:
        active_index, index = slots.active_index, len(slots)
        slots.new(name=_SLOT_NAME)
        slots.active_index = active_index
    render_monitor.state.uses_own_slot = True
    return index


@contextlib.contextmanager
def _active_slot(slot: int | None) -> Iterator[None]:
    """Activate a slot for rendering or saving, and the artist's slot again afterwards."""
    result = bpy.data.images.get("Render Result")
    if slot is None or result is None:
        yield
        return
    slots = result.render_slots
    previous_index = slots.active_index
    slots.active_index = slot
    try:
        yield
    finally:
        slots.active_index = previous_index
