"""Compares the open cut with an older one, in a worker thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_ui.shots.row_index import RowIndex
from bridge_ui.shots.shot_row import with_change

if TYPE_CHECKING:
    from bridge_core.models.settings import WorkSettings
    from bridge_core.timeline.cut import Cut
    from bridge_core.timeline.diff import ShotChange
    from bridge_ui.shots.shot_row import ShotRow


@dataclass(frozen=True, slots=True)
class CutComparison:
    changes: dict[str, ShotChange]
    """By clip id, which is the row's key."""
    removed_count: int
    snapshot: RowIndex
    rows: list[ShotRow]
    """The rows of the snapshot with their changes."""

    def apply(self, index: RowIndex) -> None:
        """Set the changes in all rows; those that are still the snapshot's are ready."""
        ready = {id(old): new for old, new in zip(self.snapshot.rows, self.rows, strict=True)}
        for position, row in enumerate(index.rows):
            new = ready.get(id(row))
            if new is None:
                new = with_change(row, self.changes.get(row.key))
            index.rows[position] = new


def compare_cuts(older: Path, cut: Cut, work: WorkSettings, snapshot: RowIndex) -> CutComparison:
    """Compare ``cut``, whose rows are ``snapshot``, with the one in the file ``older``.

    :raises TimelineError: as :func:`bridge_core.timeline.cut_reader.read_cut`.
    """
    from bridge_core.timeline.cut_reader import read_cut
    from bridge_core.timeline.diff import diff_cuts

    old = read_cut(older, show=work.show, handles=work.handles, rate=cut.source.rate)
    diff = diff_cuts(old, cut)
    changes = {change.new.clip_id: change for change in diff.changes if change.new is not None}
    removed_count = len(diff.changes) - len(changes)
    return CutComparison(changes, removed_count, snapshot, snapshot.with_changes(changes))
