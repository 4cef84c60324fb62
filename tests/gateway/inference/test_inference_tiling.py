"""Tiles leave no seams; resizing and the highlight curve preserve light."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_core.errors import JobCancelled
from bridge_gateway.arrays import (
    FloatArray,
    Kernel,
    block_mean,
    local_extremes,
    repeat_pixels,
    resize,
)
from bridge_gateway.inference.highlight_curve import HighlightCurve, srgb_decode, srgb_encode
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


def blur(picture: FloatArray, radius: int) -> FloatArray:
    """The mean over ``radius`` pixels to every side."""
    padded = np.pad(picture, ((radius, radius), (radius, radius), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * radius + 1,) * 2, (0, 1))
    return np.asarray(windows.mean(axis=(3, 4)), np.float32)


@pytest.mark.parametrize("size", [(50, 70), (17, 33), (5, 3)])
def test_tiled_equals_untiled_if_the_margin_covers_the_radius(size: tuple[int, int]) -> None:
    picture = noise(*size)

    def work(tile: FloatArray) -> FloatArray:
        return repeat_pixels(blur(tile, 4), 2)

    whole = process_tiles(picture, work, scale=2, margin=4, max_tile=1000)
    tiled = process_tiles(picture, work, scale=2, margin=4, max_tile=16)
    np.testing.assert_allclose(tiled, whole, atol=1e-6)


def test_too_small_a_margin_shows_seams() -> None:
    """Proves that the test above can fail."""
    whole, tiled = (
        process_tiles(
            noise(50, 70), lambda tile: blur(tile, 4), scale=1, margin=2, max_tile=largest
        )
        for largest in (1000, 16)
    )
    assert np.abs(tiled - whole).max() > 0.01


def test_all_tiles_have_the_same_size() -> None:
    shapes = set()

    def work(tile: FloatArray) -> FloatArray:
        shapes.add(tile.shape)
        return tile

    np.testing.assert_array_equal(
        process_tiles(noise(101, 67), work, scale=1, margin=3, max_tile=20), noise(101, 67)
    )
    assert len(shapes) == 1


def test_progress_is_reported_and_may_stop_between_tiles() -> None:
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
def test_the_curve_is_invertible(peak: float, light: float) -> None:
    curve = HighlightCurve(peak)
    value = np.float32(light**4 * peak)  # mostly low values, as in pictures
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
@pytest.mark.parametrize("kernel", ["lanczos3", "triangle", "catmull-rom", "keys", "box"])
def test_a_constant_stays_constant(value: float, kernel: Kernel) -> None:
    flat = np.full((7, 9, 3), value, np.float32)
    large = resize(flat, 18, 14, kernel)
    assert large.shape == (14, 18, 3)
    np.testing.assert_allclose(large, value, rtol=1e-6)


def test_triangle_neither_rings_nor_loses_light_nor_shifts() -> None:
    spot = np.zeros((9, 9, 1), np.float32)
    spot[4, 4] = 1000
    large = resize(spot, 18, 18, "triangle")
    assert large.min() == 0
    assert large.sum() / 4 == pytest.approx(1000)
    np.testing.assert_allclose(large, large[::-1, ::-1], atol=1e-4)
    assert resize(spot, 18, 18, "lanczos3").min() < -50  # not usable for values set aside


def test_repeated_pixels_are_never_mixed() -> None:
    ids = np.array([[1, 7], [9, 1000]], np.float32)[..., np.newaxis]
    large = repeat_pixels(ids, 4)
    assert large.shape == (8, 8, 1)
    assert set(large.ravel()) == {1, 7, 9, 1000}


def test_shrinking_averages() -> None:
    picture = noise(32, 48)
    np.testing.assert_allclose(resize(picture, 24, 16, "box"), block_mean(picture, 2), atol=1e-6)


def test_local_extremes_cover_eight_neighbours() -> None:
    picture = noise(11, 13)[..., :1]
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (0, 1))
    lowest, highest = local_extremes(picture)
    np.testing.assert_array_equal(lowest, windows.min(axis=(3, 4)))
    np.testing.assert_array_equal(highest, windows.max(axis=(3, 4)))
