"""OTIO's times as exact seconds, and back; frames only at the end, rounded once.

OTIO keeps times as floating-point values at floating-point rates. Added up in seconds as
fractions, ten thousand clips drift by nothing.

Files spell NTSC rates in many ways: 23.976, 23.98, 23.976024627685547 (24000/1001 in 32 bits). At
14 hours of timecode one of them is up to 200 frames away from another, so a spelling is kept
(:class:`Clock`). Within one spelling times are counts, and seconds are counts at the exact rate.
Between two spellings of one rate whole numbers are counts too; other values were computed from
seconds by the program that wrote them, and are read back through seconds at the rates as they are
spelled, which is what OTIO's ``rescaled_to`` does.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from bridge_core.models.frames import to_rate
from bridge_core.timeline.document import Json

#: A rate that differs from the exact one by less is that rate in 64 bits, not another spelling.
_SAME = Fraction(1, 10**12)
#: A frame boundary that a time misses by less, in frames, is meant: a day of timecode computed in
#: 64 bits is some 10**-9 frames off, and real rates meet no closer than a thousandth.
NOISE = Fraction(1, 1_000_000)


class Clock(NamedTuple):
    """What times are counted by: the exact rate, and the rate as the file spells it."""

    rate: Fraction
    spelled: Fraction
    exact: bool
    """The spelling is the rate itself, as of 24, 25 and 24000/1001 in 64 bits."""
    whole: bool = True
    """The time that others are compared with is a whole number of frames."""

    @classmethod
    def of(cls, rate: Fraction) -> Clock:
        """The clock of an exact rate."""
        return cls(rate, rate, True)


class Span(NamedTuple):
    """A stretch of time, half-open, in seconds of the clock at which it was counted.

    A second of a clock is as many counts as its exact rate has frames: at 23.98, spelled so, the
    count 86400 stands at 3603.6 s, as it does at 24000/1001.
    """

    start: Fraction
    duration: Fraction
    rate: Fraction
    clock: Clock

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


@lru_cache(maxsize=256)
def rate_of(number: float) -> Fraction:
    """:raises ValueError: not a rate."""
    return to_rate(float(number))


@lru_cache(maxsize=256)
def clock_of(number: float, whole: bool = True) -> Clock:
    """The clock of a rate as a file spells it.

    :raises ValueError: not a rate.
    """
    rate = rate_of(number)
    spelled = Fraction(number)
    exact = abs(spelled - rate) < _SAME * rate
    return Clock(rate, rate if exact else spelled, exact, whole)


def clock_at(time: Any) -> Clock:
    """The clock of a ``RationalTime`` that others are compared with.

    :raises ValueError: it is not one, or has no usable rate.
    """
    try:
        return clock_of(time["rate"], float(time["value"]).is_integer())
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"{time!r} is not a time") from error


def seconds(time: Any) -> Fraction:
    """A ``RationalTime`` in seconds of its own clock: its value by the exact rate.

    :raises ValueError: it is not one, or has no usable rate.
    """
    try:
        return _counted(time["value"], time["rate"])[0]
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"{time!r} is not a time") from error


@lru_cache(maxsize=16384)
def _counted(value: float, rate: float) -> tuple[Fraction, Clock]:
    # A cut says the same few lengths and rates over and over.
    own = clock_of(rate)
    return Fraction(value) / own.rate, own


def in_clock(time: Fraction, own: Clock, other: Clock) -> Fraction:
    """Seconds of one clock as seconds of another.

    A whole number of frames at another spelling of the same rate stays that number; everything
    else goes through the rates as they are spelled.
    """
    if (own.exact and other.exact) or own.spelled == other.spelled:
        return time
    if own.rate == other.rate and other.whole and (time * own.rate).denominator == 1:
        return time
    return time * own.rate / own.spelled * other.spelled / other.rate


def span(time_range: Any) -> Span | None:
    """A ``TimeRange``, in seconds of its own clock; None where there is none.

    :raises ValueError: damaged.
    """
    if time_range is None:
        return None
    try:
        start, duration = time_range["start_time"], time_range["duration"]
        first, starts = _counted(start["value"], start["rate"])
        length, own = _counted(duration["value"], duration["rate"])
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"{time_range!r} is not a range of time") from error
    return Span(first if starts is own else in_clock(first, starts, own), length, own.rate, own)


def frames(time: Fraction, rate: Fraction) -> int:
    """The nearest frame boundary; halves go up, so that neighbours stay neighbours."""
    # floor(time * rate + 1/2) in whole numbers: this runs several times for every clip.
    value = time.numerator * rate.numerator
    parts = time.denominator * rate.denominator
    return (2 * value + parts) // (2 * parts)


def frame_shown(time: Fraction, rate: Fraction) -> int:
    """The frame that is showing: the one whose time it is, as OTIO's ``to_frames`` has it.

    A boundary that is missed by noise counts as reached.
    """
    value = time.numerator * rate.numerator
    parts = time.denominator * rate.denominator
    frame, rest = divmod(value, parts)
    return frame + 1 if (parts - rest) * NOISE.denominator < parts else frame


def rational_time(value: Fraction, rate: Fraction, clock: Clock | None = None) -> Json:
    """``value`` frames at ``rate`` as OTIO writes them; the rate as ``clock`` spells it."""
    spelled = clock.spelled if clock is not None else rate
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(spelled), "value": float(value)}


def time_range(
    start: Fraction, duration: Fraction, rate: Fraction, clock: Clock | None = None
) -> Json:
    """Seconds as OTIO writes them, counted at ``rate``.

    With ``clock``, whose rate has to be ``rate``, they are seconds of that clock and the rate is
    spelled as there: ``time_range(media.time_of(frame), length, media.clock.rate, media.clock)``
    stands in the same place as the media's own range.
    """
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "duration": rational_time(duration * rate, rate, clock),
        "start_time": rational_time(start * rate, rate, clock),
    }
