"""Outputs that are incomplete, not finite or not as described are not published."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synthetic_media as synthetic
from synthetic_media import SyntheticLayer

from bridge_core.errors import CheckFailed
from bridge_core.models.frames import FrameRange
from bridge_core.models.versions import ResultOutput
from bridge_gateway.media.movie_writer import MovieCodec, write_movie
from bridge_gateway.media.output_checks import check_output
from bridge_gateway.media.picture_reader import read_picture
from bridge_gateway.media.picture_writer import write_picture

FRAMES = range(-1, 4)


def output(**changes: Any) -> ResultOutput:
    facts: dict[str, Any] = {
        "name": "main",
        "pattern": "main.%04d.exr",
        "range": FrameRange.of(-1, 3),
        "colour_space": "ACEScg",
        "width": 64,
        "height": 48,
        "channels": ("R", "G", "B", "A", "Z"),
        "depth": "half",
    }
    return ResultOutput(**(facts | changes))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for frame in FRAMES:
        path = tmp_path / f"main.{frame:04d}.exr"
        synthetic.write_exr(path, [SyntheticLayer({**dict.fromkeys("RGBA", "half"), "Z": "float"})])
        picture = (
            read_picture(path)
            .replace_rgb(synthetic.gradient())
            .with_matte(synthetic.gradient()[..., 0])
        )
        depth = picture.main_part.channels.index("Z")
        far = np.full((48, 64), np.inf, np.float32)
        whole = picture.main_part.with_planes({depth: far})
        write_picture(path, type(picture)((whole,), "openexr"))
    return tmp_path


def reasons(folder: Path, claimed: ResultOutput, frames: Any = FRAMES) -> dict[str, str]:
    with pytest.raises(CheckFailed) as caught:
        check_output(folder, claimed, frames)
    by_frame: dict[str, str] = caught.value.details["frames"]
    return by_frame


def test_a_correct_output_passes(folder: Path) -> None:
    checked: list[int] = []
    check_output(folder, output(), FRAMES, checked.append)
    assert checked == list(FRAMES)
    (folder / "thumbnail.jpg").write_bytes(b"other files do not matter")
    check_output(folder, output(), FRAMES)


def test_every_failing_frame_is_listed(folder: Path) -> None:
    (folder / "main.0000.exr").unlink()
    whole = (folder / "main.0001.exr").read_bytes()
    (folder / "main.0001.exr").write_bytes(whole[: len(whole) // 2])
    path = folder / "main.0002.exr"
    picture = read_picture(path)
    broken = picture.rgb()
    broken[3, 4] = np.nan
    broken[5, 6, 0] = -np.inf
    write_picture(path, picture.replace_rgb(broken))
    failures = reasons(folder, output())
    assert set(failures) == {"0", "1", "2"}
    assert "is missing" in failures["0"]
    assert "cannot be read" in failures["1"]
    assert failures["2"].startswith("has 3 NaN and 1 infinite values, the first at x 4, y 3")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"width": 128}, "64x48, not 128x48"),
        ({"channels": ("R", "G", "B", "matte")}, "no channel matte"),
        ({"depth": "float"}, "is half, not float"),
        ({"pixel_aspect": 2.0}, "pixel aspect 1, not 2"),
    ],
)
def test_the_description_must_match(folder: Path, changes: dict[str, Any], reason: str) -> None:
    failures = reasons(folder, output(**changes))
    assert len(failures) == len(FRAMES)
    assert all(reason in text for text in failures.values())


def test_unexpected_frames_are_reported(folder: Path) -> None:
    failures = reasons(folder, output(), [-1, 0, 1, 2])
    assert failures == {"3": "was not requested"}


def test_channels_of_other_parts_are_found(tmp_path: Path) -> None:
    parts = [
        SyntheticLayer(dict.fromkeys("RGB", "half"), name="rgb"),
        SyntheticLayer({"Z": "float"}, name="depth"),
    ]
    synthetic.write_exr(tmp_path / "main.0001.exr", parts)
    picture = read_picture(tmp_path / "main.0001.exr").replace_rgb(synthetic.gradient())
    write_picture(tmp_path / "main.0001.exr", picture)
    check_output(tmp_path, output(channels=("R", "G", "B", "depth.Z")), [1])
    assert "depth.id" in reasons(tmp_path, output(channels=("R", "depth.id")), [1])["1"]


def test_movies_must_have_as_many_pictures_as_frames(tmp_path: Path) -> None:
    write_movie(
        tmp_path / "main.mov",
        (synthetic.numbered(i) for i in range(10)),
        codec=MovieCodec.PRORES_422_HQ,
        rate=Fraction(24),
    )
    claimed = output(
        pattern="main.mov", width=160, height=96, channels=("R", "G", "B"), depth="uint10"
    )
    check_output(tmp_path, claimed, range(1001, 1011))
    assert set(reasons(tmp_path, claimed, range(1001, 1013))) == {"1011", "1012"}
    assert set(reasons(tmp_path, claimed, range(1001, 1010))) == {"1010"}
    data = (tmp_path / "main.mov").read_bytes()
    (tmp_path / "main.mov").write_bytes(data[: len(data) // 2])
    assert len(reasons(tmp_path, claimed, range(1001, 1011))) == 10


def test_the_callback_can_end_the_check(folder: Path) -> None:
    def cancelled(frame: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        check_output(folder, output(), FRAMES, cancelled)
