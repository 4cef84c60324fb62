"""A clip's times, counted from where the reader of an export counts them."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from bridge_core.models.media import MOVIES, ending_of
from bridge_core.timeline.document import Json, listed, ours
from bridge_core.timeline.media_times import MediaTimes, moved
from bridge_core.timeline.profiles import Origin


def recount(
    clip: Json, times: MediaTimes, references: Iterable[Any], active: Any, origin: Origin
) -> None:
    """Count a clip, its markers and its media ``references`` from ``origin``.

    ``times`` are the plate's, ``active`` is the reference that the reader will get.
    """
    media = times.media
    if origin is Origin.MEDIA or media.still:
        return
    if ending_of(str(active.get("target_url") or "")) in MOVIES:
        # A movie of ours has a timecode only where its plate has one. Without, readers count it
        # from its first frame; any other counts from its own timecode, or from 0, in the cut too.
        available = active.get("available_range")
        if "version" in ours(active) and media.start_timecode is None and available:
            _move(clip, [active], available["start_time"], Fraction(0))
        return
    if ending_of(media.path) in MOVIES:
        return  # frames of a movie are numbered as the movie counts
    if origin is Origin.TIMECODE and media.start_timecode is not None:
        return
    start = times.at(media.first)
    first = media.first * Fraction(start["rate"]) / Fraction(times.rate)
    _move(clip, references, start, first)


def _move(clip: Json, references: Iterable[Any], start: Json, to: Fraction) -> None:
    ranges = [clip.get("source_range")]
    ranges += [reference.get("available_range") for reference in references]
    ranges += [marker.get("marked_range") for marker in listed(clip, "markers")]
    for one in ranges:
        if one is not None:
            one["start_time"] = moved(one["start_time"], start, to)
