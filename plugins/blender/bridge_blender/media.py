"""The media of strips and images, as facts for plates: paths, numbering, size, colour space."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy

from bridge_core.models.frames import FrameRange, to_rate
from bridge_core.models.media import Plate, frame_paths, pattern_of
from bridge_core.models.shots import fit_name

from . import colours
from . import sequencer_api as api
from .speed import Run, Unfit, run_of

_RELINK = "relink the strip, or remove it"


@dataclass(frozen=True, slots=True)
class Source:
    """What a strip shows and how. ``to_render``: there is no file yet."""

    plate: Plate
    run: Run
    first: int
    """The plate frame that the content starts with: later than the plate's where it is trimmed
    hard."""
    to_render: bool = False

    @property
    def cut_range(self) -> FrameRange:
        """The plate frames that the strip shows."""
        low, high = self.run.shown()
        rate = self.plate.range.rate
        return FrameRange(first=self.first + low, last=self.first + high, rate=rate)


def rate_of(scene: Any) -> Fraction:
    """Frames per second of a scene: Blender keeps 24000/1001 as 24 over 1.001."""
    base = Fraction(scene.render.fps_base).limit_denominator(100_000)
    return to_rate(Fraction(scene.render.fps) / base)


def render_size(scene: Any) -> tuple[int, int]:
    """Width and height in pixels of what a scene renders."""
    render = scene.render
    part = render.resolution_percentage
    return max(1, render.resolution_x * part // 100), max(1, render.resolution_y * part // 100)


def cropped_size(scene: Any) -> tuple[int, int]:
    """That, of the region that the artist crops renders to, where one is set."""
    render, (width, height) = scene.render, render_size(scene)
    if not (render.use_border and render.use_crop_to_border):
        return width, height
    edges = (
        render.border_min_x * width,
        render.border_max_x * width,
        render.border_min_y * height,
        render.border_max_y * height,
    )
    # Blender rounds to single floats before it cuts off what is behind the point.
    left, right, bottom, top = map(int, array("f", edges))
    return right - left, top - bottom


def source_of(strip: Any, scene: Any, effect: Any = None) -> Source:
    """What a movie, image or scene strip of ``scene`` shows, under its speed ``effect`` if any.

    :raises Unfit: it cannot be sent as it is.
    """
    if strip.type == "MOVIE":
        return _movie(strip, rate_of(scene), effect)
    if strip.type == "IMAGE":
        return _images(strip, rate_of(scene), effect)
    return _scene(strip, rate_of(scene), effect)


def _movie(strip: Any, rate: Fraction, effect: Any) -> Source:
    path = absolute(strip.filepath)
    head, tail = api.content_trims(strip)
    start, end = api.content_bounds(strip)
    own, length, factor = rate, round(end - start), Fraction(1)
    if strip.fps > 0:
        own = to_rate(float(strip.fps))
    if own != rate or api.retiming_keys(strip):
        # Blender tells how long a strip is, but not whether that was fitted to its movie's rate.
        counted = movie_facts(path)[0] - head - tail
        if counted < 1:
            raise Unfit(f"its movie {path} cannot be opened", _RELINK)
        fitted = counted * rate / own
        near = abs(length - fitted) < abs(length - counted)
        factor = own / rate if near and not api.retiming_keys(strip) else Fraction(1)
        length = counted
    element = strip.elements[0] if len(strip.elements) else None
    size = (element.orig_width, element.orig_height) if element else (0, 0)
    plate = Plate(
        path=path,
        range=FrameRange.from_half_open(0, length + head + tail, own),
        colour_space=colours.public_name(strip.colorspace_settings.name) or None,
        width=size[0] or None,
        height=size[1] or None,
    )
    return Source(plate, run_of(strip, length, factor, effect), head)


def _images(strip: Any, rate: Fraction, effect: Any) -> Source:
    names = [element.filename for element in strip.elements]
    folder = absolute(strip.directory)
    colour = colours.public_name(strip.colorspace_settings.name) or None
    size = strip.elements[0].orig_width or None, strip.elements[0].orig_height or None
    if len(names) == 1:
        still = FrameRange.from_half_open(0, 1, rate)
        path = str(Path(folder, names[0]))
        plate = Plate(path=path, range=still, colour_space=colour, width=size[0], height=size[1])
        left, right = api.bounds(strip)
        return Source(plate, Run(right - left, 1, speed=Fraction(0)), 0)
    found = pattern_of(names[0])
    numbered = frame_paths(found[0], range(found[1], found[1] + len(names))) if found else None
    if found is None or numbered != names:
        raise Unfit(
            "its pictures are not numbered one after the other",
            "number them without holes, or add each run of them as a strip of its own",
        )
    plate = Plate(
        path=str(Path(folder, found[0])),
        range=FrameRange.from_half_open(found[1], len(names), rate),
        colour_space=colour,
        width=size[0],
        height=size[1],
    )
    head, tail = api.content_trims(strip)
    run = run_of(strip, len(names) - head - tail, Fraction(1), effect)
    return Source(plate, run, found[1] + head)


def _scene(strip: Any, rate: Fraction, effect: Any) -> Source:
    scene = strip.scene
    if scene is None:
        raise Unfit("it shows no scene", "choose a scene in its properties, or remove it")
    if strip.scene_input == "CAMERA" and not (strip.scene_camera or scene.camera):
        raise Unfit(
            f"the scene {scene.name} has no camera",
            f"give {scene.name} a camera, or the strip one of its own",
        )
    plate = rendered_plate(scene, FrameRange.of(scene.frame_start, scene.frame_end, rate))
    head, tail = api.content_trims(strip)
    run = run_of(strip, plate.range.count - head - tail, Fraction(1), effect)
    return Source(plate, run, plate.range.first + head, to_render=True)


def rendered_plate(scene: Any, frames: FrameRange) -> Plate:
    """The plate that rendering a scene would give; its path is only a name."""
    width, height = render_size(scene)
    pixel = scene.render.pixel_aspect_x / scene.render.pixel_aspect_y
    return Plate(
        path=f"{file_name(scene.name)}.%04d.exr",
        range=frames,
        colour_space=colours.public_name(colours.scene_linear()),
        width=width,
        height=height,
        pixel_aspect=pixel,
    )


def file_name(text: str) -> str:
    """A name for files, without what a pattern would take for its frame number."""
    return fit_name(re.sub(r"[%#@]", "_", text), otherwise="scene")


def absolute(path: str) -> str:
    """A path of Blender's, which may start with ``//`` for the .blend's own folder."""
    return str(Path(bpy.path.abspath(path)))


def for_blend(path: Path) -> str:
    """A path as Blender would keep it: relative to the .blend where that is saved, and the
    person's preference says so."""
    wanted = bpy.context.preferences.filepaths.use_relative_paths
    if not wanted or not bpy.data.filepath:
        return str(path)
    try:
        return str(bpy.path.relpath(str(path)))
    except ValueError:  # another drive of Windows
        return str(path)


def movie_facts(path: str) -> tuple[int, int, int]:
    """Frames, width and height of a movie or picture; zeros where Blender cannot open it.

    Takes as long as Blender needs to open the file, once for each state of it.
    """
    try:
        now = Path(path).stat()
        return _opened(path, now.st_mtime_ns, now.st_size)
    except (OSError, RuntimeError):
        return 0, 0, 0


@lru_cache(maxsize=4096)
def _opened(path: str, _written: int, _size: int) -> tuple[int, int, int]:
    """Only what could be opened is remembered.

    :raises RuntimeError: it could not.
    """
    image = bpy.data.images.load(path)
    try:
        found: tuple[int, int, int] = image.frame_duration, image.size[0], image.size[1]
        if not found[1]:
            raise RuntimeError(f"{path} holds no pictures")
        return found
    finally:
        bpy.data.images.remove(image)
