"""A real gateway in a temporary folder, and small plates for it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from benchmarks import MODELS
from bridge_core.client import Client
from bridge_core.config import load_settings
from bridge_core.gateway_launcher import stop_gateway
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.requests import Request
from bridge_core.models.shots import Shot, ShotId


@contextmanager
def gateway(**settings: object) -> Iterator[tuple[Client, Path]]:
    """A client with its own gateway, and the folder that plates are read from."""
    with tempfile.TemporaryDirectory(prefix="shotbridge-benchmark-") as name:
        folder = Path(name)
        plates = folder / "plates"
        plates.mkdir()
        given = {
            "client.state_dir": str(folder / "state"),
            "gateway.data_dir": str(folder / "data"),
            "gateway.library_dir": str(folder / "library"),
            "gateway.models_dir": str(MODELS),
            "gateway.media_roots": [str(plates)],
            **{key.replace("__", "."): value for key, value in settings.items()},
        }
        # The user's own configuration must not affect the measurement.
        loaded = load_settings(given, environ={"HOME": name, "XDG_CONFIG_HOME": name})
        client = Client(loaded.settings)
        client.about()
        try:
            yield client, plates
        finally:
            client.close()
            stop_gateway(loaded.settings)


def plate(folder: Path, name: str, frames: int, width: int, height: int) -> Shot:
    """A shot with smooth half-float pictures in ACEScg, starting at frame 1001."""
    ramp = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    rise = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    for number in range(frames):
        pixels = np.concatenate([ramp + 0 * rise, rise + 0 * ramp, (ramp + rise) / 2], axis=2)
        spec = oiio.ImageSpec(width, height, 3, oiio.HALF)
        spec.attribute("compression", "zip")
        out = oiio.ImageOutput.create("x.exr")
        out.open(str(folder / f"{name}.{1001 + number:04d}.exr"), spec)
        out.write_image((pixels * (1 + number / 100)).astype(np.float16))
        out.close()
    return shot_of(folder, name, frames)


def shot_of(folder: Path, name: str, frames: int) -> Shot:
    """A shot of files in ACEScg, starting at frame 1001."""
    span = FrameRange.of(1001, 1000 + frames, 24)
    plate = Plate(path=str(folder / f"{name}.%04d.exr"), range=span, colour_space="ACEScg")
    shot_id = ShotId(show="benchmark", sequence="sq", shot=name)
    return Shot(id=shot_id, plate=plate, cut_range=span)


def request(shot: Shot, service: str, **parameters: object) -> Request:
    return Request.model_validate({"shot": shot, "service": service, "parameters": parameters})
