"""The files of a matte that somebody chose."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge_core.errors import InvalidRequest, MissingFrames, ShotbridgeError, UnreadableMedia
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.requests import MatteRegion, Request
from bridge_core.models.shots import Shot, ShotId
from bridge_ui.send.mattes import check_mattes, find_matte

FRAMES = FrameRange.of(1001, 1010)


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"a picture")


@pytest.mark.parametrize(
    ("beside", "chosen", "found"),
    [
        ([f"sky.{n}.exr" for n in range(1001, 1011)], "sky.1004.exr", "sky.%04d.exr"),
        ([f"sky.{n}.exr" for n in range(1001, 1008)], "sky.1004.exr", "sky.%04d.exr"),
        (["sky.1004.exr"], "sky.1004.exr", "sky.1004.exr"),
        (["sky_v001.png", "sky_v002.png"], "sky_v002.png", "sky_v002.png"),
        (["sky.png"], "sky.png", "sky.png"),
    ],
)
def test_most_frames_of_the_shot_make_a_sequence(
    tmp_path: Path, beside: list[str], chosen: str, found: str
) -> None:
    write(tmp_path, *beside)
    matte = find_matte(str(tmp_path / chosen), FRAMES.frames())
    assert matte == MatteRegion(path=str(tmp_path / found))


@pytest.mark.parametrize("name", ["sky.mov", "sky.txt", "sky"])
def test_only_pictures_are_mattes(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidRequest, match="not a picture"):
        find_matte(str(tmp_path / name), FRAMES.frames())


def test_a_folder_that_is_gone_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia, match="gone cannot be read"):
        find_matte(str(tmp_path / "gone" / "sky.1001.exr"), FRAMES.frames())


@pytest.mark.parametrize(
    ("path", "error", "text"),
    [
        ("sky.%04d.exr", MissingFrames, "9 frames are missing"),
        ("empty.png", UnreadableMedia, "empty.png is empty"),
        ("gone.png", UnreadableMedia, "gone.png cannot be read"),
        ("", UnreadableMedia, "this is not a file"),
    ],
)
def test_files_that_cannot_be_sent_are_reported(
    tmp_path: Path, path: str, error: type[ShotbridgeError], text: str
) -> None:
    write(tmp_path, "sky.1001.exr", "face.png")
    (tmp_path / "empty.png").touch()
    plate = Plate(path="/plates/a.%04d.exr", range=FRAMES)
    shot = Shot(
        id=ShotId(show="bunny", sequence="sq010", shot="A_010"), plate=plate, cut_range=FRAMES
    )
    request = Request(
        shot=shot, service="edit", regions=(MatteRegion(path=str(tmp_path / "face.png")),)
    )
    check_mattes([request])
    wrong = request.model_copy(update={"regions": (MatteRegion(path=str(tmp_path / path)),)})
    with pytest.raises(error, match=f"A_010: .*{text}"):
        check_mattes([request, wrong])
