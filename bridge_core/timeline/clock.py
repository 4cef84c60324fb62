"""OTIO's times as exact seconds, and back; frames only at the end, rounded once.

OTIO keeps times as floating-point values at floating-point rates. Added up in seconds as
fractions, ten thousand clips drift by nothing, and 23.976 is 24000/1001 throughout.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from bridge_core.models.frames import to_rate
from bridge_core.timeline.document import Json


class Span(NamedTuple):
    """A stretch of time in seconds, half-open, and the rate at which it was counted."""

    start: Fraction
    duration: Fraction
    rate: Fraction

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


@lru_cache(maxsize=256)
def rate_of(number: float) -> Fraction:
    """:raises ValueError: not a rate."""
    return to_rate(float(number))


def seconds(time: Any) -> Fraction:
    """A ``RationalTime`` in seconds.

    :raises ValueError: it is not one, or has no usable rate.
    """
    try:
        return _seconds(time["value"], time["rate"])
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"{time!r} is not a time") from error


@lru_cache(maxsize=16384)
def _seconds(value: float, rate: float) -> Fraction:
    # A cut says the same few lengths and rates over and over.
    return Fraction(value) / rate_of(rate)


def span(time_range: Any) -> Span | None:
    """A ``TimeRange``; None where there is none.

    :raises ValueError: damaged.
    """
    if time_range is None:
        return None
    try:
        start, duration = time_range["start_time"], time_range["duration"]
        rate = rate_of(duration["rate"])
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"{time_range!r} is not a range of time") from error
    return Span(seconds(start), seconds(duration), rate)


def frames(time: Fraction, rate: Fraction) -> int:
    """The nearest frame boundary; halves go up, so that neighbours stay neighbours."""
    # floor(time * rate + 1/2) in whole numbers: this runs several times for every clip.
    value = time.numerator * rate.numerator
    parts = time.denominator * rate.denominator
    return (2 * value + parts) // (2 * parts)


def rational_time(value: Fraction, rate: Fraction) -> Json:
    """``value`` frames at ``rate`` as OTIO writes them."""
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(value)}


def time_range(start: Fraction, duration: Fraction, rate: Fraction) -> Json:
    """Seconds as OTIO writes them, counted at ``rate``."""
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "duration": rational_time(duration * rate, rate),
        "start_time": rational_time(start * rate, rate),
    }
