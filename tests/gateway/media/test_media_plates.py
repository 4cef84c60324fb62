"""Plates are read by frame number; missing frames are listed by number."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
import synthetic_media as synthetic
from synthetic_media import SyntheticLayer

from bridge_core.errors import MissingFrames, UnreadableMedia
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_gateway.media.colour import ColourTag
from bridge_gateway.media.movie_writer import MovieCodec, write_movie
from bridge_gateway.media.picture_reader import read_picture
from bridge_gateway.media.picture_writer import write_picture
from bridge_gateway.media.plate_reader import PlateReader, probe

RGB = dict.fromkeys("RGB", "half")


def sequence(folder: Path, first: int, count: int) -> tuple[Plate, dict[int, Path]]:
    plate = Plate(
        path=str(folder / "Plate é.%04d.exr"), range=FrameRange.of(first, first + count - 1)
    )
    files = {frame: Path(plate.path_at(frame)) for frame in plate.range.frames()}
    for frame, path in files.items():
        synthetic.write_exr(path, [SyntheticLayer(RGB)], (0, 0, 160, 96))
        drawn = synthetic.numbered(frame + 100)
        write_picture(path, read_picture(path).replace_rgb(drawn))
    return plate, files


@pytest.mark.parametrize("first", [1001 - 100, 1, 0, -3])
def test_sequences_by_frame(tmp_path: Path, first: int) -> None:
    plate, files = sequence(tmp_path, first, 5)
    with PlateReader(plate, files) as reader:
        for frame in (first + 3, first, first + 4):
            assert synthetic.number_in(reader.read(frame).rgb()) == frame + 100
        with pytest.raises(MissingFrames):
            reader.read(first + 5)


def test_all_missing_frames_are_listed(tmp_path: Path) -> None:
    plate, files = sequence(tmp_path, 101, 6)
    files[103].unlink()
    files[105].unlink()
    with PlateReader(plate, files) as reader, pytest.raises(MissingFrames) as caught:
        reader.require_frames(range(100, 107))
    assert caught.value.details["frames"] == [100, 103, 105]


def test_a_truncated_frame_is_named(tmp_path: Path) -> None:
    plate, files = sequence(tmp_path, 101, 2)
    files[102].write_bytes(files[102].read_bytes()[:-500])
    with PlateReader(plate, files) as reader, pytest.raises(UnreadableMedia, match="0102"):
        reader.read(102)


def test_movies_count_from_the_plates_first_frame(tmp_path: Path) -> None:
    path = tmp_path / "shot.mov"
    write_movie(
        path,
        (synthetic.numbered(i) for i in range(30)),
        codec=MovieCodec.PRORES_422_HQ,
        rate=Fraction(24000, 1001),
        start_timecode="01:00:00:00",
    )
    plate = Plate(path=str(path), range=FrameRange.of(1001, 1040, "24000/1001"))
    files = dict.fromkeys(plate.range.frames(), path)
    with PlateReader(plate, files) as reader:
        for frame in (1020, 1001, 1030):
            assert synthetic.number_in(reader.read(frame).rgb()) == frame - 1001
        assert reader.read(1011).timecode == "01:00:00:10"
        with pytest.raises(MissingFrames) as caught:
            reader.require_frames(plate.range.frames())
    assert caught.value.details["frames"] == list(range(1031, 1041))
    facts = probe(plate, files)
    assert (facts.frame_count, facts.rate) == (30, Fraction(24000, 1001))
    assert (facts.width, facts.height, facts.depth) == (160, 96, "uint10")
    assert facts.start_timecode == "01:00:00:00"


def test_a_still_is_the_same_at_every_frame(tmp_path: Path) -> None:
    path = tmp_path / "still.png"
    synthetic.write_plain(path, (synthetic.gradient() * 65535).astype(np.uint16))
    plate = Plate(path=str(path), range=FrameRange.of(1001, 1001))
    with PlateReader(plate, {1001: path}) as reader:
        assert reader.read(1001) is reader.read(1002)
    gone = {1001: tmp_path / "gone.png"}
    with PlateReader(plate, gone) as reader, pytest.raises(MissingFrames):
        reader.read(1001)


def test_probe_reports_the_first_frame(tmp_path: Path) -> None:
    path = tmp_path / "plate.1001.exr"
    attributes = {
        "PixelAspectRatio": 2.0,
        "framesPerSecond": (oiio.TypeRational, (24000, 1001)),
        "smpte:TimeCode": (oiio.TypeTimeCode, (0x01020304, 0)),
        "colorInteropID": "lin_ap1_scene",
    }
    synthetic.write_exr(
        path, [SyntheticLayer({**RGB, "Z": "float"}, window=(4, 4, 20, 20), attributes=attributes)]
    )
    plate = Plate(path=str(tmp_path / "plate.%04d.exr"), range=FrameRange.of(1001, 1005))
    facts = probe(plate)
    assert facts == probe(path) == probe(plate, {1001: path})
    assert (facts.width, facts.height, facts.pixel_aspect) == (64, 48, 2.0)
    assert (facts.depth, set(facts.channels)) == ("half", {"R", "G", "B", "Z"})
    assert facts.start_timecode == "01:02:03:04"
    assert facts.rate == Fraction(24000, 1001)
    assert facts.colour_tag == ColourTag("colorInteropID lin_ap1_scene", ("lin_ap1_scene",))
    assert facts.frame_count is None


def test_importing_loads_no_heavy_library() -> None:
    """The process that serves the API imports these modules but never processes pixels."""
    import subprocess
    import sys

    program = (
        "import sys, bridge_gateway.media.plate_reader, bridge_gateway.media.colour,"
        " bridge_gateway.media.proxy_writer, bridge_gateway.media.output_checks;"
        "print(sorted({'OpenImageIO', 'av', 'PyOpenColorIO'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
