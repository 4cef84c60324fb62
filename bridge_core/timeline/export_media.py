"""A clip's media as the reader of an export needs it: names of sequences, origin of times."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, NamedTuple

from bridge_core.models.media import (
    FRAME_NUMBER_PATTERN,
    frame_path,
    is_movie,
)
from bridge_core.timeline.document import JsonObject, get_list, shotbridge_metadata
from bridge_core.timeline.export_profiles import RangeOrigin
from bridge_core.timeline.media_reference_builder import image_sequence_reference, reference_fields
from bridge_core.timeline.media_times import MediaTimes, rebase_time


class ImageSequence(NamedTuple):
    """An image sequence: its pattern (``%04d``), first frame, and length if known."""

    pattern: str
    first_frame: int
    length: int | None
    times: MediaTimes | None
    """None for an image sequence reference, which does not need it."""


def to_sequence_reference(reference: JsonObject, sequence: ImageSequence) -> JsonObject:
    if sequence.times is None:
        return reference
    fields = reference_fields(reference)
    if fields["available_range"] is None and sequence.length is not None:
        fields["available_range"] = sequence.times.time_range(sequence.first_frame, sequence.length)
    url = reference["target_url"]
    base = url[: max(url.rfind("/"), url.rfind("\\")) + 1]
    name = sequence.pattern.replace("\\", "/").rpartition("/")[2]
    return image_sequence_reference(base, name, sequence.first_frame, sequence.times.rate, fields)


def bracket_pattern(sequence: ImageSequence) -> str:
    """``plate.[1001-1100].exr``; the first file if the last frame is not known."""
    if sequence.length is None:
        return frame_path(sequence.pattern, sequence.first_frame)
    folder, slash, name = sequence.pattern.rpartition("/")
    number = FRAME_NUMBER_PATTERN.search(name)
    assert number is not None
    padding = int(number[1] or 0)
    last = sequence.first_frame + sequence.length - 1
    numbers = f"[{sequence.first_frame:0{padding}d}-{last:0{padding}d}]"
    return folder + slash + name[: number.start()] + numbers + name[number.end() :]


def rebase_clip(
    clip: JsonObject,
    times: MediaTimes,
    media_references: Iterable[Any],
    active_reference: Any,
    origin: RangeOrigin,
) -> None:
    """Make a clip, its markers and its ``media_references`` count from ``origin``.

    ``times`` are the plate's, ``active_reference`` is the one that the reader gets.
    """
    media = times.media
    if origin is RangeOrigin.UNCHANGED or media.is_still:
        return
    if is_movie(str(active_reference.get("target_url") or "")):
        # Our movies have a timecode only if their plate has one; otherwise readers count them from
        # their first frame. Other movies already count from their timecode, or from 0, in the cut.
        available = active_reference.get("available_range")
        is_version = "version" in shotbridge_metadata(active_reference)
        if is_version and media.start_timecode is None and available:
            _shift_ranges(clip, [active_reference], available["start_time"], Fraction(0))
        return
    if is_movie(media.path):
        return  # a movie's frame numbers are its own times
    if origin is RangeOrigin.TIMECODE and media.start_timecode is not None:
        return
    start = times.time_at(media.first_frame)
    new_start = media.first_frame * Fraction(start["rate"]) / Fraction(times.rate)
    _shift_ranges(clip, media_references, start, new_start)


def _shift_ranges(
    clip: JsonObject, media_references: Iterable[Any], start: JsonObject, new_start: Fraction
) -> None:
    ranges = [clip.get("source_range")]
    ranges += [reference.get("available_range") for reference in media_references]
    ranges += [marker.get("marked_range") for marker in get_list(clip, "markers")]
    for time_range in ranges:
        if time_range is not None:
            time_range["start_time"] = rebase_time(time_range["start_time"], start, new_start)
