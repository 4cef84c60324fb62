"""Times of a clip's media in the timebase of its reference, with the rate spelled as there.

At 14 hours of timecode, 23.976 and 24000/1001 are a frame apart, 23.98 and 24000/1001 two hundred:
a version written beside a plate has to count exactly as the plate does, or readers show other
frames.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

from bridge_core.timeline.document import JsonObject
from bridge_core.timeline.media_reference_reader import SourceMedia
from bridge_core.timeline.otio_time import to_exact_rate, to_rational_time


class MediaTimes(NamedTuple):
    """Times of the frames of ``media`` in the reference that it was read from."""

    media: SourceMedia
    start: JsonObject | None
    """Start of the reference's available range (a RationalTime); None if it has none."""
    rate: float
    """Frames per second, as the file spells it."""

    @classmethod
    def from_reference(
        cls, media: SourceMedia, reference: Any, source_range: Any = None
    ) -> MediaTimes:
        """``source_range`` is the clip's; its rate is used if the reference has none.

        :raises ValueError: a rate in the file is not a rate.
        """
        available = reference.get("available_range")
        rates = [reference.get("rate")]
        for time_range in filter(None, (available, source_range)):
            rates += [time_range["duration"]["rate"], time_range["start_time"]["rate"]]
        matching_rates = (rate for rate in rates if rate and to_exact_rate(rate) == media.rate)
        start = available["start_time"] if available else None
        return cls(media, start, float(next(matching_rates, media.rate)))

    def time_at(self, frame: int) -> JsonObject:
        """The RationalTime at which a frame starts, by the plate's frame numbers."""
        if self.start is None:
            return to_rational_time(self.media.time_of(frame) * self.media.rate, self.rate)
        # As OTIO computes it: frames at this rate after the reference's start.
        rate = self.start["rate"]
        later = self._frame_length(frame - self.media.first_frame, rate)
        return to_rational_time(Fraction(self.start["value"]) + later, rate)

    def time_range(self, first: int, count: int) -> JsonObject:
        """The TimeRange of ``count`` frames, starting with ``first``."""
        start = self.time_at(first)
        duration = to_rational_time(self._frame_length(count, start["rate"]), start["rate"])
        return {"OTIO_SCHEMA": "TimeRange.1", "start_time": start, "duration": duration}

    def nearest_frame(self, time: JsonObject) -> int:
        """The frame that starts nearest to a time of the clip, by the plate's frame numbers."""
        start = self.time_at(self.media.first_frame)
        offset = rebase_time(time, start, Fraction(0))
        count = Fraction(offset["value"]) * Fraction(self.rate) / Fraction(offset["rate"])
        return self.media.first_frame + math.floor(count + Fraction(1, 2))

    def _frame_length(self, count: int, rate: float) -> Fraction:
        return count * Fraction(rate) / Fraction(self.rate)


def rebase_time(time: JsonObject, start: JsonObject, new_start: Fraction) -> JsonObject:
    """A time of a clip after its media's ``start`` was moved to ``new_start``, at the start's rate.

    Whole numbers at two spellings of one rate are counts: they move by whole frames and take the
    start's spelling.
    """
    offset = new_start - Fraction(start["value"])
    rate, value = time["rate"], Fraction(time["value"])
    if rate == start["rate"]:
        return to_rational_time(value + offset, rate)
    is_whole_frames = value.denominator == Fraction(start["value"]).denominator == 1
    if is_whole_frames and to_exact_rate(rate) == to_exact_rate(start["rate"]):
        return to_rational_time(value + offset, start["rate"])
    return to_rational_time(value + offset * Fraction(rate) / Fraction(start["rate"]), rate)


def exceeds_media(source_range: Any, available: Any) -> bool:
    """Whether a clip's source range goes beyond its media, by more than half a frame of the media;
    smaller differences are rounding errors."""
    if source_range is None or available is None:
        return False
    rate = Fraction(available["duration"]["rate"])
    low, high = _range_bounds(source_range, available["start_time"])
    first, last = _range_bounds(available, available["start_time"])
    return (first - low) * rate > Fraction(1, 2) or (high - last) * rate > Fraction(1, 2)


def _range_bounds(range_: JsonObject, start: JsonObject) -> tuple[Fraction, Fraction]:
    """Start and end of a range in seconds after ``start``."""
    time, length = range_["start_time"], range_["duration"]
    first = rebase_time(time, start, Fraction(0))
    low = Fraction(first["value"]) / Fraction(first["rate"])
    return low, low + Fraction(length["value"]) / Fraction(length["rate"])
