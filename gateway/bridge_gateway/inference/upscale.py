"""Upscales scene-linear pictures through a network trained on display pictures.

The steps (docs/decisions/0004-high-dynamic-range-through-a-model.md):

1. Encode: light from 0 to ``peak`` goes through :class:`.highlight_curve.HighlightCurve`; values
   outside (negative values, emitters) are set aside.
2. Upscale: the network processes the code.
3. Correct: the mean of every block of the result is moved to its source pixel, by one step of
   back-projection (Irani and Peleg, "Improving resolution by image registration", 1991). This
   removes the network's colour shifts.
4. Limit: no pixel leaves the range of its 3x3 source neighbourhood by more than half that range or
   ``OVERSHOOT_LIMIT``, whichever is less. Highlights do not ring, and flat areas stay exactly flat
   (networks with pixel shuffle add a faint pattern).
5. Decode: back to linear light; the values set aside are upsampled with a kernel that does not
   ring, and added.

The installed graph does 2 to 4 (:func:`.network_graphs.add_upscale_steps`), in tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from bridge_core.errors import UnreadableMedia
from bridge_gateway.arrays import FloatArray, linear_subpixels
from bridge_gateway.inference.catalogue import OVERSHOOT, PICTURE
from bridge_gateway.inference.highlight_curve import HighlightCurve
from bridge_gateway.inference.onnx_session import DEFAULT_MEMORY_MB, OnnxSession
from bridge_gateway.inference.tiling import PixelArea, Tile, TileGrid, enlarged_area
from bridge_gateway.pixel_transform import HALF_MAX, PixelTransform, clamp_range

#: How far a result may leave the range of its neighbourhood, in sRGB code (1.0 is diffuse white).
#: Measured: a smaller limit costs sharpness, with a larger one highlights ring.
OVERSHOOT_LIMIT = 0.05
#: The upper end of the curve. Cameras' log encodings end below it (ARRI LogC3 at 55, S-Log3 at 38).
DEFAULT_PEAK = 64.0
#: Radius of the correction and the limit, in addition to the network's.
_POSTPROCESS_RADIUS = 2
#: Mirrored pixels beyond the picture's edges. The network pads with zeros, whose influence has
#: faded after this distance (docs/models.md); it is less than the receptive radius.
_BORDER = 4

#: Called with the tiles done and the total, first with 0 done; may raise to stop.
TileCallback = Callable[[int, int], None]


class Upscaler:
    """A loaded network that upscales frames.

    ``peak`` must be the same for all frames of a shot, otherwise they flicker; use 1 for
    display-referred plates. ``memory_mb`` limits the network's memory by the size of the tiles and
    does not affect the result. ``to_output`` converts results from linear light with Rec.709
    primaries to their final colour space.
    """

    def __init__(
        self,
        session: OnnxSession,
        *,
        peak: float = DEFAULT_PEAK,
        memory_mb: float = DEFAULT_MEMORY_MB,
        to_output: PixelTransform | None = None,
    ) -> None:
        network = session.model.entry.network
        if network is None:
            raise ValueError(f"{session.model.id} is not an upscaling network")
        self.session = session
        self.scale = network.scale
        self._margin = network.receptive_radius + _POSTPROCESS_RADIUS
        self._max_tile_pixels = int(memory_mb * 1e6 / network.bytes_per_pixel)
        curve = HighlightCurve(peak)
        self._peak = np.float32(peak)
        self._overshoot = np.float32(OVERSHOOT_LIMIT / curve.display_range)
        self._encode = curve.encoder(session.threads)
        self._decode = curve.decoder(session.threads)
        convert = to_output or PixelTransform.chain([], session.threads)
        limit = PixelTransform.chain([clamp_range(-HALF_MAX, HALF_MAX)], session.threads)
        #: From linear light to the result, by its type. A clamp keeps halves finite.
        self._convert = {
            np.dtype(np.float32): convert,
            np.dtype(np.float16): convert.followed_by(limit),
        }

    @classmethod
    def open(
        cls,
        models_dir: Path,
        model_id: str = "span-x2",
        *,
        threads: int | None = None,
        memory_mb: float = DEFAULT_MEMORY_MB,
        peak: float = DEFAULT_PEAK,
    ) -> Upscaler:
        """Load an installed model.

        :raises ModelMissing: it is not installed.
        """
        session = OnnxSession.open(models_dir, model_id, threads=threads)
        return cls(session, memory_mb=memory_mb, peak=peak)

    def plan_tiles(self, height: int, width: int) -> TileGrid:
        """The tiles of a frame of this size."""
        return TileGrid.covering(
            height,
            width,
            margin=self._margin,
            border=_BORDER,
            max_pixels=self._max_tile_pixels,
        )

    def upscale(
        self,
        rgb: FloatArray,
        dtype: DTypeLike = np.float32,
        *,
        on_tile: TileCallback | None = None,
    ) -> NDArray[Any]:
        """Upscale a frame.

        ``rgb``: float32 (height, width, 3), linear light, Rec.709 primaries, scene-referred. The
        result has ``scale`` times as many rows and columns, as float32, or as float16 limited to
        ±65504. ``on_tile`` is called between tiles and may raise to stop.

        Beyond its edges the picture is mirrored, including the edge pixels; of the ways to extend
        it, this measured best (docs/models.md).

        :raises UnreadableMedia: pixels are not finite. An infinite value would spread over its
            neighbourhood, and replacing it would be a silent guess.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
            raise ValueError(f"a picture must have shape (height, width, 3), not {rgb.shape}")
        lowest, highest = require_finite(rgb)
        grid = self.plan_tiles(*rgb.shape[:2])
        borders = ((_BORDER, _BORDER), (_BORDER, _BORDER), (0, 0))
        code = np.pad(self._encode.apply(rgb), borders, mode="symmetric")
        outside = None
        if lowest < 0 or highest > self._peak:
            outside = rgb - np.clip(rgb, 0, self._peak)
        result = np.empty((rgb.shape[0] * self.scale, rgb.shape[1] * self.scale, 3), dtype)
        done = 0
        for batch in self._batches(grid):
            if on_tile is not None:
                on_tile(done, len(grid))
            windows = np.stack([code[tile.window] for tile in batch])
            made = self.session.run({PICTURE: windows, OVERSHOOT: self._overshoot})
            for tile, enlarged_code in zip(batch, made, strict=True):
                self._finish_tile(tile, enlarged_code, outside, result)
            done += len(batch)
        if on_tile is not None:
            on_tile(done, len(grid))
        return result

    def _batches(self, grid: TileGrid) -> Iterator[list[Tile]]:
        """One tile at a time on a CPU, which a batch would not speed up; on a GPU, as many as the
        memory allows."""
        size = 1
        if self.session.execution_provider != "CPUExecutionProvider":
            size = max(1, self._max_tile_pixels // grid.tile_pixels)
        tiles = iter(grid)
        while batch := list(islice(tiles, size)):
            yield batch

    def _finish_tile(
        self, tile: Tile, code: FloatArray, outside: FloatArray | None, result: NDArray[Any]
    ) -> None:
        """Decode a tile into ``result``, and add the values that were set aside."""
        code = code[..., *tile.core_in_window]
        target = result[enlarged_area(tile.core, self.scale)]
        convert = self._convert[target.dtype]
        added = None if outside is None else _enlarge_area(outside, tile.core, self.scale)
        if added is None:
            self._decode.followed_by(convert).interleave(code, target)
        else:
            added += self._decode.apply_to_planes(code)
            convert.interleave(added, target)


def require_finite(rgb: FloatArray) -> tuple[float, float]:
    """The lowest and the highest value of a picture (height, width, channels).

    :raises UnreadableMedia: pixels are NaN or infinite; reports their number and the first.
    """
    lowest, highest = float(rgb.min()), float(rgb.max())  # NaN is passed on by both
    if np.isfinite(lowest) and np.isfinite(highest):
        return lowest, highest
    bad = ~np.isfinite(rgb).all(axis=2)
    row, column = (int(index) for index in np.argwhere(bad)[0])
    count = int(bad.sum())
    raise UnreadableMedia(
        f"{count} pixel{'s are' if count != 1 else ' is'} not finite (NaN or infinite)",
        where=f"first at x {column}, y {row}, counted from the top left",
        next_step="repair the pixels (in Nuke: an Expression node with isnan and isinf) and send "
        "the plate again",
        details={"pixels": count, "first": {"x": column, "y": row}},
    )


def _enlarge_area(picture: FloatArray, area: PixelArea, scale: int) -> FloatArray | None:
    """``area`` of a picture that is enlarged as a whole, as :func:`linear_subpixels`; None if it is
    zero. The interpolation reaches one pixel beyond the area."""
    (top, bottom), (left, right) = ((part.start, part.stop) for part in area)
    above, before = min(top, 1), min(left, 1)
    part = picture[top - above : bottom + 1, left - before : right + 1]
    if not part.any():
        return None
    planes = np.ascontiguousarray(part.transpose(2, 0, 1))
    inner = slice(above, above + bottom - top), slice(before, before + right - left)
    return linear_subpixels(planes, scale)[..., *inner]
