"""An artist sends a strip of real footage and places the upscaled version: every frame is right,
also after saving and opening. Blender and the gateway are both real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import OpenImageIO as oiio
import pytest

if TYPE_CHECKING:
    from real_blender import BlenderInstallation

INSIDE = Path(__file__).with_name("journey_inside.py")
FRAMES = 10


@pytest.fixture
def workspace(tmp_path: Path, models_dir: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder for footage, and one user's environment; its gateway is stopped afterwards."""
    folder = tmp_path / "Größe und Länge"
    (folder / "plates").mkdir(parents=True)
    own = {
        "CLIENT__STATE_DIR": str(folder / "state"),
        "CLIENT__USER": "Ada Lovelace",
        "CLIENT__GATEWAY_COMMAND": json.dumps([sys.executable, "-m", "bridge_gateway"]),
        "GATEWAY__DATA_DIR": str(folder / "data"),
        "GATEWAY__LIBRARY_DIR": str(folder / "library"),
        "GATEWAY__MODELS_DIR": str(models_dir),
        "GATEWAY__MEDIA_ROOTS": json.dumps([str(folder / "plates")]),
        "GATEWAY__THREADS": "2",
        "WORK__HANDLES": "1",
    }
    more = {f"SHOTBRIDGE__{key}": value for key, value in own.items()}
    yield folder / "plates", more
    stop = [sys.executable, "-m", "bridge_core.cli.main", "stop"]
    subprocess.run(stop, env={**os.environ, **more}, check=True, timeout=60, capture_output=True)


def _footage(source: Path, target: Path) -> Path:
    """A short, small movie with intra-only frames."""
    with av.open(str(source)) as film, av.open(str(target), "w") as out:
        stream = out.add_stream("prores_ks", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 72, "yuv422p10le"
        for number, frame in enumerate(film.decode(video=0)):
            if number % 8 == 0 and number < 8 * FRAMES:
                pixels = frame.to_ndarray(width=128, height=72, format="rgb24")
                out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        out.mux(stream.encode())
    return target


def _pixels(path: str | Path) -> np.ndarray[Any, Any]:
    picture = oiio.ImageInput.open(str(path))
    assert picture, oiio.geterror()
    values = picture.read_image(0, 0, 0, 3, oiio.FLOAT)
    picture.close()
    return np.asarray(values)


def _linear(encoded: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The inverse of sRGB's transfer function (IEC 61966-2-1)."""
    low = encoded <= 0.04045
    return np.where(low, encoded / 12.92, ((np.maximum(encoded, 0) + 0.055) / 1.055) ** 2.4)


def test_a_strip_is_sent_and_its_version_is_placed(
    workspace: tuple[Path, dict[str, str]], models_dir: Path, blender: BlenderInstallation
) -> None:
    folder, more = workspace
    _footage(models_dir / "big-buck-bunny" / "bigbuckbunny.mp4", folder / "plate.mov")

    def inside(what: str) -> dict[str, Any]:
        done = blender.run(INSIDE, what, folder, timeout=280, more=more)
        report: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return report

    sent = inside("send")
    assert sent["cut"] == list(range(3, 7)) and sent["work"] == list(range(2, 8))
    assert sent["record"] == list(range(23, 27))
    assert sent["strips"] == ["BBB_0010", "BBB_0010 upscale v001"]
    version = sent["version"]
    assert version["frames"] == sent["work"]
    assert version["status"] == "approved"
    assert (sent["placed"], sent["active"]) == ([version["id"]], version["id"])

    (output,) = [one for one in version["outputs"] if one["name"] == "main"]
    assert output["colour_space"].startswith("sRGB")
    made = {
        frame: _linear(_pixels(Path(version["folder"]) / (output["pattern"] % frame)))
        for frame in version["frames"]
    }
    shown = [_pixels(path) for path in sent["pictures"]]
    for frame, picture in zip(sent["cut"], shown, strict=True):
        apart = {other: float(np.abs(picture - made[other]).mean()) for other in made}
        assert apart[frame] < 0.002, f"frame {frame} is {apart[frame]:.4f} off its version"
        assert min(apart, key=lambda other: apart[other]) == frame
        assert all(apart[other] > 3 * apart[frame] for other in made if other != frame)

    again = inside("open")
    for key in ("shot", "cut", "work", "record", "placed", "active", "strips"):
        assert again[key] == sent[key]
    for before, path in zip(shown, again["pictures"], strict=True):
        assert np.array_equal(before, _pixels(path))
