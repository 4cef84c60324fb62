"""The examples of docs/client.md, run in order as a reader would, with a local gateway."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from bridge_core import gateway_launcher
from bridge_core.config import load_settings

pytest.importorskip("fastapi")
oiio = pytest.importorskip("OpenImageIO")

DOCUMENT = Path(__file__).parents[1] / "docs" / "client.md"
EXAMPLES = re.findall(
    r"^```python\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE
)


@pytest.fixture
def show(tmp_path: Path) -> Path:
    """The folder of the documented show: plates of two shots and their cut."""
    (tmp_path / "plates").mkdir()
    track = otio.schema.Track(kind="Video")
    frames = otio.opentime.TimeRange(
        otio.opentime.RationalTime(1001, 24), otio.opentime.RationalTime(6, 24)
    )
    for shot in ("sh010", "sh020"):
        for frame in range(1001, 1007):
            picture = oiio.ImageBuf(oiio.ImageSpec(64, 36, 3, "half"))
            oiio.ImageBufAlgo.fill(picture, (frame / 2000, 0.1, 1.5))
            assert picture.write(str(tmp_path / "plates" / f"{shot}.{frame}.exr"))
        plate = otio.schema.ImageSequenceReference(
            target_url_base="plates/",
            name_prefix=f"{shot}.",
            name_suffix=".exr",
            start_frame=1001,
            rate=24,
            frame_zero_padding=4,
            available_range=frames,
            metadata={"shotbridge": {"colour_space": "ACEScg"}},
        )
        track.append(otio.schema.Clip(f"sq020_{shot}", plate, frames))
    timeline = otio.schema.Timeline("reel")
    timeline.tracks.append(track)
    assert timeline.to_json_file(str(tmp_path / "reel.otio"))
    return tmp_path


@pytest.fixture
def _gateway_stopped() -> Iterator[None]:
    yield
    gateway_launcher.stop_gateway(load_settings().settings)


@pytest.mark.usefixtures("_gateway_stopped")
def test_examples_of_the_client_page_run(show: Path) -> None:
    names: dict[str, Any] = {}
    for example in EXAMPLES:
        exec(
            compile(example.replace("/shows/bunny", show.as_posix()), DOCUMENT.name, "exec"), names
        )
    assert names["folder"].is_dir()
    assert [str(version.shot) for version in names["newest"]] == ["bunny/sq010/sh010"]
    cut = otio.adapters.read_from_file(str(show / "reel_v002.otio"))
    assert [len(clip.media_references()) for clip in cut.find_clips()] == [2, 2]
