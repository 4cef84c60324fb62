"""The plate frames that a clip of a cut shows."""

from __future__ import annotations

import math
from fractions import Fraction

from bridge_core.models.frames import FrameRange, Retime
from bridge_core.timeline.cut import ProblemKind, UnusableClipError
from bridge_core.timeline.flatten import PlacedClip
from bridge_core.timeline.media_reference_reader import SourceMedia
from bridge_core.timeline.otio_time import Timebase, convert_timebase, frame_at_time, nearest_frame

#: A fraction of a frame at a clip's end below this is a rounding error of its length.
_LENGTH_TOLERANCE = Fraction(1, 100)
_ZERO = Fraction(0)
_ONE = Fraction(1)


def shown_plate_frames(
    placed_clip: PlacedClip,
    media: SourceMedia,
    retime: Retime,
    in_point: Fraction,
    record_range: FrameRange,
    timebase: Timebase,
) -> tuple[tuple[int, int], Fraction]:
    """First and last plate frame that the clip shows, both included, and the shot's phase.

    The clip shows the plate frames at the times of its own frames (OTIO's ``frame_for_time`` of
    its start and of its ``end_time_inclusive``), and at those of the record frames. ``in_point``
    is the start of its range in seconds of the media's timebase after the media's start;
    ``timebase`` is the cut's.

    :raises UnusableClipError: a nest trims into a speed ramp.
    """
    if media.is_still:
        return (media.first_frame, media.first_frame), _ZERO
    source, rate = placed_clip.source_range, media.rate
    if retime.is_identity and source.timebase == media.timebase == timebase:
        first_position = in_point * rate
        if placed_clip.trimmed:
            first_position += placed_clip.trimmed * rate
        count = placed_clip.duration * rate
        if first_position.denominator == count.denominator == 1:
            # A fast path for most clips of most cuts; what follows gives the same result.
            first = media.first_frame + first_position.numerator
            return (first, first + max(0, count.numerator - 1)), _ZERO
    trimmed = convert_timebase(placed_clip.trimmed, timebase, source.timebase)
    length = convert_timebase(placed_clip.duration, timebase, source.timebase)
    count = length * source.rate
    if source.rate == rate:  # the length may have been computed from frames of the media
        count = min(count, convert_timebase(length, source.timebase, media.timebase) * rate)
    last_time = max(0, math.ceil(count - _LENGTH_TOLERANCE) - 1) / source.rate
    if timebase.rate != source.rate:
        record_length = (record_range.count - 1) / timebase.rate
        last_time = max(last_time, convert_timebase(record_length, timebase, source.timebase))
    first_position = in_point * rate
    if retime.keys:
        if trimmed:
            message = "a nested sequence trims into its speed ramp"
            next_step = "flatten the nested sequence in the host and export again"
            raise UnusableClipError(ProblemKind.RETIME, message, next_step)
        low, high = retime.source_span(max(1, nearest_frame(placed_clip.duration, rate)))
        first = media.first_frame + frame_at_time(first_position, _ONE)
        return (first + low, first + high), _ZERO

    def to_media_frames(time: Fraction) -> Fraction:
        """A duration in the clip's own timebase as media frames."""
        return convert_timebase(time, source.timebase, media.timebase) * rate

    speed = abs(retime.speed)
    if retime.speed < 0:
        # The source range starts with the earliest frame, which is shown last.
        step = 1 / max(source.rate, timebase.rate)
        shown_length = max(_ZERO, source.duration - trimmed - step)
        last_position = first_position + to_media_frames(shown_length) * speed
        first_position = max(first_position, last_position - to_media_frames(last_time) * speed)
    else:
        first_position += to_media_frames(trimmed) * speed
        last_position = first_position + to_media_frames(last_time) * speed
    first = media.first_frame + frame_at_time(first_position, _ONE)
    last = media.first_frame + frame_at_time(last_position, _ONE)
    position, frame = (last_position, last) if retime.speed < 0 else (first_position, first)
    phase = max(_ZERO, position - (frame - media.first_frame))
    return (first, last), phase.limit_denominator(1_000_000)


def remapped_in_point(
    in_point: Fraction, duration: Fraction, media: SourceMedia, speed: Fraction
) -> Fraction:
    """The start in the media, in seconds, of the range of a clip with FCP's Time Remap.

    In and out points count frames of the remapped media, which is longer if slower, and starts with
    the media's end if reversed.

    :raises UnusableClipError: the clip is reversed, and the media's length is not known.
    """
    if speed >= 0:
        return in_point * speed
    if media.length is None:
        message = "it plays backwards from the end of its media, which the file does not give"
        next_step = "relink the clip in the host and export again"
        raise UnusableClipError(ProblemKind.RETIME, message, next_step)
    return media.length / media.rate - (in_point + duration) * -speed


def plate_and_cut_range(
    media: SourceMedia, shown_frames: tuple[int, int], record_range: FrameRange
) -> tuple[FrameRange, FrameRange]:
    """Plate range and cut range in plate frames.

    :raises UnusableClipError: the cut shows frames that the media does not have.
    """
    first, last = shown_frames[0], max(shown_frames)
    rate = media.rate
    if media.length is None:
        plate = FrameRange(first=min(first, media.first_frame), last=last, rate=rate)
        return plate, FrameRange(first=first, last=last, rate=rate)
    if media.length < 1:
        next_step = "relink the clip in the host"
        raise UnusableClipError(ProblemKind.EMPTY, "its media has no frames", next_step)
    plate = FrameRange.from_half_open(media.first_frame, media.length, rate)
    # If the rates differ, the last frame shown may be the one after the end.
    tolerance = 1 if rate != record_range.rate else 0
    if first >= plate.first - tolerance and last <= plate.last + tolerance:
        first, last = max(first, plate.first), min(last, plate.last)
    if not first <= last or first < plate.first or last > plate.last:
        shown = f"{shown_frames[0]}-{shown_frames[1]}"
        message = f"the cut shows frames {shown}, its media holds {plate}"
        next_step = "relink the clip to the whole media, or trim it in the host, and export again"
        raise UnusableClipError(ProblemKind.OUTSIDE, message, next_step)
    return plate, FrameRange(first=first, last=last, rate=rate)
