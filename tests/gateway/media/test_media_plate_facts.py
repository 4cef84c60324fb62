"""Comparison of a movie's properties with the plate's."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from bridge_core.errors import InvalidRequest, MissingFrames
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_gateway.media.plate_info import PlateInfo, check_against_plate

NTSC = Fraction(30000, 1001)


def plate_info(**more: Any) -> PlateInfo:
    known: dict[str, Any] = {
        "width": 64,
        "height": 36,
        "pixel_aspect": 1.0,
        "channels": ("R", "G", "B"),
        "depth": "uint10",
        "start_timecode": "01:00:00;00",
        "colour_tag": None,
        "frame_count": 60,
        "rate": NTSC,
    }
    return PlateInfo(**{**known, **more})


def plate(first: int = 0, last: int = 59, rate: Any = "29.97", **more: Any) -> Plate:
    return Plate(path="/m/a.mov", range=FrameRange.of(first, last, rate), **more)


@pytest.mark.parametrize(
    "claimed",
    [
        plate(),
        plate(rate=29.97),
        plate(rate="30000/1001"),
        plate(last=47),  # part of the movie
        plate(start_timecode="01:00:00;00"),
        plate(start_timecode="01:00:00:00"),  # the same except for the separator
        plate(start_timecode="00:59:56:12"),  # the same frame in non-drop-frame timecode
        plate(width=64, height=36),
    ],
)
def test_matching_properties_give_no_warning(claimed: Plate) -> None:
    assert check_against_plate(claimed, plate_info(), claimed.range.frames()) == ()


@pytest.mark.parametrize(
    ("claimed", "text"),
    [
        (plate(rate=24), "runs at 30000/1001"),  # counted one to one
        (plate(rate=30), "runs at 30000/1001"),
        (plate(last=99), "has 60 pictures"),
        (plate(start_timecode="10:00:00:00"), "starts at timecode 01:00:00;00"),
        (plate(width=1920, height=1080), "is 64x36"),
    ],
)
def test_harmless_differences_give_a_warning(claimed: Plate, text: str) -> None:
    [warning] = check_against_plate(claimed, plate_info(), range(10))
    assert text in warning


@pytest.mark.parametrize("rate", [1, 24, 25, 30, 1000, 24000])
def test_frames_of_another_rate_are_refused(rate: int) -> None:
    with pytest.raises(InvalidRequest, match="counted at") as caught:
        check_against_plate(plate(last=30, rate=rate), plate_info(), range(10))
    assert caught.value.details["file"] == "30000/1001" and caught.value.next_step


def test_frames_beyond_the_end_are_listed() -> None:
    with pytest.raises(MissingFrames) as caught:
        check_against_plate(plate(first=1001, last=1100), plate_info(), range(1050, 1063))
    assert caught.value.details["frames"] == [1061, 1062]


def test_sequences_and_stills_are_not_checked() -> None:
    sequence = Plate(path="/p/a.%04d.exr", range=FrameRange.of(1, 9))
    assert check_against_plate(sequence, plate_info(frame_count=None), range(1, 9)) == ()
