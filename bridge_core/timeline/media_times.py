"""Times of a clip's media as its own reference counts them, its rate spelled as it stands there.

At 14 hours of timecode 23.976 and 24000/1001 are a frame apart, 23.98 and 24000/1001 two hundred:
what is written beside a plate has to count exactly as the plate does, or readers see other frames.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from bridge_core.timeline.clock import rate_of
from bridge_core.timeline.document import Json
from bridge_core.timeline.references import Media


class MediaTimes(NamedTuple):
    """Where frames of ``media`` stand in the time of the reference that it was read from."""

    media: Media
    start: Json | None
    """The reference's own first time (OTIO's RationalTime); None where it has no range."""
    rate: float
    """Frames per second, as the file spells it."""

    @classmethod
    def of(cls, media: Media, reference: Any, source_range: Any = None) -> MediaTimes:
        """``source_range`` is the clip's, whose rate counts where the reference names none.

        :raises ValueError: a rate of the file is none.
        """
        available = reference.get("available_range")
        spelled = (
            rate
            for rate in _rates(reference.get("rate"), available, source_range)
            if rate_of(rate) == media.rate
        )
        start = available["start_time"] if available else None
        return cls(media, start, float(next(spelled, media.rate)))

    def at(self, frame: int) -> Json:
        """The RationalTime at which a frame (numbered as the plate's files are) starts."""
        if self.start is None:
            return _time(self.media.time_of(frame) * self.media.rate, self.rate)
        # OTIO's own reckoning, exactly: so many frames of this rate after the reference's start.
        rate = self.start["rate"]
        value = Fraction(self.start["value"]) + self._length(frame - self.media.first, rate)
        return _time(value, rate)

    def range(self, first: int, count: int) -> Json:
        """The TimeRange of ``count`` frames from ``first`` on."""
        start = self.at(first)
        duration = _time(self._length(count, start["rate"]), start["rate"])
        return {"OTIO_SCHEMA": "TimeRange.1", "start_time": start, "duration": duration}

    def frame(self, time: Json) -> int:
        """The frame that starts nearest to a time of the clip, numbered as the files are."""
        start = self.at(self.media.first)
        since = moved(time, start, Fraction(0))
        count = Fraction(since["value"]) * Fraction(self.rate) / Fraction(since["rate"])
        return self.media.first + math.floor(count + Fraction(1, 2))

    def _length(self, count: int, rate: float) -> Fraction:
        return count * Fraction(rate) / Fraction(self.rate)


def moved(time: Json, start: Json, to: Fraction) -> Json:
    """A time of a clip after its media's ``start`` was counted ``to`` (at the start's rate) anew.

    Whole numbers at two spellings of one rate are counts: they move by whole frames and take over
    the start's spelling, which leaves no doubt.
    """
    by = to - Fraction(start["value"])
    rate, value = time["rate"], Fraction(time["value"])
    if rate == start["rate"]:
        return _time(value + by, rate)
    whole = value.denominator == Fraction(start["value"]).denominator == 1
    if whole and rate_of(rate) == rate_of(start["rate"]):
        return _time(value + by, start["rate"])
    return _time(value + by * Fraction(rate) / Fraction(start["rate"]), rate)


def outside(source_range: Any, available: Any) -> bool:
    """Whether a clip's source range names time that its media does not have, to half a frame of
    the media: less than that is arithmetic."""
    if source_range is None or available is None:
        return False
    rate = Fraction(available["duration"]["rate"])
    low, high = _ends(source_range, available["start_time"])
    first, last = _ends(available, available["start_time"])
    return (first - low) * rate > Fraction(1, 2) or (high - last) * rate > Fraction(1, 2)


def _ends(range_: Json, start: Json) -> tuple[Fraction, Fraction]:
    """Start and end in seconds, as far from ``start`` as they are counted."""
    time, length = range_["start_time"], range_["duration"]
    first = moved(time, start, Fraction(0))
    low = Fraction(first["value"]) / Fraction(first["rate"])
    return low, low + Fraction(length["value"]) / Fraction(length["rate"])


def _time(value: Fraction, rate: float) -> Json:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(value)}


def _rates(own: Any, available: Any, source_range: Any) -> Iterator[float]:
    """As they are spelled, the most telling first."""
    if own:
        yield own
    for one in (available, source_range):
        if one:
            yield one["duration"]["rate"]
            yield one["start_time"]["rate"]
