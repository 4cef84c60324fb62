"""Ranges and rates: no frame is lost or duplicated at any numbering or rate."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from bridge_core.models.frames import FRAME_LIMIT, FrameRange, Rate, to_rate

RATES = st.sampled_from(
    [Fraction(n) for n in (12, 24, 25, 30, 48, 50, 60, 120)]
    + [Fraction(n * 1000, 1001) for n in (24, 30, 60, 120)]
)
NUMBERS = st.integers(-200_000, 200_000) | st.integers(990, 1200)
COUNTS = st.integers(1, 5000)
HANDLES = st.integers(0, 500)


@st.composite
def ranges(draw: st.DrawFn) -> FrameRange:
    first = draw(NUMBERS)
    return FrameRange.of(first, first + draw(COUNTS) - 1, draw(RATES))


@given(NUMBERS, COUNTS, RATES)
@example(1001, 1, Fraction(24))
@example(-1, 2, Fraction(24))
def test_half_open_ranges(start: int, duration: int, rate: Fraction) -> None:
    frame_range = FrameRange.from_half_open(start, duration, rate)
    assert (frame_range.first, frame_range.count) == (start, duration)
    assert list(frame_range.frames()) == list(range(start, start + duration))
    assert frame_range.first in frame_range
    assert frame_range.last in frame_range
    assert frame_range.last + 1 not in frame_range
    assert frame_range.first - 1 not in frame_range


def test_a_shot_that_starts_at_1001() -> None:
    frame_range = FrameRange.from_half_open(1001, 48, 24)
    assert (frame_range.first, frame_range.last, frame_range.count, frame_range.seconds) == (
        1001,
        1048,
        48,
        2,
    )
    assert str(frame_range) == "1001-1048"


@given(ranges(), HANDLES, HANDLES)
def test_handles_can_be_added_and_removed(frame_range: FrameRange, head: int, tail: int) -> None:
    wide = frame_range.with_handles(head, tail)
    assert (wide.first, wide.last) == (frame_range.first - head, frame_range.last + tail)
    assert wide.count == frame_range.count + head + tail
    assert wide.contains_range(frame_range)
    assert wide.with_handles(-head, -tail) == frame_range
    assert wide.intersection(frame_range) == frame_range


@given(ranges())
def test_trimming_away_everything_is_refused(frame_range: FrameRange) -> None:
    with pytest.raises(ValidationError, match="at least one frame"):
        frame_range.with_handles(-frame_range.count, 0)


@given(ranges(), ranges())
def test_the_intersection_of_two_ranges(a: FrameRange, b: FrameRange) -> None:
    shared = set(a.frames()) & set(b.frames())
    met = a.intersection(b)
    assert (set(met.frames()) if met else set()) == shared
    assert a.contains_range(b) == (set(b.frames()) <= set(a.frames()))


@given(ranges(), st.integers(-1000, 1000))
def test_shifting_keeps_the_length(frame_range: FrameRange, by: int) -> None:
    assert frame_range.shifted(by).count == frame_range.count
    assert frame_range.shifted(by).shifted(-by) == frame_range


@given(ranges())
def test_json_and_back(frame_range: FrameRange) -> None:
    text = frame_range.model_dump_json()
    assert FrameRange.model_validate_json(text) == frame_range
    assert f'"rate":"{frame_range.rate}"' in text


def test_invalid_ranges() -> None:
    for first, last in ((5, 4), (0, FRAME_LIMIT + 1), (-FRAME_LIMIT - 1, 0)):
        with pytest.raises(ValidationError):
            FrameRange.of(first, last)
    with pytest.raises(ValidationError):
        FrameRange.model_validate({"first": 1, "last": 2, "rate": 24, "step": 2})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (24, Fraction(24)),
        (24.0, Fraction(24)),
        ("25", Fraction(25)),
        (23.976, Fraction(24000, 1001)),
        (23.98, Fraction(24000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        (24000 / 1001, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (47.952, Fraction(48000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (119.88, Fraction(120000, 1001)),
        ("24000/1001", Fraction(24000, 1001)),
        (12.5, Fraction(25, 2)),
        (Fraction(24), Fraction(24)),
    ],
)
def test_rates_are_parsed(given: object, expected: Fraction) -> None:
    assert to_rate(given) == expected


@pytest.mark.parametrize(
    "given", [0, -24, "x", "", "24/0", None, True, [], float("nan"), float("inf"), 2e9, 23.4567891]
)
def test_invalid_rates(given: object) -> None:
    with pytest.raises(ValueError, match=r"rate|must be above"):
        to_rate(given)


@given(RATES)
def test_rates_survive_json(rate: Fraction) -> None:
    class Holder(BaseModel):
        rate: Rate

    assert Holder.model_validate_json(Holder(rate=rate).model_dump_json()).rate == rate
