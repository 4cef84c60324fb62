"""Where every clip of a timeline stands: tracks, gaps, transitions and nests, in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from bridge_core.timeline.clock import Clock, Span, clock_at, in_clock, seconds, span
from bridge_core.timeline.cut import ProblemKind
from bridge_core.timeline.document import (
    DEPTH_LIMIT,
    Document,
    Json,
    is_annotation_track,
    listed,
    ours,
    references,
    schema,
)
from bridge_core.timeline.retimes import time_effects

_ZERO = Fraction(0)
#: Of a nest with nothing in it.
_ANY = Clock.of(Fraction(24))
_NESTS = frozenset({"Stack", "Track"})
_EXPORT = "correct it in the host and export the cut again"


@dataclass(frozen=True, slots=True)
class Placed:
    """A clip and the stretch of the cut that it fills; all times in seconds of the cut's clock.

    ``start`` counts from the timeline's first picture. ``skipped`` and ``duration`` are what a nest
    around the clip cuts off first, and what it leaves. ``head`` and ``tail`` are shown beyond it by
    transitions. ``source`` is the clip's whole range, in seconds of its own clock.
    """

    clip: Json
    track: str
    start: Fraction
    duration: Fraction
    source: Span
    skipped: Fraction
    head: Fraction
    tail: Fraction


@dataclass(frozen=True, slots=True)
class Unplaced:
    """An item that is no clip to be sent, and why."""

    kind: ProblemKind
    what: str
    next_step: str
    name: str
    track: str
    start: Fraction | None = None
    duration: Fraction = _ZERO


@dataclass(frozen=True, slots=True)
class _Window:
    """The part ``low`` to ``high`` (None: all) of an item, shown from ``at`` in the cut."""

    low: Fraction
    high: Fraction | None
    at: Fraction

    def clip(self, start: Fraction, duration: Fraction) -> tuple[Fraction, Fraction]:
        """What can be seen of a child: its part that is cut off first, and what remains."""
        if self is _WHOLE:
            return _ZERO, duration
        first = max(start, self.low)
        last = start + duration if self.high is None else min(start + duration, self.high)
        return first - start, last - first


#: No nest around: most clips of most cuts.
_WHOLE = _Window(_ZERO, None, _ZERO)


def lay_out(
    document: Document, clock: Clock | None = None
) -> tuple[list[Placed | Unplaced], list[Clock]]:
    """Every clip on a picture track, with where it stands, problems among them, in order; and the
    clocks at which ranges count.

    Time is summed up exactly, once for each track, in seconds of ``clock``: the cut's own. Without
    it every range is taken at its own, which is the same where all count at one. An item whose
    length cannot be known is taken to have none, and is reported.
    """
    layout = _Layout(document, clock)
    return list(layout.run()), list(layout.clocks.values())


class _Layout:
    def __init__(self, document: Document, clock: Clock | None) -> None:
        self._document = document
        self._clock = clock
        self._around: list[int] = []
        self.clocks: dict[int, Clock] = {}

    def run(self) -> Iterator[Placed | Unplaced]:
        tracks = self._followed(self._document.timeline.get("tracks"))
        if not isinstance(tracks, dict):
            yield Unplaced(ProblemKind.BROKEN, f"the tracks: {tracks}", _EXPORT, "", "")
            return
        window = _WHOLE
        try:
            trim = span(tracks.get("source_range"))
            if trim is not None:
                low = self._here(trim.start, trim.clock)
                window = _Window(low, low + self._here(trim.duration, trim.clock), _ZERO)
        except ValueError as error:
            told = f"the timeline's own trim cannot be read, and is left out: {error}"
            yield Unplaced(ProblemKind.BROKEN, told, _EXPORT, "", "")
        yield from self._shown(tracks, self._inside(tracks, window, ""), "", _ZERO, _ZERO)

    def _stack(self, stack: Json, window: _Window, label: str) -> Iterator[Placed | Unplaced]:
        number = 0
        for child in map(self._followed, listed(stack, "children")):
            if is_annotation_track(child):
                continue  # shows the clips of the track below once more, to OpenRV
            kind = _kind(child)
            if kind not in _PICTURE_KINDS:
                if kind not in _SOUND_KINDS and _holds_clips(child):
                    yield Unplaced(
                        ProblemKind.UNSUPPORTED,
                        f"a track of kind {kind!r} is not read; shots come from Video tracks",
                        "make it a Video track in the host if its clips are to be sent",
                        _name(child),
                        label or _name(child),
                    )
            else:
                number += 1
                name = label or str(ours(child).get("name") or _name(child) or f"V{number}")
                if window is _WHOLE and _is_plain(child):
                    yield from self._inside(child, _WHOLE, name)
                    continue
                # Each child of a stack starts where the stack starts.
                source = self._source(child)
                yield from self._item(child, source, _ZERO, window, name, (_ZERO, _ZERO))

    def _track(self, track: Json, window: _Window, label: str) -> Iterator[Placed | Unplaced]:
        children = [self._followed(child) for child in listed(track, "children")]
        local = _ZERO
        for index, child in enumerate(children):
            if schema(child) == "Transition":
                continue
            overlap = (
                self._offset(children, index - 1, "in_offset"),
                self._offset(children, index + 1, "out_offset"),
            )
            source = self._source(child)
            yield from self._item(child, source, local, window, label, overlap)
            if isinstance(source, Span):
                local += self._here(source.duration, source.clock)

    def _item(
        self,
        child: Any,
        source: Span | str,
        local: Fraction,
        window: _Window,
        label: str,
        overlap: tuple[Fraction, Fraction],
    ) -> Iterator[Placed | Unplaced]:
        kind = schema(child)
        if kind == "Gap":
            return
        at = local if window is _WHOLE else window.at + local - window.low
        if isinstance(source, str):
            yield Unplaced(ProblemKind.BROKEN, source, _EXPORT, _name(child), label, at)
            return
        length = self._here(source.duration, source.clock)
        skipped, remains = window.clip(local, length)
        if window is not _WHOLE and remains <= 0 < length:
            return  # trimmed away by the nest around it
        start = at + skipped if skipped else at
        if child.get("enabled") is False:
            told = "the clip is disabled" if kind == "Clip" else "it is disabled, with all in it"
            yield Unplaced(
                ProblemKind.DISABLED,
                told,
                "enable it in the host if it is to be sent",
                _name(child),
                label,
                start,
                remains,
            )
        elif kind == "Clip":
            yield Placed(child, label, start, remains, source, skipped, *overlap)
        else:
            yield from self._nest(child, source, skipped, remains, start, label)

    def _nest(
        self,
        nest: Json,
        source: Span,
        skipped: Fraction,
        remains: Fraction,
        start: Fraction,
        label: str,
    ) -> Iterator[Placed | Unplaced]:
        if time_effects(nest):
            yield Unplaced(
                ProblemKind.RETIME,
                "a nested sequence is retimed as a whole",
                "retime the clips in it instead, or flatten it, and export again",
                _name(nest),
                label,
                start,
                remains,
            )
            return
        low = self._here(source.start, source.clock)
        if schema(nest) == "Track" and low + self._here(source.duration, source.clock) <= 0:
            # OTIO's EDL reader keeps a track's first record time as a negative start of its range,
            # by which OTIO itself shows nothing of it: the track begins that much later.
            window = _Window(_ZERO, None, start - low)
        else:
            low += skipped
            window = _Window(low, low + remains, start)
        yield from self._shown(nest, self._inside(nest, window, label), label, start, remains)

    def _shown(
        self,
        nest: Json,
        found: Iterator[Placed | Unplaced],
        label: str,
        start: Fraction,
        duration: Fraction,
    ) -> Iterator[Placed | Unplaced]:
        """What a nest shows; a note where its trim leaves nothing of the clips in it."""
        empty = True
        for item in found:
            empty = False
            yield item
        if empty and nest.get("source_range") is not None and _holds_clips(nest):
            yield Unplaced(
                ProblemKind.EMPTY,
                "its source range shows nothing of the clips in it",
                "correct the range in the host and export the cut again",
                _name(nest),
                label or _name(nest),
                start,
                duration,
            )

    def _inside(self, nest: Json, window: _Window, label: str) -> Iterator[Placed | Unplaced]:
        self._around.append(id(nest))
        if schema(nest) == "Track":
            yield from self._track(nest, window, label)
        else:
            yield from self._stack(nest, window, label)
        self._around.pop()

    def _followed(self, child: Any) -> Any:
        """The child itself, or in words what is wrong with it."""
        try:
            found = self._document.follow(child)
        except ValueError as error:
            return str(error)
        if id(found) in self._around:
            return "it contains itself"
        if len(self._around) > DEPTH_LIMIT:
            return f"it is nested more than {DEPTH_LIMIT} deep"
        return found if isinstance(found, dict) else "it is damaged"

    def _source(self, item: Any) -> Span | str:
        """The part of an item that is shown, or in words why that cannot be known."""
        if isinstance(item, str):
            return item
        kind = schema(item)
        try:
            own = span(item.get("source_range"))
            if own is None and kind == "Clip":
                several, active = references(item)
                reference = several.get(active)
                if isinstance(reference, dict):
                    own = span(reference.get("available_range"))
        except ValueError as error:
            return str(error)
        if kind not in _NESTS and kind not in ("Clip", "Gap"):
            return f"an item of an unknown kind ({kind or 'none'})"
        if own is not None:
            self.clocks[id(own.clock)] = own.clock
            return own
        if kind not in _NESTS:
            return "neither the clip nor its media says which frames it shows"
        return self._whole(item)

    def _whole(self, nest: Json) -> Span:
        """All of a nest: a track is as long as its children together, a stack as its longest."""
        self._around.append(id(nest))
        children = [self._followed(child) for child in listed(nest, "children")]
        found = [self._source(child) for child in children if schema(child) != "Transition"]
        self._around.pop()
        lengths = [self._here(one.duration, one.clock) for one in found if isinstance(one, Span)]
        if schema(nest) == "Track":
            # What a transition at either end shows beyond the track is part of it, as in OTIO.
            joined = sum(lengths, _ZERO)
            joined += self._offset(children, 0, "in_offset")
            joined += self._offset(children, len(children) - 1, "out_offset")
        else:
            joined = max(lengths, default=_ZERO)
        clock = next((one.clock for one in found if isinstance(one, Span)), _ANY)
        return Span(_ZERO, joined, clock.rate, self._clock or clock)

    def _here(self, time: Fraction, own: Clock) -> Fraction:
        """A time in seconds of the cut's clock."""
        return time if self._clock is None else in_clock(time, own, self._clock)

    def _offset(self, children: list[Any], index: int, which: str) -> Fraction:
        """What a transition shows beyond the cut; nothing where no transition is there."""
        if not 0 <= index < len(children) or schema(children[index]) != "Transition":
            return _ZERO
        try:
            time = children[index].get(which)
            return max(_ZERO, self._here(seconds(time), clock_at(time)))
        except ValueError:
            return _ZERO


#: OTIO's ``Track.kind`` is free text; programs write it in capitals or leave it out.
_PICTURE_KINDS = frozenset({"video", ""})
_SOUND_KINDS = frozenset({"audio"})


def _kind(item: Any) -> str:
    """A track's kind as OTIO spells those that it knows, any other as it is."""
    if schema(item) != "Track":
        return "video"
    kind = str(item.get("kind", "Video"))
    return kind.lower() if kind.lower() in _PICTURE_KINDS | _SOUND_KINDS else kind


def _holds_clips(item: Any) -> bool:
    """There is a clip in it, at any depth."""
    waiting = [item]
    while waiting:
        for child in listed(waiting.pop(), "children"):
            if schema(child) == "Clip":
                return True
            waiting.append(child)
    return False


def _is_plain(item: Any) -> bool:
    """A track or stack that shows all of itself: what is in it stands where it says."""
    return (
        schema(item) in _NESTS
        and item.get("source_range") is None
        and item.get("enabled") is not False
        and not time_effects(item)
    )


def _name(item: Any) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) else ""
