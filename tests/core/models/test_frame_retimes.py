"""Retimes: the source frame at each frame of the cut."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge_core.models.frames import FrameRange, Retime, RetimeKey

SPEEDS = st.fractions(-8, 8, max_denominator=100)
COUNTS = st.integers(1, 300)


@st.composite
def ramps(draw: st.DrawFn) -> Retime:
    count = draw(st.integers(2, 6))
    cuts = sorted(
        draw(
            st.lists(
                st.fractions(-50, 300, max_denominator=24),
                min_size=count,
                max_size=count,
                unique=True,
            )
        )
    )
    sources = draw(
        st.lists(st.fractions(-500, 500, max_denominator=24), min_size=count, max_size=count)
    )
    return Retime(
        keys=tuple(
            RetimeKey(record_offset=c, source_offset=s) for c, s in zip(cuts, sources, strict=True)
        )
    )


def _offsets(retime: Retime, count: int) -> list[int]:
    return [retime.source_offset(frame) for frame in range(count)]


RETIMES = st.builds(lambda speed: Retime(speed=speed), SPEEDS) | ramps()


@given(RETIMES, COUNTS)
def test_the_span_is_that_of_the_frames(retime: Retime, count: int) -> None:
    offsets = _offsets(retime, count)
    assert len(offsets) == count
    assert retime.source_span(count) == (min(offsets), max(offsets))


@given(RETIMES, COUNTS, st.integers(-100, 2000))
def test_plate_frames_fill_the_cut_range_and_never_leave_it(
    retime: Retime, count: int, first: int
) -> None:
    low, high = retime.source_span(count)
    cut_range = FrameRange.of(first, first + high - low)
    shown = list(retime.plate_frames(cut_range, count))
    assert min(shown) == cut_range.first
    assert max(shown) == cut_range.last
    assert len(shown) == count


@given(RETIMES)
def test_json_and_back(retime: Retime) -> None:
    assert Retime.model_validate_json(retime.model_dump_json()) == retime


@given(SPEEDS, COUNTS)
def test_a_constant_speed_is_its_multiples(speed: Fraction, count: int) -> None:
    retime = Retime(speed=speed)
    assert _offsets(retime, count) == [math.floor(k * speed) for k in range(count)]
    assert retime.max_speed == abs(speed)


@given(SPEEDS.filter(bool), st.integers(1, 50))
def test_a_ramp_with_one_slope_is_that_speed(speed: Fraction, length: int) -> None:
    ramp = Retime(
        keys=(
            RetimeKey(record_offset=0, source_offset=0),
            RetimeKey(record_offset=length, source_offset=length * speed),
        )
    )
    # Also extrapolated beyond the keys.
    assert _offsets(ramp, 100) == _offsets(Retime(speed=speed), 100)
    assert ramp.max_speed == abs(speed)


def test_the_default_is_the_identity() -> None:
    assert Retime().is_identity
    assert _offsets(Retime(), 5) == [0, 1, 2, 3, 4]
    assert not Retime(speed=Fraction(2)).is_identity


def test_freeze_reverse_double_and_half() -> None:
    cut = FrameRange.of
    assert list(Retime(speed=Fraction(0)).plate_frames(cut(1010, 1010), 3)) == [1010] * 3
    assert list(Retime(speed=Fraction(-1)).plate_frames(cut(1001, 1003), 3)) == [1003, 1002, 1001]
    assert list(Retime(speed=Fraction(2)).plate_frames(cut(1001, 1005), 3)) == [1001, 1003, 1005]
    half = Retime(speed=Fraction(1, 2))
    assert list(half.plate_frames(cut(1001, 1002), 4)) == [1001, 1001, 1002, 1002]


def test_a_ramp_that_turns_back() -> None:
    ramp = Retime(
        keys=(
            RetimeKey(record_offset=0, source_offset=0),
            RetimeKey(record_offset=4, source_offset=8),
            RetimeKey(record_offset=8, source_offset=4),
        )
    )
    assert _offsets(ramp, 9) == [0, 2, 4, 6, 8, 7, 6, 5, 4]
    assert ramp.source_span(9) == (0, 8)
    assert ramp.max_speed == 2


@pytest.mark.parametrize(
    "keys",
    [
        [{"record_offset": 0, "source_offset": 0}],
        [{"record_offset": 1, "source_offset": 0}, {"record_offset": 1, "source_offset": 2}],
        [{"record_offset": 2, "source_offset": 0}, {"record_offset": 1, "source_offset": 2}],
        [{"record_offset": "1/0", "source_offset": 0}, {"record_offset": 1, "source_offset": 2}],
    ],
)
def test_invalid_ramps(keys: list[dict[str, object]]) -> None:
    with pytest.raises(ValidationError):
        Retime.model_validate({"keys": keys})


def test_no_frames_have_no_span() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Retime().source_span(0)
