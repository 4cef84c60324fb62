"""Frame ranges as artists count them, at rational rates, with timecode and retimes.

Ranges are inclusive at both ends. OTIO's half-open ranges become such ranges here only
(:meth:`FrameRange.from_half_open`).
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema, model_validator

from bridge_core.models.base import StrictModel

#: SMPTE ST 12-1 writes these rates with two or three decimals; each is N*1000/1001.
_NTSC_RATES = {Fraction(n * 1000, 1001) for n in (12, 15, 24, 30, 48, 60, 96, 120, 240)}
_TIMECODE = re.compile(r"^(\d{2,3}):(\d{2}):(\d{2})([:;.])(\d{2,3})$")

#: Larger frame numbers are mistakes: file formats end at 2**31.
FRAME_LIMIT = 2**31 - 1


def to_rate(value: Any) -> Fraction:
    """A rate in frames per second as an exact fraction.

    Accepts ``24``, ``"24000/1001"``, ``"25"``, and decimals such as ``23.976``, ``23.98`` and
    ``29.97``, which mean the nearest NTSC rate. Floating-point noise is removed: 24.000001 is 24,
    16.666666666666668 is 50/3, 239.76023976023976 is 240000/1001.

    :raises ValueError: not a positive rate, or a decimal that is not near any rate in use.
    """
    if isinstance(value, Fraction):
        rate = value
    elif isinstance(value, float | str):
        rate = _parse_rate(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        rate = Fraction(value)
    else:
        raise ValueError("a rate is a number such as 24, 25 or 24000/1001")
    # Integer arithmetic, because this runs for every range of every shot of a cut.
    if not 0 < rate.numerator <= 1_000_000 * rate.denominator:
        raise ValueError(f"a rate must be above 0 and at most 1000000, not {rate}")
    return rate


def _parse_rate(value: float | str) -> Fraction:
    try:
        exact = _parse_fraction(str(value).strip())
    except (ValueError, ZeroDivisionError):
        message = f"{value!r} is not a rate; write 24, 25 or 24000/1001 frames per second"
        raise ValueError(message) from None
    if exact.denominator == 1 or (isinstance(value, str) and "/" in value):
        return exact
    nearest = min(_NTSC_RATES, key=lambda rate: abs(rate - exact))
    # 23.98, the coarsest spelling in use, is 0.004 away from 24000/1001.
    if abs(nearest - exact) < Fraction(5, 1000):
        return nearest
    # N*1000/1001 in three decimals has a relative error of a millionth, whatever N.
    for simple, noise in ((Fraction(1), 1), (Fraction(1000, 1001), 2)):
        nearest = round(exact / simple) * simple
        if abs(nearest - exact) * 1_000_000 <= noise * exact:
            return nearest
    if exact.denominator <= 1000:
        return exact
    for nearest in (exact.limit_denominator(12), Fraction(round(exact * 1001), 1001)):
        if abs(nearest - exact) * 10_000_000 <= exact:
            return nearest
    message = "is not near any rate in use; write it as a fraction such as 24000/1001"
    raise ValueError(f"{value!r} {message}")


def _parse_fraction(text: str) -> Fraction:
    """Parse without exponents: a few characters of them would fill any memory."""
    if len(text) > 64 or "e" in text.lower():
        raise ValueError("write a number as 24, 0.5 or 24000/1001")
    return Fraction(text)


Rate = Annotated[
    Fraction,
    BeforeValidator(to_rate),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["24", "24000/1001"]}),
]


def _to_fraction(value: Any) -> Any:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a fraction must be a finite number")
        return Fraction(value).limit_denominator(1_000_000)
    if isinstance(value, str):
        try:
            return _parse_fraction(value)
        except ZeroDivisionError:
            raise ValueError("the denominator of a fraction must not be 0") from None
    return value


Ratio = Annotated[
    Fraction,
    BeforeValidator(_to_fraction),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["1", "1/2"]}),
]


class FrameRange(StrictModel):
    """Frames ``first`` to ``last``, both included, at ``rate`` frames per second."""

    first: int
    last: int
    rate: Rate

    @model_validator(mode="after")
    def _validate_order(self) -> Self:
        if self.last < self.first:
            given = f"first {self.first}, last {self.last}"
            raise ValueError(f"a range must have at least one frame: {given}")
        if max(abs(self.first), abs(self.last)) > FRAME_LIMIT:
            raise ValueError(f"frame numbers must be within ±{FRAME_LIMIT}")
        return self

    @classmethod
    def of(cls, first: int, last: int, rate: Any = 24) -> Self:
        return cls(first=first, last=last, rate=to_rate(rate))

    @classmethod
    def from_half_open(cls, start: int, duration: int, rate: Any) -> Self:
        """From a start and a number of frames, as in OTIO."""
        return cls.of(start, start + duration - 1, rate)

    @property
    def count(self) -> int:
        return self.last - self.first + 1

    @property
    def seconds(self) -> Fraction:
        return self.count / self.rate

    def __contains__(self, frame: object) -> bool:
        return isinstance(frame, int) and self.first <= frame <= self.last

    def frames(self) -> range:
        return range(self.first, self.last + 1)

    def contains_range(self, other: FrameRange) -> bool:
        return self.first <= other.first and other.last <= self.last

    def with_handles(self, head: int, tail: int) -> Self:
        """Extend by ``head`` frames before and ``tail`` frames after; negative numbers trim."""
        return self.of(self.first - head, self.last + tail, self.rate)

    def shifted(self, frames: int) -> Self:
        return self.of(self.first + frames, self.last + frames, self.rate)

    def intersection(self, other: FrameRange) -> Self | None:
        """The frames that are in both ranges; None if there are none. Rates are not compared."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return self.of(first, last, self.rate) if first <= last else None

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


def nominal_fps(rate: Fraction) -> int:
    """The number of frames that timecode counts per second: 24 for 24000/1001."""
    return math.ceil(rate)


def supports_drop_frame(rate: Fraction) -> bool:
    """Drop-frame timecode exists for 29.97 and its multiples only (SMPTE ST 12-1)."""
    return rate.denominator == 1001 and nominal_fps(rate) % 30 == 0


def frame_to_timecode(frame: int, rate: Any, *, drop_frame: bool = False) -> str:
    """Timecode of a frame counted from 00:00:00:00; with a semicolon for drop-frame.

    Drop-frame skips the numbers 0 and 1 (of each 30) at the start of every minute that is not a
    multiple of ten; no picture is dropped. Wraps at 24 hours, as on tape.

    :raises ValueError: the rate has no drop-frame timecode.
    """
    fraction = to_rate(rate)
    per_second = nominal_fps(fraction)
    if drop_frame:
        if not supports_drop_frame(fraction):
            raise ValueError(f"there is no drop-frame timecode at {fraction} frames per second")
        drop = per_second // 15
        per_minute = per_second * 60 - drop
        per_ten = per_minute * 10 + drop
        frame %= per_ten * 144
        tens, rest = divmod(frame, per_ten)
        # The first minute of ten keeps all its numbers, so it is longer by ``drop``.
        minutes = max(0, (rest - drop) // per_minute)
        frame += drop * (9 * tens + minutes)
    else:
        frame %= per_second * 86400
    seconds, frames = divmod(frame, per_second)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    separator = ";" if drop_frame else ":"
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{separator}{frames:02d}"


def timecode_to_frame(text: str, rate: Any) -> int:
    """The frame of a timecode, counted from 00:00:00:00; ``;`` or ``.`` means drop-frame.

    :raises ValueError: not a timecode, or one that does not exist at this rate.
    """
    fraction = to_rate(rate)
    match = _TIMECODE.match(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a timecode such as 01:00:00:00")
    hours, minutes, seconds, frames = (int(match[i]) for i in (1, 2, 3, 5))
    per_second = nominal_fps(fraction)
    if hours > 23 or minutes > 59 or seconds > 59 or frames >= per_second:
        raise ValueError(f"{text} does not exist at {fraction} frames per second")
    number = ((hours * 60 + minutes) * 60 + seconds) * per_second + frames
    if match[4] == ":":
        return number
    if not supports_drop_frame(fraction):
        raise ValueError(f"there is no drop-frame timecode at {fraction} frames per second")
    drop = per_second // 15
    if seconds == 0 and frames < drop and minutes % 10:
        raise ValueError(f"{text} is one of the numbers that drop-frame timecode skips")
    total_minutes = hours * 60 + minutes
    return number - drop * (total_minutes - total_minutes // 10)


class RetimeKey(StrictModel):
    """At ``record_offset`` frames into the shot, the source is ``source_offset`` frames in."""

    record_offset: Ratio
    source_offset: Ratio


def _slope(a: RetimeKey, b: RetimeKey) -> Fraction:
    """The speed between two keys."""
    return (b.source_offset - a.source_offset) / (b.record_offset - a.record_offset)


class Retime(StrictModel):
    """Maps the frames of a cut to source frames: a constant speed, or linearly interpolated keys.

    A ``speed`` of 2 is twice as fast, 1/2 slow motion, 0 a freeze frame; negative is backwards.
    """

    speed: Ratio = Fraction(1)
    keys: tuple[RetimeKey, ...] = ()

    @model_validator(mode="after")
    def _validate_keys(self) -> Self:
        offsets = [key.record_offset for key in self.keys]
        if len(offsets) == 1 or any(a >= b for a, b in itertools.pairwise(offsets)):
            order = "in ascending order of record_offset"
            raise ValueError(f"a speed ramp must have at least two keys, {order}")
        return self

    @property
    def is_identity(self) -> bool:
        return not self.keys and self.speed.numerator == self.speed.denominator

    def source_offset(self, record_offset: int) -> int:
        """Source frames after the first, at so many record frames after the shot's first."""
        return math.floor(self._exact_source_offset(Fraction(record_offset)))

    def source_span(self, count: int) -> tuple[int, int]:
        """Lowest and highest source offset, both included, that ``count`` record frames show.

        :raises ValueError: ``count`` is below 1.
        """
        if count < 1:
            raise ValueError("the frame count must be at least one")
        # Between two keys the offsets are monotonic, so the extremes are next to keys.
        turns = {0, count - 1}
        for key in self.keys:
            turns |= {math.floor(key.record_offset), math.ceil(key.record_offset)}
        offsets = [self.source_offset(k) for k in turns if 0 <= k < count]
        return min(offsets), max(offsets)

    def plate_frames(
        self,
        cut_range: FrameRange,
        count: int,
        *,
        rate: Fraction | None = None,
        phase: Fraction = Fraction(0),
    ) -> Iterator[int]:
        """The plate frame at each of the shot's ``count`` record frames.

        ``cut_range`` and ``phase`` are as in :class:`bridge_core.models.shots.Shot`; backwards, the
        first record frame shows the last frame of the range. ``rate`` is the cut's, if it differs
        from the plate's: at 25 frames per second, some frames of a 24 fps plate show twice.
        """
        step = cut_range.rate / rate if rate is not None else Fraction(1)
        if self.keys:
            low, _ = self.source_span(max(1, math.ceil(count * step)))
            start = cut_range.first - low
        else:
            start = cut_range.last if self.speed < 0 else cut_range.first
        for k in range(count):
            shown = start + math.floor(phase + self._exact_source_offset(k * step))
            yield min(max(shown, cut_range.first), cut_range.last)

    @property
    def max_speed(self) -> Fraction:
        """The highest speed, forwards or backwards, as a positive number."""
        if not self.keys:
            return abs(self.speed)
        return max(abs(_slope(a, b)) for a, b in itertools.pairwise(self.keys))

    def _exact_source_offset(self, at: Fraction) -> Fraction:
        if not self.keys:
            return at * self.speed
        pairs = list(itertools.pairwise(self.keys))
        # Outside the keys, extrapolate the nearest segment.
        left, right = next((pair for pair in pairs if at < pair[1].record_offset), pairs[-1])
        return left.source_offset + (at - left.record_offset) * _slope(left, right)
