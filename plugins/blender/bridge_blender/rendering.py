"""Plates out of Blender's renderer: scene strips, the camera's range, the last render.

A frame is rendered by Blender's own job, as F12 does: Blender goes on meanwhile, shows how far it
is and hears Esc. It is saved as half-float EXR in the space that Blender renders in. Settings are
put back as soon as the job has read them. The scene's frame moves on with the rendering, as in
Blender's own, because simulations need that, and goes back at the end. Where the artist's own
render would be written over, the Render Result gets one slot more, and ours go there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from functools import reduce
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
#: What the slot of ours is called, where there is one.
_SLOT = "Shotbridge"


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
            for _ in work.write(frame, target):
                yield Rendered(number - 1, len(wanted))
            complete = number == len(wanted)
            yield Rendered(number, len(wanted), made if complete else None)
    finally:
        work.end()
        if not complete:
            for target in written:
                target.unlink(missing_ok=True)


class _Work:
    """The scene that is rendered, found by name each time: between two looks a person may have
    removed it, or loaded another file."""

    def __init__(self, found: Found) -> None:
        self._kind = found.kind
        strip = found.thing if found.kind is Kind.STRIP else None
        self._scene = strip.scene.name if strip else found.thing.name
        self._of_strips = strip is not None and strip.scene_input == "SEQUENCER"
        camera = strip.scene_camera if strip else None
        self._camera = camera.name if camera else ""
        self._file = rendered.file_count()
        last = rendered.last()
        self._slot = last.slot if last is not None else None
        scene = self._found()
        self._at = scene.frame_current, scene.frame_subframe

    def write(self, frame: int, target: Path) -> Iterator[None]:
        """Each step looks how far Blender is with it."""
        if self._kind is Kind.RENDER:
            self._save(target, self._slot)
            return
        while rendered.is_ours():
            yield  # with a frame that nobody waits for any more: it cannot be told to stop
        scene = self._found()
        if bpy.app.is_job_running("RENDER"):
            raise HostError(
                "Blender is rendering already",
                where=f"scene {self._scene}",
                next_step="wait until it has ended, and send again",
            )
        with self._camera_set():
            scene.frame_set(frame)
            slot = _own_slot(scene)
            yield from self._rendered(frame, slot)
            self._save(target, slot)

    def _rendered(self, frame: int, slot: int | None) -> Iterator[None]:
        job = rendered.begin()
        settings = contextlib.ExitStack()
        settings.enter_context(
            self._set(
                ("render.use_sequencer", self._of_strips),
                ("render.use_border", False),  # a plate is the whole picture
                ("render.use_multiview", False),
            )
        )
        with settings:
            with _shown(slot):
                _begin(self._found(), frame)
            while rendered.is_ours():
                yield
                self._found()
                if job.begun:
                    settings.close()
        if bpy.app.background:
            rendered.forget_ours()
        elif job.stopped or not job.ended:
            rendered.forget_ours()
            raise HostError(
                f"the rendering was stopped at frame {frame}",
                where=f"scene {self._scene}",
                next_step="send the shot again; if nobody stopped it, render the frame in Blender "
                "(F12) to see what is wrong",
            )

    def _save(self, target: Path, slot: int | None) -> None:
        scene = self._found()
        image = scene.render.image_settings
        told = [(f"render.image_settings.{name}", v) for name, v in _EXR if hasattr(image, name)]
        alpha = "RGBA" if scene.render.film_transparent else "RGB"
        with self._set(*told, ("render.image_settings.color_mode", alpha)), _shown(slot):
            _save(scene, target)

    def end(self) -> None:
        scene = self._open_scene()
        if self._kind is not Kind.RENDER and scene and scene.frame_current != self._at[0]:
            scene.frame_set(self._at[0], subframe=self._at[1])

    def _open_scene(self) -> Any:
        if self._file != rendered.file_count():
            return None
        return bpy.data.scenes.get(self._scene)

    def _found(self) -> Any:
        scene = self._open_scene()
        if scene is None:
            raise HostError(
                f"the scene {self._scene} is not open any more",
                where=bpy.data.filepath or "the unsaved file",
                next_step="open its file again and send it from there",
            )
        return scene

    @contextlib.contextmanager
    def _set(self, *changes: tuple[str, Any]) -> Iterator[None]:
        """Settings of the scene by their paths, put back in the order in which they depend on each
        other."""
        scene = self._found()
        before = [(path, reduce(getattr, path.split("."), scene)) for path, _ in changes]
        try:
            for path, value in changes:
                _put(scene, path, value)
            yield
        finally:
            scene = self._open_scene()
            for path, value in before if scene else ():
                # What the old format does not have cannot be set back, and need not.
                with contextlib.suppress(TypeError):
                    _put(scene, path, value)

    @contextlib.contextmanager
    def _camera_set(self) -> Iterator[None]:
        """Render engines ask for the camera all the time, so it stays for the whole frame."""
        scene, camera = self._found(), bpy.data.objects.get(self._camera)
        before = scene.camera.name if scene.camera else ""
        if camera is None or camera.name == before:
            yield
            return
        scene.camera = camera
        try:
            yield
        finally:
            if (scene := self._open_scene()) is not None:
                scene.camera = bpy.data.objects.get(before)


def _put(scene: Any, path: str, value: Any) -> None:
    *way, name = path.split(".")
    setattr(reduce(getattr, way, scene), name, value)


def _begin(scene: Any, frame: int) -> None:
    """Have Blender render; without a window it has done so afterwards."""
    context: dict[str, Any] = {"scene": scene}
    view, how = bpy.context.preferences.view, "EXEC_DEFAULT"
    if not bpy.app.background:
        context["window"] = bpy.context.window_manager.windows[0]
        how = "INVOKE_DEFAULT"
    display, changed = view.render_display_type, bpy.context.preferences.is_dirty
    told = ""
    try:
        view.render_display_type = "NONE"  # no window for each frame
        # Told a scene by its name, Blender renders it at the frame of the window's scene.
        with bpy.context.temp_override(**context):
            done = bpy.ops.render.render(how) & {"FINISHED", "RUNNING_MODAL"}
    except RuntimeError as error:
        done, told = set(), str(error).strip()
    finally:
        view.render_display_type = display
        bpy.context.preferences.is_dirty = changed
    if not done:
        rendered.forget_ours()
        raise HostError(
            f"Blender cannot render frame {frame}: {told or 'the rendering was stopped'}",
            where=f"scene {scene.name}",
            next_step="render it in Blender (F12) to see what is wrong, and send again",
        )


def _save(scene: Any, target: Path) -> None:
    try:
        result = bpy.data.images.get("Render Result")
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


def _own_slot(scene: Any) -> int | None:
    """The place of a slot of ours, made where this scene's render would be written over, and then
    used for all scenes until the artist renders again; None where none is needed.

    Slots hold renders of one scene; those of another scene stay with it, and are lost when a slot
    is changed meanwhile. Without a window there are no slots.
    """
    result, kept = bpy.data.images.get("Render Result"), rendered.last()
    own = scene == bpy.context.scene or (kept is not None and kept.scene == scene.name)
    if result is None or bpy.app.background or not (own or rendered.is_aside()):
        return None
    slots = result.render_slots
    place = next((at for at, slot in enumerate(slots) if slot.name == _SLOT), None)
    if place is None:
        shown, place = slots.active_index, len(slots)
        slots.new(name=_SLOT)
        slots.active_index = shown
    rendered.put_aside()
    return place


@contextlib.contextmanager
def _shown(slot: int | None) -> Iterator[None]:
    """Have a slot be the one that is rendered to or saved; the artist's own is shown again."""
    result = bpy.data.images.get("Render Result")
    if slot is None or result is None:
        yield
        return
    slots = result.render_slots
    shown = slots.active_index
    slots.active_index = slot
    try:
        yield
    finally:
        slots.active_index = shown
