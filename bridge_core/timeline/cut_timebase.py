"""The timebase of a cut: what its times are counted in."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from bridge_core.timeline.document import (
    Document,
    JsonObject,
    get_children,
    plate_reference,
)
from bridge_core.timeline.flatten import FlatItem, PlacedClip
from bridge_core.timeline.otio_time import (
    Timebase,
    convert_timebase,
    is_plausible_frame_rate,
    nearest_frame,
    read_time_range,
    timebase_from_rate,
    timebase_from_time,
    to_seconds,
)


def guess_timebase(document: Document) -> Timebase | None:
    """The timebase that :func:`find_timebase` finds if all ranges of the timeline have it, without
    looking at all of them; None if it cannot be told."""
    timeline = document.timeline
    try:
        start = timeline.get("global_start_time")
        if start is not None:
            guess = timebase_from_time(start)
        else:
            tracks = get_children(timeline.get("tracks"))
            items = (item for track in tracks for item in get_children(track))
            source_ranges = (item.get("source_range") for item in items if isinstance(item, dict))
            first = read_time_range(next(filter(None, source_ranges), None))
            if first is None:
                return None
            guess = first.timebase
    except ValueError:
        return None
    return guess if is_plausible_frame_rate(guess.rate) else None


def find_timebase(document: Document, items: Sequence[FlatItem]) -> Timebase:
    """The timebase of the timeline's global start, else that of most of its clips.

    Timebases in seconds, milliseconds or ticks are used only if nothing counts in frames.
    """
    if document.source.rate is not None:
        return Timebase.from_exact_rate(document.source.rate)
    clips = [item for item in items if isinstance(item, PlacedClip)]
    candidates: list[Timebase] = []
    start = document.timeline.get("global_start_time")
    if isinstance(start, dict):
        with contextlib.suppress(ValueError):
            candidates.append(timebase_from_time(start))
    # Counted as floats: hashing a fraction takes longer than reading the clip.
    counts_by_rate = Counter(float(item.source_range.timebase.file_rate) for item in clips)
    candidates += [timebase_from_rate(rate) for rate, _ in counts_by_rate.most_common()]
    for timebase in candidates:
        if is_plausible_frame_rate(timebase.rate):
            return timebase
    rates = Counter(rate for item in clips if (rate := _media_rate(item.clip)) is not None)
    candidates = [timebase_from_rate(rate) for rate, _ in rates.most_common(1)] + candidates
    return candidates[0] if candidates else Timebase.from_exact_rate(Fraction(24))


def read_global_start(document: Document, timebase: Timebase) -> tuple[int, str]:
    """The number of the first frame, and a problem message if it cannot be read."""
    start = document.timeline.get("global_start_time")
    if start is None:
        return 0, ""
    try:
        time = convert_timebase(to_seconds(start), timebase_from_time(start), timebase)
        return nearest_frame(time, timebase.rate), ""
    except ValueError as error:
        return 0, f"its global start time cannot be read; the cut starts at 0: {error}"


def _media_rate(clip: JsonObject) -> float | None:
    """The frame rate of a clip's media; None if the file does not give a plausible one."""
    reference = plate_reference(clip)
    available = reference.get("available_range") if isinstance(reference, dict) else None
    for node in (reference, (available or {}).get("duration")):
        rate = node.get("rate") if isinstance(node, dict) else None
        with contextlib.suppress(ValueError, OverflowError, TypeError):
            if rate is not None and is_plausible_frame_rate(timebase_from_rate(float(rate)).rate):
                return float(rate)
    return None
