"""The local services with the real networks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from bridge_core.errors import ModelMissing, UnreadableMedia
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.requests import OutputFormat
from bridge_core.models.services import resolve_parameters
from bridge_core.models.settings import ColourSettings, GatewaySettings
from bridge_gateway.inference.catalogue import bundled_catalogue
from bridge_gateway.media.colour import DATA, MODEL_SPACE, ColourManager
from bridge_gateway.providers.base import ProviderTask, TaskResult
from bridge_gateway.providers.local.processors import ModelSpaceTransform
from bridge_gateway.providers.local.provider import LocalProvider

WIDTH, HEIGHT = 96, 64
CHANNELS = ("R", "G", "B", "A", "Z", "motion.u", "motion.v")


class _SilentMonitor:
    def frame_done(self, frame: int) -> None:
        pass

    def cancelled(self) -> bool:
        return False


@pytest.fixture(scope="module")
def provider(models_dir: Path) -> Iterator[LocalProvider]:
    new_provider = LocalProvider(GatewaySettings(models_dir=models_dir, threads=1))
    yield new_provider
    new_provider.close()


def _scene() -> np.ndarray:
    """A bright disc on a dark background with a lamp far above white, and a colour below 0."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    disc = ((x - WIDTH / 2) ** 2 + (y - HEIGHT / 2) ** 2 < (HEIGHT / 3) ** 2).astype(np.float32)
    pixels = np.zeros((HEIGHT, WIDTH, len(CHANNELS)), np.float32)
    pixels[..., :3] = 0.03 + disc[..., None] * (0.7, 0.5, 0.3)
    pixels[30:34, 46:50, :3] = (90, 60, 30)
    pixels[4:8, 4:8, :3] = (-0.25, 0.1, 0.1)
    pixels[..., 3] = 0.5 + disc / 2
    pixels[..., 4] = np.where(disc > 0, 7.0, np.inf)
    pixels[..., 5:] = 3.0
    return pixels


def _write(path: Path, pixels: np.ndarray) -> None:
    spec = oiio.ImageSpec(WIDTH, HEIGHT, pixels.shape[2], "half")
    spec.channelnames = CHANNELS[: pixels.shape[2]]
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(pixels), out.geterror()
    out.close()


@pytest.fixture
def run(provider: LocalProvider, tmp_path: Path) -> Callable[..., tuple[TaskResult, Path]]:
    """Runs a service on one EXR frame in ACEScg; returns the result and its folder."""

    def make(
        service: str, pixels: np.ndarray, by: LocalProvider = provider, **parameters: object
    ) -> tuple[TaskResult, Path]:
        pattern = str(tmp_path / "plate.%04d.exr")
        plate = Plate(path=pattern, range=FrameRange.of(1001, 1001))
        _write(Path(plate.path_at(1001)), pixels)
        offered = next(entry for entry in by.list_services() if entry.id == service)
        folder = tmp_path / "work" / "-".join([service, *map(str, parameters.values())])
        task = ProviderTask(
            job_id="job-1",
            service=service,
            parameters=resolve_parameters(offered, parameters),
            plate=plate,
            files={1001: Path(plate.path_at(1001))},
            frames=(1001,),
            colour_space="ACEScg",
            output_format=OutputFormat.EXR,
            folder=folder,
        )
        return by.run(task, _SilentMonitor()), folder

    return make


def _channels(path: Path) -> dict[str, np.ndarray]:
    picture = oiio.ImageBuf(str(path))
    pixels = picture.get_pixels(oiio.FLOAT)
    return {name: pixels[..., i] for i, name in enumerate(picture.spec().channelnames)}


@pytest.mark.parametrize(("model", "scale"), [("span", 2), ("stylised", 4)])
def test_upscale_keeps_range_alpha_and_layers(
    model: str, scale: int, run: Callable[..., tuple[TaskResult, Path]]
) -> None:
    sent = _scene()
    result, folder = run("upscale", sent, model=model)
    received = _channels(folder / "main.1001.exr")
    assert list(received) == list(CHANNELS)
    assert received["R"].shape == (HEIGHT * scale, WIDTH * scale)
    for index, name in enumerate("RGB"):
        # Colours do not shift: the mean of the pixels made from one pixel is close to it.
        blocks = received[name].reshape(HEIGHT, scale, WIDTH, scale).mean(axis=(1, 3))
        flat = np.s_[44:60, 4:20]  # background, away from edges
        np.testing.assert_allclose(blocks[flat], sent[..., index][flat], rtol=0.03)
    lamp = np.s_[31 * scale : 33 * scale, 47 * scale : 49 * scale]
    assert received["R"][lamp].min() > 45  # far above 1, and not clipped
    below = np.s_[5 * scale : 7 * scale, 5 * scale : 7 * scale]
    np.testing.assert_allclose(received["R"][below], -0.25, atol=0.03)
    assert received["A"].min() >= 0.5 and received["A"].max() <= 1
    assert set(np.unique(received["Z"])) == {7.0, np.inf}  # no interpolated depth
    (output,) = result.outputs
    assert (output.width, output.height) == (WIDTH * scale, HEIGHT * scale)
    assert output.channels == ("R", "G", "B", "A")
    header = oiio.ImageBuf(str(folder / "main.1001.exr")).spec()
    assert header.get_string_attribute("shotbridge/unscaledLayers") == "motion"


def test_matte_becomes_alpha_and_a_sequence_and_changes_nothing_else(
    run: Callable[..., tuple[TaskResult, Path]],
) -> None:
    sent = _scene()
    result, folder = run("matte", sent)
    received = _channels(folder / "main.1001.exr")
    matte = _channels(folder / "matte.1001.exr")
    assert list(matte) == ["Y"]
    assert (received["A"] == matte["Y"]).all()
    assert matte["Y"].min() >= 0 and matte["Y"].max() <= 1
    halves = sent.astype(np.float16).astype(np.float32)
    for index, name in enumerate(CHANNELS):
        assert (received["plate.A" if name == "A" else name] == halves[..., index]).all()
    middle, corner = matte["Y"][24:40, 40:56].mean(), matte["Y"][:8, -8:].mean()
    assert middle > 0.5 > corner  # the disc is the subject
    main, matte_output = result.outputs
    assert (main.name, matte_output.name) == ("main", "matte")
    assert matte_output.colour_space == DATA
    assert matte_output.channels == ("Y",)


def test_matte_parameters_have_an_effect(run: Callable[..., tuple[TaskResult, Path]]) -> None:
    _, hard = run("matte", _scene(), softness=0)
    assert set(np.unique(_channels(hard / "matte.1001.exr")["Y"])) <= {0.0, 1.0}
    areas = [
        _channels(run("matte", _scene(), threshold=at)[1] / "matte.1001.exr")["Y"].sum()
        for at in (0.2, 0.8)
    ]
    assert areas[0] > areas[1]


def test_the_proxy_of_a_matte_shows_the_subject_alone(
    run: Callable[..., tuple[TaskResult, Path]],
) -> None:
    _, folder = run("matte", _scene())
    proxy = oiio.ImageBuf(str(folder / "proxies" / "1001.jpg")).get_pixels(oiio.FLOAT)
    corner = proxy[:6, -6:].mean(axis=(0, 1))
    assert np.ptp(corner) < 0.03  # grey
    assert 0.2 < corner.mean() < 0.6  # neither the plate's dark background nor white


def test_the_result_lists_models_runtime_and_software(
    run: Callable[..., tuple[TaskResult, Path]], provider: LocalProvider
) -> None:
    result, _ = run("upscale", _scene())
    (model,) = result.models
    entry = bundled_catalogue().get_entry("span-x2")
    assert (model.id, model.name, model.licence) == (entry.id, entry.title, entry.licence)
    assert len(model.sha256) == 64
    assert result.runtime["threads"] == "1"
    assert result.runtime["execution_provider"].endswith("ExecutionProvider")
    assert result.runtime["library"].startswith("onnxruntime ")
    assert {"OpenImageIO", "opencolorio", "av", "shotbridge"} <= set(result.software)
    to_model, to_plate, view = result.colour_conversions
    assert to_model.startswith(f"ACEScg to {MODEL_SPACE}")
    assert to_plate.startswith(f"{MODEL_SPACE} to ACEScg")
    assert "sRGB - Display" in view


def test_nan_in_the_input_of_a_network_is_refused(
    run: Callable[..., tuple[TaskResult, Path]],
) -> None:
    pixels = _scene()
    pixels[10, 20, 1] = np.nan
    for service in ("upscale", "matte"):
        with pytest.raises(UnreadableMedia, match="finite"):
            run(service, pixels)


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_missing_or_damaged_weights_make_a_service_unavailable(
    damage: str, run: Callable[..., tuple[TaskResult, Path]], models_dir: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "models"
    for model in ("span-x2", "realesr-animevideo-x4", "u2netp"):
        shutil.copytree(models_dir / model, copy / model)
    weights = copy / "span-x2" / "span-x2.onnx"
    if damage == "missing":
        weights.unlink()
    else:
        content = bytearray(weights.read_bytes())
        content[len(content) // 2] ^= 1
        weights.write_bytes(content)
    broken = LocalProvider(GatewaySettings(models_dir=copy))
    try:
        offered = {service.id: service for service in broken.list_services()}
        assert not offered["upscale"].available
        assert "SPAN x2" in offered["upscale"].unavailable_reason
        assert "shotbridge models install" in offered["upscale"].unavailable_reason
        assert offered["matte"].available and offered["round_trip"].available
        with pytest.raises(ModelMissing) as excinfo:
            run("upscale", _scene(), by=broken)
        assert "shotbridge models install" in excinfo.value.next_step
    finally:
        broken.close()


def test_a_warm_process_notices_reinstalled_weights(
    run: Callable[..., tuple[TaskResult, Path]], models_dir: Path, tmp_path: Path
) -> None:
    """It does not continue with weights that have been removed."""
    copy = tmp_path / "models"
    for model in ("span-x2", "realesr-animevideo-x4", "u2netp"):
        shutil.copytree(models_dir / model, copy / model)
    warm = LocalProvider(GatewaySettings(models_dir=copy))
    try:
        run("matte", _scene(), by=warm)
        shutil.rmtree(copy / "u2netp")
        with pytest.raises(ModelMissing):
            run("matte", _scene(), by=warm, threshold=0.4)
        shutil.copytree(models_dir / "u2netp", copy / "u2netp")
        run("matte", _scene(), by=warm, threshold=0.3)
    finally:
        warm.close()


def test_the_peak_depends_on_the_colour_space() -> None:
    """A wrong peak costs detail or clips whites; it must not change within a shot."""
    colour = ColourManager(ColourSettings())
    assert ModelSpaceTransform(colour, "sRGB Encoded Rec.709 (sRGB)").peak_value() == pytest.approx(
        1.0, abs=1e-3
    )
    assert ModelSpaceTransform(colour, "ACEScg").peak_value() == 64
    assert ModelSpaceTransform(colour, "ACEScct").peak_value() == 64  # ends at 222
    assert ModelSpaceTransform(colour, "Raw").peak_value() == 1
