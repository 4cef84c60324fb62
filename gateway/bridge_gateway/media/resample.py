"""Changing the size of planes and pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def upsample_plane(plane: FloatArray, factor: int) -> FloatArray:
    """A plane (height, width) ``factor`` times as large.

    Catmull-Rom (Catmull and Rom 1974, a cubic through its samples), held between the least and
    the greatest of the nine samples around: without that, an edge of a matte leaves 0 to 1 and
    highlights get dark rims.
    """
    height, width = plane.shape
    smooth = resize(plane[..., None], width * factor, height * factor, "catmull-rom")[..., 0]
    padded = np.pad(plane, 1, mode="edge")
    neighbours = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    low, high = (
        edge.repeat(factor, axis=0).repeat(factor, axis=1)
        for edge in (np.minimum.reduce(neighbours), np.maximum.reduce(neighbours))
    )
    return np.clip(smooth, low, high)


def resize(pixels: FloatArray, width: int, height: int, kernel: str) -> FloatArray:
    """Pixels (height, width, channels) at another size, by OpenImageIO's separable filters.

    ``kernel`` is one of its names, such as ``box``, ``catmull-rom`` or ``lanczos3``; it widens
    when the picture shrinks, so nothing aliases.
    """
    import OpenImageIO as oiio

    source = _buffer(pixels)
    result = oiio.ImageBufAlgo.resize(
        source, filtername=kernel, roi=oiio.ROI(0, width, 0, height, 0, 1, 0, pixels.shape[2])
    )
    resized: FloatArray | None = result.get_pixels(oiio.FLOAT)
    if resized is None or result.has_error:
        raise ValueError(f"cannot resize {pixels.shape} to {width}x{height}: {result.geterror()}")
    return resized


def _buffer(pixels: FloatArray) -> Any:
    import OpenImageIO as oiio

    height, width, channels = pixels.shape
    buffer = oiio.ImageBuf(oiio.ImageSpec(width, height, channels, oiio.FLOAT))
    buffer.set_pixels(oiio.ROI(), np.ascontiguousarray(pixels))
    return buffer
