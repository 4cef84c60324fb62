"""Pictures as float arrays: resizing, and the local statistics that go with it.

OpenImageIO does the filtering: it works on float without clamping, normalises its weights (a
constant stays constant to float precision) and repeats the edge. Samples lie at pixel centres, so
no result is shifted.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridge_core.errors import GatewayFault

FloatArray = NDArray[np.float32]

#: Of a half.
_SIGN_BIT = 0x8000

#: OpenImageIO's names. ``keys`` is the bicubic kernel of MATLAB and of the training of upscalers.
Kernel = Literal["box", "catmull-rom", "keys", "lanczos3", "triangle"]


def resize(picture: FloatArray, width: int, height: int, kernel: Kernel) -> FloatArray:
    """A picture (height, width, channels) at another size.

    The kernel widens when the picture shrinks, so nothing aliases. ``triangle`` and ``box`` stay
    within the range of the source values; the others are sharper and ring beside hard edges.
    """
    import OpenImageIO as oiio

    result = oiio.ImageBufAlgo.resize(
        oiio.ImageBuf(np.ascontiguousarray(picture, dtype=np.float32)),
        filtername=kernel,
        roi=oiio.ROI(0, width, 0, height, 0, 1, 0, picture.shape[2]),
    )
    if result.has_error:
        raise GatewayFault(
            f"resizing failed: {result.geterror()}",
            where=f"{picture.shape[1]}x{picture.shape[0]} to {width}x{height}",
            next_step="report this together with the size of the plate",
        )
    return np.asarray(result.get_pixels(oiio.FLOAT), dtype=np.float32)


def half_extremes(samples: NDArray[np.float16]) -> tuple[float, float]:
    """The lowest and the highest value; NaN or infinite if there are such values.

    From the bit patterns, in a quarter of NumPy's time: as signed integers positive halves are in
    order, and as unsigned ones negative halves follow them in reverse order.
    """
    bits = samples.view(np.uint16)
    unsigned = int(bits.min()), int(bits.max())
    lowest = unsigned[1] if unsigned[1] >= _SIGN_BIT else unsigned[0]
    highest = unsigned[0] if unsigned[0] >= _SIGN_BIT else int(bits.view(np.int16).max())
    found = np.array([lowest, highest], np.uint16).view(np.float16)
    return float(found[0]), float(found[1])


def shrink(picture: NDArray[Any], width: int, height: int) -> FloatArray:
    """A picture (height, width, channels), half or float, at a smaller size, by a kernel that is
    positive everywhere.

    As far as whole blocks of pixels fit both sizes they are averaged, which is fastest; a triangle
    does the rest.
    """
    largest = min(picture.shape[0] // height, picture.shape[1] // width)
    factor = next(
        f
        for f in range(largest, 0, -1)
        if f == 1 or not (picture.shape[0] % f or picture.shape[1] % f)
    )
    if factor > 1:
        picture = _block_sums(picture, factor) / np.float32(factor * factor)
    picture = picture.astype(np.float32, copy=False)
    return _shrink_axis(_shrink_axis(picture, height, 0), width, 1)


def _shrink_axis(picture: FloatArray, length: int, axis: int) -> FloatArray:
    """:func:`resize` with ``triangle`` along one axis, in a fifth of the time."""
    source = picture.shape[axis]
    if source == length:
        return picture
    ratio = source / length
    centres = (np.arange(length) + 0.5) * ratio - 0.5
    taps = np.floor(centres - ratio).astype(int)[:, np.newaxis] + np.arange(ceil(2 * ratio)) + 1
    weights = np.maximum(0, 1 - np.abs(taps - centres[:, np.newaxis]) / ratio)
    weights /= weights.sum(axis=1, keepdims=True)
    shape = [length if a == axis else 1 for a in range(3)]
    result = np.zeros([length if a == axis else s for a, s in enumerate(picture.shape)], np.float32)
    for tap, weight in zip(taps.T.clip(0, source - 1), weights.T, strict=True):
        part = picture.take(tap, axis)
        part *= weight.astype(np.float32).reshape(shape)
        result += part
    return result


def _block_sums(picture: NDArray[Any], factor: int) -> FloatArray:
    """Sums of blocks of ``factor`` x ``factor`` pixels, as :func:`block_mean` but by whole rows."""
    rows: FloatArray = np.add(picture[0::factor], picture[1::factor], dtype=np.float32)
    for offset in range(2, factor):
        rows += picture[offset::factor]
    sums = rows[:, 0::factor] + rows[:, 1::factor]
    for offset in range(2, factor):
        sums += rows[:, offset::factor]
    return sums


def linear_subpixels(planes: FloatArray, scale: int) -> FloatArray:
    """Planes (channels, height, width) enlarged by linear interpolation, as (channels,
    scale * scale, height, width): the values at each place in the block of a source pixel.

    Beyond the edges, the edge pixels count. Put in their places they are :func:`resize` with
    ``triangle``.
    """
    channels, height, width = planes.shape
    result = np.empty((channels, scale * scale, height, width), np.float32)
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)), mode="edge")
    offsets = [(place + 0.5) / scale - 0.5 for place in range(scale)]
    for column, x in enumerate(offsets):
        side = 1 + (x > 0) - (x < 0)
        across = padded[:, :, 1 : width + 1] * np.float32(1 - abs(x))
        across += padded[:, :, side : side + width] * np.float32(abs(x))
        for row, y in enumerate(offsets):
            side = 1 + (y > 0) - (y < 0)
            made = result[:, row * scale + column]
            np.multiply(across[:, 1 : height + 1], np.float32(1 - abs(y)), out=made)
            made += across[:, side : side + height] * np.float32(abs(y))
    return result


def upsample_plane(plane: FloatArray, factor: int) -> FloatArray:
    """A plane (height, width) ``factor`` times as large.

    Catmull-Rom (Catmull and Rom 1974, a cubic through its samples), clamped to the range of the
    nine samples around: otherwise the edge of a matte leaves 0 to 1 and highlights get dark rims.
    """
    height, width = plane.shape
    smooth = resize(plane[..., None], width * factor, height * factor, "catmull-rom")[..., 0]
    lowest, highest = local_extremes(plane)
    return np.clip(smooth, repeat_pixels(lowest, factor), repeat_pixels(highest, factor))


def repeat_pixels(picture: NDArray[Any], factor: int) -> NDArray[Any]:
    """Repeats every pixel ``factor`` times along both axes."""
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def block_mean(picture: FloatArray, factor: int) -> FloatArray:
    """The mean of each block of ``factor`` x ``factor`` pixels; sizes must be multiples of it."""
    height, width, channels = picture.shape
    blocks = picture.reshape(height // factor, factor, width // factor, factor, channels)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def local_extremes(picture: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The smallest and largest value of each pixel and its eight neighbours, per channel."""
    return _reduce_neighbours(picture, np.minimum), _reduce_neighbours(picture, np.maximum)


def _reduce_neighbours(picture: FloatArray, choose: Callable[..., Any]) -> FloatArray:
    for axis in (0, 1):
        padding = [(1, 1) if a == axis else (0, 0) for a in range(picture.ndim)]
        padded = np.pad(picture, padding, mode="edge")
        length = picture.shape[axis]
        before, after = (np.arange(length) + shift for shift in (0, 2))
        picture = choose(choose(padded.take(before, axis), picture), padded.take(after, axis))
    return picture
