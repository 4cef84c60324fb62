"""Match the clips of two cuts, with or without our metadata."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from bridge_core.models.media import is_movie
from bridge_core.system.pacing import paced
from bridge_core.timeline.cut import Cut, CutShot
from bridge_core.timeline.media_paths import media_key, media_path


class MediaRange(NamedTuple):
    """What a clip shows: media, first and last frame, rate.

    Sequences count in their files' frame numbers. Movies count from their first frame, since
    writers number them from their timecode or from 0.
    """

    path: str
    """As returned by :func:`~bridge_core.timeline.media_paths.media_path`."""
    first: int
    last: int
    rate: Fraction

    @property
    def media_key(self) -> str:
        """The media without its root folder, which differs between machines."""
        return media_key(self.path)

    @property
    def exact_key(self) -> Hashable:
        """Equal for equal ranges; a fraction takes longer to hash than all the rest."""
        return self.path, self.first, self.last, self.rate.numerator, self.rate.denominator

    @property
    def path_independent_key(self) -> Hashable:
        return self.media_key, self.first, self.last, self.rate.numerator, self.rate.denominator


#: A range and the index of its clip.
_IndexedRange = tuple[int, MediaRange]


class ClipPair(NamedTuple):
    old: CutShot
    new: CutShot
    matched_range: MediaRange | None
    """The range of the old clip's plate or version that was matched, if it was matched by one."""


def plate_media_range(item: CutShot) -> MediaRange:
    return _media_range(item, item.fields.path, item.fields.plate_first)


def _media_range(item: CutShot, path: str, first_frame: int) -> MediaRange:
    """The cut range in a plate or version whose first frame has the number ``first_frame``."""
    fields, offset = item.fields, first_frame
    if not is_movie(path):
        offset = 0
    return MediaRange(
        media_path(path), fields.cut_first - offset, fields.cut_last - offset, fields.rate
    )


def media_ranges(item: CutShot) -> tuple[MediaRange, ...]:
    """The range in the clip's plate, and in each of its versions, the active one first."""
    versions = sorted(item.versions, key=lambda version: not version.is_active)
    return (
        plate_media_range(item),
        *(_media_range(item, version.path, version.first_frame) for version in versions),
    )


def active_media_ranges(item: CutShot) -> tuple[MediaRange, ...]:
    """The range in the clip's plate, and in its active version if there is one: a reader with one
    reference per clip gets one of them."""
    if not item.versions:
        return (plate_media_range(item),)
    has_active = any(version.is_active for version in item.versions)
    return media_ranges(item)[: 1 + has_active]


def match_clips(old: Cut, new: Cut) -> list[ClipPair]:
    """Pairs of clips of two cuts that are the same clip, in the order of ``new``.

    The criteria, each applied to all clips before the next: the clip id stored in the files; the
    same frames of the same media (the plate, or a version of the old clip), first at the same path,
    then at any path; overlapping frames of the same media, the largest overlap first; the same name
    at the same position; a name that is unique in both cuts. Clips that are equal by a criterion
    are paired by position first, so that the result is deterministic.
    """
    return _ClipMatcher(old, new).run()


class _ClipMatcher:
    def __init__(self, old: Cut, new: Cut) -> None:
        self.old = dict(enumerate(old.shots))
        self.new = dict(enumerate(new.shots))
        self.matches: dict[int, ClipPair] = {}
        # Frames of one rate are compared faster than seconds.
        self._get_position = _record_first if old.rate == new.rate else start_seconds

    def run(self) -> list[ClipPair]:
        self._match_by_id()
        self._match_by_key(lambda item: [(one.exact_key, one) for one in media_ranges(item)])
        self._match_by_key(
            lambda item: [(shown.path_independent_key, shown) for shown in media_ranges(item)]
        )
        self._match_by_overlap()
        self._match_by_key(
            lambda item: [((item.clip_name, item.track, self._get_position(item)), None)]
        )
        self._match_by_unique_name()
        return [self.matches[index] for index in sorted(self.matches)]

    def _match(self, old: int, new: int, matched_range: MediaRange | None) -> None:
        self.matches[new] = ClipPair(self.old.pop(old), self.new.pop(new), matched_range)

    def _match_by_id(self) -> None:
        olds = {item.clip_id: index for index, item in self.old.items()}
        for index, item in list(self.new.items()):
            old_index = olds.get(item.clip_id)
            # A computed id says no more than media and range, and less for plates with equal folder
            # and file names, whose ids are numbered within their cut.
            if old_index is not None and item.has_stored_id and self.old[old_index].has_stored_id:
                self._match(old_index, index, None)

    def _match_by_key(
        self, get_keys: Callable[[CutShot], Sequence[tuple[Hashable, MediaRange | None]]]
    ) -> None:
        """Pair clips with an equal key, those at the same position first.

        Of a new clip, only the first key counts.
        """
        if not self.old:
            return
        new_keys = {index: get_keys(item)[0][0] for index, item in paced(self.new.items())}
        for get_position in (self._get_position, _any_position):
            # The candidates for each key, in reverse order.
            queues: dict[Hashable, list[tuple[int, MediaRange | None]]] = {}
            for index, item in paced(reversed(self.old.items())):
                for key, media_range in reversed(get_keys(item)):
                    queue = queues.setdefault((key, get_position(item)), [])
                    queue.append((index, media_range))
            for index, item in paced(list(self.new.items())):
                candidates = queues.get((new_keys[index], get_position(item)))
                while candidates:
                    candidate, media_range = candidates.pop()
                    if candidate in self.old:
                        self._match(candidate, index, media_range)
                        break

    def _match_by_overlap(self) -> None:
        old_ranges: dict[tuple[str, Fraction], list[_IndexedRange]] = defaultdict(list)
        for index, item in self.old.items():
            for media_range in media_ranges(item):
                old_ranges[media_range.media_key, media_range.rate].append((index, media_range))
        new_ranges: dict[tuple[str, Fraction], list[_IndexedRange]] = defaultdict(list)
        for index, item in self.new.items():
            media_range = plate_media_range(item)
            new_ranges[media_range.media_key, media_range.rate].append((index, media_range))
        ranked = []
        for key, ranges in new_ranges.items():
            for (i, one), (j, two) in _overlapping_pairs(old_ranges.get(key, []), ranges):
                shared = min(one.last, two.last) - max(one.first, two.first) + 1
                distance = abs(start_seconds(self.old[i]) - start_seconds(self.new[j]))
                ranked.append((one.path != two.path, -shared, distance, j, i, one))
        for *_, j, i, media_range in sorted(ranked):
            if i in self.old and j in self.new:
                self._match(i, j, media_range)

    def _match_by_unique_name(self) -> None:
        olds, news = _unique_names(self.old), _unique_names(self.new)
        for name, index in news.items():
            if name in olds:
                self._match(olds[name], index, None)


def _overlapping_pairs(
    olds: list[_IndexedRange], news: list[_IndexedRange]
) -> Iterator[tuple[_IndexedRange, _IndexedRange]]:
    """Pairs of ranges that share a frame, by a sweep along the media."""
    olds = sorted(olds, key=lambda old: (old[1].first, old[0]))
    active: list[_IndexedRange] = []
    position = 0
    for new in sorted(news, key=lambda new: (new[1].first, new[0])):
        while position < len(olds) and olds[position][1].first <= new[1].last:
            active.append(olds[position])
            position += 1
        active = [old for old in active if old[1].last >= new[1].first]
        for old in active:
            if old[1].first <= new[1].last:
                yield old, new


def _unique_names(items: dict[int, CutShot]) -> dict[str, int]:
    """Names that only one clip has."""
    counts = Counter(item.clip_name for item in items.values())
    return {
        item.clip_name: index
        for index, item in items.items()
        if item.clip_name and counts[item.clip_name] == 1
    }


def _any_position(item: CutShot) -> None:
    return None


def _record_first(item: CutShot) -> int:
    return item.fields.record_first


def start_seconds(item: CutShot) -> Fraction:
    """The clip's start in seconds of the cut, comparable between cuts of different rates."""
    # Equal to first / rate, in half the time.
    rate = item.fields.record_rate
    return Fraction(item.fields.record_first * rate.denominator, rate.numerator)
