"""Plates out of Blender's renderer: scene strips, the camera's range, the last render.

A frame is rendered as Blender's own F12 does and saved as half-float EXR in the space that Blender
renders in. Settings are changed for one frame at a time and put back before anybody else runs; the
scene's frame moves on with the rendering, as in Blender's own, because simulations need that, and
goes back at the end. What is rendered goes to the last of the Render Result's slots, so that the
artist's own render stays where it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy

from bridge_core.errors import HostError, NotWritable
from bridge_core.host import Rendered
from bridge_core.models.media import frame_path
from bridge_core.models.shots import Shot

from . import rendered
from .media import file_name
from .shots import Found, Kind

#: Half-float EXR with the pixels that were rendered, in Blender's own order: each decides which of
#: the next can be set.
_EXR = (
    ("media_type", "IMAGE"),  # from 5.0 on
    ("file_format", "OPEN_EXR"),
    ("color_depth", "16"),
    ("exr_codec", "ZIP"),
    ("views_format", "INDIVIDUAL"),
    ("use_preview", False),
    ("color_management", "FOLLOW_SCENE"),
)


def render(found: Found, folder: Path, frames: Sequence[int]) -> Generator[Rendered, None, None]:
    """See :meth:`bridge_core.host.Host.render`.

    :raises HostError: its pictures are in files already, it is gone, or Blender cannot render it.
    """
    if not found.item.to_render:
        raise HostError(
            f"{found.item.source} needs no rendering: its pictures are in files",
            where=found.item.handle,
            next_step="send it as it is",
        )
    shot = found.item.shot
    pattern = folder / f"{file_name(shot.id.shot)}.%04d.exr"
    wanted = list(frames) or list(shot.work_range.frames())
    plate = shot.plate.model_copy(update={"path": str(pattern)})
    made = Shot.model_validate({**shot.model_dump(), "plate": plate})
    work = _Work(found)
    written: list[Path] = []
    complete = False
    try:
        for number, frame in enumerate(wanted, 1):
            target = Path(frame_path(str(pattern), frame))
            written.append(target)
            work.write(frame, target)
            complete = number == len(wanted)
            yield Rendered(number, len(wanted), made if complete else None)
    finally:
        work.end()
        if not complete:
            for target in written:
                target.unlink(missing_ok=True)


class _Work:
    """The scene that is rendered, found by name each time: between two frames a person may have
    removed it, or loaded another file."""

    def __init__(self, found: Found) -> None:
        self._kind = found.kind
        strip = found.thing if found.kind is Kind.STRIP else None
        self._scene = strip.scene.name if strip else found.thing.name
        self._of_strips = strip is not None and strip.scene_input == "SEQUENCER"
        camera = strip.scene_camera if strip else None
        self._camera = camera.name if camera else ""
        self._file = rendered.file_count()
        scene = self._found()
        self._at = scene.frame_current, scene.frame_subframe

    def write(self, frame: int, target: Path) -> None:
        scene = self._found()
        result = bpy.data.images.get("Render Result")
        if self._kind is Kind.RENDER:
            with _settings(scene, []):
                _save(result, scene, target)
            return
        if bpy.app.is_job_running("RENDER"):
            raise HostError(
                "Blender is rendering already",
                where=f"scene {scene.name}",
                next_step="wait until it has ended, and send again",
            )
        changes: list[tuple[Any, str, Any]] = [
            (scene.render, "use_sequencer", self._of_strips),
            (scene.render, "use_border", False),  # a plate is the whole picture
            (scene.render, "use_multiview", False),
        ]
        if self._camera in bpy.data.objects:
            changes.append((scene, "camera", bpy.data.objects[self._camera]))
        with rendered.Quiet(), _settings(scene, changes), _slot(result, scene):
            scene.frame_set(frame)
            _render(scene, frame)
            _save(bpy.data.images["Render Result"], scene, target)

    def end(self) -> None:
        if self._file != rendered.file_count() or self._kind is Kind.RENDER:
            return
        scene = bpy.data.scenes.get(self._scene)
        if scene is not None and scene.frame_current != self._at[0]:
            scene.frame_set(self._at[0], subframe=self._at[1])

    def _found(self) -> Any:
        scene = bpy.data.scenes.get(self._scene)
        if scene is None or self._file != rendered.file_count():
            raise HostError(
                f"the scene {self._scene} is not open any more",
                where=bpy.data.filepath or "the unsaved file",
                next_step="open its file again and send it from there",
            )
        return scene


def _render(scene: Any, frame: int) -> None:
    told = ""
    try:
        # Told a scene by its name, Blender renders it at the frame of the window's scene.
        with bpy.context.temp_override(scene=scene):
            done = bpy.ops.render.render() == {"FINISHED"}
    except RuntimeError as error:
        done, told = False, str(error).strip()
    if not done:
        raise HostError(
            f"Blender cannot render frame {frame}: {told or 'the rendering was stopped'}",
            where=f"scene {scene.name}",
            next_step="render it in Blender (F12) to see what is wrong, and send again",
        )


def _save(result: Any, scene: Any, target: Path) -> None:
    try:
        if result is None:
            raise RuntimeError("there is no Render Result")
        result.save_render(str(target), scene=scene)
    except RuntimeError as error:
        raise NotWritable(
            f"Blender cannot write the frame: {str(error).strip()}",
            where=str(target),
            next_step="check that there is room and that the folder may be written to; a render "
            "result that is gone has to be rendered again",
        ) from error


@contextlib.contextmanager
def _settings(scene: Any, changes: list[tuple[Any, str, Any]]) -> Iterator[None]:
    """Render settings for EXR, and others on top, put back in the order in which they depend on
    each other."""
    image = scene.render.image_settings
    alpha = "RGBA" if scene.render.film_transparent else "RGB"
    wanted = [(image, name, value) for name, value in _EXR if hasattr(image, name)]
    wanted += [(image, "color_mode", alpha), *changes]
    before = [(thing, name, getattr(thing, name)) for thing, name, _ in wanted]
    try:
        for thing, name, value in wanted:
            setattr(thing, name, value)
        yield
    finally:
        for thing, name, value in before:
            # What the old format does not have cannot be set back, and need not.
            with contextlib.suppress(TypeError):
                setattr(thing, name, value)


@contextlib.contextmanager
def _slot(result: Any, scene: Any) -> Iterator[None]:
    """Render to the last slot; the artist's own stays the one that is shown.

    Slots hold renders of one scene; those of another scene stay with it, and are lost when a slot
    is changed meanwhile. So it is only done where this scene's render would be written over, and
    then for all scenes until the artist renders again. Without a window there are no slots.
    """
    kept = rendered.last()
    own = scene == bpy.context.scene or (kept is not None and kept.scene == scene.name)
    if result is None or bpy.app.background or not (own or rendered.is_aside()):
        yield
        return
    slots = result.render_slots
    shown = slots.active_index
    try:
        slots.active_index = len(slots) - 1
        rendered.put_aside()
        yield
    finally:
        slots.active_index = shown
