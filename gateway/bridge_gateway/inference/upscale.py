"""Upscales scene-linear pictures through a network trained on display pictures.

The steps, per tile (docs/decisions/0004-high-dynamic-range-through-a-model.md):

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
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bridge_core.errors import UnreadableMedia
from bridge_gateway.arrays import (
    FloatArray,
    block_mean,
    local_extremes,
    repeat_pixels,
    resize,
)
from bridge_gateway.inference.highlight_curve import HighlightCurve
from bridge_gateway.inference.onnx_session import OnnxSession
from bridge_gateway.inference.tiling import TileCallback, process_tiles

#: How far a result may leave the range of its neighbourhood, in sRGB code (1.0 is diffuse white).
#: Measured: a smaller limit costs sharpness, with a larger one highlights ring.
OVERSHOOT_LIMIT = 0.05
#: The upper end of the curve. Cameras' log encodings end below it (ARRI LogC3 at 55, S-Log3 at 38).
DEFAULT_PEAK = 64.0
#: Pixels a side of a tile's core: 350 MB for SPAN; the margins add 40 % to the work.
DEFAULT_TILE_SIZE = 256
#: Radius of the correction and the limit, in addition to the network's.
_POSTPROCESS_RADIUS = 2


class Upscaler:
    """A loaded network that upscales frames.

    ``peak`` must be the same for all frames of a shot, otherwise they flicker; use 1 for
    display-referred plates. ``tile`` limits memory and does not affect the result.
    """

    def __init__(
        self, session: OnnxSession, *, tile: int = DEFAULT_TILE_SIZE, peak: float = DEFAULT_PEAK
    ) -> None:
        network = session.model.entry.network
        if network is None:
            raise ValueError(f"{session.model.id} is not an upscaling network")
        self.session = session
        self.scale = network.scale
        self._tile = tile
        self._margin = network.receptive_radius + _POSTPROCESS_RADIUS
        self._curve = HighlightCurve(peak)

    @classmethod
    def open(
        cls,
        models_dir: Path,
        model_id: str = "span-x2",
        *,
        threads: int | None = None,
        tile: int = DEFAULT_TILE_SIZE,
        peak: float = DEFAULT_PEAK,
    ) -> Upscaler:
        """Load an installed model.

        :raises ModelMissing: it is not installed.
        """
        return cls(OnnxSession.open(models_dir, model_id, threads=threads), tile=tile, peak=peak)

    def upscale(self, rgb: FloatArray, *, on_tile: TileCallback | None = None) -> FloatArray:
        """Upscale a frame.

        ``rgb``: float32 (height, width, 3), linear light, Rec.709 primaries, scene-referred; the
        result has ``scale`` times as many rows and columns. ``on_tile`` is called between tiles and
        may raise to stop.

        :raises UnreadableMedia: pixels are not finite. An infinite value would spread over its
            neighbourhood, and replacing it would be a silent guess.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
            raise ValueError(f"a picture must have shape (height, width, 3), not {rgb.shape}")
        require_finite(rgb)
        return process_tiles(
            np.asarray(rgb, np.float32),
            self._upscale_tile,
            scale=self.scale,
            margin=self._margin,
            max_tile=self._tile,
            on_tile=on_tile,
        )

    def _upscale_tile(self, linear: FloatArray) -> FloatArray:
        height, width = linear.shape[0] * self.scale, linear.shape[1] * self.scale
        clipped = np.clip(linear, 0, self._curve.peak)
        code = self._curve.encode(clipped)
        result = _from_tensor(self.session.run(_to_tensor(code)))
        result += resize(code - block_mean(result, self.scale), width, height, "triangle")
        lowest, highest = local_extremes(code)
        tolerance = np.minimum(
            (highest - lowest) / 2, np.float32(OVERSHOOT_LIMIT / self._curve.display_range)
        )
        np.clip(
            result,
            repeat_pixels(np.maximum(lowest - tolerance, 0), self.scale),
            repeat_pixels(np.minimum(highest + tolerance, 1), self.scale),
            out=result,
        )
        enlarged = self._curve.decode(result)
        out_of_range = linear - clipped
        if out_of_range.any():
            enlarged += resize(out_of_range, width, height, "triangle")
        return enlarged


def require_finite(rgb: FloatArray) -> None:
    """:raises UnreadableMedia: pixels are NaN or infinite; reports their number and the first."""
    bad = ~np.isfinite(rgb).all(axis=2)
    if not bad.any():
        return
    row, column = (int(index) for index in np.argwhere(bad)[0])
    count = int(bad.sum())
    raise UnreadableMedia(
        f"{count} pixel{'s are' if count != 1 else ' is'} not finite (NaN or infinite)",
        where=f"first at x {column}, y {row}, counted from the top left",
        next_step="repair the pixels (in Nuke: an Expression node with isnan and isinf) and send "
        "the plate again",
        details={"pixels": count, "first": {"x": column, "y": row}},
    )


def _to_tensor(picture: FloatArray) -> FloatArray:
    return picture.transpose(2, 0, 1)[np.newaxis]


def _from_tensor(tensor: FloatArray) -> FloatArray:
    return np.ascontiguousarray(tensor[0].transpose(1, 2, 0))
