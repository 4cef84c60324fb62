"""Flatten a timeline: every clip's position, through tracks, gaps, transitions and nests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from bridge_core.system.pacing import paced
from bridge_core.timeline.cut import EXPORT_AGAIN, ProblemKind
from bridge_core.timeline.document import (
    MAX_DEPTH,
    Document,
    JsonObject,
    contains_clips,
    get_children,
    is_annotation_track,
    item_name,
    media_references,
    schema_name,
    shotbridge_metadata,
    track_kind,
)
from bridge_core.timeline.otio_time import (
    Timebase,
    TimeSpan,
    convert_timebase,
    read_time_range,
    timebase_from_time,
    to_seconds,
)
from bridge_core.timeline.retimes import time_effects

_ZERO = Fraction(0)
#: For empty nests.
_DEFAULT_TIMEBASE = Timebase.from_exact_rate(Fraction(24))
_COMPOSITIONS = frozenset({"Stack", "Track"})
#: Items that cannot contain themselves.
_LEAVES = frozenset({"Clip", "Gap", "Transition"})


class PlacedClip(NamedTuple):
    """A clip and its position in the cut; times are in seconds of the cut's timebase.

    ``start`` counts from the timeline's first frame, as does ``end``. ``trimmed`` is what a nest
    around the clip cuts off at its start, ``duration`` what remains of it. Transitions show
    ``head`` and ``tail`` beyond that. ``source_range`` is the clip's whole range, in seconds of its
    own timebase.
    """

    clip: JsonObject
    track: str
    start: Fraction
    end: Fraction
    duration: Fraction
    source_range: TimeSpan
    trimmed: Fraction
    head: Fraction
    tail: Fraction

    @property
    def name(self) -> str:
        return item_name(self.clip)


@dataclass(frozen=True, slots=True)
class SkippedItem:
    """An item that cannot become a shot, and why."""

    kind: ProblemKind
    message: str
    next_step: str
    name: str
    track: str
    start: Fraction | None = None
    duration: Fraction = _ZERO


FlatItem = PlacedClip | SkippedItem


@dataclass(frozen=True, slots=True)
class _VisibleRange:
    """The visible part of an item, ``low`` to ``high`` (None: its end), and where it starts."""

    low: Fraction
    high: Fraction | None
    record_start: Fraction

    def trim(self, start: Fraction, duration: Fraction) -> tuple[Fraction, Fraction]:
        """What is cut off at a child's start, and the duration that remains visible."""
        if self is _UNTRIMMED:
            return _ZERO, duration
        first = max(start, self.low)
        last = start + duration if self.high is None else min(start + duration, self.high)
        return first - start, last - first


#: Not nested: most clips of most cuts.
_UNTRIMMED = _VisibleRange(_ZERO, None, _ZERO)


class OtherTimebaseError(Exception):
    """A range has another timebase than was guessed."""


def flatten_timeline(
    document: Document,
    add: Callable[[FlatItem], None],
    timebase: Timebase | None = None,
    *,
    guess: Timebase | None = None,
) -> list[Timebase]:
    """Call ``add`` with every clip on a video track and every skipped item, in order; returns the
    timebases of ranges.

    Time is summed up exactly, once for each track, in seconds of ``timebase``, the cut's own.
    Without it, every range is taken in its own timebase, which is the same where there is only one.
    An item of unknown length counts as empty, and is reported.

    :raises OtherTimebaseError: a range has another timebase than ``guess``.
    """
    flattener = _Flattener(document, add, timebase, guess)
    flattener.run()
    return list(flattener.timebases.values())


class _Flattener:
    def __init__(
        self,
        document: Document,
        add: Callable[[FlatItem], None],
        timebase: Timebase | None,
        guess: Timebase | None,
    ) -> None:
        self._document, self._add_item = document, add
        self._timebase, self._guess = timebase, guess
        self._ancestors: list[int] = []
        self._count = 0
        """Number of added items."""
        self.timebases: dict[int, Timebase] = {}

    def run(self) -> None:
        tracks = self._dereference(self._document.timeline.get("tracks"))
        if not isinstance(tracks, dict):
            self._skip(ProblemKind.BROKEN, f"the tracks: {tracks}", EXPORT_AGAIN, "", "")
            return
        window = _UNTRIMMED
        try:
            trim = read_time_range(tracks.get("source_range"))
            if trim is not None:
                low = self._to_cut_time(trim.start, trim.timebase)
                length = self._to_cut_time(trim.duration, trim.timebase)
                window = _VisibleRange(low, low + length, _ZERO)
        except ValueError as error:
            message = f"the timeline's own source range cannot be read and is ignored: {error}"
            self._skip(ProblemKind.BROKEN, message, EXPORT_AGAIN, "", "")
        self._flatten_shown(tracks, window, "", _ZERO, _ZERO)

    def _skip(
        self,
        kind: ProblemKind,
        message: str,
        next_step: str,
        name: str,
        track: str,
        start: Fraction | None = None,
        duration: Fraction = _ZERO,
    ) -> None:
        self._add(SkippedItem(kind, message, next_step, name, track, start, duration))

    def _add(self, item: FlatItem) -> None:
        self._count += 1
        self._add_item(item)

    def _flatten_stack(self, stack: JsonObject, window: _VisibleRange, track_name: str) -> None:
        number = 0
        for child in self._children(stack):
            if is_annotation_track(child):
                continue  # repeats the clips of the track below for OpenRV
            kind, name = track_kind(child), item_name(child)
            if kind == "video":
                number += 1
                name = str(shotbridge_metadata(child).get("name") or name or f"V{number}")
                if window is _UNTRIMMED and _is_unmodified(child):
                    self._flatten_composition(child, _UNTRIMMED, track_name or name)
                    continue
                # All children of a stack start with it.
                child_kind = schema_name(child)
                source = self._source_range(child, child_kind)
                end = self._end_of(source, _ZERO)
                self._flatten_item(
                    child, child_kind, source, _ZERO, end, window, track_name or name, _ZERO, _ZERO
                )
            elif kind != "audio" and contains_clips(child):
                message = f"a track of kind {kind!r} is not read; shots come from Video tracks"
                next_step = "to send its clips, make it a Video track in the host"
                self._skip(ProblemKind.UNSUPPORTED, message, next_step, name, track_name or name)

    def _flatten_track(self, track: JsonObject, window: _VisibleRange, track_name: str) -> None:
        children = iter(paced(self._children(track)))
        track_time = _ZERO
        previous: Any = None
        previous_kind, child = "", next(children, None)
        kind = schema_name(child)
        while child is not None:
            following: Any = next(children, None)
            following_kind, head, tail = schema_name(following), _ZERO, _ZERO
            if kind != "Transition":
                if previous_kind == "Transition":
                    head = self._transition_offset(previous, "in_offset")
                if following_kind == "Transition":
                    tail = self._transition_offset(following, "out_offset")
                source = self._source_range(child, kind)
                end = self._end_of(source, track_time)
                self._flatten_item(
                    child, kind, source, track_time, end, window, track_name, head, tail
                )
                track_time = end
            previous, previous_kind, child, kind = child, kind, following, following_kind

    def _end_of(self, source: TimeSpan | str, start: Fraction) -> Fraction:
        """The end of an item that starts at ``start``."""
        if isinstance(source, str):
            return start
        return start + self._to_cut_time(source.duration, source.timebase)

    def _flatten_item(
        self,
        child: Any,
        kind: str,
        source: TimeSpan | str,
        track_time: Fraction,
        track_end: Fraction,
        window: _VisibleRange,
        track_name: str,
        head: Fraction,
        tail: Fraction,
    ) -> None:
        """``track_time`` and ``track_end`` are the item's place in what contains it; ``head`` and
        ``tail`` are what transitions show beyond it."""
        if kind == "Gap":
            return
        start, end = track_time, track_end
        if window is not _UNTRIMMED:
            start = window.record_start + track_time - window.low
        if isinstance(source, str):
            name = item_name(child)
            self._skip(ProblemKind.BROKEN, source, EXPORT_AGAIN, name, track_name, start)
            return
        length = self._to_cut_time(source.duration, source.timebase)
        trimmed, remaining = window.trim(track_time, length)
        if window is not _UNTRIMMED:
            if remaining <= 0 < length:
                return  # trimmed off by the nest around it
            start += trimmed
            end = start + remaining
        if child.get("enabled") is False:
            message = "the clip is disabled" if kind == "Clip" else "the nest is disabled"
            next_step, reason = "to send it, enable it in the host", ProblemKind.DISABLED
        elif kind == "Clip":
            self._add(
                PlacedClip(child, track_name, start, end, remaining, source, trimmed, head, tail)
            )
            return
        elif time_effects(child):
            message = "a nested sequence is retimed as a whole"
            next_step = "retime the clips in it instead, or flatten it, and export again"
            reason = ProblemKind.RETIME
        else:
            low = self._to_cut_time(source.start, source.timebase)
            if kind == "Track" and low + length <= 0:
                # OTIO's EDL reader stores a track's first record time as a negative start of
                # its range, which OTIO reads as an empty track: the track starts that much later.
                inner = _VisibleRange(_ZERO, None, start - low)
            else:
                inner = _VisibleRange(low + trimmed, low + trimmed + remaining, start)
            self._flatten_shown(child, inner, track_name, start, remaining)
            return
        self._skip(reason, message, next_step, item_name(child), track_name, start, remaining)

    def _flatten_shown(
        self,
        nest: JsonObject,
        window: _VisibleRange,
        track_name: str,
        start: Fraction,
        duration: Fraction,
    ) -> None:
        """Add the nest's items; a problem if its source range shows none of its clips."""
        count = self._count
        self._flatten_composition(nest, window, track_name)
        is_empty = self._count == count
        if is_empty and nest.get("source_range") is not None and contains_clips(nest):
            message, name = "its source range shows none of the clips in it", item_name(nest)
            next_step = "correct the range in the host and export the cut again"
            track = track_name or name
            self._skip(ProblemKind.EMPTY, message, next_step, name, track, start, duration)

    def _flatten_composition(
        self, nest: JsonObject, window: _VisibleRange, track_name: str
    ) -> None:
        self._ancestors.append(id(nest))
        if schema_name(nest) == "Track":
            self._flatten_track(nest, window, track_name)
        else:
            self._flatten_stack(nest, window, track_name)
        self._ancestors.pop()

    def _children(self, nest: JsonObject) -> Iterator[Any]:
        """The nest's children, each itself or a message about what is wrong with it."""
        is_too_deep = len(self._ancestors) > MAX_DEPTH
        for child in get_children(nest):
            is_leaf = not is_too_deep and schema_name(child) in _LEAVES
            yield child if is_leaf else self._dereference(child)

    def _dereference(self, child: Any) -> Any:
        """The child itself, or a message about what is wrong with it."""
        try:
            target = self._document.dereference(child)
        except ValueError as error:
            return str(error)
        if id(target) in self._ancestors:
            return "it contains itself"
        if len(self._ancestors) > MAX_DEPTH:
            return f"it is nested more than {MAX_DEPTH} deep"
        return target if isinstance(target, dict) else "it is damaged"

    def _source_range(self, item: Any, kind: str) -> TimeSpan | str:
        """The visible range of an item of a kind, or a message if it is not known."""
        if isinstance(item, str):
            return item
        try:
            source_range = read_time_range(item.get("source_range"))
            if source_range is None and kind == "Clip":
                references, active = media_references(item)
                reference = references.get(active)
                if isinstance(reference, dict):
                    source_range = read_time_range(reference.get("available_range"))
        except ValueError as error:
            return str(error)
        if kind not in _COMPOSITIONS and kind not in ("Clip", "Gap"):
            return f"an item of an unknown kind ({kind or 'none'})"
        if source_range is not None:
            timebase = source_range.timebase
            if timebase is not self._guess:
                if self._guess is not None:
                    raise OtherTimebaseError
                self.timebases[id(timebase)] = timebase
            return source_range
        if kind not in _COMPOSITIONS:
            return "neither the clip nor its media has a range"
        return self._full_range(item)

    def _full_range(self, nest: JsonObject) -> TimeSpan:
        """All of a nest: a track is the sum of its children, a stack its longest child."""
        self._ancestors.append(id(nest))
        children = list(self._children(nest))
        sources = [
            self._source_range(child, kind)
            for child in children
            if (kind := schema_name(child)) != "Transition"
        ]
        self._ancestors.pop()
        ranges = [source for source in sources if isinstance(source, TimeSpan)]
        lengths = [self._to_cut_time(one.duration, one.timebase) for one in ranges]
        if schema_name(nest) == "Track":
            # Transitions at either end extend the track, as in OTIO.
            total = sum(lengths, _ZERO)
            if children and schema_name(children[0]) == "Transition":
                total += self._transition_offset(children[0], "in_offset")
            if children and schema_name(children[-1]) == "Transition":
                total += self._transition_offset(children[-1], "out_offset")
        else:
            total = max(lengths, default=_ZERO)
        timebase = ranges[0].timebase if ranges else _DEFAULT_TIMEBASE
        return TimeSpan(_ZERO, total, timebase.rate, self._timebase or timebase)

    def _to_cut_time(self, time: Fraction, timebase: Timebase) -> Fraction:
        """A time in seconds of the cut's timebase."""
        return time if self._timebase is None else convert_timebase(time, timebase, self._timebase)

    def _transition_offset(self, transition: JsonObject, offset_key: str) -> Fraction:
        """What a transition shows beyond the cut."""
        try:
            time = transition.get(offset_key)
            return max(_ZERO, self._to_cut_time(to_seconds(time), timebase_from_time(time)))
        except ValueError:
            return _ZERO


def _is_unmodified(item: Any) -> bool:
    """Whether a track or stack is neither trimmed, disabled nor retimed."""
    return (
        schema_name(item) in _COMPOSITIONS
        and item.get("source_range") is None
        and item.get("enabled") is not False
        and not time_effects(item)
    )
