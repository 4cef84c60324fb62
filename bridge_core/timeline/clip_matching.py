"""Which clip of one cut is which clip of another, with or without our metadata."""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from bridge_core.models.media import MOVIE_EXTENSIONS, file_extension
from bridge_core.timeline.cut import Cut, CutShot
from bridge_core.timeline.media_reference import media_key, media_path


class MediaRange(NamedTuple):
    """What a clip shows: media, first and last frame, rate.

    Sequences count in their files' numbers. Movies count from their first frame, since writers
    number them from their timecode or from 0.
    """

    path: str
    """As :func:`~bridge_core.timeline.media_reference.media_path` spells it."""
    first: int
    last: int
    rate: Fraction

    @property
    def media_key(self) -> str:
        """Without its place: roots differ between machines."""
        return media_key(self.path)

    @property
    def path_independent_key(self) -> tuple[str, int, int, Fraction]:
        return (self.media_key, *self[1:])


class ClipPair(NamedTuple):
    old: CutShot
    new: CutShot
    matched_range: MediaRange | None
    """How the old clip looked where the two were recognised by it: as its plate or one of its
    versions."""


def plate_media_range(item: CutShot) -> MediaRange:
    shot = item.shot
    offset = shot.plate.range.first if file_extension(shot.plate.path) in MOVIE_EXTENSIONS else 0
    cut = shot.cut_range
    return MediaRange(media_path(shot.plate.path), cut.first - offset, cut.last - offset, cut.rate)


def media_ranges(item: CutShot) -> Iterator[MediaRange]:
    """A clip as its plate shows it and, the active one first, as its versions would."""
    yield plate_media_range(item)
    cut = item.shot.cut_range
    for version in sorted(item.versions, key=lambda one: not one.is_active):
        offset = version.first_frame if file_extension(version.path) in MOVIE_EXTENSIONS else 0
        yield MediaRange(media_path(version.path), cut.first - offset, cut.last - offset, cut.rate)


def active_media_ranges(item: CutShot) -> tuple[MediaRange, ...]:
    """A clip as its plate shows it and as its active version does: one or the other is what a
    reader gets that takes one reference only."""
    if not item.versions:
        return (plate_media_range(item),)
    return tuple(
        itertools.islice(media_ranges(item), 1 + any(one.is_active for one in item.versions))
    )


def match_clips(old: Cut, new: Cut) -> list[ClipPair]:
    """Clips of two cuts that are the same clip, in the order of ``new``.

    What says most is asked first: our identity, where a file carries it; the same frames of the
    same media, be it the plate or a version that the old clip carries, first in the same place and
    then wherever the media is; overlapping frames of the same media, most of them first; at last
    the same name at the same place, and then a name that is the only one of its kind. Everything is
    asked of all clips before the next thing is, and equals are told apart by their places, so twice
    the same cuts give twice the same pairs.
    """
    return _ClipMatcher(old, new).run()


class _ClipMatcher:
    def __init__(self, old: Cut, new: Cut) -> None:
        self.old = dict(enumerate(old.shots))
        self.new = dict(enumerate(new.shots))
        self.matches: dict[int, ClipPair] = {}

    def run(self) -> list[ClipPair]:
        self._match_by_id()
        self._match_by_key(lambda item: [(face, face) for face in media_ranges(item)])
        self._match_by_key(
            lambda item: [(face.path_independent_key, face) for face in media_ranges(item)]
        )
        self._match_by_overlap()
        self._match_by_key(lambda item: [((item.clip_name, item.track, start_seconds(item)), None)])
        self._match_by_unique_name()
        return [self.matches[index] for index in sorted(self.matches)]

    def _match(self, old: int, new: int, matched_range: MediaRange | None) -> None:
        self.matches[new] = ClipPair(self.old.pop(old), self.new.pop(new), matched_range)

    def _match_by_id(self) -> None:
        olds = {item.clip_id: index for index, item in self.old.items()}
        for index, item in list(self.new.items()):
            old_index = olds.get(item.clip_id)
            # One that is made of media and range says no more than those do, and less of plates of
            # one name in folders of one name, which are numbered within their cut.
            if old_index is not None and item.has_stored_id and self.old[old_index].has_stored_id:
                self._match(old_index, index, None)

    def _match_by_key(
        self, get_keys: Callable[[CutShot], Iterable[tuple[Hashable, MediaRange | None]]]
    ) -> None:
        """Pair those that share a key; of several, those that stand at the same place first.

        A new clip goes by the first of its keys.
        """
        for get_position in (start_seconds, _any_position):
            queues: dict[Hashable, deque[tuple[int, MediaRange | None]]] = defaultdict(deque)
            for index, item in self.old.items():
                for key, media_range in get_keys(item):
                    queues[key, get_position(item)].append((index, media_range))
            for index, item in list(self.new.items()):
                key, _ = next(iter(get_keys(item)))
                queue = queues.get((key, get_position(item)))
                while queue:
                    candidate, media_range = queue.popleft()
                    if candidate in self.old:
                        self._match(candidate, index, media_range)
                        break

    def _match_by_overlap(self) -> None:
        old_ranges: dict[tuple[str, Fraction], list[tuple[int, MediaRange]]] = defaultdict(list)
        for index, item in self.old.items():
            for media_range in media_ranges(item):
                old_ranges[media_range.media_key, media_range.rate].append((index, media_range))
        new_ranges: dict[tuple[str, Fraction], list[tuple[int, MediaRange]]] = defaultdict(list)
        for index, item in self.new.items():
            media_range = plate_media_range(item)
            new_ranges[media_range.media_key, media_range.rate].append((index, media_range))
        ranked = []
        for media, faces in new_ranges.items():
            for (i, one), (j, two) in _overlapping_pairs(old_ranges.get(media, []), faces):
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
    olds: list[tuple[int, MediaRange]], news: list[tuple[int, MediaRange]]
) -> Iterator[tuple[tuple[int, MediaRange], tuple[int, MediaRange]]]:
    """Pairs of ranges that share a frame: a sweep along the media, not everybody with everybody."""
    olds = sorted(olds, key=lambda one: (one[1].first, one[0]))
    open_: list[tuple[int, MediaRange]] = []
    at = 0
    for new in sorted(news, key=lambda one: (one[1].first, one[0])):
        while at < len(olds) and olds[at][1].first <= new[1].last:
            open_.append(olds[at])
            at += 1
        open_ = [one for one in open_ if one[1].last >= new[1].first]
        for old in open_:
            if old[1].first <= new[1].last:
                yield old, new


def _unique_names(items: dict[int, CutShot]) -> dict[str, int]:
    """Names that one clip alone has."""
    by_name: dict[str, list[int]] = defaultdict(list)
    for index, item in items.items():
        if item.clip_name:
            by_name[item.clip_name].append(index)
    return {name: found[0] for name, found in by_name.items() if len(found) == 1}


def _any_position(item: CutShot) -> None:
    return None


def start_seconds(item: CutShot) -> Fraction:
    """Seconds into the cut, where cuts of different rates can be compared."""
    record = item.shot.record_range
    if record is None:
        return Fraction(0)
    # As first / rate is, in half the time.
    return Fraction(record.first * record.rate.denominator, record.rate.numerator)
