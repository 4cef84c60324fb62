"""Checks that a service's pictures must pass before a version is published."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath

import numpy as np

from bridge_core.errors import CheckFailed, MediaError
from bridge_core.models.media import FRAME_NUMBER_PATTERN, MOVIE_EXTENSIONS, frame_path
from bridge_core.models.versions import ResultOutput
from bridge_gateway.arrays import FloatArray
from bridge_gateway.media.movie_reader import MovieReader
from bridge_gateway.media.picture import Picture
from bridge_gateway.media.picture_reader import read_picture, read_picture_header
from bridge_gateway.media.picture_samples import all_finite
from bridge_gateway.media.plate_reader import PlateReader

#: Failures in the message; ``details["frames"]`` has all of them.
_MAX_LISTED_FRAMES = 5


def check_output(
    folder: Path,
    output: ResultOutput,
    frames: Iterable[int],
    frame_done: Callable[[int], None] = lambda frame: None,
    *,
    plate: PlateReader | None = None,
    values_checked: bool = False,
) -> None:
    """Read every picture of an output and compare it with its description.

    Each frame must be complete and have the size (display window), pixel aspect, channels and
    depth of ``output``. Main colours and alpha must be finite, except where ``plate`` has the same
    value in the same pixel. Other frames must not exist under the same name. Layers copied from
    the plate are not checked: renderers use a depth of infinity for "nothing". Channels of other
    parts are named ``part.channel``. With ``values_checked``, the provider has done the check of
    values (:func:`find_bad_values`) before it wrote the pictures: only headers are read.

    ``frame_done`` is called after each frame, and may raise to end the check.

    :raises CheckFailed: with every failed frame; ``details["frames"]`` maps frames to reasons.
    """
    frame_numbers = sorted(set(frames))
    if PurePath(output.pattern).suffix.lower() in MOVIE_EXTENSIONS:
        failures = _check_movie(folder / output.pattern, output, frame_numbers, frame_done)
    else:
        failures = {}
        for frame in frame_numbers:
            path = folder / frame_path(output.pattern, frame)
            reason = _check_picture(path, output, frame, plate, values_checked)
            if reason:
                failures[frame] = reason
            frame_done(frame)
        failures |= dict.fromkeys(
            _unexpected_frames(folder, output.pattern, set(frame_numbers)), "was not requested"
        )
    if failures:
        reasons = [f"frame {frame}: {reason}" for frame, reason in failures.items()]
        if len(reasons) > _MAX_LISTED_FRAMES:
            reasons[_MAX_LISTED_FRAMES:] = [f"and {len(reasons) - _MAX_LISTED_FRAMES} more"]
        raise CheckFailed(
            f"{len(failures)} of {len(frame_numbers)} frames of the output {output.name!r} failed "
            f"their checks: {'; '.join(reasons)}",
            where=str(folder),
            next_step="send the request again; if it fails again, check these frames of the plate",
            details={"frames": {str(frame): reason for frame, reason in failures.items()}},
        )


def _check_picture(
    path: Path, output: ResultOutput, frame: int, plate: PlateReader | None, values_checked: bool
) -> str:
    """Why a picture fails; empty if it passes."""
    if not path.is_file():
        return f"{path.name} is missing"
    try:
        if values_checked:
            return _check_format(read_picture_header(path), output)
        picture = read_picture(path)
        return _check_format(picture, output) or find_bad_values(
            picture, lambda: plate.read(frame) if plate is not None else None
        )
    except MediaError as error:
        return error.message


def _check_format(picture: Picture, output: ResultOutput) -> str:
    size = (picture.display_window.width, picture.display_window.height)
    present = set(picture.main_part.channels) | {
        f"{part.name}.{channel}" for part in picture.parts for channel in part.channels
    }
    missing = [channel for channel in output.channels if channel not in present]
    if size != (output.width, output.height):
        return f"is {size[0]}x{size[1]}, not {output.width}x{output.height}"
    if missing:
        return f"has no channel {', '.join(missing)}"
    if picture.depth != output.depth:
        return f"is {picture.depth}, not {output.depth}"
    if abs(picture.pixel_aspect - output.pixel_aspect) > 1e-4 * output.pixel_aspect:
        return f"has pixel aspect {picture.pixel_aspect:g}, not {output.pixel_aspect:g}"
    return ""


def _colour_planes(picture: Picture) -> list[FloatArray]:
    """R, G, B and, if there is one, alpha, each (height, width)."""
    rgb, alpha = picture.rgb(), picture.alpha()
    return [*np.moveaxis(rgb, -1, 0), *([alpha] if alpha is not None else [])]


def _is_finite(picture: Picture) -> bool:
    pixels, channels = picture.main_part.pixels, picture.picture_channels
    if len(channels) == pixels.shape[2]:
        return all_finite(pixels)
    return all(all_finite(pixels[..., channel]) for channel in channels)


def find_bad_values(picture: Picture, read_plate: Callable[[], Picture | None]) -> str:
    """Describes main colours and alpha that are not finite and that the plate does not have in the
    same pixel; empty if there are none. The plate is only read if the picture has such values."""
    if _is_finite(picture):
        return ""
    planes = _colour_planes(picture)
    plate = read_plate()
    before = _colour_planes(plate) if plate is not None else []
    nan, infinite, first = 0, 0, None
    for index, plane in enumerate(planes):
        bad = ~np.isfinite(plane)
        if index < len(before) and before[index].shape == plane.shape:
            bad &= ~((plane == before[index]) | (np.isnan(plane) & np.isnan(before[index])))
        nan += int(np.count_nonzero(bad & np.isnan(plane)))
        infinite += int(np.count_nonzero(bad & np.isinf(plane)))
        if first is None and bad.any():
            first = np.argwhere(bad)[0]
    if first is None:
        return ""
    row, column = first
    return (
        f"has {nan} NaN and {infinite} infinite values, the first at x {column}, y {row}, "
        "counted from the top left"
    )


def _check_movie(
    path: Path, output: ResultOutput, frame_numbers: list[int], frame_done: Callable[[int], None]
) -> dict[int, str]:
    if not path.is_file():
        return dict.fromkeys(frame_numbers, f"{path.name} is missing")
    try:
        with MovieReader(path) as movie:
            info = movie.info
            if (info.width, info.height) != (output.width, output.height):
                reason = f"is {info.width}x{info.height}, not {output.width}x{output.height}"
                return dict.fromkeys(frame_numbers, reason)
            failures = {}
            for index, frame in enumerate(frame_numbers[: info.frame_count]):
                try:
                    movie.read(index)
                except MediaError as error:
                    failures[frame] = error.message
                frame_done(frame)
            failures |= dict.fromkeys(
                frame_numbers[info.frame_count :], f"{path.name} ends before it"
            )
            if info.frame_count > len(frame_numbers) and frame_numbers:
                failures[frame_numbers[-1] + 1] = f"{path.name} has {info.frame_count} pictures"
            return failures
    except MediaError as error:
        return dict.fromkeys(frame_numbers, error.message)


def _unexpected_frames(folder: Path, pattern: str, frame_numbers: set[int]) -> list[int]:
    """Frames other than ``frame_numbers`` that have a picture under the output's name."""
    parent = (folder / pattern).parent
    name = PurePath(pattern).name
    number = FRAME_NUMBER_PATTERN.search(name)
    if number is None or not parent.is_dir():
        return []
    before, after = re.escape(name[: number.start()]), re.escape(name[number.end() :])
    pattern_of_name = re.compile(f"{before}(-?\\d+){after}")
    matches = (pattern_of_name.fullmatch(path.name) for path in parent.iterdir())
    return sorted({int(match[1]) for match in matches if match} - frame_numbers)
