"""A display view as a table, where a table is accurate.

The output transforms of ACES 2 compress the gamut with kinks that no 3D table of a reasonable size
follows: a table of 65 samples per axis is wrong by up to 40 of 255 codes (docs/decisions/0005).
Nearly all pixels of pictures lie in cells without kinks, though. So each cell is compared with the
exact view at some points when the table is made, and pixels in cells that differ are computed
exactly.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge_gateway.arrays import FloatArray
from bridge_gateway.pixel_transform import PixelTransform, cube_table, lookup_table

#: Samples per axis.
_SIZE = 65
#: The shaper is log2(1 + light / _TOE), so that dark and bright values get as many samples; light
#: outside 0 to _MAX_LIGHT is computed exactly.
_TOE, _MAX_LIGHT = 0.01, 100.0
_RANGE = float(np.log2(1 + _MAX_LIGHT / _TOE))
#: Where each cell is compared, in fractions of it, and the largest difference of a cell whose
#: pixels use the table, in codes of 255.
_CHECKS = ((0.5, 0.5, 0.5), (0.25, 0.5, 0.75), (0.75, 0.25, 0.5), (0.5, 0.75, 0.25))
_MAX_DIFFERENCE = 0.4


class ViewTable:
    """``view`` from linear light to display code, at most one code of 255 from the exact result.

    The table is made with the first picture. Thread-safe.
    """

    def __init__(self, view: PixelTransform, threads: int | None = None) -> None:
        self._view = view
        self._threads = threads
        self._shaper = PixelTransform.chain([_shaper()], threads)

    def apply(self, rgb: NDArray[Any]) -> NDArray[np.uint8]:
        """Display codes 0 to 255 of linear light, half or float (height, width, 3); NaN becomes 0.

        The table is read at the nearest half, which moves no result by more than 0.04 codes.
        """
        table, is_accurate = self._table
        with np.errstate(over="ignore", invalid="ignore"):  # infinity and NaN are computed exactly
            halves = np.ascontiguousarray(rgb, np.float16)
        codes = self._shaper.followed_by(table).apply(halves, np.uint8)
        bits = halves.view(np.uint16)
        red, green, blue = (_cell_offsets(axis)[bits[..., axis]] for axis in range(3))
        exact = ~is_accurate[red + green + blue]
        if exact.any():
            codes[exact] = self._view.apply(rgb[exact][:, np.newaxis], np.uint8)[:, 0]
        return codes

    @cached_property
    def _table(self) -> tuple[PixelTransform, NDArray[np.bool_]]:
        """The table from the shaper's output to display code, and for the sum of a cell's offsets
        whether it is accurate."""
        axis = np.linspace(0, 1, _SIZE)
        step = axis[1]
        values = self._view.apply(_grid(axis, axis, axis))
        table = PixelTransform.chain([cube_table(values)], self._threads)
        # Nothing is accurate at the end of each axis, where values outside the table belong.
        is_accurate = np.zeros((_SIZE, _SIZE, _SIZE), bool)
        cells = is_accurate[:-1, :-1, :-1]
        cells[:] = True
        for offsets in _CHECKS:
            axes = [axis[:-1] + step * offset for offset in offsets]
            light = _grid(*axes)
            exact = self._view.apply(light)
            difference = np.abs(
                exact.clip(0, 1) - table.apply(self._shaper.apply(light)).clip(0, 1)
            )
            cells &= (difference.max(axis=-1) * 255 <= _MAX_DIFFERENCE).reshape(cells.shape)
        return table, is_accurate.ravel()


def _shaper() -> Any:
    """Light to 0 to 1; -1 for values that are not finite or below 0."""
    return lookup_table(_half_positions(), half_domain=True)


def _half_positions() -> FloatArray:
    """The shaper's output for each bit pattern of a half."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    with np.errstate(invalid="ignore"):
        position = np.log2(1 + halves / _TOE) / _RANGE
    return np.where(halves >= 0, position, -1).astype(np.float32)


@cache
def _cell_offsets(axis: int) -> NDArray[np.int32]:
    """For each bit pattern of a half, the offset of its cell along an axis; the last cell stands
    for light that the table does not cover."""
    position = _half_positions()
    is_covered = (position >= 0) & (position < 1)
    cell = np.where(is_covered, position * (_SIZE - 1), _SIZE - 1)
    offsets: NDArray[np.int32] = (np.floor(cell) * _SIZE ** (2 - axis)).astype(np.int32)
    return offsets


def _grid(*axes: NDArray[Any]) -> FloatArray:
    """The light at all combinations of three axes of the shaper, red slowest, as a picture."""
    light = [_TOE * (np.exp2(axis * _RANGE) - 1) for axis in axes]
    points = np.stack(np.meshgrid(*light, indexing="ij"), axis=-1).astype(np.float32)
    return points.reshape(-1, len(axes[2]), 3)
