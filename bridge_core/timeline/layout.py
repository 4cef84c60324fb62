"""Where every clip of a timeline stands: tracks, gaps, transitions and nests, in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from bridge_core.timeline.clock import Span, seconds, span
from bridge_core.timeline.cut import ProblemKind
from bridge_core.timeline.document import DEPTH_LIMIT, Document, Json, references, schema
from bridge_core.timeline.retimes import time_effects

_ZERO = Fraction(0)
_NESTS = frozenset({"Stack", "Track"})
_EXPORT = "correct it in the host and export the cut again"


@dataclass(frozen=True, slots=True)
class Placed:
    """A clip and the stretch of the cut that it fills; all times in seconds.

    ``start`` counts from the timeline's first picture. ``skipped`` and ``duration`` are what
    remains of the clip's ``full`` length where a nest around it trims it. ``head`` and ``tail``
    are shown beyond it by transitions.
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
        first = max(start, self.low)
        last = start + duration if self.high is None else min(start + duration, self.high)
        return first - start, last - first


def lay_out(document: Document) -> Iterator[Placed | Unplaced]:
    """Every clip on a picture track, with where it stands; problems among them, in order.

    Time is summed up exactly, once for each track. An item whose length cannot be known is taken
    to have none, and is reported.
    """
    return _Layout(document).run()


class _Layout:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._around: list[int] = []

    def run(self) -> Iterator[Placed | Unplaced]:
        tracks = self._document.follow(self._document.timeline.get("tracks"))
        if not isinstance(tracks, dict):
            return
        trim = span(tracks.get("source_range"))
        window = _Window(trim.start, trim.end, _ZERO) if trim else _Window(_ZERO, None, _ZERO)
        self._around.append(id(tracks))
        yield from self._stack(tracks, window, None)

    def _stack(
        self, stack: Json, window: _Window, label: str | None
    ) -> Iterator[Placed | Unplaced]:
        number = 0
        for child in map(self._followed, stack.get("children") or ()):
            if not _has_picture(child):
                continue
            number += 1
            name = label or _name(child) or f"V{number}"
            # Each child of a stack starts where the stack starts.
            yield from self._item(child, _ZERO, window, name, (_ZERO, _ZERO))

    def _track(self, track: Json, window: _Window, label: str) -> Iterator[Placed | Unplaced]:
        children = [self._followed(child) for child in track.get("children") or ()]
        local = _ZERO
        for index, child in enumerate(children):
            if schema(child) == "Transition":
                continue
            overlap = (
                _offset(children[index - 1], "in_offset") if index else _ZERO,
                _offset(children[index + 1], "out_offset") if index + 1 < len(children) else _ZERO,
            )
            yield from self._item(child, local, window, label, overlap)
            local += self._length(child)

    def _item(
        self,
        child: Any,
        local: Fraction,
        window: _Window,
        label: str,
        overlap: tuple[Fraction, Fraction],
    ) -> Iterator[Placed | Unplaced]:
        kind = schema(child)
        if kind == "Gap" or not _has_picture(child):
            return
        at = window.at + local - window.low
        if kind not in _NESTS and kind != "Clip":
            what = child if isinstance(child, str) else f"an item of an unknown kind ({kind})"
            yield Unplaced(ProblemKind.BROKEN, what, _EXPORT, _name(child), label, at)
            return
        try:
            source = self._source(child)
        except ValueError as error:
            yield Unplaced(ProblemKind.BROKEN, str(error), _EXPORT, _name(child), label, at)
            return
        skipped, remains = window.clip(local, source.duration)
        if remains <= 0 < source.duration:
            return  # trimmed away by the nest around it
        start = at + skipped
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
        low = source.start + skipped
        window = _Window(low, low + remains, start)
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

    def _length(self, child: Any) -> Fraction:
        try:
            return self._source(child).duration
        except (ValueError, AttributeError):
            return _ZERO

    def _source(self, item: Json) -> Span:
        """The part of an item that is shown.

        :raises ValueError: the file does not say.
        """
        own = span(item.get("source_range"))
        if own is not None:
            return own
        kind = schema(item)
        if kind == "Clip":
            several, active = references(item)
            reference = several.get(active)
            available = span(reference.get("available_range")) if reference else None
            if available is None:
                raise ValueError("neither the clip nor its media says which frames it shows")
            return available
        if kind not in _NESTS or id(item) in self._around:
            return Span(_ZERO, _ZERO, Fraction(24))
        self._around.append(id(item))
        children = [self._followed(child) for child in item.get("children") or ()]
        lengths = [self._length(child) for child in children if schema(child) != "Transition"]
        self._around.pop()
        total = sum(lengths, _ZERO) if kind == "Track" else max(lengths, default=_ZERO)
        return Span(_ZERO, total, Fraction(24))


def _has_picture(item: Any) -> bool:
    return schema(item) != "Track" or item.get("kind", "Video") == "Video"


def _offset(item: Any, which: str) -> Fraction:
    """What a transition shows beyond the cut; nothing where the neighbour is no transition."""
    if schema(item) != "Transition":
        return _ZERO
    try:
        return max(_ZERO, seconds(item.get(which)))
    except ValueError:
        return _ZERO


def _name(item: Any) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) else ""
