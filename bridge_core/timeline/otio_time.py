"""Conversion of OTIO's times to exact seconds and back; frames are rounded once, at the end.

OTIO stores times as floating-point values at floating-point rates. Summed up in seconds as
fractions, ten thousand clips do not drift.

Files spell NTSC rates in many ways: 23.976, 23.98, 23.976024627685547 (24000/1001 in 32 bits). At
14 hours of timecode two spellings are up to 200 frames apart, so the spelling is kept
(:class:`Timebase`). Within one spelling, times are counts of frames at the exact rate. Between two
spellings of one rate, whole numbers are counts too; other values were computed from seconds by the
program that wrote them, and are converted through seconds at the rates as spelled, as OTIO's
``rescaled_to`` does.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from bridge_core.models.frames import to_rate
from bridge_core.timeline.document import JsonObject

#: A rate closer to the exact one than this is that rate in 64 bits, not another spelling.
_SAME_RATE_TOLERANCE = Fraction(1, 10**12)
#: A time closer to a frame boundary than this, in frames, is on it: a day of timecode computed in
#: 64 bits is some 10**-9 frames off, and boundaries of real rates are at least 1/1000 apart.
_FRAME_TOLERANCE = Fraction(1, 1_000_000)


class Timebase(NamedTuple):
    """The rate that times are counted at: exact, and as the file spells it."""

    rate: Fraction
    file_rate: Fraction
    is_exact: bool
    """The spelling is the rate itself, as for 24, 25 and 24000/1001 in 64 bits."""
    is_whole_frames: bool = True
    """The time that others are compared with is a whole number of frames."""

    @classmethod
    def from_exact_rate(cls, rate: Fraction) -> Timebase:
        return cls(rate, rate, True)


class TimeSpan(NamedTuple):
    """A half-open range of time, in seconds of its timebase.

    A second of a timebase has as many counts as its exact rate has frames: at a rate spelled
    23.98, the count 86400 is at 3603.6 s, as it is at 24000/1001.
    """

    start: Fraction
    duration: Fraction
    rate: Fraction
    timebase: Timebase
    first_frame: int | None = None
    frame_count: int | None = None
    """Start and duration as counts; None unless both are whole numbers of frames in one spelling of
    the rate, as those of most clips are."""

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


@lru_cache(maxsize=256)
def to_exact_rate(number: float) -> Fraction:
    """The exact rate of a number as files spell it.

    :raises ValueError: not a rate.
    """
    return to_rate(float(number))


def timebase_from_rate(rate_number: float, is_whole_frames: bool = True) -> Timebase:
    """The timebase of a rate as a file spells it; the same object for the same arguments.

    :raises ValueError: not a rate.
    """
    return _cached_timebase(rate_number, is_whole_frames)


@lru_cache(maxsize=256)
def _cached_timebase(rate_number: float, is_whole_frames: bool) -> Timebase:
    rate = to_exact_rate(rate_number)
    file_rate = Fraction(rate_number)
    is_exact = abs(file_rate - rate) < _SAME_RATE_TOLERANCE * rate
    return Timebase(rate, rate if is_exact else file_rate, is_exact, is_whole_frames)


def is_plausible_frame_rate(rate: Fraction) -> bool:
    """Whether a rate is likely a frame rate: 1 usually means seconds, 1000 and more ticks, though
    time lapse and high-speed cameras do run at such rates."""
    return rate.denominator < rate.numerator < 1000 * rate.denominator


def timebase_from_time(time: Any) -> Timebase:
    """The timebase of a ``RationalTime`` that others are compared with.

    :raises ValueError: not a ``RationalTime``, or one without a usable rate.
    """
    try:
        return timebase_from_rate(time["rate"], float(time["value"]).is_integer())
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"{time!r} is not a time") from error


def to_seconds(time: Any) -> Fraction:
    """A ``RationalTime`` in seconds of its own timebase: its value divided by the exact rate.

    :raises ValueError: not a ``RationalTime``, or one without a usable rate.
    """
    try:
        return _to_seconds_and_timebase(time["value"], time["rate"])[0]
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"{time!r} is not a time") from error


@lru_cache(maxsize=2048)
def _to_seconds_and_timebase(value: float, rate: float) -> tuple[Fraction, Timebase]:
    # Cached: a cut repeats the same few lengths and rates.
    timebase = timebase_from_rate(rate)
    exact_rate = timebase.rate
    if isinstance(value, float) and value.is_integer():
        # One fraction instead of two and a division: most times are whole numbers.
        return Fraction(int(value) * exact_rate.denominator, exact_rate.numerator), timebase
    return Fraction(value) / exact_rate, timebase


def convert_timebase(time: Fraction, source: Timebase, target: Timebase) -> Fraction:
    """Convert seconds of one timebase to seconds of another.

    A whole number of frames at another spelling of the same rate stays that number; everything
    else is converted through the rates as spelled.
    """
    if (source.is_exact and target.is_exact) or source.file_rate == target.file_rate:
        return time
    may_be_count = source.rate == target.rate and target.is_whole_frames
    if may_be_count and (time * source.rate).denominator == 1:
        return time
    return time * source.rate / source.file_rate * target.file_rate / target.rate


def read_time_range(time_range: Any) -> TimeSpan | None:
    """A ``TimeRange`` in seconds of its own timebase; None for None.

    :raises ValueError: the range is damaged.
    """
    if time_range is None:
        return None
    try:
        start, duration = time_range["start_time"], time_range["duration"]
        return _time_span(start["value"], start["rate"], duration["value"], duration["rate"])
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"{time_range!r} is not a range of time") from error


@lru_cache(maxsize=2048)
def _time_span(start: float, start_rate: float, duration: float, rate: float) -> TimeSpan:
    # Cached: a cut repeats the same few ranges.
    first, start_timebase = _to_seconds_and_timebase(start, start_rate)
    length, timebase = _to_seconds_and_timebase(duration, rate)
    if start_timebase is not timebase:
        first = convert_timebase(first, start_timebase, timebase)
    elif float(start).is_integer() and float(duration).is_integer():
        return TimeSpan(first, length, timebase.rate, timebase, int(start), int(duration))
    return TimeSpan(first, length, timebase.rate, timebase)


def nearest_frame(time: Fraction, rate: Fraction) -> int:
    """The nearest frame boundary; halves round up, so that adjacent clips stay adjacent."""
    # floor(time * rate + 1/2) in integers: this runs several times for every clip.
    value = time.numerator * rate.numerator
    divisor = time.denominator * rate.denominator
    return (2 * value + divisor) // (2 * divisor)


def frame_at_time(time: Fraction, rate: Fraction) -> int:
    """The frame that shows at a time, rounded down as by OTIO's ``to_frames``.

    A time that misses a frame boundary by rounding errors only is on it.
    """
    value = time.numerator * rate.numerator
    divisor = time.denominator * rate.denominator
    frame, rest = divmod(value, divisor)
    return frame + 1 if (divisor - rest) * _FRAME_TOLERANCE.denominator < divisor else frame


def whole_frames(time: Fraction, rate: Fraction) -> int | None:
    """A time as a whole number of frames; None if it is none."""
    frames, rest = divmod(time.numerator * rate.numerator, time.denominator * rate.denominator)
    return None if rest else frames


def to_rational_time(value: Fraction, rate: Fraction | float) -> JsonObject:
    """``value`` frames at ``rate`` as a ``RationalTime``."""
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(value)}


def to_time_range(start: Fraction, duration: Fraction, rate: Fraction) -> JsonObject:
    """Seconds as a ``TimeRange``, counted at ``rate``."""
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "duration": to_rational_time(duration * rate, rate),
        "start_time": to_rational_time(start * rate, rate),
    }
