"""All rows of the list of shots with their indexes, built from a scene.

With ten thousand rows this takes longer than the panel's thread may be blocked. So it is done in a
worker if the host allows that, from a snapshot of the rows listed before; rows that changed since
are then done again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bridge_core.system.pacing import paced
from bridge_ui.shots.shot_row import ShotRow, build_rows, with_change

if TYPE_CHECKING:
    from bridge_core.hosts.base import HostScene
    from bridge_core.models.shots import ShotId
    from bridge_core.timeline.diff import ShotChange


@dataclass(frozen=True, slots=True)
class RowIndex:
    """``rows`` may be replaced one by one by rows of the same key and shot."""

    rows: list[ShotRow] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)
    """By key."""
    keys_by_shot: dict[tuple[str, str, str], tuple[str, ...]] = field(default_factory=dict)
    """By :attr:`~bridge_core.hosts.base.HostShot.names`."""
    sendable_keys: tuple[str, ...] = ()
    new_keys: frozenset[str] = frozenset()
    """Keys of the rows without a status from before."""

    @classmethod
    def from_scene(cls, scene: HostScene, before: RowIndex, *, is_new_cut: bool) -> RowIndex:
        """The rows of a scene. They keep their status and, unless ``is_new_cut``, their changes
        from ``before``."""
        rows = build_rows(scene)
        positions: dict[str, int] = {}
        keys_by_shot: dict[tuple[str, str, str], tuple[str, ...]] = {}
        sendable, new_keys = [], set()
        for index, row in enumerate(paced(rows)):
            positions[row.key] = index
            if row.item is not None:
                sendable.append(row.key)
                names = row.item.names
                keys_by_shot[names] = (*keys_by_shot.get(names, ()), row.key)
            old = before.row(row.key)
            if old is not None:
                rows[index] = carry_over(row, old, with_changes=not is_new_cut)
            if row.item is not None and not (old is not None and _is_same_shot(row, old)):
                new_keys.add(row.key)
        return cls(rows, positions, keys_by_shot, tuple(sendable), frozenset(new_keys))

    def snapshot(self) -> RowIndex:
        """The rows as they are now, for a worker."""
        return replace(self, rows=list(self.rows))

    def changed_since(self, snapshot: RowIndex) -> list[ShotRow]:
        """The rows that were replaced since a snapshot of them."""
        pairs = zip(self.rows, snapshot.rows, strict=True)
        return [row for row, old in pairs if row is not old]

    def with_changes(self, changes: Mapping[str, ShotChange]) -> list[ShotRow]:
        """All rows with their changes since a compared cut, by key."""
        return [with_change(row, changes.get(row.key)) for row in paced(self.rows)]

    def row(self, key: str) -> ShotRow | None:
        index = self.positions.get(key)
        return self.rows[index] if index is not None else None

    def keys_of(self, shot: ShotId) -> tuple[str, ...]:
        return self.keys_by_shot.get((shot.show, shot.sequence, shot.shot), ())


def carry_over(row: ShotRow, old: ShotRow, *, with_changes: bool) -> ShotRow:
    """A new row with the status of an older row of the same shot and, ``with_changes``, its changes
    since the compared cut."""
    if _is_same_shot(row, old) and (row.has_status or old.has_status):
        row = replace(
            row,
            sign=old.sign,
            progress=old.progress,
            newest_version_id=old.newest_version_id,
            attention_ids=old.attention_ids,
        )
    if with_changes and (row.change_text, row.is_changed) != (old.change_text, old.is_changed):
        row = replace(row, change_text=old.change_text, is_changed=old.is_changed)
    return row


def _is_same_shot(row: ShotRow, old: ShotRow) -> bool:
    return row.item is not None and old.item is not None and row.item.names == old.item.names
