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
        self._followed: dict[PixelTransform, PixelTransform] = {}

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
        """Both transforms as one, which keeps float precision between them. Cached."""
        if other not in self._followed:
            both = [t._processor.createGroupTransform() for t in (self, other)]
            self._followed[other] = PixelTransform.chain(both, self._threads)
        return self._followed[other]

    def apply(
        self,
        pixels: NDArray[Any],
        dtype: DTypeLike = np.float32,
        out: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        """The transformed pixels, as a new array of ``dtype`` or in ``out``.

        ``pixels`` are (height, width, 3), or of another shape (..., 3) if they are contiguous and
        ``out`` is not given, as float32 or float16; results are float32, float16 or uint8. uint8 is
        0 to 255, rounded and clamped; float16 becomes infinite above 65504. ``out`` may be part of
        a larger picture.
        """
        source = pixels if pixels.dtype in (np.float32, np.float16) else pixels.astype(np.float32)
        if source.strides[-2:] != (3 * source.itemsize, source.itemsize):
            source = np.ascontiguousarray(source)
        target = np.empty(source.shape, dtype) if out is None else out
        rows = (source, target) if source.ndim == 3 else (_as_rows(source), _as_rows(target))
        count = max(1, min(self._threads, len(rows[0]) // _MIN_ROWS_PER_THREAD))
        bands = zip(*(np.array_split(pixels, count) for pixels in rows), strict=True)
        self._run(
            self._compile(source.dtype, target.dtype),
            [(_packed(part), _packed(made)) for part, made in bands if made.size],
        )
        return target

    def apply_to_planes(self, planes: FloatArray) -> FloatArray:
        """The transformed planes, (3, count, height, width), as a new array."""
        target = np.empty(planes.shape, np.float32)
        self._run(
            self._compile(planes.dtype, target.dtype),
            [(_planar(planes[:, i]), _planar(target[:, i])) for i in range(planes.shape[1])],
        )
        return target

    def interleave(self, planes: FloatArray, out: NDArray[Any]) -> None:
        """Transform the results of an enlargement by ``scale``, and put them in their places.

        ``planes``: float32 (3, scale * scale, height, width), for each channel and each place in
        the block of a source pixel. ``out``: (height * scale, width * scale, 3), as float32 or
        float16.
        """
        scale = out.shape[0] // planes.shape[2]
        self._run(
            self._compile(planes.dtype, out.dtype),
            [
                (_planar(planes[:, i]), _packed(out[i // scale :: scale, i % scale :: scale]))
                for i in range(planes.shape[1])
            ],
        )

    def _run(self, processor: Any, images: list[tuple[Any, Any]]) -> None:
        """Apply a processor from each source to its target, on all threads."""
        if self._threads == 1 or len(images) == 1:
            for source, target in images:
                processor.apply(source, target)
            return
        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(lambda pair: processor.apply(*pair), images))

    def _compile(self, source: np.dtype[Any], target: np.dtype[Any]) -> Any:
        import PyOpenColorIO as ocio

        # OpenColorIO caches the result.
        return self._processor.getOptimizedCPUProcessor(
            _bit_depth(source), _bit_depth(target), ocio.OPTIMIZATION_DEFAULT
        )


def _as_rows(pixels: NDArray[Any]) -> NDArray[Any]:
    """A view of contiguous pixels of any shape (..., 3) as (height, width, 3)."""
    return pixels.reshape(-1, pixels.shape[-2] if pixels.ndim > 1 else 1, 3)


def _packed(pixels: NDArray[Any]) -> Any:
    """(height, width, 3) for OpenColorIO. NumPy's strides along an axis of one may be anything."""
    import PyOpenColorIO as ocio

    height, width, channels = pixels.shape
    column = pixels.strides[1] if width > 1 else channels * pixels.itemsize
    row = pixels.strides[0] if height > 1 else width * column
    return ocio.PackedImageDesc(
        pixels, width, height, channels, _bit_depth(pixels.dtype), pixels.itemsize, column, row
    )


def _planar(planes: NDArray[Any]) -> Any:
    """(3, height, width) for OpenColorIO."""
    import PyOpenColorIO as ocio

    _, height, width = planes.shape
    row = planes.strides[1] if height > 1 else width * planes.itemsize
    return ocio.PlanarImageDesc(
        *planes, width, height, _bit_depth(planes.dtype), planes.itemsize, row
    )


def _bit_depth(dtype: np.dtype[Any]) -> Any:
    import PyOpenColorIO as ocio

    return {
        np.dtype(np.float32): ocio.BIT_DEPTH_F32,
        np.dtype(np.float16): ocio.BIT_DEPTH_F16,
        np.dtype(np.uint8): ocio.BIT_DEPTH_UINT8,
    }[dtype]


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
