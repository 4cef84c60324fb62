"""What is different between two cuts, shot by shot; and which clip is which after a round trip."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bridge_core.models.frames import Retime
from bridge_core.timeline.cut import Cut, CutShot
from bridge_core.timeline.matching import Face, Pair, face_of, faces_shown, pair_up, start_of
from bridge_core.timeline.references import media_path
from bridge_core.timeline.roots import Root, moved_root


class ChangeKind(StrEnum):
    NEW = "new"
    GONE = "gone"
    MOVED = "moved"
    """Stands elsewhere in the cut: another time, or another track."""
    RETRIMMED = "retrimmed"
    """Shows other frames of its media, or needs more of them for a transition."""
    RETIMED = "retimed"
    REPLACED = "media replaced"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Change:
    """One shot, before and after. ``old`` is None for a new shot, ``new`` for one that is gone."""

    kinds: frozenset[ChangeKind]
    old: CutShot | None
    new: CutShot | None

    @property
    def shows_other_pictures(self) -> bool:
        """Versions of the old shot may not fit any more: worth sending again."""
        return not self.kinds <= {ChangeKind.MOVED, ChangeKind.UNCHANGED, ChangeKind.GONE}

    def __str__(self) -> str:
        item = self.new or self.old
        assert item is not None
        told = ", ".join(kind.value for kind in ChangeKind if kind in self.kinds)
        parts = [f"{item.shot.id}: {told}"]
        if self.old is not None and self.new is not None:
            parts += _differences(self.kinds, self.old, self.new)
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Changes:
    """All shots of both cuts: those of the new one in its order, then those that are gone."""

    changes: tuple[Change, ...]

    def of(self, kind: ChangeKind) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if kind in change.kinds)

    @property
    def new(self) -> tuple[Change, ...]:
        return self.of(ChangeKind.NEW)

    @property
    def gone(self) -> tuple[Change, ...]:
        return self.of(ChangeKind.GONE)

    @property
    def moved(self) -> tuple[Change, ...]:
        return self.of(ChangeKind.MOVED)

    @property
    def retrimmed(self) -> tuple[Change, ...]:
        return self.of(ChangeKind.RETRIMMED)

    @property
    def retimed(self) -> tuple[Change, ...]:
        return self.of(ChangeKind.RETIMED)

    @property
    def replaced(self) -> tuple[Change, ...]:
        return self.of(ChangeKind.REPLACED)

    @property
    def unchanged(self) -> tuple[Change, ...]:
        return self.of(ChangeKind.UNCHANGED)


def compare(old: Cut, new: Cut) -> Changes:
    """Compare two cuts that were read with the same handles.

    Clips are recognised by our metadata, and without it by media and range
    (:func:`bridge_core.timeline.matching.pair_up`); equal clips are told apart by their places.
    The same two cuts always give the same answer.
    """
    return Changes(tuple(_changes(old, new)))


def _changes(old: Cut, new: Cut) -> Iterator[Change]:
    pairs = {pair.new.clip: pair for pair in pair_up(old, new)}
    root = moved_root(_same_media(pairs.values()))
    for item in new.shots:
        pair = pairs.get(item.clip)
        if pair is None:
            yield Change(frozenset({ChangeKind.NEW}), None, item)
        else:
            yield Change(_kinds(pair, root), pair.old, pair.new)
    kept = {pair.old.clip for pair in pairs.values()}
    for item in old.shots:
        if item.clip not in kept:
            yield Change(frozenset({ChangeKind.GONE}), item, None)


def recognise(returned: Cut, original: Cut) -> dict[str, str]:
    """Which clip of the original each returned clip is: identities, returned to original.

    For cuts that come back from a host that dropped our metadata and the further media references
    (Resolve does): a clip is then known by its media, be it the plate or the version that was
    active, and by the frames it shows. Clips that are new in the returned cut are left out.
    """
    return {pair.new.clip: pair.old.clip for pair in pair_up(original, returned)}


def _same_media(pairs: Iterable[Pair]) -> Iterator[tuple[str, str]]:
    """Paths, before and after, of media that has the same name in both cuts."""
    for pair in pairs:
        if pair.old.media == pair.new.media:
            yield media_path(pair.old.shot.plate.path), media_path(pair.new.shot.plate.path)
            continue
        for before, after in itertools.product(faces_shown(pair.old), faces_shown(pair.new)):
            if before.media == after.media:
                yield before.path, after.path


def _kinds(pair: Pair, root: Root) -> frozenset[ChangeKind]:
    old, new = pair.old.shot, pair.new.shot
    kinds = set()
    for before, after in itertools.product(faces_shown(pair.old), faces_shown(pair.new)):
        if root.moved(before.path) == after.path and before.rate == after.rate:
            break
    else:
        kinds.add(ChangeKind.REPLACED)
        before, after = pair.face or face_of(pair.old), face_of(pair.new)
    if before[1:3] != after[1:3] or _handles(pair.old) != _handles(pair.new):
        kinds.add(ChangeKind.RETRIMMED)
    if old.retime != new.retime:
        kinds.add(ChangeKind.RETIMED)
    if start_of(pair.old) != start_of(pair.new) or pair.old.track != pair.new.track:
        kinds.add(ChangeKind.MOVED)
    return frozenset(kinds or {ChangeKind.UNCHANGED})


def _handles(item: CutShot) -> tuple[int, int]:
    return item.shot.head_handle, item.shot.tail_handle


def _differences(kinds: frozenset[ChangeKind], old: CutShot, new: CutShot) -> Iterator[str]:
    """What is different, in words that differ."""
    before, after = old.shot, new.shot
    if before.id.shot != after.id.shot:
        yield f"it was called {before.id.shot}"
    if ChangeKind.RETRIMMED in kinds:
        was, now = face_of(old), face_of(new)
        if str(before.cut_range) != str(after.cut_range):
            yield f"plate frames {before.cut_range} are now {after.cut_range}"
        elif was[1:3] != now[1:3]:
            yield f"frames {_counted(was)} of the movie, from its first, are now {_counted(now)}"
        for side, had, needs in zip(("before", "after"), _handles(old), _handles(new), strict=True):
            if had != needs:
                count, how = abs(needs - had), "more" if needs > had else "fewer"
                yield f"it needs {count} {'frame' if count == 1 else 'frames'} {how} {side} it"
    if ChangeKind.RETIMED in kinds:
        yield f"speed {_speed(before.retime)} is now {_speed(after.retime)}"
    if ChangeKind.MOVED in kinds:
        if str(before.record_range) != str(after.record_range):
            yield f"record frames {before.record_range} are now {after.record_range}"
        elif before.record_range and after.record_range and start_of(old) != start_of(new):
            yield f"record rate {before.record_range.rate} is now {after.record_range.rate}"
        if old.track != new.track:
            yield f"track {old.track} is now {new.track}"
    if ChangeKind.REPLACED in kinds:
        if before.plate.path != after.plate.path:
            yield f"{before.plate.path} is now {after.plate.path}"
        if before.plate.range.rate != after.plate.range.rate:
            yield f"media rate {before.plate.range.rate} is now {after.plate.range.rate}"


def _counted(face: Face) -> str:
    return f"{face.first}-{face.last}"


def _speed(retime: Retime) -> str:
    if not retime.keys:
        return f"{float(retime.speed):.4g}"
    return "ramp " + ", ".join(f"{float(k.cut):g}:{float(k.source):g}" for k in retime.keys)
