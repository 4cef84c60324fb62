"""Which clip of one cut is which clip of another, with or without our metadata."""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from bridge_core.models.media import MOVIES, ending_of
from bridge_core.timeline.cut import Cut, CutShot
from bridge_core.timeline.references import media_key, media_path


class Face(NamedTuple):
    """What a clip shows: media, first and last frame, rate.

    Sequences count in their files' numbers. Movies count from their first frame, since writers
    number them from their timecode or from 0.
    """

    path: str
    """As :func:`~bridge_core.timeline.references.media_path` spells it."""
    first: int
    last: int
    rate: Fraction

    @property
    def media(self) -> str:
        """Without its place: roots differ between machines."""
        return media_key(self.path)

    @property
    def anywhere(self) -> tuple[str, int, int, Fraction]:
        return (self.media, *self[1:])


class Pair(NamedTuple):
    old: CutShot
    new: CutShot
    face: Face | None
    """How the old clip looked where the two were recognised by it: as its plate or one of its
    versions."""


def face_of(item: CutShot) -> Face:
    shot = item.shot
    by = shot.plate.range.first if ending_of(shot.plate.path) in MOVIES else 0
    cut = shot.cut_range
    return Face(media_path(shot.plate.path), cut.first - by, cut.last - by, cut.rate)


def faces_of(item: CutShot) -> Iterator[Face]:
    """A clip as its plate shows it and, the active one first, as its versions would."""
    yield face_of(item)
    cut = item.shot.cut_range
    for version in sorted(item.versions, key=lambda one: not one.active):
        by = version.first if ending_of(version.path) in MOVIES else 0
        yield Face(media_path(version.path), cut.first - by, cut.last - by, cut.rate)


def faces_shown(item: CutShot) -> tuple[Face, ...]:
    """A clip as its plate shows it and as its active version does: one or the other is what a
    reader gets that takes one reference only."""
    if not item.versions:
        return (face_of(item),)
    return tuple(itertools.islice(faces_of(item), 1 + any(one.active for one in item.versions)))


def pair_up(old: Cut, new: Cut) -> list[Pair]:
    """Clips of two cuts that are the same clip, in the order of ``new``.

    What says most is asked first: our identity, where a file carries it; the same frames of the
    same media, be it the plate or a version that the old clip carries, first in the same place and
    then wherever the media is; overlapping frames of the same media, most of them first; at last
    the same name at the same place, and then a name that is the only one of its kind. Everything is
    asked of all clips before the next thing is, and equals are told apart by their places, so twice
    the same cuts give twice the same pairs.
    """
    return _Pairing(old, new).run()


class _Pairing:
    def __init__(self, old: Cut, new: Cut) -> None:
        self.old = dict(enumerate(old.shots))
        self.new = dict(enumerate(new.shots))
        self.found: dict[int, Pair] = {}

    def run(self) -> list[Pair]:
        self._by_identity()
        self._by(lambda item: [(face, face) for face in faces_of(item)])
        self._by(lambda item: [(face.anywhere, face) for face in faces_of(item)])
        self._by_overlap()
        self._by(lambda item: [((item.name, item.track, start_of(item)), None)])
        self._by_only_name()
        return [self.found[index] for index in sorted(self.found)]

    def _take(self, old: int, new: int, face: Face | None) -> None:
        self.found[new] = Pair(self.old.pop(old), self.new.pop(new), face)

    def _by_identity(self) -> None:
        olds = {item.clip: index for index, item in self.old.items()}
        for index, item in list(self.new.items()):
            known = olds.get(item.clip)
            # One that is made of media and range says no more than those do, and less of plates of
            # one name in folders of one name, which are numbered within their cut.
            if known is not None and item.carried and self.old[known].carried:
                self._take(known, index, None)

    def _by(self, keys: Callable[[CutShot], Iterable[tuple[Hashable, Face | None]]]) -> None:
        """Pair those that share a key; of several, those that stand at the same place first.

        A new clip goes by the first of its keys.
        """
        for place in (start_of, _anywhere):
            waiting: dict[Hashable, deque[tuple[int, Face | None]]] = defaultdict(deque)
            for index, item in self.old.items():
                for key, face in keys(item):
                    waiting[key, place(item)].append((index, face))
            for index, item in list(self.new.items()):
                key, _ = next(iter(keys(item)))
                queue = waiting.get((key, place(item)))
                while queue:
                    candidate, face = queue.popleft()
                    if candidate in self.old:
                        self._take(candidate, index, face)
                        break

    def _by_overlap(self) -> None:
        waiting: dict[tuple[str, Fraction], list[tuple[int, Face]]] = defaultdict(list)
        for index, item in self.old.items():
            for face in faces_of(item):
                waiting[face.media, face.rate].append((index, face))
        asking: dict[tuple[str, Fraction], list[tuple[int, Face]]] = defaultdict(list)
        for index, item in self.new.items():
            face = face_of(item)
            asking[face.media, face.rate].append((index, face))
        ranked = []
        for media, faces in asking.items():
            for (i, one), (j, two) in _overlapping(waiting.get(media, []), faces):
                shared = min(one.last, two.last) - max(one.first, two.first) + 1
                apart = abs(start_of(self.old[i]) - start_of(self.new[j]))
                ranked.append((one.path != two.path, -shared, apart, j, i, one))
        for *_, j, i, face in sorted(ranked):
            if i in self.old and j in self.new:
                self._take(i, j, face)

    def _by_only_name(self) -> None:
        olds, news = _only(self.old), _only(self.new)
        for name, index in news.items():
            if name in olds:
                self._take(olds[name], index, None)


def _overlapping(
    olds: list[tuple[int, Face]], news: list[tuple[int, Face]]
) -> Iterator[tuple[tuple[int, Face], tuple[int, Face]]]:
    """Pairs of ranges that share a frame: a sweep along the media, not everybody with everybody."""
    olds = sorted(olds, key=lambda one: (one[1].first, one[0]))
    open_: list[tuple[int, Face]] = []
    at = 0
    for new in sorted(news, key=lambda one: (one[1].first, one[0])):
        while at < len(olds) and olds[at][1].first <= new[1].last:
            open_.append(olds[at])
            at += 1
        open_ = [one for one in open_ if one[1].last >= new[1].first]
        for old in open_:
            if old[1].first <= new[1].last:
                yield old, new


def _only(items: dict[int, CutShot]) -> dict[str, int]:
    """Names that one clip alone has."""
    by_name: dict[str, list[int]] = defaultdict(list)
    for index, item in items.items():
        if item.name:
            by_name[item.name].append(index)
    return {name: found[0] for name, found in by_name.items() if len(found) == 1}


def _anywhere(item: CutShot) -> None:
    return None


def start_of(item: CutShot) -> Fraction:
    """Seconds into the cut, where cuts of different rates can be compared."""
    record = item.shot.record_range
    if record is None:
        return Fraction(0)
    # As first / rate is, in half the time.
    return Fraction(record.first * record.rate.denominator, record.rate.numerator)
