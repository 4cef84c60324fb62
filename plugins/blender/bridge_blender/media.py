"""Reads the media of strips and images: path, frame numbers, size, colour space."""

from __future__ import annotations

import contextlib
import re
from array import array
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy

from bridge_core.models.frames import FrameRange, to_rate
from bridge_core.models.media import Plate, detect_pattern, frame_paths
from bridge_core.models.shots import sanitise_name

from . import colour_spaces
from . import sequencer_api as api
from .retime import FrameMapping, UnsupportedStripError, strip_frame_mapping

_RELINK_STEP = "relink the strip, or remove it"


@dataclass(frozen=True, slots=True)
class StripMedia:
    """The plate of a strip, and the frames that it shows."""

    plate: Plate
    frame_mapping: FrameMapping
    first_frame: int
    """The plate frame that the content starts with, after the plate's first if it is hard
    trimmed."""
    needs_render: bool = False
    """The plate's files do not exist yet."""

    @property
    def cut_range(self) -> FrameRange:
        """The plate frames that the strip shows."""
        low, high = self.frame_mapping.content_span()
        rate = self.plate.range.rate
        return FrameRange(first=self.first_frame + low, last=self.first_frame + high, rate=rate)


def scene_rate(scene: Any) -> Fraction:
    """Frame rate of a scene; Blender stores 24000/1001 as 24 and 1.001."""
    base = Fraction(scene.render.fps_base).limit_denominator(100_000)
    return to_rate(Fraction(scene.render.fps) / base)


def render_size(scene: Any) -> tuple[int, int]:
    """Width and height in pixels of a scene's renderings."""
    render = scene.render
    part = render.resolution_percentage
    return max(1, render.resolution_x * part // 100), max(1, render.resolution_y * part // 100)


def cropped_size(scene: Any) -> tuple[int, int]:
    """The render size, reduced to the crop region if one is set."""
    render, (width, height) = scene.render, render_size(scene)
    if not (render.use_border and render.use_crop_to_border):
        return width, height
    x_bounds = (render.border_min_x * width, render.border_max_x * width)
    y_bounds = (render.border_min_y * height, render.border_max_y * height)
    # Blender rounds to single precision before it truncates to integers.
    left, right, bottom, top = map(int, array("f", (*x_bounds, *y_bounds)))
    return right - left, top - bottom


def strip_media(strip: Any, scene: Any, effect: Any = None) -> StripMedia:
    """The media of a movie, image or scene strip, with its speed ``effect`` if it has one.

    :raises UnsupportedStripError: it cannot be sent.
    """
    read = {"MOVIE": _movie_media, "IMAGE": _image_media}.get(strip.type, _scene_media)
    return read(strip, scene_rate(scene), effect)


def _movie_media(strip: Any, rate: Fraction, effect: Any) -> StripMedia:
    path = absolute_path(strip.filepath)
    head, tail = api.content_trims(strip)
    start, end = api.content_bounds(strip)
    movie_rate, length, factor = rate, round(end - start), Fraction(1)
    if strip.fps > 0:
        movie_rate = to_rate(float(strip.fps))
    if movie_rate != rate or api.retiming_keys(strip):
        # Blender has a strip's length, but not whether that was adjusted to the movie's rate.
        frame_count = movie_info(path)[0] - head - tail
        if frame_count < 1:
            raise UnsupportedStripError(f"its movie {path} cannot be opened", _RELINK_STEP)
        fitted_count = frame_count * rate / movie_rate
        is_fitted = abs(length - fitted_count) < abs(length - frame_count)
        factor = movie_rate / rate if is_fitted and not api.retiming_keys(strip) else Fraction(1)
        length = frame_count
    element = strip.elements[0] if len(strip.elements) else None
    size = (element.orig_width, element.orig_height) if element else (0, 0)
    frames = FrameRange.from_half_open(0, length + head + tail, movie_rate)
    plate = file_plate(strip, path, frames, size)
    return StripMedia(plate, strip_frame_mapping(strip, length, factor, effect), head)


def _image_media(strip: Any, rate: Fraction, effect: Any) -> StripMedia:
    names = [element.filename for element in strip.elements]
    folder = absolute_path(strip.directory)
    size = strip.elements[0].orig_width, strip.elements[0].orig_height
    if len(names) == 1:
        still = FrameRange.from_half_open(0, 1, rate)
        plate = file_plate(strip, str(Path(folder, names[0])), still, size)
        left, right = api.bounds(strip)
        return StripMedia(plate, FrameMapping(right - left, 1, speed=Fraction(0)), 0)
    pattern, first = detect_pattern(names[0]) or ("", 0)
    if not pattern or frame_paths(pattern, range(first, first + len(names))) != names:
        next_step = "number them without gaps, or add each contiguous range as a strip"
        raise UnsupportedStripError("its images are not numbered consecutively", next_step)
    frames = FrameRange.from_half_open(first, len(names), rate)
    plate = file_plate(strip, str(Path(folder, pattern)), frames, size)
    head, tail = api.content_trims(strip)
    run = strip_frame_mapping(strip, len(names) - head - tail, Fraction(1), effect)
    return StripMedia(plate, run, first + head)


def _scene_media(strip: Any, rate: Fraction, effect: Any) -> StripMedia:
    scene = strip.scene
    if scene is None:
        next_step = "select a scene in its properties, or remove it"
        raise UnsupportedStripError("it has no scene", next_step)
    if strip.scene_input == "CAMERA" and not (strip.scene_camera or scene.camera):
        next_step = f"add a camera to {scene.name}, or set one on the strip"
        raise UnsupportedStripError(f"the scene {scene.name} has no camera", next_step)
    plate = plate_to_render(scene, FrameRange.of(scene.frame_start, scene.frame_end, rate))
    head, tail = api.content_trims(strip)
    run = strip_frame_mapping(strip, plate.range.count - head - tail, Fraction(1), effect)
    return StripMedia(plate, run, plate.range.first + head, needs_render=True)


def file_plate(owner: Any, path: str, frames: FrameRange, size: tuple[int, int]) -> Plate:
    """The plate of the files of a strip or an image; zeros in ``size`` are not known."""
    space = colour_spaces.ocio_name(owner.colorspace_settings.name) or None
    width, height = size[0] or None, size[1] or None
    return Plate(path=path, range=frames, colour_space=space, width=width, height=height)


def plate_to_render(scene: Any, frames: FrameRange) -> Plate:
    """The plate that rendering a scene would write; its path is only a file name."""
    width, height = render_size(scene)
    pixel = scene.render.pixel_aspect_x / scene.render.pixel_aspect_y
    return Plate(
        path=f"{safe_file_name(scene.name)}.%04d.exr",
        range=frames,
        colour_space=colour_spaces.ocio_name(colour_spaces.scene_linear_space()),
        width=width,
        height=height,
        pixel_aspect=pixel,
    )


def safe_file_name(text: str) -> str:
    """A file name without characters that look like a frame number in a pattern."""
    return sanitise_name(re.sub(r"[%#@]", "_", text), default="scene")


def absolute_path(path: str) -> str:
    """The absolute path; in Blender ``//`` is the folder of the .blend."""
    return str(Path(bpy.path.abspath(path)))


def blend_relative_path(path: Path) -> str:
    """A path as Blender would store it: relative to the .blend if that is saved and the user's
    preferences ask for it."""
    if bpy.context.preferences.filepaths.use_relative_paths and bpy.data.filepath:
        with contextlib.suppress(ValueError):  # another drive of Windows
            return str(bpy.path.relpath(str(path)))
    return str(path)


def movie_info(path: str) -> tuple[int, int, int]:
    """Frame count, width and height of a movie or image; zeros if Blender cannot open it.

    Opening the file may be slow; the result is cached until the file changes.
    """
    try:
        stat = Path(path).stat()
        return _load_movie_info(path, stat.st_mtime_ns, stat.st_size)
    except (OSError, RuntimeError):
        return 0, 0, 0


@lru_cache(maxsize=4096)
def _load_movie_info(path: str, _mtime_ns: int, _size: int) -> tuple[int, int, int]:
    """Only successful results are cached.

    :raises RuntimeError: the file cannot be opened.
    """
    image = bpy.data.images.load(path)
    try:
        info: tuple[int, int, int] = image.frame_duration, image.size[0], image.size[1]
        if not info[1]:
            raise RuntimeError(f"{path} holds no pictures")
        return info
    finally:
        bpy.data.images.remove(image)
