"""Inside ``bpy``: a small edit in Blender, for the contract suite and other tests."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from small_exr import exr

if TYPE_CHECKING:
    from bridge_core.hosts.base import Host, HostShot, Placement

EXTENSION_PACKAGE = "bl_ext.user_default.shotbridge.bridge_blender"
RATE = 25
#: Added to a version's frame numbers, to distinguish its pixels from the plate's.
VERSION_OFFSET = 400
#: Step between grey values of a movie, large enough for any codec.
STEP = 6 / 255
_numbers = itertools.count()


def extension_module(name: str) -> Any:
    """A module of the installed extension."""
    return import_module(f"{EXTENSION_PACKAGE}.{name}")


def new_file() -> Any:
    """An unsaved file with one scene, small and without strips."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    return new_scene("Edit")


def new_scene(name: str) -> Any:
    scene = bpy.context.scene
    scene.name = name
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = scene
    scene.render.fps, scene.render.fps_base = RATE, 1.0
    scene.render.resolution_x, scene.render.resolution_y = 32, 18
    scene.render.resolution_percentage = 100
    _quick(scene)
    return scene


def _quick(scene: Any) -> None:
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False


def strips(scene: Any = None) -> Any:
    scene = scene or bpy.context.scene
    scene.sequence_editor_create()
    return extension_module("sequencer_api").strips_of(scene.sequence_editor)


def plate(folder: Path, name: str, frames: range, size: tuple[int, int] = (32, 18)) -> Path:
    """Write half-float EXR frames; returns the pattern. Red is the frame number divided by 2048,
    which half floats represent exactly."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        path = folder / f"{name}.{frame:04d}.exr"
        path.write_bytes(exr((frame / 2048, 0.25, 0.5), size))
    return folder / f"{name}.%04d.exr"


@contextlib.contextmanager
def restore_artists_render() -> Iterator[None]:
    """Renderings inside do not count as the artist's last rendering."""
    extension_module("render_monitor").begin_plate_render()
    yield
    extension_module("render_monitor").discard_plate_render()


def grey_movie(path: Path, greys: range) -> Path:
    """A lossless movie with a different grey in each frame, in steps of :data:`STEP`. It creates a
    new file."""
    scene = new_file()
    scene.render.resolution_x = scene.render.resolution_y = 32
    for number, grey in enumerate(greys, 1):
        colour = extension_module("sequencer_api").new_effect(
            strips(), "c", "COLOR", 1, (number, number + 1)
        )
        colour.color = [STEP * grey] * 3
    scene.frame_start, scene.frame_end = 1, len(greys)
    scene.view_settings.view_transform = "Standard"
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "VIDEO"
    scene.render.image_settings.file_format = "FFMPEG"
    scene.render.ffmpeg.format, scene.render.ffmpeg.codec = "MKV", "FFV1"
    scene.render.filepath = str(path)
    scene.render.use_file_extension = False
    with restore_artists_render():
        bpy.ops.render.render(animation=True)
    return path


def picture_strip(pattern: Path, frames: range, channel: int, start: int, name: str = "") -> Any:
    """An image strip of all these frames."""
    first = str(pattern) % frames.start
    strip = strips().new_image(name or pattern.name.partition(".")[0], first, channel, start)
    for frame in frames[1:]:
        strip.elements.append(pattern.name % frame)
    strip.colorspace_settings.name = "Linear Rec.709"
    return strip


def trim(strip: Any, head: int, tail: int) -> None:
    left, right = extension_module("sequencer_api").bounds(strip)
    extension_module("sequencer_api").trim(strip, left + head, right - tail)


def shown_frames(frames: Any, scene: Any = None) -> list[int]:
    """The plate's frame numbers that the sequencer renders."""
    return [round(value * 2048) for value in shown_values(frames, scene)]


def shown_values(frames: Any, scene: Any = None) -> list[float]:
    """Red of the centre pixel of the sequencer's renderings, scene-linear."""
    scene = scene or bpy.context.scene
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_depth = "OPEN_EXR", "32"
    scene.sequencer_colorspace_settings.name = "Linear Rec.709"
    scene.render.use_sequencer = True
    # In Blender 5.2 they sometimes contain the previous frame in slow motion.
    scene.sequence_editor.use_cache_raw = scene.sequence_editor.use_cache_final = False
    return [_shown_value(scene, frame) for frame in frames]


def _shown_value(scene: Any, frame: int) -> float:
    scene.frame_set(frame)
    with restore_artists_render():
        bpy.ops.render.render(scene=scene.name)
    target = Path(bpy.app.tempdir) / f"shown.{next(_numbers)}.exr"
    bpy.data.images["Render Result"].save_render(str(target), scene=scene)
    image = bpy.data.images.load(str(target))
    image.colorspace_settings.name = "Linear Rec.709"
    width, height = image.size
    value: float = image.pixels[4 * (width * (height // 2) + width // 2)]
    bpy.data.images.remove(image)
    return value


def placement(folder: Path, item: HostShot, number: int, *, size: int = 16) -> Placement:
    """A version of the whole work range, in ``folder/versions``."""
    from sample_versions import make_version

    from bridge_core.hosts.base import Placement

    shot = item.shot
    files = folder / "versions" / shot.id.shot / f"v{number:03d}"
    files.mkdir(parents=True)
    for frame in shot.work_range.frames():
        value = (frame - 1000 + VERSION_OFFSET * number) / 2048
        (files / f"main.{frame:04d}.exr").write_bytes(exr((value, 0.25, 0.5), (size, size)))
    output = {"colour_space": "Linear Rec.709 (sRGB)", "width": size, "height": size}
    version_id = f"{shot.id.shot}-{number}"
    version = make_version(shot, number, output=output, id=version_id, folder="/on/the/gateway")
    return Placement(item.item_id, version, files)


def settings(show: str = "contract", handles: int = 2) -> Any:
    from bridge_core.models.settings import Settings

    return Settings.model_validate({"work": {"handles": handles, "show": show}})


class SampleEdit:
    """Two image strips, a scene strip, a strip that cannot be sent, and a camera: one file."""

    def __init__(self, folder: Path) -> None:
        scene = new_file()
        self.plates = folder / "plates"
        frames = range(1001, 1011)
        for number, name in enumerate(("A_010", "A_020")):
            pattern = plate(self.plates / name, name, frames)
            trim(picture_strip(pattern, frames, 1, 1 + 10 * number), 2, 2)
        holes = picture_strip(self.plates / "A_010" / "A_010.%04d.exr", range(1001, 1002), 1, 41)
        holes.name = "with holes"
        holes.elements.append("A_010.1005.exr")
        self._shot_in_3d()
        scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        scene.collection.objects.link(scene.camera)
        scene.frame_start, scene.frame_end = 1, 3
        for strip in strips():
            strip.select = False
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / "edit.blend"))

    def _shot_in_3d(self) -> None:
        edit = bpy.context.scene
        scene = bpy.data.scenes.new("Lay out")
        _quick(scene)
        scene.render.resolution_x, scene.render.resolution_y = 24, 16
        scene.frame_start, scene.frame_end = 101, 106
        scene.camera = bpy.data.objects.new("View", bpy.data.cameras.new("View"))
        scene.collection.objects.link(scene.camera)
        strip = strips(edit).new_scene("A_030", scene, 1, 51)
        trim(strip, 1, 1)

    @staticmethod
    def placed() -> dict[str, list[str]]:
        """Paths of the placed versions by item id."""
        listing = extension_module("shots").collect_shots(settings().work, ignore_selection=True)
        return {
            one.host_shot.item_id: [_path(placed.target) for placed in one.placed_items]
            for one in listing.shots
            if one.placed_items
        }

    @staticmethod
    def state() -> object:
        """All state that rendering could change."""
        values: list[object] = [bpy.data.is_dirty, sorted(_images())]
        for scene in bpy.data.scenes:
            values.append((scene.name, scene.frame_current, scene.camera and scene.camera.name))
            for group in (scene.render, scene.render.image_settings, scene.view_settings):
                values.append(_simple(group))
        return values


def _path(target: Any) -> str:
    if hasattr(target, "elements"):
        return bpy.path.abspath(target.directory) + target.elements[0].filename
    return str(bpy.path.abspath(target.filepath))


def _images() -> list[str]:
    """Without the Render Result, which Blender creates with the first rendering."""
    return [image.name for image in bpy.data.images if image.type != "RENDER_RESULT"]


def _simple(group: Any) -> list[tuple[str, object]]:
    names = [one.identifier for one in group.bl_rna.properties if one.type != "POINTER"]
    return [(name, getattr(group, name)) for name in names if not name.startswith("is_")]


def host() -> Host:
    """The extension's host, for the file that is open."""
    blender_host: Host = extension_module("host").BlenderHost(settings)
    return blender_host


class EmptyFileHost:
    """The same host with a new file."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def scene(self) -> Any:
        new_file()
        return self._host.scene()
