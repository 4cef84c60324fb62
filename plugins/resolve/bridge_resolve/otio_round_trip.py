"""The open timeline once more, with versions: out by Resolve's own OTIO and in by its own import.

Resolve reads a dialect of OTIO, and keeps neither foreign metadata nor more than one media
reference of a clip. So it is given the editor's own media; the versions come after that as takes,
with the markers that find them again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bridge_core.errors import HostError
from bridge_core.hosts.base import Placement
from bridge_core.timeline.exporter import export_timeline
from bridge_resolve.api_checks import require
from bridge_resolve.clips import record_position
from bridge_resolve.placement import TAKE, PlacementTransaction, check_placement
from bridge_resolve.timeline_snapshot import TimelineSnapshot

if TYPE_CHECKING:
    from fusionscript import MediaPool, Project, Timeline


@dataclass(frozen=True, slots=True)
class NewTimeline:
    """A timeline that was made, and names of what Resolve's import has left out of it."""

    name: str
    omitted: tuple[str, ...]

    def __str__(self) -> str:
        if not self.omitted:
            return self.name
        named = dict.fromkeys(self.omitted[:3])
        more = f" and {len(self.omitted) - 3} more" if len(self.omitted) > 3 else ""
        return f"{self.name}, without what Resolve's import cannot take: {', '.join(named)}{more}"


def place_in_new_timeline(
    project: Project,
    snapshot: TimelineSnapshot,
    placements: Sequence[Placement],
    read_snapshot: Callable[[Timeline], TimelineSnapshot],
) -> NewTimeline:
    """Make a timeline of what ``sheet`` shows, beside it, with versions as takes. The one that is
    open stays open, and as it is.

    :raises HostError: Resolve refuses something; no new timeline is left behind.
    """
    pool: MediaPool = require(project.GetMediaPool(), "open the project's media pool")
    with contextlib.ExitStack() as rollback:
        try:
            timeline = _import_timeline(project, pool, snapshot)
            rollback.callback(pool.DeleteTimelines, [timeline])
            new_snapshot = read_snapshot(timeline)
            with PlacementTransaction(project, new_snapshot) as placing:
                placing.place(
                    [
                        check_placement(new_snapshot, _remap_placement(one, snapshot, new_snapshot))
                        for one in placements
                    ]
                )
                placing.commit()
            imported_items = _item_names(timeline, frozenset())
            omitted = [
                name
                for at, name in _item_names(snapshot.timeline, snapshot.overlay_ids).items()
                if at not in imported_items
            ]
            rollback.pop_all()
        finally:
            require(project.SetCurrentTimeline(snapshot.timeline), "open the user's timeline again")
    return NewTimeline(str(timeline.GetName()), tuple(omitted))


def _import_timeline(project: Project, pool: MediaPool, snapshot: TimelineSnapshot) -> Timeline:
    path = snapshot.cut.path.with_name("for_resolve.otio")
    export_timeline(snapshot.cut.path, path, "resolve")
    options: Any = {"timelineName": _unique_name(project, f"{snapshot.cut.name} with versions")}
    return require(
        pool.ImportTimelineFromFile(str(path), options),
        f"import {snapshot.cut.name} as a new timeline",
        next_step="write the cut for Resolve in the Cut menu, and see what Resolve's "
        "File > Import > Timeline says of it",
    )


def _unique_name(project: Project, name: str) -> str:
    """Resolve imports nothing under a name that is taken."""
    count = int(project.GetTimelineCount() or 0)
    existing = {str(project.GetTimelineByIndex(index).GetName()) for index in range(1, count + 1)}
    number, candidate = 1, name
    while candidate in existing:
        number += 1
        candidate = f"{name} {number}"
    return candidate


def _remap_placement(
    placement: Placement, snapshot: TimelineSnapshot, new_snapshot: TimelineSnapshot
) -> Placement:
    """The placement for the clip at the same place of the new timeline.

    :raises HostError: there is none, or it shows other frames.
    """
    clip, shot = snapshot.clips[placement.item_id], snapshot.cut.find_shot(placement.item_id)
    assert shot is not None
    position = (clip.track, clip.start, clip.length)
    matching_ids = (
        one.id
        for one in new_snapshot.clips.values()
        if (one.track, one.start, one.length) == position
    )
    item_id = next(matching_ids, "")
    imported = new_snapshot.cut.find_shot(item_id)
    if imported is None or imported.shot.cut_range != shot.shot.cut_range:
        raise HostError(
            f"Resolve has not imported {shot.clip_name} the way it was exported",
            where=f"V{clip.track}, frame {clip.start}",
            next_step="place the version in the timeline that is open",
        )
    return replace(placement, item_id=item_id, mode_id=TAKE)


def _item_names(timeline: Timeline, excluded_ids: frozenset[str]) -> dict[tuple[int, int], str]:
    """Names of all that stands on the picture tracks, by track and first record frame."""
    return {
        (track, record_position(item)[0]): str(item.GetName())
        for track in range(1, timeline.GetTrackCount("video") + 1)
        for item in timeline.GetItemListInTrack("video", track) or []
        if item.GetUniqueId() not in excluded_ids
    }
