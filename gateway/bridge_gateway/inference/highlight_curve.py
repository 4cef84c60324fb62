"""The curve between scene-linear light and the input of an image network.

Networks are trained on display pictures: sRGB-encoded, 0 to 1. Clipping a scene-linear plate to
that range would discard its highlights, so the sRGB curve (IEC 61966-2-1) is used up to diffuse
white and continued as a logarithm with the same value and slope; the result is scaled so that
``peak`` becomes 1. ``docs/decisions/0004-high-dynamic-range-through-a-model.md`` has the reasons
and the measurements.
"""

from __future__ import annotations

import numpy as np

from bridge_gateway.arrays import FloatArray
from bridge_gateway.pixel_transform import HALF_MAX, PixelTransform, clamp_range, lookup_table

#: Slope of the sRGB curve at 1.0: 1.055 / 2.4.
_SRGB_SLOPE_AT_WHITE = 1.055 / 2.4
#: Samples of the curve's table from code to light. Between two samples its relative error is below
#: 1e-5 from a light of 0.003 on (where sRGB's power begins), and falls with the light.
_DECODE_SAMPLES = 16384


def srgb_encode(linear: FloatArray) -> FloatArray:
    """The sRGB code of linear light from 0 to 1."""
    return np.where(
        linear <= 0.0031308,
        linear * np.float32(12.92),
        np.float32(1.055) * linear ** np.float32(1 / 2.4) - np.float32(0.055),
    )


def srgb_decode(code: FloatArray) -> FloatArray:
    """The linear light of an sRGB code from 0 to 1."""
    return np.where(
        code <= 0.04045,
        code / np.float32(12.92),
        ((code + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4),
    )


class HighlightCurve:
    """Maps linear light from 0 to ``peak`` (at least 1) onto 0 to 1 and back.

    With a ``peak`` of 1 it is the sRGB curve.
    """

    def __init__(self, peak: float) -> None:
        if not 1.0 <= peak < float("inf"):
            raise ValueError(f"peak must be a finite number of at least 1, not {peak!r}")
        self.peak = peak
        #: The unscaled code of ``peak``, in multiples of the display range.
        self.display_range = 1.0 + _SRGB_SLOPE_AT_WHITE * float(np.log(peak))

    def encode(self, linear: FloatArray) -> FloatArray:
        """The code of linear light from 0 to ``peak``."""
        code = srgb_encode(np.minimum(linear, np.float32(1)))
        if self.peak > 1:
            code += np.float32(_SRGB_SLOPE_AT_WHITE) * np.log(np.maximum(linear, np.float32(1)))
        return code / np.float32(self.display_range)

    def decode(self, code: FloatArray) -> FloatArray:
        """The linear light of a code from 0 to 1."""
        code = code * np.float32(self.display_range)
        linear = srgb_decode(np.minimum(code, np.float32(1)))
        if self.peak > 1:
            linear *= np.exp(
                np.maximum(code - np.float32(1), np.float32(0)) / np.float32(_SRGB_SLOPE_AT_WHITE)
            )
        return linear

    def encoder(self, threads: int | None = None) -> PixelTransform:
        """:meth:`encode` as a transform, with light outside 0 to ``peak`` clamped.

        It interpolates between the codes of all halves, with a relative error of less than 1e-6.
        """
        halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
        light = np.nan_to_num(halves, nan=0.0, posinf=HALF_MAX).clip(0)
        table = lookup_table(self.encode(light), half_domain=True)
        return PixelTransform.chain([clamp_range(0, self.peak), table], threads)

    def decoder(self, threads: int | None = None) -> PixelTransform:
        """:meth:`decode` as a transform, with codes outside 0 to 1 clamped."""
        codes = np.linspace(0, 1, _DECODE_SAMPLES, dtype=np.float32)
        return PixelTransform.chain([lookup_table(self.decode(codes))], threads)
