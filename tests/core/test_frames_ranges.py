"""Ranges and rates: no frame is lost or doubled, whatever the numbering and the rate."""

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
def test_half_open_and_back(start: int, duration: int, rate: Fraction) -> None:
    made = FrameRange.from_half_open(start, duration, rate)
    assert made.start_and_duration() == (start, duration)
    assert list(made.frames()) == list(range(start, start + duration))
    assert made.count == duration
    assert made.first in made
    assert made.last in made
    assert made.last + 1 not in made
    assert made.first - 1 not in made


def test_a_shot_that_starts_at_1001() -> None:
    made = FrameRange.from_half_open(1001, 48, 24)
    assert (made.first, made.last, made.count, made.seconds) == (1001, 1048, 48, 2)
    assert str(made) == "1001-1048"


@given(ranges(), HANDLES, HANDLES)
def test_handles_go_on_and_come_off(made: FrameRange, head: int, tail: int) -> None:
    wide = made.with_handles(head, tail)
    assert (wide.first, wide.last) == (made.first - head, made.last + tail)
    assert wide.count == made.count + head + tail
    assert wide.covers(made)
    assert wide.with_handles(-head, -tail) == made
    assert wide.meet(made) == made


@given(ranges())
def test_trimming_away_everything_is_refused(made: FrameRange) -> None:
    with pytest.raises(ValidationError, match="at least one frame"):
        made.with_handles(-made.count, 0)


@given(ranges(), ranges())
def test_what_two_ranges_share(a: FrameRange, b: FrameRange) -> None:
    shared = set(a.frames()) & set(b.frames())
    met = a.meet(b)
    assert (set(met.frames()) if met else set()) == shared
    assert a.covers(b) == (set(b.frames()) <= set(a.frames()))


@given(ranges(), st.integers(-1000, 1000))
def test_shifting_keeps_the_length(made: FrameRange, by: int) -> None:
    assert made.shifted(by).count == made.count
    assert made.shifted(by).shifted(-by) == made


@given(NUMBERS, COUNTS, COUNTS, RATES, RATES)
def test_neighbours_stay_neighbours_at_another_rate(
    first: int, one: int, two: int, rate: Fraction, new: Fraction
) -> None:
    a = FrameRange.from_half_open(first, one, rate)
    b = FrameRange.from_half_open(first + one, two, rate)
    both = FrameRange.from_half_open(first, one + two, rate).at_rate(new)
    a, b = a.at_rate(new), b.at_rate(new)
    assert a.first == both.first
    if one * new >= rate and two * new >= rate:  # neither is shorter than a new frame
        assert a.last + 1 == b.first
        assert b.last == both.last
        assert a.count + b.count == both.count


@given(ranges(), RATES)
def test_at_another_rate_no_end_moves_by_more_than_half_a_frame(
    made: FrameRange, new: Fraction
) -> None:
    there = made.at_rate(new)
    assert abs(there.first / new - made.first / made.rate) <= Fraction(1, 2) / new
    if made.count * new >= made.rate:
        end = (there.last + 1) / new - (made.last + 1) / made.rate
        assert abs(end) <= Fraction(1, 2) / new
    assert made.at_rate(made.rate) == made


@given(ranges(), st.sampled_from([2, 3, 5]))
def test_a_multiple_of_the_rate_and_back_is_the_same(made: FrameRange, times: int) -> None:
    there = made.at_rate(made.rate * times)
    assert there.count == made.count * times
    assert there.at_rate(made.rate) == made


@given(ranges())
def test_json_and_back(made: FrameRange) -> None:
    text = made.model_dump_json()
    assert FrameRange.model_validate_json(text) == made
    assert f'"rate":"{made.rate}"' in text


def test_ranges_that_are_none() -> None:
    for first, last in ((5, 4), (0, FRAME_LIMIT + 1), (-FRAME_LIMIT - 1, 0)):
        with pytest.raises(ValidationError):
            FrameRange.of(first, last)
    with pytest.raises(ValidationError):
        FrameRange.model_validate({"first": 1, "last": 2, "rate": 24, "step": 2})


@pytest.mark.parametrize(
    ("said", "meant"),
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
def test_rates_are_what_people_mean(said: object, meant: Fraction) -> None:
    assert to_rate(said) == meant


@pytest.mark.parametrize(
    "said", [0, -24, "x", "", "24/0", None, True, [], float("nan"), float("inf"), 2e9, 23.4567891]
)
def test_what_is_no_rate(said: object) -> None:
    with pytest.raises(ValueError, match=r"rate|lies above"):
        to_rate(said)


@given(RATES)
def test_rates_survive_json(rate: Fraction) -> None:
    class Holder(BaseModel):
        rate: Rate

    assert Holder.model_validate_json(Holder(rate=rate).model_dump_json()).rate == rate
