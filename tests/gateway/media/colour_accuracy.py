"""Measures of colour accuracy: half-float steps and visible colour differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge_gateway.media.colour import MODEL_SPACE, ColourManager

#: Linear Rec.709 to CIE XYZ, D65 (IEC 61966-2-1), and its white.
_TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float64
)
_WHITE = _TO_XYZ.sum(axis=1)

#: A component smaller than its pixel's largest by this factor may come back some half steps off:
#: float32 rounds relative to the largest (2**-24, several times over in two matrices), while a
#: half step of the smaller one is 2**-11 of itself.
MIN_COMPONENT_RATIO = 2.0**-9


@dataclass(frozen=True)
class RoundTripAccuracy:
    """The error of a half-float picture after conversion to the models' space and back."""

    exact_share: float
    """Share of samples that come back bit by bit, 0 to 1."""
    max_half_steps: int
    """Largest error in half-float steps, without components below ``MIN_COMPONENT_RATIO``."""
    max_relative_error: float
    """Largest error of any sample, divided by its pixel's largest component."""
    max_delta_e: float
    """Largest CIEDE2000 difference."""


def measure_round_trip(
    colour: ColourManager, rgb: NDArray[np.float16], space: str
) -> RoundTripAccuracy:
    """Convert finite half-float pixels (..., 3) to the models' space and back, and compare."""
    before = rgb.astype(np.float32)
    inside = colour.convert(before, space, MODEL_SPACE)
    after = colour.convert(inside, MODEL_SPACE, space)
    greatest = np.abs(before).max(axis=-1, keepdims=True)
    error = np.abs(after.astype(np.float16).astype(np.float64) - before)
    steps = half_float_steps(after.astype(np.float16), rgb)
    compared = np.abs(before) >= greatest * MIN_COMPONENT_RATIO
    relative = np.divide(error, greatest, out=np.zeros_like(error), where=greatest > 0)
    again = colour.convert(after.astype(np.float16).astype(np.float32), space, MODEL_SPACE)
    return RoundTripAccuracy(
        exact_share=float((steps == 0).mean()),
        max_half_steps=int(steps[compared].max(initial=0)),
        max_relative_error=float(relative.max(initial=0)),
        max_delta_e=float(delta_e_2000(to_cielab(inside), to_cielab(again)).max(initial=0)),
    )


def half_float_steps(a: NDArray[np.float16], b: NDArray[np.float16]) -> NDArray[np.int64]:
    """How many half-float values lie between ``a`` and ``b``; +0 and -0 are one value."""
    steps: NDArray[np.int64] = np.abs(_to_ordered_ints(a) - _to_ordered_ints(b))
    return steps


def to_cielab(rgb: NDArray[Any]) -> NDArray[np.float64]:
    """Linear Rec.709 as CIELAB under D65 (CIE 15:2004), 1.0 being diffuse white.

    Continues as a straight line below 0, so that negative components are defined.
    """
    xyz = rgb.astype(np.float64) @ _TO_XYZ.T / _WHITE
    small = (6 / 29) ** 3
    f = np.where(xyz > small, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def delta_e_2000(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIEDE2000 between CIELAB colours (..., 3).

    After Sharma, Wu and Dalal, "The CIEDE2000 Color-Difference Formula: Implementation Notes,
    Supplementary Test Data, and Mathematical Observations", 2005; equations 2 to 22.
    """
    l1, a1, b1 = (one[..., i] for i in range(3))
    l2, a2, b2 = (two[..., i] for i in range(3))
    mean_c = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    grey = c1 * c2 == 0

    turn = np.where(grey, 0.0, (h2 - h1 + 180) % 360 - 180)
    far = np.abs(h1 - h2) > 180
    mean_h = np.where(far, (h1 + h2 + np.where(h1 + h2 < 360, 360, -360)) / 2, (h1 + h2) / 2)
    mean_h = np.where(grey, h1 + h2, mean_h)
    d_l, d_c = l2 - l1, c2 - c1
    d_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)

    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * np.cos(np.radians(mean_h - 30))
        + 0.24 * np.cos(np.radians(2 * mean_h))
        + 0.32 * np.cos(np.radians(3 * mean_h + 6))
        - 0.20 * np.cos(np.radians(4 * mean_h - 63))
    )
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    bend = 30 * np.exp(-(((mean_h - 275) / 25) ** 2))
    r = -2 * np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)) * np.sin(np.radians(2 * bend))
    l_, c_, h_ = d_l / s_l, d_c / s_c, d_h / s_h
    squared: NDArray[np.float64] = l_**2 + c_**2 + h_**2 + r * c_ * h_
    return np.sqrt(np.maximum(squared, 0))


def _to_ordered_ints(values: NDArray[np.float16]) -> NDArray[np.int64]:
    """Integers in the order of the half values: neighbours differ by one."""
    bits = values.view(np.int16).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFF), bits)
