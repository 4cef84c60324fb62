"""Upscaling with the real networks preserves light, colour and edges."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from bridge_core.errors import JobCancelled, ModelMissing, UnreadableMedia
from bridge_gateway.arrays import FloatArray, block_mean, resize
from bridge_gateway.inference.highlight_curve import srgb_decode, srgb_encode
from bridge_gateway.inference.model_store import InstalledModel, footage_path, require_installed
from bridge_gateway.inference.onnx_session import OnnxSession
from bridge_gateway.inference.upscale import Upscaler

NETWORKS = ("span-x2", "realesr-animevideo-x4")


@pytest.fixture(scope="module")
def span(models_dir: Path) -> Upscaler:
    return Upscaler.open(models_dir, threads=2)


@pytest.fixture(scope="module", params=NETWORKS)
def upscaler(models_dir: Path, request: pytest.FixtureRequest) -> Upscaler:
    return Upscaler.open(models_dir, request.param, threads=2)


def frame(models_dir: Path, clip: str, number: int) -> FloatArray:
    with av.open(str(footage_path(models_dir, clip))) as container:
        for index, picture in enumerate(container.decode(video=0)):
            if index == number:
                code = picture.to_ndarray(format="rgb24").astype(np.float32) / 255
                return np.asarray(code, np.float32)
    raise AssertionError(f"{clip} has no frame {number}")


def flat(value: float | tuple[float, float, float]) -> FloatArray:
    return np.broadcast_to(np.float32(value), (24, 30, 3)).astype(np.float32)


def psnr(picture: FloatArray, truth: FloatArray) -> float:
    return float(-10 * np.log10(np.mean((picture.astype(np.float64) - truth) ** 2)))


@pytest.mark.parametrize("value", [0.0, 0.002, 0.18, 1.0, 1.5, 4.0, 64.0, 1000.0, 65504.0, -0.25])
def test_a_flat_picture_stays_flat(upscaler: Upscaler, value: float) -> None:
    large = upscaler.upscale(flat(value))
    assert large.shape == (24 * upscaler.scale, 30 * upscaler.scale, 3)
    assert large.dtype == np.float32
    np.testing.assert_allclose(large, value, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("colour", [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.05, 0.5, 3.0)])
def test_a_colour_does_not_shift(upscaler: Upscaler, colour: tuple[float, float, float]) -> None:
    """Uncorrected, the x4 network shifts flat colours by up to 11 of 255 codes."""
    large = upscaler.upscale(flat(colour))
    np.testing.assert_allclose(large, np.broadcast_to(colour, large.shape), rtol=2e-5, atol=1e-7)


def test_local_colour_follows_the_plate(upscaler: Upscaler, models_dir: Path) -> None:
    """On real footage, in 8-bit codes: a small error per block, and no overall drift."""
    code = frame(models_dir, "bikes", 150)[40:168, 100:228]
    enlarged = srgb_encode(np.clip(upscaler.upscale(srgb_decode(code)), 0, 1))
    difference = block_mean(enlarged, upscaler.scale) - code
    largest = {"span-x2": 0.3, "realesr-animevideo-x4": 1.5}[upscaler.session.model.id]
    assert np.abs(difference).mean() < largest / 255
    assert np.abs(difference.mean(axis=(0, 1))).max() < 0.05 / 255


def test_a_highlight_neither_rings_nor_loses_its_light(span: Upscaler) -> None:
    plate = np.full((48, 48, 3), 0.18, np.float32)
    plate[20:30, 20:30] = 1000.0
    plate[8, 8] = 1000.0
    large = span.upscale(plate)
    assert large.min() > 0.13  # without the limit, black rings: 0.0
    assert large.max() <= 1000.5
    assert large[44:56, 44:56] == pytest.approx(1000, rel=0.02)
    light = float((large - 0.18)[..., 1].sum()) / 4
    assert light == pytest.approx(float((plate - np.float32(0.18))[..., 1].sum()), rel=0.02)


def test_a_small_light_does_not_grow(span: Upscaler) -> None:
    plate = np.full((32, 32, 3), 0.18, np.float32)
    plate[16, 16] = 5.0
    large = span.upscale(plate)
    assert 3.0 < large.max() < 6.0  # 14 without the limit
    assert float((large - 0.18)[..., 1].sum()) / 4 == pytest.approx(4.82, rel=0.25)


def test_negative_values_stay_negative(span: Upscaler) -> None:
    plate = np.full((32, 32, 3), 0.05, np.float32)
    plate[10:20, 10:20, 2] = -0.25
    large = span.upscale(plate)
    np.testing.assert_allclose(large[24:36, 24:36, 2], -0.25, atol=0.01)
    np.testing.assert_allclose(large[24:36, 24:36, 0], 0.05, atol=0.01)
    assert large.min() >= -0.2501


@pytest.mark.parametrize(("network", "small_mb"), [(NETWORKS[0], 40), (NETWORKS[1], 11)])
def test_tiles_leave_no_seams(models_dir: Path, network: str, small_mb: float) -> None:
    code = frame(models_dir, "bikes", 210)[100:220, 200:330]
    plate = srgb_decode(code) * np.float32(6) - np.float32(0.02)
    whole, tiled = (
        Upscaler.open(models_dir, network, threads=2, memory_mb=memory_mb)
        for memory_mb in (1000, small_mb)
    )
    assert len(whole.plan_tiles(120, 130)) == 1
    assert len(tiled.plan_tiles(120, 130)) >= 4
    whole, tiled = whole.upscale(plate), tiled.upscale(plate)
    assert np.abs(whole - tiled).max() < 1e-5 * np.abs(whole).max() + 1e-5


@pytest.mark.parametrize(("clip", "number"), [("big-buck-bunny", 50), ("bikes", 150)])
@pytest.mark.parametrize("reduction", ["bicubic", "area"])
def test_upscaling_half_size_beats_lanczos(
    span: Upscaler, models_dir: Path, clip: str, number: int, reduction: str
) -> None:
    truth = frame(models_dir, clip, number)[:256, 200:600]
    height, width, _ = truth.shape
    if reduction == "bicubic":
        small = np.clip(resize(truth, width // 2, height // 2, "keys"), 0, 1)
    else:
        small = srgb_encode(block_mean(srgb_decode(truth), 2))
    ours = srgb_encode(np.clip(span.upscale(srgb_decode(small)), 0, 1))
    lanczos = np.clip(resize(small, width, height, "lanczos3"), 0, 1)
    assert psnr(ours, truth) > psnr(lanczos, truth) + 0.5


def test_highlights_keep_detail(span: Upscaler, models_dir: Path) -> None:
    """Two stops above white: clipping the plate for the network would be worse than Lanczos."""
    light = srgb_decode(frame(models_dir, "bikes", 150)[:200, 200:500]) * np.float32(4)
    small = block_mean(light, 2)

    def display(picture: FloatArray) -> FloatArray:
        return srgb_encode(np.clip(picture / 4, 0, 1))

    lanczos = resize(small, light.shape[1], light.shape[0], "lanczos3")
    ours = psnr(display(span.upscale(small)), display(light))
    assert ours > psnr(display(lanczos), display(light)) + 0.5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_pixels_are_refused(span: Upscaler, bad: float) -> None:
    plate = flat(0.18).copy()
    plate[3, 5, 1] = plate[3, 5, 2] = plate[20, 1, 0] = bad
    with pytest.raises(UnreadableMedia, match="2 pixels are not finite") as caught:
        span.upscale(plate)
    assert caught.value.details == {"pixels": 2, "first": {"x": 5, "y": 3}}


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2)])
def test_tiny_plates(upscaler: Upscaler, size: tuple[int, int]) -> None:
    plate = np.full((*size, 3), 0.5, np.float32)
    large = upscaler.upscale(plate)
    assert large.shape == (size[0] * upscaler.scale, size[1] * upscaler.scale, 3)
    np.testing.assert_allclose(large, 0.5, rtol=2e-5)


def test_a_picture_with_another_shape_is_refused(span: Upscaler) -> None:
    with pytest.raises(ValueError, match="height, width, 3"):
        span.upscale(np.zeros((8, 8, 4), np.float32))


def test_the_plate_is_not_changed(span: Upscaler) -> None:
    plate = flat((0.2, -0.1, 70.0))
    before = plate.copy()
    span.upscale(plate)
    np.testing.assert_array_equal(plate, before)


def test_it_can_be_stopped_between_tiles(models_dir: Path) -> None:
    large = np.full((100, 100, 3), 0.5, np.float32)

    def stop(done: int, total: int) -> None:
        if done:
            raise JobCancelled("stopped")

    with pytest.raises(JobCancelled):
        Upscaler.open(models_dir, memory_mb=1).upscale(large, on_tile=stop)


@pytest.mark.parametrize("network", NETWORKS)
def test_memory_keeps_to_the_budget(models_dir: Path, network: str) -> None:
    """With whole frames, this one takes 1.9 GB with the first network."""
    program = """
import resource, sys
from pathlib import Path
import numpy as np
from bridge_gateway.inference.upscale import Upscaler
upscaler = Upscaler.open(Path(sys.argv[1]), sys.argv[2], threads=2, memory_mb=300)
plate = np.full((540, 960, 3), 0.5, np.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
result = upscaler.upscale(plate)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((peak - before) * 1024 - result.nbytes - 3 * plate.nbytes)
"""
    run = subprocess.run(
        [sys.executable, "-c", program, str(models_dir), network],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(run.stdout) < 350e6


def test_conversion_gives_known_bytes(models_dir: Path) -> None:
    """Changed bytes with an unchanged GRAPH_VERSION would leave old networks installed."""
    assert {name: require_installed(models_dir, name).sha256[:16] for name in NETWORKS} == {
        "span-x2": "e2fbbe7d6166ca1e",
        "realesr-animevideo-x4": "0eb48d9662547a6b",
    }


def test_unavailable_execution_providers_are_skipped(models_dir: Path) -> None:
    session = OnnxSession(
        require_installed(models_dir, "span-x2"),
        execution_providers=["NoExecutionProvider", "CPUExecutionProvider"],
    )
    assert session.execution_provider == "CPUExecutionProvider"


def test_the_error_for_a_broken_network_names_it(models_dir: Path, tmp_path: Path) -> None:
    good = require_installed(models_dir, "span-x2")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(good.path.read_bytes()[:5000])
    with pytest.raises(ModelMissing, match=r"span-x2.*cannot be loaded"):
        OnnxSession(InstalledModel(good.entry, broken, good.sha256, good.record))
