"""What is different between two cuts, shot by shot; and which clip is which after a round trip."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bridge_core.timeline.cut import Cut, CutShot
from bridge_core.timeline.matching import Pair, face_of, pair_up, start_of


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
            old, new = self.old.shot, self.new.shot
            if ChangeKind.RETRIMMED in self.kinds:
                parts.append(f"plate frames {old.cut_range} are now {new.cut_range}")
            if ChangeKind.MOVED in self.kinds:
                parts.append(f"record frames {old.record_range} are now {new.record_range}")
            if ChangeKind.REPLACED in self.kinds:
                parts.append(f"{old.plate.path} is now {new.plate.path}")
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
    pairs = {pair.new.clip: pair for pair in pair_up(old, new)}
    changes = []
    for item in new.shots:
        pair = pairs.get(item.clip)
        if pair is None:
            changes.append(Change(frozenset({ChangeKind.NEW}), None, item))
        else:
            changes.append(Change(_kinds(pair), pair.old, pair.new))
    kept = {pair.old.clip for pair in pairs.values()}
    changes += [
        Change(frozenset({ChangeKind.GONE}), item, None)
        for item in old.shots
        if item.clip not in kept
    ]
    return Changes(tuple(changes))


def recognise(returned: Cut, original: Cut) -> dict[str, str]:
    """Which clip of the original each returned clip is: identities, returned to original.

    For cuts that come back from a host that dropped our metadata and the further media references
    (Resolve does): a clip is then known by its media, be it the plate or the version that was
    active, and by the frames it shows. Clips that are new in the returned cut are left out.
    """
    return {pair.new.clip: pair.old.clip for pair in pair_up(original, returned)}


def _kinds(pair: Pair) -> frozenset[ChangeKind]:
    old, new = pair.old.shot, pair.new.shot
    kinds = set()
    before, after = pair.face or face_of(pair.old), face_of(pair.new)
    if before.media != after.media or before.rate != after.rate:
        kinds.add(ChangeKind.REPLACED)
    if before[1:] != after[1:] or _handles(pair.old) != _handles(pair.new):
        kinds.add(ChangeKind.RETRIMMED)
    if old.retime != new.retime:
        kinds.add(ChangeKind.RETIMED)
    if start_of(pair.old) != start_of(pair.new) or pair.old.track != pair.new.track:
        kinds.add(ChangeKind.MOVED)
    return frozenset(kinds or {ChangeKind.UNCHANGED})


def _handles(item: CutShot) -> tuple[int, int]:
    return item.shot.head_handle, item.shot.tail_handle
