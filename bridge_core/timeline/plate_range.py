"""Which frames of a plate a clip of a cut shows."""

from __future__ import annotations

import math
from fractions import Fraction

from bridge_core.models.frames import FrameRange, Retime
from bridge_core.timeline.clock import Clock, frame_shown, frames, in_clock
from bridge_core.timeline.cut import ProblemKind
from bridge_core.timeline.layout import Placed
from bridge_core.timeline.references import Media, Unfit

#: Less of a frame than this, at a clip's end, is left over from computing its length.
_SLIVER = Fraction(1, 100)
_ZERO = Fraction(0)
_ONE = Fraction(1)


def frames_shown(
    placed: Placed,
    media: Media,
    retime: Retime,
    in_point: Fraction,
    record: FrameRange,
    clock: Clock,
) -> tuple[tuple[int, int], Fraction]:
    """First and last plate frame that the clip shows, both included, and the shot's phase.

    The clip shows what stands there at each of its own frames, as OTIO's ``frame_for_time`` of
    its first and of its ``end_time_inclusive``, and at each of the record's. ``in_point`` is
    where its range starts, in seconds of the media's clock after the media's start; ``clock`` is
    the cut's.

    :raises Unfit: a nest trims into a speed ramp.
    """
    if media.still:
        return (media.first, media.first), _ZERO
    source, rate = placed.source, media.rate
    if retime.identity and source.clock == media.clock == clock:
        begin = (in_point + placed.skipped if placed.skipped else in_point) * rate
        count = placed.duration * rate
        if begin.denominator == count.denominator == 1:
            # Most clips of most cuts: what follows comes to the same, and takes its time.
            first = media.first + begin.numerator
            return (first, first + max(0, count.numerator - 1)), _ZERO
    skipped = in_clock(placed.skipped, clock, source.clock)
    length = in_clock(placed.duration, clock, source.clock)
    count = length * source.rate
    if source.rate == rate:  # a length that was computed from frames of the media means those
        count = min(count, in_clock(length, source.clock, media.clock) * rate)
    until = max(0, math.ceil(count - _SLIVER) - 1) / source.rate
    if clock.rate != source.rate:
        recorded = (record.count - 1) / clock.rate
        until = max(until, in_clock(recorded, clock, source.clock))
    begin = in_point * rate
    if retime.keys:
        if skipped:
            raise Unfit(
                ProblemKind.RETIME,
                "a nested sequence trims into its speed ramp",
                "flatten the nested sequence in the host and export again",
            )
        low, high = retime.source_span(max(1, frames(placed.duration, rate)))
        first = media.first + frame_shown(begin, _ONE)
        return (first + low, first + high), _ZERO

    def media_frames(time: Fraction) -> Fraction:
        """A length of the clip's own clock, in media frames."""
        return in_clock(time, source.clock, media.clock) * rate

    speed = abs(retime.speed)
    if retime.speed < 0:
        # The source range names the earliest frame, which is shown last.
        step = 1 / max(source.rate, clock.rate)
        earliest = begin
        end = begin + media_frames(max(_ZERO, source.duration - skipped - step)) * speed
        begin = max(earliest, end - media_frames(until) * speed)
    else:
        begin += media_frames(skipped) * speed
        end = begin + media_frames(until) * speed
    first, last = media.first + frame_shown(begin, _ONE), media.first + frame_shown(end, _ONE)
    start = end - (last - media.first) if retime.speed < 0 else begin - (first - media.first)
    return (first, last), max(_ZERO, start).limit_denominator(1_000_000)


def remapped_in_point(
    in_point: Fraction, duration: Fraction, media: Media, speed: Fraction
) -> Fraction:
    """Where the range of a clip under FCP's Time Remap starts in its media, in seconds.

    In and out count frames of the remapped media: slower, it is longer; reversed, it starts with
    the media's end.

    :raises Unfit: reversed, and the file does not say where the media ends.
    """
    if speed >= 0:
        return in_point * speed
    if media.length is None:
        raise Unfit(
            ProblemKind.RETIME,
            "it runs backwards from the end of its media, and the file does not say where that is",
            "relink the clip in the host and export again",
        )
    return media.length / media.rate - (in_point + duration) * -speed


def plate_and_cut_range(
    media: Media, shown: tuple[int, int], record: FrameRange
) -> tuple[FrameRange, FrameRange]:
    """Plate and cut range in plate frames.

    :raises Unfit: the cut shows frames that the media does not have.
    """
    first, last = shown[0], max(shown)
    rate = media.rate
    if media.length is None:
        plate = FrameRange(first=min(first, media.first), last=last, rate=rate)
        return plate, FrameRange(first=first, last=last, rate=rate)
    if media.length < 1:
        raise Unfit(ProblemKind.EMPTY, "its media holds no frame", "relink the clip in the host")
    plate = FrameRange(first=media.first, last=media.first + media.length - 1, rate=rate)
    # At another rate than the timeline's, the last frame shown may be the one after the end.
    slack = 1 if rate != record.rate else 0
    if first >= plate.first - slack and last <= plate.last + slack:
        first, last = max(first, plate.first), min(last, plate.last)
    if not first <= last or first < plate.first or last > plate.last:
        raise Unfit(
            ProblemKind.OUTSIDE,
            f"the cut shows frames {shown[0]}-{shown[1]}, its media holds {plate}",
            "relink the clip to the whole media, or trim it in the host, and export again",
        )
    return plate, FrameRange(first=first, last=last, rate=rate)
