"""Proxies are small, have square pixels, are never enlarged, and show the display view."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import synthetic_media as synthetic
from hypothesis import given
from hypothesis import strategies as st

from bridge_core.models.settings import ColourSettings
from bridge_gateway.media.colour import DATA, ColourManager
from bridge_gateway.media.decode_tasks import ThumbnailTask
from bridge_gateway.media.decode_worker import DecodeTaskRunner
from bridge_gateway.media.jpeg import encode_jpeg
from bridge_gateway.media.picture_reader import read_picture
from bridge_gateway.media.proxy_writer import proxy_size, write_proxy


@pytest.mark.parametrize(
    ("size", "aspect", "most", "proxy"),
    [
        ((1920, 1080), 1.0, 960, (960, 540)),
        ((640, 360), 1.0, 960, (640, 360)),
        ((1828, 1556), 2.0, 960, (960, 409)),
        ((720, 576), 16 / 15, 960, (720, 540)),
        ((720, 480), 8 / 9, 960, (640, 480)),
        ((4096, 1), 1.0, 960, (960, 1)),
        ((2048, 1152), 1.0, 320, (320, 180)),
    ],
)
def test_sizes(size: tuple[int, int], aspect: float, most: int, proxy: tuple[int, int]) -> None:
    assert proxy_size(*size, aspect, most) == proxy


@given(st.integers(1, 20000), st.integers(1, 20000), st.floats(0.1, 10), st.integers(64, 8192))
def test_a_proxy_is_never_larger(width: int, height: int, aspect: float, most: int) -> None:
    wide, high = proxy_size(width, height, aspect, most)
    assert 1 <= wide <= min(width, most)
    assert 1 <= high <= height


def test_a_proxy_shows_the_view(tmp_path: Path, colour: ColourManager) -> None:
    rgb = np.zeros((120, 240, 3), np.float32)
    rgb[:, :80] = (0.18, 0.18, 0.18)
    rgb[:, 80:160] = (0.5, 0.05, 0.02)
    rgb[:, 160:] = (4.0, 4.0, 3.0)
    path = tmp_path / "proxy.jpg"
    assert write_proxy(path, rgb, "ACEScg", colour, 120, 95) == (120, 60)
    shown = np.rint(read_picture(path).rgb() * 255)
    wanted = colour.to_display(rgb, "ACEScg")
    for x in (20, 60, 100):
        assert np.abs(shown[30, x] - wanted[60, 2 * x]).max() <= 3


def test_encoded_pictures_are_reduced_in_linear_light(
    tmp_path: Path, colour: ColourManager
) -> None:
    """Alternating black and white lines become grey with half the light, not half the code."""
    lines = np.zeros((64, 128, 3), np.float32)
    lines[:, ::2] = 1
    path = tmp_path / "proxy.jpg"
    for space, grey in (("sRGB Encoded Rec.709 (sRGB)", 0.5), ("Linear Rec.709 (sRGB)", 0.5)):
        write_proxy(path, lines, space, colour, 64, 100)
        wanted = colour.to_display(np.full((1, 1, 3), grey, np.float32), "Linear Rec.709 (sRGB)")
        assert np.abs(read_picture(path).rgb()[16, 32] * 255 - wanted[0, 0]).max() <= 4, space


def test_one_bright_sample_does_not_spread(tmp_path: Path, colour: ColourManager) -> None:
    rgb = np.full((96, 96, 3), 0.1, np.float32)
    rgb[48, 48] = 65504
    rgb[10, 10] = np.inf
    rgb[80, 80] = np.nan
    path = tmp_path / "proxy.jpg"
    write_proxy(path, rgb, "ACEScg", colour, 48, 95)
    shown = read_picture(path).rgb()
    plain = shown[0, -1]
    changed = np.abs(shown - plain).max(axis=-1) > 0.1
    assert changed[24, 24]
    assert changed.sum() <= 3 * 9


def test_data_is_not_converted(tmp_path: Path, colour: ColourManager) -> None:
    ramp = np.repeat(np.linspace(0, 1, 256, dtype=np.float32)[None, :, None], 64, axis=0)
    path = tmp_path / "matte.jpg"
    write_proxy(path, np.repeat(ramp, 3, axis=2), DATA, colour, 960, 95)
    assert np.abs(read_picture(path).rgb()[32, :, 0] - ramp[0, :, 0]).max() < 0.02


def test_anamorphic_pictures_get_square_pixels(tmp_path: Path, colour: ColourManager) -> None:
    path = tmp_path / "proxy.jpg"
    size = write_proxy(
        path, synthetic.gradient(200, 160), "ACEScg", colour, 960, 90, pixel_aspect=2.0
    )
    picture = read_picture(path)
    assert size == (200, 80) == (picture.width, picture.height)


def test_thumbnails_are_small(tmp_path: Path, colour: ColourManager) -> None:
    proxy, target = tmp_path / "proxy.jpg", tmp_path / "thumbnail.jpg"
    write_proxy(proxy, synthetic.gradient(640, 480), "ACEScg", colour, 960, 90)
    task = ThumbnailTask(frame=1, proxy=proxy, target=target, colour=ColourSettings(), width=320)
    assert DecodeTaskRunner().run(task, lambda frame: None).proxy_size == (640, 480)
    thumbnail = read_picture(target)
    assert (thumbnail.width, thumbnail.height) == (320, 240)
    assert np.abs(thumbnail.rgb().mean() - read_picture(proxy).rgb().mean()) < 0.01  # the same view


def test_jpeg_accuracy_depends_on_quality() -> None:
    from io import BytesIO

    import av

    rgb = (synthetic.gradient(160, 120) * 255).astype(np.uint8)
    errors, sizes = [], []
    for quality in (100, 90, 75, 50, 25):
        data = encode_jpeg(rgb, quality)
        assert data[6:10] == b"JFIF"
        with av.open(BytesIO(data), format="mjpeg") as container:
            frame = next(container.decode(video=0))
            shown = frame.to_ndarray(format="rgb24").astype(int)
        errors.append(np.abs(shown - rgb).mean())
        sizes.append(len(data))
    assert errors[0] < 2
    assert errors == sorted(errors)
    assert sizes == sorted(sizes, reverse=True)
