"""Resizing of float pictures, and the local statistics that go with it.

OpenImageIO does the filtering: it works on float without clamping, normalises its weights (a
constant stays constant to float precision) and repeats the edge. Arrays are float32 of shape
(height, width, channels); samples lie at pixel centres, so no result is shifted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import OpenImageIO

from bridge_core.errors import GatewayFault

FloatArray = npt.NDArray[np.float32]
Kernel = Literal["lanczos", "bicubic", "triangle", "box"]
#: ``bicubic`` is Keys' kernel (a = -0.5), as in MATLAB and in the training of upscalers.
_FILTERS: dict[Kernel, str] = {
    "lanczos": "lanczos3",
    "bicubic": "keys",
    "triangle": "triangle",
    "box": "box",
}


def resize(picture: FloatArray, height: int, width: int, kernel: Kernel) -> FloatArray:
    """Resizes to ``height`` x ``width`` pixels, widening the kernel where it shrinks.

    ``triangle`` and ``box`` never leave the range of the values around; ``lanczos`` and
    ``bicubic`` are sharper and ring beside hard edges.
    """
    _, _, channels = picture.shape
    result = OpenImageIO.ImageBufAlgo.resize(
        OpenImageIO.ImageBuf(np.ascontiguousarray(picture, dtype=np.float32)),
        filtername=_FILTERS[kernel],
        roi=OpenImageIO.ROI(0, width, 0, height, 0, 1, 0, channels),
    )
    if result.has_error:
        raise GatewayFault(
            f"resizing failed: {result.geterror()}",
            where=f"{picture.shape[1]}x{picture.shape[0]} to {width}x{height}",
            next_step="report this together with the size of the plate",
        )
    return np.asarray(result.get_pixels(OpenImageIO.FLOAT), dtype=np.float32)


def upsample(
    picture: FloatArray, scale: int, kernel: Literal["lanczos", "triangle", "nearest"]
) -> FloatArray:
    """Enlarges by a whole number: the layers of a plate that no network may touch.

    Use ``triangle`` for alpha and coverage (stays within 0 and 1), ``nearest`` for identifiers,
    depth and anything whose values must not be mixed, ``lanczos`` for pictures.
    """
    height, width, _ = picture.shape
    if kernel == "nearest":
        return repeat_pixels(picture, scale)
    return resize(picture, height * scale, width * scale, kernel)


def repeat_pixels(picture: FloatArray, scale: int) -> FloatArray:
    """Repeats every pixel ``scale`` times along both axes."""
    return np.repeat(np.repeat(picture, scale, axis=0), scale, axis=1)


def block_mean(picture: FloatArray, scale: int) -> FloatArray:
    """The mean of every block of ``scale`` x ``scale`` pixels; sizes must be multiples of it."""
    height, width, channels = picture.shape
    blocks = picture.reshape(height // scale, scale, width // scale, scale, channels)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def local_extremes(picture: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Smallest and largest value of each pixel and its eight neighbours, per channel."""
    return _reduce_neighbours(picture, np.minimum), _reduce_neighbours(picture, np.maximum)


def _reduce_neighbours(picture: FloatArray, choose: Callable[..., Any]) -> FloatArray:
    for axis in (0, 1):
        padding = [(1, 1) if a == axis else (0, 0) for a in range(picture.ndim)]
        padded = np.pad(picture, padding, mode="edge")
        length = picture.shape[axis]
        before, after = (np.arange(length) + shift for shift in (0, 2))
        picture = choose(choose(padded.take(before, axis), picture), padded.take(after, axis))
    return picture
