"""Tiles show no seams; resizing and the highlight curve change no light."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_core.errors import JobCancelled
from bridge_gateway.inference.highlight_curve import HighlightCurve, srgb_decode, srgb_encode
from bridge_gateway.inference.resample import (
    FloatArray,
    block_mean,
    local_extremes,
    repeat_pixels,
    resize,
    upsample,
)
from bridge_gateway.inference.tiling import TileGrid, process_tiles

sizes = st.integers(1, 90)


@given(height=sizes, width=sizes, largest=st.integers(1, 100))
def test_equal_tiles_cover_every_pixel(height: int, width: int, largest: int) -> None:
    grid = TileGrid.covering(height, width, largest)
    assert grid.core_height <= largest
    assert grid.core_width <= largest
    rows, columns = Counter[int](), Counter[int]()
    corners = list(grid)
    assert len(corners) == len(grid)
    for top, left in corners:
        assert 0 <= top <= height - grid.core_height
        assert 0 <= left <= width - grid.core_width
        rows.update(range(top, top + grid.core_height))
        columns.update(range(left, left + grid.core_width))
    assert set(rows) == set(range(height))
    assert set(columns) == set(range(width))


def noise(height: int, width: int) -> FloatArray:
    return np.random.default_rng(3).random((height, width, 3), dtype=np.float32)


def smear(picture: FloatArray, reach: int) -> FloatArray:
    """A mean that sees exactly ``reach`` pixels to every side."""
    padded = np.pad(picture, ((reach, reach), (reach, reach), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach + 1,) * 2, (0, 1))
    return np.asarray(windows.mean(axis=(3, 4)), np.float32)


@pytest.mark.parametrize("size", [(50, 70), (17, 33), (5, 3)])
def test_tiled_is_untiled_when_the_margin_covers_the_reach(size: tuple[int, int]) -> None:
    picture = noise(*size)

    def work(tile: FloatArray) -> FloatArray:
        return repeat_pixels(smear(tile, 4), 2)

    whole = process_tiles(picture, work, scale=2, margin=4, max_tile=1000)
    tiled = process_tiles(picture, work, scale=2, margin=4, max_tile=16)
    np.testing.assert_allclose(tiled, whole, atol=1e-6)


def test_a_margin_that_is_too_small_shows_seams() -> None:
    """The test above can fail."""
    whole, tiled = (
        process_tiles(
            noise(50, 70), lambda tile: smear(tile, 4), scale=1, margin=2, max_tile=largest
        )
        for largest in (1000, 16)
    )
    assert np.abs(tiled - whole).max() > 0.01


def test_all_tiles_have_one_size() -> None:
    shapes = set()

    def work(tile: FloatArray) -> FloatArray:
        shapes.add(tile.shape)
        return tile

    np.testing.assert_array_equal(
        process_tiles(noise(101, 67), work, scale=1, margin=3, max_tile=20), noise(101, 67)
    )
    assert len(shapes) == 1


def test_progress_is_reported_and_can_stop_between_tiles() -> None:
    steps: list[tuple[int, int]] = []
    worked: list[int] = []

    def on_tile(done: int, total: int) -> None:
        steps.append((done, total))
        if done == 2:
            raise JobCancelled("stopped")

    def work(tile: FloatArray) -> FloatArray:
        worked.append(1)
        return tile

    with pytest.raises(JobCancelled):
        process_tiles(noise(40, 40), work, scale=1, margin=1, max_tile=20, on_tile=on_tile)
    assert steps == [(0, 4), (1, 4), (2, 4)]
    assert len(worked) == 2
    steps.clear()
    process_tiles(
        noise(8, 8), work, scale=1, margin=1, max_tile=8, on_tile=lambda *t: steps.append(t)
    )
    assert steps == [(0, 1), (1, 1)]


@given(peak=st.floats(1, 65504), light=st.floats(0, 1))
def test_the_curve_comes_back(peak: float, light: float) -> None:
    curve = HighlightCurve(peak)
    value = np.float32(light**4 * peak)  # most of the samples low, as light is
    code = curve.encode(np.array([value]))
    assert 0 <= code[0] <= 1 + 1e-6
    assert curve.decode(code)[0] == pytest.approx(value, rel=2e-5, abs=1e-7)


def test_the_curve_is_srgb_up_to_white_and_smooth_above() -> None:
    light = np.linspace(0, 1, 50, dtype=np.float32)
    np.testing.assert_allclose(
        HighlightCurve(16).encode(light) * HighlightCurve(16).display_range,
        srgb_encode(light),
        atol=1e-6,
    )
    np.testing.assert_array_equal(HighlightCurve(1).encode(light), srgb_encode(light))
    step = 1e-3
    codes = HighlightCurve(16).encode(np.array([1 - step, 1, 1 + step], np.float32))
    assert (codes[2] - codes[1]) / (codes[1] - codes[0]) == pytest.approx(1, abs=0.01)


def test_known_values_of_srgb() -> None:
    """IEC 61966-2-1: middle grey of 0.18 is code 0.4614."""
    assert srgb_encode(np.array([0.18], np.float32))[0] == pytest.approx(0.46135613)
    assert srgb_decode(np.array([0.5], np.float32))[0] == pytest.approx(0.21404114)


@pytest.mark.parametrize("peak", [0.5, float("inf"), float("nan")])
def test_a_peak_below_white_is_refused(peak: float) -> None:
    with pytest.raises(ValueError, match="peak"):
        HighlightCurve(peak)


@pytest.mark.parametrize("value", [0.0, -0.25, 4.0, 1000.0])
@pytest.mark.parametrize("kernel", ["lanczos", "triangle", "nearest"])
def test_a_constant_stays_constant(value: float, kernel: str) -> None:
    flat = np.full((7, 9, 3), value, np.float32)
    large = upsample(flat, 2, kernel)  # type: ignore[arg-type]
    assert large.shape == (14, 18, 3)
    np.testing.assert_allclose(large, value, rtol=1e-6)


def test_triangle_neither_rings_nor_loses_light_nor_shifts() -> None:
    spot = np.zeros((9, 9, 1), np.float32)
    spot[4, 4] = 1000
    large = upsample(spot, 2, "triangle")
    assert large.min() == 0
    assert large.sum() / 4 == pytest.approx(1000)
    np.testing.assert_allclose(large, large[::-1, ::-1], atol=1e-4)
    assert upsample(spot, 2, "lanczos").min() < -50  # what must not be used for light set aside


def test_identifiers_are_never_mixed() -> None:
    ids = np.array([[1, 7], [9, 1000]], np.float32)[..., np.newaxis]
    assert set(upsample(ids, 4, "nearest").ravel()) == {1, 7, 9, 1000}


def test_shrinking_averages() -> None:
    picture = noise(32, 48)
    np.testing.assert_allclose(resize(picture, 16, 24, "box"), block_mean(picture, 2), atol=1e-6)


def test_local_extremes_see_eight_neighbours() -> None:
    picture = noise(11, 13)[..., :1]
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (0, 1))
    lowest, highest = local_extremes(picture)
    np.testing.assert_array_equal(lowest, windows.min(axis=(3, 4)))
    np.testing.assert_array_equal(highest, windows.max(axis=(3, 4)))
