"""Writes proxies: small JPEGs with the display view applied."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge_core.system import files
from bridge_gateway.arrays import half_extremes, shrink
from bridge_gateway.media.colour import MODEL_SPACE, ColourManager
from bridge_gateway.media.jpeg import encode_jpeg
from bridge_gateway.pixel_transform import PixelTransform, clamp_range

#: Light above this is white in every view. If it were averaged unclamped, one sample of 65504 would
#: turn many pixels of the proxy white. The same applies to black.
_MAX_LIGHT, _MIN_LIGHT = 100.0, -1.0

#: JPEG allows 65535 lines and FFmpeg's writer 65500; proxies need far fewer.
_MAX_HEIGHT = 16384


def proxy_size(width: int, height: int, pixel_aspect: float, max_width: int) -> tuple[int, int]:
    """Width and height of a proxy with square pixels, at most ``max_width`` wide and 16384 high.

    Neither dimension grows: a 2x anamorphic plate loses half of its rows and gains no columns.
    """
    wide, high = float(width), float(height)
    if pixel_aspect >= 1:
        high /= pixel_aspect
    else:
        wide *= pixel_aspect
    if wide > max_width:
        wide, high = float(max_width), high * max_width / wide
    if high > _MAX_HEIGHT:
        wide, high = wide * _MAX_HEIGHT / high, float(_MAX_HEIGHT)
    return max(1, round(wide)), max(1, round(high))


def write_proxy(
    path: Path,
    rgb: NDArray[Any],
    space: str,
    colour: ColourManager,
    width: int,
    quality: int,
    *,
    pixel_aspect: float = 1.0,
) -> tuple[int, int]:
    """Write a proxy, see :func:`render_proxy`, and return its size.

    :raises DiskFull, NotWritable, StorageError: no file is left at ``path``.
    """
    size, jpeg = render_proxy(rgb, space, colour, width, quality, pixel_aspect=pixel_aspect)
    files.atomic_write_bytes(path, jpeg)
    return size


def render_proxy(
    rgb: NDArray[Any],
    space: str,
    colour: ColourManager,
    width: int,
    quality: int,
    *,
    pixel_aspect: float = 1.0,
) -> tuple[tuple[int, int], bytes]:
    """A picture (height, width, 3) in ``space`` as a proxy: its size and its JPEG.

    The picture, half or float, is reduced in linear light by a kernel without negative lobes, which
    would cause dark rims around highlights; then it is converted with the display view. Data is not
    converted. ``width`` is the maximum width in pixels; ``quality`` is 1 to 100.
    """
    size = proxy_size(rgb.shape[1], rgb.shape[0], pixel_aspect, width)
    if size != (rgb.shape[1], rgb.shape[0]):
        if not colour.is_data(space) and not colour.is_linear(space):
            rgb, space = colour.convert(rgb, space, MODEL_SPACE), MODEL_SPACE
        rgb = shrink(_clamp_light(rgb, colour.threads), *size)
    return size, encode_jpeg(colour.to_display(rgb, space), quality)


def _clamp_light(rgb: NDArray[Any], threads: int | None) -> NDArray[Any]:
    """The same array if all of its light is within the limits, as is usual. NaN becomes the darkest
    value, so that it stays a small dark spot."""
    if rgb.dtype == np.float16:
        lowest, highest = half_extremes(rgb)
    else:
        lowest, highest = float(rgb.min()), float(rgb.max())
    if lowest >= _MIN_LIGHT and highest <= _MAX_LIGHT:
        return rgb
    return _light_clamp(threads).apply(rgb)


@cache
def _light_clamp(threads: int | None) -> PixelTransform:
    return PixelTransform.chain([clamp_range(_MIN_LIGHT, _MAX_LIGHT)], threads)
