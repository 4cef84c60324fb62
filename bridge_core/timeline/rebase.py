"""Rebase a clip's times to the origin that the reader of an export uses."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from bridge_core.models.media import MOVIE_EXTENSIONS, file_extension
from bridge_core.timeline.document import JsonObject, get_list, shotbridge_metadata
from bridge_core.timeline.export_profiles import RangeOrigin
from bridge_core.timeline.media_times import MediaTimes, rebase_time


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
    if file_extension(str(active_reference.get("target_url") or "")) in MOVIE_EXTENSIONS:
        # Our movies have a timecode only if their plate has one; otherwise readers count them from
        # their first frame. Other movies already count from their timecode, or from 0, in the cut.
        available = active_reference.get("available_range")
        if (
            "version" in shotbridge_metadata(active_reference)
            and media.start_timecode is None
            and available
        ):
            _shift_ranges(clip, [active_reference], available["start_time"], Fraction(0))
        return
    if file_extension(media.path) in MOVIE_EXTENSIONS:
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
