"""A clip's times, counted from where the reader of an export counts them."""

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
    """Count a clip, its markers and its media ``references`` from ``origin``.

    ``times`` are the plate's, ``active`` is the reference that the reader will get.
    """
    media = times.media
    if origin is RangeOrigin.UNCHANGED or media.is_still:
        return
    if file_extension(str(active_reference.get("target_url") or "")) in MOVIE_EXTENSIONS:
        # A movie of ours has a timecode only where its plate has one. Without, readers count it
        # from its first frame; any other counts from its own timecode, or from 0, in the cut too.
        available = active_reference.get("available_range")
        if (
            "version" in shotbridge_metadata(active_reference)
            and media.start_timecode is None
            and available
        ):
            _shift_ranges(clip, [active_reference], available["start_time"], Fraction(0))
        return
    if file_extension(media.path) in MOVIE_EXTENSIONS:
        return  # frames of a movie are numbered as the movie counts
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
    for one in ranges:
        if one is not None:
            one["start_time"] = rebase_time(one["start_time"], start, new_start)
