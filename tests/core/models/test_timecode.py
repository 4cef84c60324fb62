"""Timecode, including drop-frame, against known values of SMPTE ST 12-1."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_core.models.frames import (
    frame_to_timecode,
    nominal_fps,
    supports_drop_frame,
    timecode_to_frame,
)

DROP = Fraction(30000, 1001)
DAY_OF_DROP = 2_589_408
"""Frames that drop-frame timecode numbers in 24 hours at 29.97: 144 times 17982."""


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (0, "00:00:00;00"),
        (1799, "00:00:59;29"),
        (1800, "00:01:00;02"),
        (3597, "00:01:59;29"),
        (3598, "00:02:00;02"),
        (17981, "00:09:59;29"),
        (17982, "00:10:00;00"),
        (17982 + 1800, "00:11:00;02"),
        (107892, "01:00:00;00"),
        (DAY_OF_DROP - 1, "23:59:59;29"),
    ],
)
def test_known_drop_frame_values(frame: int, text: str) -> None:
    assert frame_to_timecode(frame, DROP, drop_frame=True) == text
    assert timecode_to_frame(text, DROP) == frame
    assert timecode_to_frame(text.replace(";", "."), DROP) == frame


def test_known_drop_frame_values_at_5994() -> None:
    rate = Fraction(60000, 1001)
    assert frame_to_timecode(3600, rate, drop_frame=True) == "00:01:00;04"
    assert frame_to_timecode(35964, rate, drop_frame=True) == "00:10:00;00"


def test_every_number_of_a_day_is_used_once() -> None:
    """Ten full minutes, and the ends of every minute of the day: each number is used once."""
    frames = set(range(17_982))
    for minute in range(24 * 60):
        start = timecode_to_frame(f"{minute // 60:02d}:{minute % 60:02d}:30;00", DROP)
        frames |= set(range(start - 910, start - 880)) | {start, start + 899}
    wanted = sorted(frame for frame in frames if 0 <= frame < DAY_OF_DROP)
    names = [frame_to_timecode(frame, DROP, drop_frame=True) for frame in wanted]
    assert len(set(names)) == len(wanted)
    assert names == sorted(names)
    assert [timecode_to_frame(name, DROP) for name in names] == wanted


@given(st.integers(0, DAY_OF_DROP - 1))
def test_drop_frame_and_back(frame: int) -> None:
    text = frame_to_timecode(frame, DROP, drop_frame=True)
    assert timecode_to_frame(text, DROP) == frame
    # Over a whole day it is never more than two frames away from the clock.
    hours, minutes, seconds, frames = (int(text.replace(";", ":").split(":")[i]) for i in range(4))
    shown = hours * 3600 + minutes * 60 + seconds + Fraction(frames, 30)
    assert abs(shown - frame / DROP) < Fraction(1, 5)


RATES = st.sampled_from(
    [Fraction(n) for n in (24, 25, 30, 50, 60, 120)]
    + [Fraction(n * 1000, 1001) for n in (24, 30, 60)]
)


@given(RATES, st.data())
def test_non_drop_and_back(rate: Fraction, data: st.DataObject) -> None:
    frame = data.draw(st.integers(0, nominal_fps(rate) * 86_400 - 1))
    assert timecode_to_frame(frame_to_timecode(frame, rate), rate) == frame


@given(RATES, st.integers(-10_000, -1))
def test_before_midnight_is_the_day_before(rate: Fraction, frame: int) -> None:
    assert frame_to_timecode(frame, rate).startswith("23:5")
    assert (
        timecode_to_frame(frame_to_timecode(frame, rate), rate)
        == nominal_fps(rate) * 86_400 + frame
    )


def test_23976_counts_24_to_the_second() -> None:
    rate = Fraction(24000, 1001)
    assert frame_to_timecode(86_400, rate) == "01:00:00:00"
    assert timecode_to_frame("01:00:00:00", rate) == 86_400


def test_drop_frame_exists_for_few_rates() -> None:
    assert supports_drop_frame(DROP)
    assert supports_drop_frame(Fraction(60000, 1001))
    for rate in (24, 25, 30, Fraction(24000, 1001)):
        assert not supports_drop_frame(Fraction(rate))
        with pytest.raises(ValueError, match="no drop-frame"):
            frame_to_timecode(0, rate, drop_frame=True)
        with pytest.raises(ValueError, match="no drop-frame"):
            timecode_to_frame("00:00:00;00", rate)


@pytest.mark.parametrize(
    "text",
    ["", "1:2:3:4", "00:01:00;00", "00:01:00;01", "24:00:00:00", "00:60:00:00", "00:00:00:30"],
)
def test_invalid_timecodes(text: str) -> None:
    with pytest.raises(ValueError, match=r"timecode|exist|skips"):
        timecode_to_frame(text, DROP)
