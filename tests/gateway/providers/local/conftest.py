"""Small real plates, tasks for them, a recording monitor, and the providers under test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenImageIO as oiio
import psutil
import pytest

from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate, PlateKind
from bridge_core.models.requests import OutputFormat
from bridge_core.models.services import resolve_parameters
from bridge_core.models.settings import GatewaySettings
from bridge_gateway.providers.base import PROXY_FILENAME, Provider, ProviderTask
from bridge_gateway.providers.conformance.tasks import RecordingMonitor
from bridge_gateway.providers.local.provider import LocalProvider

WIDTH, HEIGHT = 64, 48
CHANNELS = ("R", "G", "B", "A", "diffuse.R", "diffuse.G", "diffuse.B", "Z")


def _scene(frame: int, channels: int = 3) -> np.ndarray:
    """A gradient with a moving edge, float32 of shape (height, width, channels), 0 to 1."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    planes = [((x * (c + 1) + y * (c + 2) + frame * 3) % 61) / 64 for c in range(channels)]
    picture = np.stack(planes, axis=-1)
    picture[:, : 10 + frame % 5] *= 0.25
    return picture.astype(np.float32)


def _still(path: Path, pixels: np.ndarray, sample: str, names: tuple[str, ...], **more: object):
    spec = oiio.ImageSpec(WIDTH, HEIGHT, len(names), sample)
    spec.channelnames = names
    for name, value in more.items():
        spec.attribute(name.replace("__", ":"), value)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(pixels), out.geterror()
    out.close()


def _exr(path: Path, frame: int) -> None:
    pixels = _scene(frame, len(CHANNELS)) * 1.5
    pixels[5, 5, :3] = (12.5, -0.25, 3.0)  # bright, and outside the gamut
    pixels[..., 7] = 100 + frame
    more = {"compression": "zip", "owner": "a crew", "PixelAspectRatio": 2.0}
    _still(path, pixels, "half", CHANNELS, **more)


def _dpx(path: Path, frame: int) -> None:
    _still(path, _scene(frame), "uint16", ("R", "G", "B"), oiio__BitsPerSample=10)


def _png(path: Path, frame: int) -> None:
    _still(path, _scene(frame), "uint16", ("R", "G", "B"))


def _mov(path: Path, frames: range) -> None:
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("prores_ks", rate=Fraction(24))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv422p10le"
        for frame in frames:
            pixels = (_scene(frame) * 65535).astype(np.uint16)
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb48le")))
        movie.mux(stream.encode())


STILLS: Mapping[str, tuple[str, Callable[[Path, int], None]]] = {
    "exr": ("ACEScg", _exr),
    "dpx": ("ACEScct", _dpx),
    "png": ("sRGB Encoded Rec.709 (sRGB)", _png),
}
FOOTAGE = (*STILLS, "mov")


@dataclass(frozen=True)
class Footage:
    """A plate on disk."""

    plate: Plate
    files: Mapping[int, Path]
    colour_space: str


def _write_footage(kind: str, folder: Path, first: int = 1001, count: int = 3) -> Footage:
    folder.mkdir(parents=True, exist_ok=True)
    frames = range(first, first + count)
    span = FrameRange.of(first, first + count - 1, 24)
    if kind == "mov":
        path = folder / "plate.mov"
        _mov(path, frames)
        plate = Plate(path=str(path), range=span, width=WIDTH, height=HEIGHT)
        return Footage(plate, dict.fromkeys(frames, path), "Gamma 2.4 Encoded Rec.709")
    space, write = STILLS[kind]
    plate = Plate(path=str(folder / f"plate.%04d.{kind}"), range=span, width=WIDTH, height=HEIGHT)
    assert plate.kind is PlateKind.SEQUENCE
    for frame in frames:
        write(Path(plate.path_at(frame)), frame)
    return Footage(plate, {f: Path(plate.path_at(f)) for f in frames}, space)


@dataclass(frozen=True)
class LocalCandidate:
    """Makes a provider. ``slowest_service`` takes longest for a frame, so that a job can be
    interrupted."""

    make: Callable[[Path], LocalProvider]
    slowest_service: str


@pytest.fixture(scope="module")
def candidate() -> LocalCandidate:
    return LocalCandidate(
        lambda models: LocalProvider(GatewaySettings(models_dir=models)), slowest_service="matte"
    )


@pytest.fixture(scope="module")
def contract_provider(candidate: LocalCandidate, models_dir: Path) -> Iterator[LocalProvider]:
    """A provider whose processes stay warm between tests."""
    new_provider = candidate.make(models_dir)
    yield new_provider
    new_provider.close()


@pytest.fixture
def make_task(tmp_path: Path) -> Callable[..., ProviderTask]:
    """Creates a task with the service's defaults: ``make_task(provider, "upscale", footage)``."""

    def make(
        provider: Provider,
        service: str,
        footage: Footage,
        *,
        output_format: OutputFormat = OutputFormat.EXR,
        frames: tuple[int, ...] | None = None,
        folder: Path | None = None,
        **parameters: object,
    ) -> ProviderTask:
        offered = next(s for s in provider.list_services() if s.id == service)
        folder = folder or tmp_path / "work" / service
        folder.mkdir(parents=True, exist_ok=True)
        return ProviderTask(
            job_id="job-1",
            service=service,
            parameters=resolve_parameters(offered, parameters),
            plate=footage.plate,
            files=footage.files,
            frames=tuple(footage.plate.range.frames()) if frames is None else frames,
            colour_space=footage.colour_space,
            output_format=output_format,
            folder=folder,
        )

    return make


@pytest.fixture
def make_footage(tmp_path: Path) -> Callable[..., Footage]:
    """Writes a plate: ``make_footage("exr", first=1001, count=3)``."""

    def make(kind: str, first: int = 1001, count: int = 3) -> Footage:
        return _write_footage(kind, tmp_path / "plates" / kind, first, count)

    return make


@pytest.fixture
def make_monitor() -> Callable[..., RecordingMonitor]:
    return RecordingMonitor


@pytest.fixture
def children() -> Callable[[], list[psutil.Process]]:
    """Running child processes of this process."""

    def running() -> list[psutil.Process]:
        processes = psutil.Process().children(recursive=True)
        return [child for child in processes if child.status() != psutil.STATUS_ZOMBIE]

    return running


@pytest.fixture
def finished() -> Callable[[ProviderTask], dict[int, int]]:
    """A task's frames that are finished on disk, with the time of their proxies in ns."""

    def find_finished(task: ProviderTask) -> dict[int, int]:
        proxies = {frame: task.folder / PROXY_FILENAME.format(frame=frame) for frame in task.frames}
        return {frame: path.stat().st_mtime_ns for frame, path in proxies.items() if path.exists()}

    return find_finished
