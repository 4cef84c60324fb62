"""Arithmetic on pictures in half precision agrees with the same in float."""

from __future__ import annotations

import numpy as np
import pytest

from bridge_gateway.arrays import half_extremes, shrink


@pytest.mark.parametrize(
    "values",
    [
        [0.5],
        [0.0, -0.0],
        [1.0, 2.0, 65504.0],
        [-1.0, -2.0, -65504.0],
        [-3.0, 0.25, 6e-8, 7.0],
        [np.inf, 1.0],
        [-np.inf, 1.0],
    ],
)
def test_extremes_of_halves(values: list[float]) -> None:
    halves = np.array(values, np.float16)
    assert half_extremes(halves) == (min(values), max(values))
    assert half_extremes(halves[::-1]) == (min(values), max(values))


@pytest.mark.parametrize("bits", [0x7C01, 0x7FFF, 0xFC01, 0xFFFF])
@pytest.mark.parametrize("other", [1.0, -1.0])
def test_every_nan_is_seen(bits: int, other: float) -> None:
    halves = np.array([0, 0], np.uint16).view(np.float16)
    halves[1] = other
    halves.view(np.uint16)[0] = bits
    assert np.isnan(half_extremes(halves)).any()


def test_halves_shrink_as_floats() -> None:
    picture = np.random.default_rng(2).random((90, 120, 3)).astype(np.float16)
    for size in ((40, 30), (120, 90), (50, 31), (60, 90)):
        np.testing.assert_allclose(
            shrink(picture, *size), shrink(picture.astype(np.float32), *size), atol=1e-6
        )
        assert shrink(picture, *size).dtype == np.float32
