"""Chains of colour operations, compiled by OpenColorIO and applied to whole pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from bridge_gateway.arrays import FloatArray

#: Greatest finite half (IEEE 754 binary16).
HALF_MAX = 65504.0
#: Smaller bands cost more to distribute than they save (measured, see decision 0005).
_MIN_ROWS_PER_THREAD = 128


class PixelTransform:
    """A chain of colour operations. Thread-safe.

    ``processor`` is an OpenColorIO ``Processor``. ``threads`` limits the threads of a call; None
    allows one for each core.
    """

    def __init__(self, processor: Any, threads: int | None = None) -> None:
        self._processor = processor
        self._threads = threads or os.cpu_count() or 1

    @classmethod
    def chain(cls, transforms: Iterable[Any], threads: int | None = None) -> PixelTransform:
        """The OpenColorIO ``transforms`` in order; they must not refer to a config."""
        import PyOpenColorIO as ocio

        group = ocio.GroupTransform()
        for transform in transforms:
            group.appendTransform(transform)
        return cls(ocio.Config.CreateRaw().getProcessor(group), threads)

    @property
    def has_fixed_function(self) -> bool:
        """Whether it has a formula that OpenColorIO computes pixel by pixel, such as an output
        transform of ACES 2: a hundred times slower than a table."""
        import PyOpenColorIO as ocio

        return any(
            isinstance(transform, ocio.FixedFunctionTransform)
            for transform in self._processor.createGroupTransform()
        )

    def followed_by(self, other: PixelTransform) -> PixelTransform:
        """Both transforms as one, which keeps float precision between them."""
        both = [t._processor.createGroupTransform() for t in (self, other)]
        return PixelTransform.chain(both, self._threads)

    def apply(
        self,
        pixels: NDArray[Any],
        dtype: DTypeLike = np.float32,
        out: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        """The transformed pixels, as a new array of ``dtype`` or in ``out``.

        ``pixels`` are (height, width, 3) or (width, 3), as float32 or float16; results are float32,
        float16 or uint8. uint8 is 0 to 255, rounded and clamped; float16 becomes infinite above
        65504. ``out`` may be part of a larger picture.
        """
        source = pixels if pixels.dtype in (np.float32, np.float16) else pixels.astype(np.float32)
        if source.strides[-2:] != (3 * source.itemsize, source.itemsize):
            source = np.ascontiguousarray(source)
        target = np.empty(source.shape, dtype) if out is None else out
        apply = self._compile(source.dtype, target.dtype)
        if source.ndim < 3:
            apply(source[np.newaxis], target[np.newaxis])
            return target
        count = min(self._threads, len(source) // _MIN_ROWS_PER_THREAD)
        if count < 2:
            apply(source, target)
        else:
            bands = np.array_split(source, count), np.array_split(target, count)
            with ThreadPoolExecutor(count) as pool:
                list(pool.map(apply, *bands))
        return target

    def _compile(self, source: np.dtype[Any], target: np.dtype[Any]) -> Any:
        import PyOpenColorIO as ocio

        depths = {
            np.dtype(np.float32): ocio.BIT_DEPTH_F32,
            np.dtype(np.float16): ocio.BIT_DEPTH_F16,
            np.dtype(np.uint8): ocio.BIT_DEPTH_UINT8,
        }
        # OpenColorIO caches the result.
        processor = self._processor.getOptimizedCPUProcessor(
            depths[source], depths[target], ocio.OPTIMIZATION_DEFAULT
        )

        def describe(pixels: NDArray[Any]) -> Any:
            height, width, channels = pixels.shape
            channel = pixels.itemsize
            column = 3 * channel
            # NumPy's stride of a single row may be anything.
            row = pixels.strides[0] if height > 1 else width * column
            depth = depths[pixels.dtype]
            return ocio.PackedImageDesc(
                pixels, width, height, channels, depth, channel, column, row
            )

        def apply(pixels: NDArray[Any], result: NDArray[Any]) -> None:
            if pixels.size:
                processor.apply(describe(pixels), describe(result))

        return apply


def lookup_table(values: FloatArray, *, half_domain: bool = False) -> Any:
    """An OpenColorIO transform that maps each channel by ``values``, interpolated linearly.

    The samples lie at equal distances from 0 to 1; with ``half_domain``, they are 65536, one for
    each bit pattern of a half.
    """
    import PyOpenColorIO as ocio

    table = ocio.Lut1DTransform(len(values), half_domain)
    table.setInterpolation(ocio.INTERP_LINEAR)
    table.setData(np.repeat(values.astype(np.float32), 3))
    return table


def cube_table(values: FloatArray) -> Any:
    """An OpenColorIO transform that maps 0 to 1 by a cube of values, interpolated tetrahedrally.

    ``values`` hold size ** 3 triples, red slowest.
    """
    import PyOpenColorIO as ocio

    table = ocio.Lut3DTransform(round((values.size // 3) ** (1 / 3)))
    table.setInterpolation(ocio.INTERP_TETRAHEDRAL)
    table.setData(np.ascontiguousarray(values, np.float32).ravel())
    return table


def clamp_range(lowest: float, highest: float) -> Any:
    """An OpenColorIO transform that clamps each channel to this range."""
    import PyOpenColorIO as ocio

    clamp = ocio.RangeTransform()
    clamp.setMinInValue(lowest)
    clamp.setMinOutValue(lowest)
    clamp.setMaxInValue(highest)
    clamp.setMaxOutValue(highest)
    return clamp
