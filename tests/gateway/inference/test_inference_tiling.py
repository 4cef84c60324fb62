"""Tiles leave no seams; resizing and the highlight curve preserve light."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_gateway.arrays import (
    FloatArray,
    Kernel,
    block_mean,
    linear_subpixels,
    local_extremes,
    repeat_pixels,
    resize,
    shrink,
)
from bridge_gateway.inference.highlight_curve import HighlightCurve, srgb_decode, srgb_encode
from bridge_gateway.inference.tiling import TileGrid, enlarged_area
from bridge_gateway.pixel_transform import PixelTransform

sizes = st.integers(1, 90)


@given(
    height=sizes,
    width=sizes,
    margin=st.integers(0, 9),
    border=st.integers(0, 9),
    most=st.integers(1, 6000),
)
def test_equal_tiles_cover_every_pixel_once(
    height: int, width: int, margin: int, border: int, most: int
) -> None:
    grid = TileGrid.covering(height, width, margin=margin, border=border, max_pixels=most)
    covered = np.zeros((height, width), int)
    for tile in grid:
        covered[tile.core] += 1
        for axis, length in enumerate((height, width)):
            window, core, inside = (area[axis] for area in tile)
            assert window.stop - window.start == grid.tile_size[axis]
            assert 0 <= window.start <= window.stop <= length + 2 * border
            assert (inside.start, inside.stop) == (
                core.start + border - window.start,
                core.stop + border - window.start,
            )
            # Beside another tile there is the margin, at the edge of the picture its border.
            assert inside.start >= (margin if core.start else border)
            assert grid.tile_size[axis] - inside.stop >= (margin if core.stop < length else border)
    assert (covered == 1).all()


def test_a_picture_that_fits_is_one_tile() -> None:
    grid = TileGrid.covering(360, 640, margin=23, border=8, max_pixels=376 * 656)
    assert (len(grid), grid.tile_size) == (1, (376, 656))
    assert grid.margin_cost == pytest.approx(1.07, abs=0.005)


def test_the_margins_of_a_large_picture_cost_little_with_large_tiles() -> None:
    costs = [
        TileGrid.covering(1080, 1920, margin=23, border=8, max_pixels=pixels).margin_cost
        for pixels in (90_000, 260_000, 1_000_000)
    ]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] < 1.4
    assert costs[1] < 1.22


def test_tiles_exceed_a_budget_that_is_smaller_than_their_margins() -> None:
    grid = TileGrid.covering(500, 500, margin=20, border=4, max_pixels=1)
    assert 80 <= min(grid.tile_size) + 1 <= max(grid.tile_size) + 1 <= 90


def noise(height: int, width: int) -> FloatArray:
    return np.random.default_rng(3).random((height, width, 3), dtype=np.float32)


def blur(picture: FloatArray, radius: int) -> FloatArray:
    """The mean over ``radius`` pixels to every side."""
    padded = np.pad(picture, ((radius, radius), (radius, radius), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * radius + 1,) * 2, (0, 1))
    return np.asarray(windows.mean(axis=(3, 4)), np.float32)


def in_tiles(
    picture: FloatArray, work: Callable[[FloatArray], FloatArray], **grid: int
) -> FloatArray:
    """``work`` applied to each tile; it doubles the size."""
    border = grid["border"]
    borders = ((border, border), (border, border), (0, 0))
    padded = np.pad(picture, borders, mode="symmetric")
    result = np.zeros((picture.shape[0] * 2, picture.shape[1] * 2, 3), np.float32)
    for tile in TileGrid.covering(*picture.shape[:2], **grid):
        made = work(padded[tile.window])
        result[enlarged_area(tile.core, 2)] = made[enlarged_area(tile.core_in_window, 2)]
    return result


@pytest.mark.parametrize(("margin", "has_seams"), [(4, False), (2, True)])
@pytest.mark.parametrize("size", [(50, 70), (17, 33)])
def test_tiled_equals_untiled_if_the_margin_covers_the_radius(
    size: tuple[int, int], margin: int, has_seams: bool
) -> None:
    picture = noise(*size)

    def work(tile: FloatArray) -> FloatArray:
        return repeat_pixels(blur(tile, 4), 2)

    whole, tiled = (
        in_tiles(picture, work, margin=margin, border=3, max_pixels=most) for most in (10000, 400)
    )
    assert (np.abs(tiled - whole).max() > 0.01) == has_seams
    if not has_seams:
        np.testing.assert_allclose(tiled, whole, atol=1e-6)


@given(peak=st.floats(1, 65504), light=st.floats(0, 1))
def test_the_curve_is_invertible(peak: float, light: float) -> None:
    curve = HighlightCurve(peak)
    value = np.float32(light**4 * peak)  # mostly low values, as in pictures
    code = curve.encode(np.array([value]))
    assert 0 <= code[0] <= 1 + 1e-6
    assert curve.decode(code)[0] == pytest.approx(value, rel=2e-5, abs=1e-7)


@pytest.mark.parametrize("peak", [1.0, 55.08, 64.0])
def test_the_transforms_are_the_curve(peak: float) -> None:
    curve = HighlightCurve(peak)
    light = np.geomspace(1e-5, peak, 3000, dtype=np.float32).reshape(100, 10, 3)
    code = curve.encode(light)
    np.testing.assert_allclose(curve.encoder().apply(light), code, rtol=2e-6, atol=1e-7)
    np.testing.assert_allclose(curve.decoder().apply(code), light, rtol=2e-5, atol=1e-7)
    outside = np.array([[[-0.5, 2 * peak, 0]]], np.float32)
    assert curve.encoder().apply(outside).ravel() == pytest.approx([0, 1, 0], abs=1e-6)


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


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (7, 5)])
def test_linear_subpixels_are_the_triangle_kernel(size: tuple[int, int], scale: int) -> None:
    picture = noise(*size) - np.float32(0.5)
    planes = linear_subpixels(picture.transpose(2, 0, 1), scale)
    large = np.empty((size[0] * scale, size[1] * scale, 3), np.float32)
    PixelTransform.chain([]).interleave(planes, large)
    expected = resize(picture, size[1] * scale, size[0] * scale, "triangle")
    np.testing.assert_allclose(large, expected, atol=1e-6)


@pytest.mark.parametrize("size", [(96, 54), (64, 36), (60, 54), (192, 108), (31, 17)])
def test_shrinking_keeps_the_mean_and_the_place(size: tuple[int, int]) -> None:
    ramp = np.linspace(0, 1, 192, dtype=np.float32)[None, :, None]
    picture = ramp + np.linspace(0, 1, 108, dtype=np.float32)[:, None, None] * np.ones(3, "f4")
    small = shrink(picture, *size)
    assert small.shape == (size[1], size[0], 3)
    expected = resize(picture, *size, "triangle")
    np.testing.assert_allclose(small[2:-2, 2:-2], expected[2:-2, 2:-2], atol=4e-3)
    assert small.mean() == pytest.approx(picture.mean(), rel=1e-3)


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
