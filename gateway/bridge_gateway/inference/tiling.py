"""Divides a picture into tiles that fit a memory budget, without seams.

Every tile has a margin of the surrounding picture, and only its core is kept. With a margin at
least as wide as the receptive radius, the result equals the untiled one up to float rounding, so no
feathering is needed. All tiles of a picture have the same size, so that the runtime allocates its
memory once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

#: Rows and columns of pixels, as slices of an array (height, width, ...).
PixelArea = tuple[slice, slice]


class Tile(NamedTuple):
    """One tile of a picture."""

    window: PixelArea
    """The tile with its margins, in the picture with its border."""
    core: PixelArea
    """What is kept of it, in the picture without its border."""
    core_in_window: PixelArea


@dataclass(frozen=True)
class TileGrid:
    """Equal tiles that cover a picture of ``height`` x ``width`` pixels.

    The picture is extended by ``border`` pixels on each side. Beside another tile, a tile has a
    margin of at least ``margin`` pixels; beside the picture's edge, the border.
    """

    height: int
    width: int
    margin: int
    border: int
    rows: int = 1
    columns: int = 1

    @classmethod
    def covering(
        cls, height: int, width: int, *, margin: int, border: int, max_pixels: int
    ) -> TileGrid:
        """The grid with the fewest pixels to process, in tiles of at most ``max_pixels``.

        The margins count. A tile's core is at least as long as its two margins, even if that
        exceeds ``max_pixels``.
        """
        candidates = []
        shortest = 2 * max(margin, border) + 1
        most_rows, most_columns = (max(1, length // shortest) for length in (height, width))
        for rows in range(1, most_rows + 1):
            for columns in range(1, most_columns + 1):
                grid = cls(height, width, margin, border, rows, columns)
                candidates.append(grid)
                if grid.tile_pixels <= max_pixels:
                    break
        fitting = [grid for grid in candidates if grid.tile_pixels <= max_pixels]
        if not fitting:
            return min(candidates, key=lambda grid: grid.tile_pixels)
        return min(fitting, key=lambda grid: (len(grid) * grid.tile_pixels, len(grid)))

    @property
    def tile_size(self) -> tuple[int, int]:
        """Height and width of every tile with its margins."""
        return (
            _tile_length(self.height, self.rows, self.margin, self.border),
            _tile_length(self.width, self.columns, self.margin, self.border),
        )

    @property
    def tile_pixels(self) -> int:
        height, width = self.tile_size
        return height * width

    @property
    def margin_cost(self) -> float:
        """Pixels to process, divided by the picture's; 1.0 without margins."""
        return len(self) * self.tile_pixels / (self.height * self.width)

    def __len__(self) -> int:
        return self.rows * self.columns

    def __iter__(self) -> Iterator[Tile]:
        """The tiles, row by row."""
        columns = _spans(self.width, self.columns, self.margin, self.border)
        for row in _spans(self.height, self.rows, self.margin, self.border):
            for column in columns:
                yield Tile(*zip(row, column, strict=True))


def _tile_length(length: int, count: int, margin: int, border: int) -> int:
    return ceil((length + 2 * border + (count - 1) * 2 * margin) / count)


def _spans(length: int, count: int, margin: int, border: int) -> list[tuple[slice, slice, slice]]:
    """Window, core, and core in window, along one axis."""
    tile = _tile_length(length, count, margin, border)
    last_start = length + 2 * border - tile
    starts = [min(index * (tile - 2 * margin), last_start) for index in range(count)]
    cuts = [0, *(start + margin - border for start in starts[1:]), length]
    return [
        (
            slice(start, start + tile),
            slice(first, stop),
            slice(first + border - start, stop + border - start),
        )
        for start, first, stop in zip(starts, cuts, cuts[1:], strict=False)
    ]


def enlarged_area(area: PixelArea, scale: int) -> PixelArea:
    """The same area of a picture ``scale`` times as large."""
    rows, columns = area
    return (
        slice(rows.start * scale, rows.stop * scale),
        slice(columns.start * scale, columns.stop * scale),
    )
