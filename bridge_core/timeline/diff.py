"""The difference of two cuts, shot by shot, and the matching of clips after a round trip."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from bridge_core.models.frames import Retime
from bridge_core.system.pacing import paced
from bridge_core.timeline.clip_matching import (
    ClipPair,
    MediaRange,
    active_media_ranges,
    match_clips,
    plate_media_range,
    start_seconds,
)
from bridge_core.timeline.cut import Cut, CutShot
from bridge_core.timeline.media_paths import media_path

#: ``v002``, ``exr_v002``, ``v002_fix``: other versions are other media.
_VERSION_FOLDER = re.compile(r"(?:^|[._-])v\d+(?:$|[._-])", re.IGNORECASE)


class ChangeKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    """At another time or on another track of the cut."""
    RETRIMMED = "retrimmed"
    """Shows other frames of its media, or needs more of them for a transition."""
    RETIMED = "retimed"
    REPLACED = "media replaced"
    UNCHANGED = "unchanged"


_UNCHANGED = frozenset({ChangeKind.UNCHANGED})


@dataclass(frozen=True, slots=True)
class ShotChange:
    """One shot, before and after: ``old`` is None for an added shot, ``new`` for a removed one."""

    kinds: frozenset[ChangeKind]
    old: CutShot | None
    new: CutShot | None

    @property
    def needs_sending(self) -> bool:
        """Versions of the old shot may not fit any more, so the shot should be sent again."""
        return not self.kinds <= {ChangeKind.MOVED, ChangeKind.UNCHANGED, ChangeKind.REMOVED}

    def __str__(self) -> str:
        item = self.new or self.old
        assert item is not None
        kind_names = ", ".join(kind.value for kind in ChangeKind if kind in self.kinds)
        parts = [f"{item.shot.id}: {kind_names}"]
        if self.old is not None and self.new is not None:
            parts += _describe_changes(self.kinds, self.old, self.new)
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class CutDiff:
    """All shots of both cuts: those of the new cut in its order, then the removed ones."""

    changes: tuple[ShotChange, ...]

    def of_kind(self, kind: ChangeKind) -> tuple[ShotChange, ...]:
        return tuple(change for change in self.changes if kind in change.kinds)


def diff_cuts(old: Cut, new: Cut) -> CutDiff:
    """Compare two cuts that were read with the same handles.

    Clips are matched by our metadata, else by media and range
    (:func:`bridge_core.timeline.clip_matching.match_clips`), and equal clips by their position.
    The result is deterministic.
    """
    return CutDiff(tuple(_diff_shots(old, new)))


def _diff_shots(old: Cut, new: Cut) -> Iterator[ShotChange]:
    pairs = {pair.new.clip_id: pair for pair in match_clips(old, new)}
    relocation = _find_relocation(_relocated_paths(paced(pairs.values())))
    for item in paced(new.shots):
        pair = pairs.get(item.clip_id)
        if pair is None:
            yield ShotChange(frozenset({ChangeKind.ADDED}), None, item)
        else:
            yield ShotChange(_change_kinds(pair, relocation), pair.old, pair.new)
    kept = {pair.old.clip_id for pair in pairs.values()}
    for item in old.shots:
        if item.clip_id not in kept:
            yield ShotChange(frozenset({ChangeKind.REMOVED}), item, None)


def match_returned_clips(returned: Cut, original: Cut) -> dict[str, str]:
    """The clip ids of the original by those of the returned cut.

    For cuts that come back from a host that drops our metadata and the further media references
    (Resolve does): clips are then matched by their media, which is the plate or the version that
    was active, and by the frames they show. Clips added in the returned cut are not included.
    """
    return {pair.new.clip_id: pair.old.clip_id for pair in match_clips(original, returned)}


class _Relocation(NamedTuple):
    """A root folder of one cut, and the one that replaces it in another."""

    old_root: str = ""
    new_root: str = ""

    def relocate(self, path: str) -> str:
        if self.old_root == self.new_root or not _is_below(path, self.old_root):
            return path
        return self.new_root + path[len(self.old_root) :]


def _find_relocation(paths: Iterable[tuple[str, str]]) -> _Relocation:
    """The root that was relocated, from pairs of old and new paths of media with equal names.

    A root counts as relocated if it can be replaced in all pairs, even if some of them changed
    below it as well. A version folder, or a folder below one, never does.
    """
    pairs = set(paths)
    differing_roots = {_strip_common_end(old, new) for old, new in pairs}
    # Media that was relinked below a relocated root differs further down.
    old, new = min(differing_roots, key=lambda top: (len(top[0]), top), default=("", ""))
    if old == new or any(_VERSION_FOLDER.search(folder) for folder in _differing_folders(old, new)):
        return _Relocation()
    if not all(_is_below(one, old) and _is_below(two, new) for one, two in pairs):
        return _Relocation()
    return _Relocation(old, new)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder) and path[len(folder) : len(folder) + 1] in ("", "/")


def _strip_common_end(old: str, new: str) -> tuple[str, str]:
    """Both paths without their common last parts."""
    if old == new:
        return "", ""
    one, two = old.split("/"), new.split("/")
    while one and two and one[-1] == two[-1]:
        one.pop()
        two.pop()
    return "/".join(one), "/".join(two)


def _differing_folders(old: str, new: str) -> list[str]:
    """The folders of both paths without their common first parts."""
    one, two = old.split("/"), new.split("/")
    while one and two and one[0] == two[0]:
        del one[0], two[0]
    return one + two


def _relocated_paths(pairs: Iterable[ClipPair]) -> Iterator[tuple[str, str]]:
    """Old and new paths of media with the same name in both cuts."""
    for pair in pairs:
        if pair.old.media_key == pair.new.media_key:
            yield media_path(pair.old.fields.path), media_path(pair.new.fields.path)
            continue
        for before, after in _active_pairs(pair):
            if before.media_key == after.media_key:
                yield before.path, after.path


def _active_pairs(pair: ClipPair) -> Iterator[tuple[MediaRange, MediaRange]]:
    return itertools.product(active_media_ranges(pair.old), active_media_ranges(pair.new))


def _change_kinds(pair: ClipPair, relocation: _Relocation) -> frozenset[ChangeKind]:
    old, new = pair.old.fields, pair.new.fields
    kinds = set()
    for before, after in _active_pairs(pair):
        if relocation.relocate(before.path) == after.path and before.rate == after.rate:
            break
    else:
        kinds.add(ChangeKind.REPLACED)
        before = pair.matched_range or plate_media_range(pair.old)
        after = plate_media_range(pair.new)
    if before[1:3] != after[1:3] or _frame_handles(pair.old) != _frame_handles(pair.new):
        kinds.add(ChangeKind.RETRIMMED)
    if old.retime != new.retime:
        kinds.add(ChangeKind.RETIMED)
    if pair.old.track != pair.new.track or not _has_same_start(pair.old, pair.new):
        kinds.add(ChangeKind.MOVED)
    return frozenset(kinds) if kinds else _UNCHANGED


def _frame_handles(item: CutShot) -> tuple[int, int]:
    return item.fields.head_handle, item.fields.tail_handle


def _has_same_start(old: CutShot, new: CutShot) -> bool:
    one, two = old.fields, new.fields
    if (one.record_first, one.record_rate) == (two.record_first, two.record_rate):
        return True
    return start_seconds(old) == start_seconds(new)


def _describe_changes(kinds: frozenset[ChangeKind], old: CutShot, new: CutShot) -> Iterator[str]:
    before, after = old.shot, new.shot
    if before.id.shot != after.id.shot:
        yield f"it was called {before.id.shot}"
    if ChangeKind.RETRIMMED in kinds:
        old_range, new_range = plate_media_range(old), plate_media_range(new)
        if str(before.cut_range) != str(after.cut_range):
            yield f"plate frames {before.cut_range} are now {after.cut_range}"
        elif old_range[1:3] != new_range[1:3]:
            frames = f"frames {_frames_text(old_range)} of the movie, counted from its first"
            yield f"{frames}, are now {_frames_text(new_range)}"
        for side, old_count, new_count in zip(
            ("before", "after"), _frame_handles(old), _frame_handles(new), strict=True
        ):
            if old_count != new_count:
                count = abs(new_count - old_count)
                frames = "frame" if count == 1 else "frames"
                comparison = "more" if new_count > old_count else "fewer"
                yield f"it needs {count} {frames} {comparison} {side} it"
    if ChangeKind.RETIMED in kinds:
        yield f"speed {_speed_text(before.retime)} is now {_speed_text(after.retime)}"
    if ChangeKind.MOVED in kinds:
        old_record, new_record = before.record_range, after.record_range
        if str(old_record) != str(new_record):
            yield f"record frames {old_record} are now {new_record}"
        elif old_record and new_record and start_seconds(old) != start_seconds(new):
            yield f"record rate {old_record.rate} is now {new_record.rate}"
        if old.track != new.track:
            yield f"track {old.track} is now {new.track}"
    if ChangeKind.REPLACED in kinds:
        if before.plate.path != after.plate.path:
            yield f"{before.plate.path} is now {after.plate.path}"
        if before.plate.range.rate != after.plate.range.rate:
            yield f"media rate {before.plate.range.rate} is now {after.plate.range.rate}"


def _frames_text(media_range: MediaRange) -> str:
    return f"{media_range.first}-{media_range.last}"


def _speed_text(retime: Retime) -> str:
    if not retime.keys:
        return f"{float(retime.speed):.4g}"
    keys = (f"{float(k.record_offset):g}:{float(k.source_offset):g}" for k in retime.keys)
    return f"ramp {', '.join(keys)}"
