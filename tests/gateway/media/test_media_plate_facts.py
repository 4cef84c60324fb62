"""What is said of a movie against what it says of itself."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from bridge_core.errors import InvalidRequest, MissingFrames
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_gateway.media.plate_info import PlateInfo, check_against_plate

NTSC = Fraction(30000, 1001)


def facts(**more: Any) -> PlateInfo:
    known: dict[str, Any] = {
        "width": 64,
        "height": 36,
        "pixel_aspect": 1.0,
        "channels": ("R", "G", "B"),
        "depth": "uint10",
        "start_timecode": "01:00:00;00",
        "colour": None,
        "frames": 60,
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
        plate(last=47),  # a part of it
        plate(start_timecode="01:00:00;00"),
        plate(start_timecode="01:00:00:00"),  # the same but for the mark
        plate(start_timecode="00:59:56:12"),  # the same frame, counted without dropping
        plate(width=64, height=36),
    ],
)
def test_what_agrees_is_passed_over(claimed: Plate) -> None:
    assert check_against_plate(claimed, facts(), claimed.range.frames()) == ()


@pytest.mark.parametrize(
    ("claimed", "words"),
    [
        (plate(rate=24), "runs at 30000/1001"),  # one for one
        (plate(rate=30), "runs at 30000/1001"),
        (plate(last=99), "has 60 pictures"),
        (plate(start_timecode="10:00:00:00"), "starts at timecode 01:00:00;00"),
        (plate(width=1920, height=1080), "is 64x36"),
    ],
)
def test_what_does_no_harm_is_said(claimed: Plate, words: str) -> None:
    [warning] = check_against_plate(claimed, facts(), range(10))
    assert words in warning


@pytest.mark.parametrize("rate", [1, 24, 25, 30, 1000, 24000])
def test_frames_of_another_rate_mean_other_pictures(rate: int) -> None:
    with pytest.raises(InvalidRequest, match="counted at") as caught:
        check_against_plate(plate(last=30, rate=rate), facts(), range(10))
    assert caught.value.details["file"] == "30000/1001" and caught.value.next_step


def test_frames_beyond_the_end_are_named() -> None:
    with pytest.raises(MissingFrames) as caught:
        check_against_plate(plate(first=1001, last=1100), facts(), range(1050, 1063))
    assert caught.value.details["frames"] == [1061, 1062]


def test_sequences_and_stills_are_not_judged_by_their_first_file() -> None:
    sequence = Plate(path="/p/a.%04d.exr", range=FrameRange.of(1, 9))
    assert check_against_plate(sequence, facts(frames=None), range(1, 9)) == ()
