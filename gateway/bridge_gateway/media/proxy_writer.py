"""Writes proxies: small JPEGs with the display view applied."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bridge_core.system import files
from bridge_gateway.arrays import FloatArray, Kernel, resize
from bridge_gateway.media.colour import MODEL_SPACE, ColourManager
from bridge_gateway.media.jpeg import encode_jpeg

#: Light above this is white in every view. If it were averaged unclamped, one sample of 65504 would
#: turn many pixels of the proxy white. The same applies to black.
_MAX_LIGHT, _MIN_LIGHT = np.float32(100), np.float32(-1)

#: JPEG allows 65535 lines and FFmpeg's writer 65500; proxies need far fewer.
_MAX_HEIGHT = 16384

#: Positive everywhere: a kernel with negative lobes causes dark rims around highlights.
_KERNEL: Kernel = "triangle"


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
    rgb: FloatArray,
    space: str,
    colour: ColourManager,
    width: int,
    quality: int,
    *,
    pixel_aspect: float = 1.0,
) -> tuple[int, int]:
    """Write a picture (height, width, 3) in ``space`` as a proxy and return its size.

    The picture is reduced in linear light, then converted with the display view; data is not
    converted. ``width`` is the maximum width in pixels; ``quality`` is 1 to 100.

    :raises DiskFull, NotWritable, StorageError: no file is left at ``path``.
    """
    size = proxy_size(rgb.shape[1], rgb.shape[0], pixel_aspect, width)
    if size != (rgb.shape[1], rgb.shape[0]):
        if not colour.is_data(space) and not colour.is_linear(space):
            rgb, space = colour.convert(rgb, space, MODEL_SPACE), MODEL_SPACE
        # fmax ignores NaN, so that it stays a small dark spot.
        rgb = resize(np.fmin(np.fmax(rgb, _MIN_LIGHT), _MAX_LIGHT), *size, _KERNEL)
    files.atomic_write_bytes(path, encode_jpeg(colour.to_display(rgb, space), quality))
    return size
