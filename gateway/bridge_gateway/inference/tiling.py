"""Processes a picture in tiles, without seams and in bounded memory.

Every tile has a margin of the surrounding picture, and only its core is kept. With a margin at
least as wide as the receptive radius, the result equals the untiled one up to float rounding, so no
feathering is needed. All tiles of a picture have the same size, so that the runtime allocates its
memory once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from bridge_gateway.arrays import FloatArray

#: Called with the tiles done and the total, first with 0 done; may raise to stop.
TileCallback = Callable[[int, int], None]


@dataclass(frozen=True)
class TileGrid:
    """The cores of equal tiles. The last one of a row or column may overlap its neighbour."""

    height: int
    width: int
    core_height: int
    core_width: int

    @classmethod
    def covering(cls, height: int, width: int, max_tile: int) -> TileGrid:
        """The fewest equal cores of at most ``max_tile`` pixels a side that cover the picture."""
        return cls(
            height,
            width,
            ceil(height / ceil(height / max_tile)),
            ceil(width / ceil(width / max_tile)),
        )

    def __len__(self) -> int:
        return ceil(self.height / self.core_height) * ceil(self.width / self.core_width)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """The top and left of every core, row by row."""
        for top in _tile_starts(self.height, self.core_height):
            for left in _tile_starts(self.width, self.core_width):
                yield top, left


def process_tiles(
    picture: FloatArray,
    process: Callable[[FloatArray], FloatArray],
    *,
    scale: int,
    margin: int,
    max_tile: int,
    on_tile: TileCallback | None = None,
) -> FloatArray:
    """Apply ``process`` to each tile.

    ``process`` takes tiles of (core + 2 * margin) pixels a side and returns ``scale`` times as
    many. Beyond its edges the picture is mirrored, including the edge pixels; of the ways to extend
    it, this measured best (docs/models.md).
    """
    height, width, channels = picture.shape
    grid = TileGrid.covering(height, width, max_tile)
    padded = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    result = np.empty((height * scale, width * scale, channels), np.float32)
    core_rows = slice(margin * scale, (margin + grid.core_height) * scale)
    core_columns = slice(margin * scale, (margin + grid.core_width) * scale)
    for done, (top, left) in enumerate(grid):
        if on_tile is not None:
            on_tile(done, len(grid))
        tile = padded[
            top : top + grid.core_height + 2 * margin, left : left + grid.core_width + 2 * margin
        ]
        result[
            top * scale : (top + grid.core_height) * scale,
            left * scale : (left + grid.core_width) * scale,
        ] = process(tile)[core_rows, core_columns]
    if on_tile is not None:
        on_tile(len(grid), len(grid))
    return result


def _tile_starts(length: int, core: int) -> list[int]:
    return [min(index * core, length - core) for index in range(ceil(length / core))]
