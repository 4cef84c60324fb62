"""The round trip returns what was sent, with a bounded error through the models' space."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.requests import OutputFormat
from bridge_core.models.settings import GatewaySettings
from bridge_gateway.providers.base import ProviderTask
from bridge_gateway.providers.local.provider import LocalProvider

WIDTH, HEIGHT, FRAMES = 48, 32, (1001, 1002)


class _IdleMonitor:
    def frame_done(self, frame: int) -> None:
        pass

    def cancelled(self) -> bool:
        return False


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProvider]:
    """A provider without weights: a round trip needs none."""
    new_provider = LocalProvider(GatewaySettings(models_dir=tmp_path_factory.mktemp("no-models")))
    yield new_provider
    new_provider.close()


@pytest.fixture
def round_trip(provider: LocalProvider, tmp_path: Path) -> Callable[..., Path]:
    """Runs a round trip of a plate and returns the folder of the result."""

    def run(
        pattern: str,
        mode: str,
        *,
        space: str = "ACEScg",
        output_format: OutputFormat = OutputFormat.EXR,
    ) -> Path:
        plate = Plate(path=pattern, range=FrameRange.of(FRAMES[0], FRAMES[-1]))
        folder = tmp_path / "work"
        task = ProviderTask(
            job_id="job-1",
            service="round_trip",
            parameters={"mode": mode},
            plate=plate,
            files={frame: Path(plate.path_at(frame)) for frame in FRAMES},
            frames=FRAMES,
            colour_space=space,
            output_format=output_format,
            folder=folder,
        )
        provider.run(task, _IdleMonitor())
        return folder

    return run


def _spec(names: tuple[str, ...], kind: str, part: str = "") -> oiio.ImageSpec:
    spec = oiio.ImageSpec(WIDTH, HEIGHT, len(names), kind)
    spec.channelnames = names
    spec.x, spec.y = 6, 4  # overscan: the data window is not the display window
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = 0, 0, 64, 48
    if part:
        spec.attribute("oiio:subimagename", part)
    return spec


def _all_halves(count: int) -> np.ndarray:
    """Finite halves of all magnitudes, including subnormal and negative ones, shuffled."""
    bits = np.random.default_rng(7).integers(0, 2**16, count * 2, dtype=np.uint16)
    values = bits.view(np.float16)
    return values[np.isfinite(values)][:count]


def _pixels(path: Path) -> list[tuple[tuple[str, ...], np.ndarray, dict[str, object]]]:
    """For each part: channel names, samples in the file's own type, metadata."""
    source = oiio.ImageInput.open(str(path))
    parts = []
    while source.seek_subimage(len(parts), 0):
        spec = source.spec()
        samples = source.read_image(len(parts), 0, 0, spec.nchannels, spec.format)
        metadata = {a.name: a.value for a in spec.extra_attribs}
        metadata |= {
            name: getattr(spec, name)
            for name in ("x", "y", "width", "height", "full_x", "full_y", "full_width")
        }
        metadata["format"] = str(spec.format)
        parts.append((tuple(spec.channelnames), samples, metadata))
    source.close()
    return parts


def _write_layered(folder: Path, compression: str) -> str:
    """Write two-part half EXRs with layers and metadata, as renderers do."""
    folder.mkdir()
    for frame in FRAMES:
        path = folder / f"plate.{frame}.exr"
        names = ("R", "G", "B", "A", "diffuse.R", "diffuse.G", "diffuse.B")
        specs = (_spec(names, "half", "rgba"), _spec(("depth.Z",), "half", "depth"))
        specs[0].attribute("compression", compression)
        specs[1].attribute("compression", "zips")
        for spec in specs:  # OpenEXR requires the same values in all parts
            spec.attribute("PixelAspectRatio", 2.0)
            spec.attribute("smpte:TimeCode", oiio.TypeTimeCode, (0x01020304, 0))
        specs[0].attribute("owner", "Ärzte")
        specs[0].attribute("show/take", 7)
        specs[0].attribute("framesPerSecond", oiio.TypeRational, (24000, 1001))
        out = oiio.ImageOutput.create(str(path))
        assert out.open(str(path), specs), out.geterror()
        assert out.write_image(_all_halves(WIDTH * HEIGHT * 7).reshape(HEIGHT, WIDTH, 7))
        assert out.open(str(path), specs[1], "AppendSubimage"), out.geterror()
        assert out.write_image(_all_halves(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH, 1))
        out.close()
    return str(folder / "plate.%04d.exr")


@pytest.mark.parametrize("output_format", OutputFormat)
@pytest.mark.parametrize("compression", ["zip", "piz", "none"])
def test_half_exr_returns_bit_for_bit_with_layers_and_metadata(
    compression: str, output_format: OutputFormat, round_trip: Callable[..., Path], tmp_path: Path
) -> None:
    pattern = _write_layered(tmp_path / "plate", compression)
    folder = round_trip(pattern, "passthrough", output_format=output_format)
    for frame in FRAMES:
        sent = _pixels(tmp_path / "plate" / f"plate.{frame}.exr")
        received = _pixels(folder / f"main.{frame}.exr")
        assert len(received) == 2
        for (names, samples, metadata), (back_names, back_samples, back_metadata) in zip(
            sent, received, strict=True
        ):
            assert back_names == names
            assert back_metadata["format"] == "half"
            assert (back_samples.view(np.uint16) == samples.view(np.uint16)).all()
            assert back_metadata == metadata


def test_a_lossy_plate_loses_nothing_more(round_trip: Callable[..., Path], tmp_path: Path) -> None:
    """DWAA written as DWAA would lose quality again; as EXR it is written without loss."""
    pattern = _write_layered(tmp_path / "plate", "dwaa")
    folder = round_trip(pattern, "passthrough")
    for frame in FRAMES:
        (_, sent, _), _ = _pixels(tmp_path / "plate" / f"plate.{frame}.exr")
        (_, received, metadata), _ = _pixels(folder / f"main.{frame}.exr")
        assert (received.view(np.uint16) == sent.view(np.uint16)).all()
        assert metadata["compression"] == "zip"


def _write_colours(folder: Path) -> str:
    """Write half EXRs in ACEScg from deep shadow to far above white, with similar channels."""
    folder.mkdir()
    rng = np.random.default_rng(11)
    for frame in FRAMES:
        level = 2.0 ** rng.uniform(-12, 12, (HEIGHT, WIDTH, 1))
        pixels = (level * rng.uniform(0.2, 1, (HEIGHT, WIDTH, 3))).astype(np.float16)
        path = folder / f"plate.{frame}.exr"
        out = oiio.ImageOutput.create(str(path))
        assert out.open(str(path), _spec(("R", "G", "B"), "half")), out.geterror()
        assert out.write_image(pixels)
        out.close()
    return str(folder / "plate.%04d.exr")


def test_halves_return_unchanged_through_the_models_space(
    round_trip: Callable[..., Path], tmp_path: Path
) -> None:
    """The bound of decision 5: 0 ULP for components of at least 1/512 of their pixel's largest. Two
    matrices in float32 have an error of about 2**-22 of it, half a step of a half is 2**-12."""
    folder = round_trip(_write_colours(tmp_path / "plate"), "colour_round_trip")
    for frame in FRAMES:
        ((_, sent, _),) = _pixels(tmp_path / "plate" / f"plate.{frame}.exr")
        ((_, received, metadata),) = _pixels(folder / f"main.{frame}.exr")
        assert metadata["format"] == "half"
        assert (received.view(np.uint16) == sent.view(np.uint16)).all()


def test_values_above_one_and_below_zero_are_kept_through_the_models_space(
    round_trip: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "plate"
    folder.mkdir()
    pixels = np.full((HEIGHT, WIDTH, 3), 0.18, np.float16)
    pixels[3, 4] = (40_000, 30_000, 20_000)
    pixels[5, 6] = (-0.5, 0.25, -0.125)
    for frame in FRAMES:
        path = folder / f"plate.{frame}.exr"
        out = oiio.ImageOutput.create(str(path))
        assert out.open(str(path), _spec(("R", "G", "B"), "half"))
        assert out.write_image(pixels)
        out.close()
    result = round_trip(str(folder / "plate.%04d.exr"), "colour_round_trip")
    ((_, back, _),) = _pixels(result / "main.1001.exr")
    np.testing.assert_allclose(back.astype(np.float64), pixels.astype(np.float64), rtol=2**-10)


@pytest.mark.parametrize(
    ("bits", "mode"), [(10, "passthrough"), (10, "colour_round_trip"), (16, "passthrough")]
)
def test_every_code_of_a_dpx_returns(
    bits: int, mode: str, round_trip: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "plate"
    folder.mkdir()
    codes = np.resize(np.arange(2**bits), HEIGHT * WIDTH).reshape(HEIGHT, WIDTH, 1)
    codes = np.repeat(codes, 3, axis=2)
    samples = (codes << 6 | codes >> 4) if bits == 10 else codes
    for frame in FRAMES:
        path = folder / f"plate.{frame}.dpx"
        spec = oiio.ImageSpec(WIDTH, HEIGHT, 3, "uint16")
        spec.attribute("oiio:BitsPerSample", bits)
        out = oiio.ImageOutput.create(str(path))
        assert out.open(str(path), spec), out.geterror()
        assert out.write_image(samples.astype(np.uint16))
        out.close()
    pattern = str(folder / "plate.%04d.dpx")
    for output_format, suffix in ((OutputFormat.PLATE, "dpx"), (OutputFormat.EXR, "exr")):
        result = round_trip(pattern, mode, space="ACEScct", output_format=output_format)
        ((_, back, metadata),) = _pixels(result / f"main.1001.{suffix}")
        if suffix == "exr":
            assert metadata["format"] == ("half" if bits == 10 else "float")
            assert (np.rint(back.astype(np.float64) * (2**bits - 1)) == codes).all()
        else:
            assert (back >> (16 - bits) == codes).all()
        for path in (result / "proxies").iterdir():
            path.unlink()  # otherwise the frames count as finished for the other format
