"""Places versions in a copy of the open timeline, made by Resolve's OTIO export and import.

Resolve's import keeps neither foreign metadata nor more than one media reference of a clip. So the
copy is made with the editor's own media; then versions are added as takes, with their markers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bridge_core.errors import HostError
from bridge_core.timeline.exporter import export_timeline
from bridge_resolve.api_checks import require
from bridge_resolve.clips import project_timelines, record_position, video_items
from bridge_resolve.placement import TAKE, PlacementTransaction, ResolvePlacement
from bridge_resolve.timeline_snapshot import TimelineSnapshot

if TYPE_CHECKING:
    from fusionscript import MediaPool, Project, Timeline


def place_in_new_timeline(
    project: Project,
    snapshot: TimelineSnapshot,
    placements: Sequence[ResolvePlacement],
    read_snapshot: Callable[[Timeline], TimelineSnapshot],
) -> str:
    """Create a copy of the snapshot's timeline with versions as takes. The open timeline stays open
    and is not changed. Returns the new one's name, and what Resolve's import left out.

    :raises HostError: a call of Resolve failed; no new timeline is left behind.
    """
    pool: MediaPool = require(project.GetMediaPool(), "open the project's media pool")
    with contextlib.ExitStack() as rollback:
        try:
            timeline = _import_timeline(project, pool, snapshot)
            rollback.callback(pool.DeleteTimelines, [timeline])
            new_snapshot = read_snapshot(timeline)
            remapped = [_remap_placement(planned, new_snapshot) for planned in placements]
            PlacementTransaction(project, new_snapshot).place(remapped)
            exported = _item_names(snapshot.timeline, snapshot.overlay_ids)
            imported = _item_names(timeline, frozenset())
            omitted = [name for at, name in exported.items() if at not in imported]
            rollback.pop_all()
        finally:
            require(project.SetCurrentTimeline(snapshot.timeline), "open the user's timeline again")
    if not omitted:
        return str(timeline.GetName())
    named = ", ".join(dict.fromkeys(omitted[:3]))
    more = f" and {len(omitted) - 3} more" if len(omitted) > 3 else ""
    return f"{timeline.GetName()}, without what Resolve's import cannot take: {named}{more}"


def _import_timeline(project: Project, pool: MediaPool, snapshot: TimelineSnapshot) -> Timeline:
    path = snapshot.cut.path.with_name("for_resolve.otio")
    export_timeline(snapshot.cut.path, path, "resolve")
    options: Any = {"timelineName": _unique_name(project, f"{snapshot.cut.name} with versions")}
    return require(
        pool.ImportTimelineFromFile(str(path), options),
        f"import {snapshot.cut.name} as a new timeline",
        next_step="write the cut for Resolve in the Cut menu, and see what Resolve's "
        "File > Import > Timeline reports",
    )


def _unique_name(project: Project, name: str) -> str:
    """A timeline name that is not in use: otherwise Resolve imports nothing."""
    existing = {str(timeline.GetName()) for timeline in project_timelines(project)}
    number, candidate = 1, name
    while candidate in existing:
        number += 1
        candidate = f"{name} {number}"
    return candidate


def _remap_placement(
    placement: ResolvePlacement, new_snapshot: TimelineSnapshot
) -> ResolvePlacement:
    """The placement for the clip at the same position in the new timeline, as a take.

    The version was checked against the open timeline. The new timeline has other sequence names, so
    only the frames are compared here.

    :raises HostError: there is no such clip, or it shows other frames.
    """
    clip = placement.clip
    position = (clip.track, clip.start, clip.length)
    clips = new_snapshot.clips.values()
    new_clip = next((c for c in clips if (c.track, c.start, c.length) == position), None)
    imported = new_snapshot.cut.find_shot(new_clip.id) if new_clip is not None else None
    cut_range = placement.plan.host_shot.shot.cut_range
    if new_clip is None or imported is None or imported.shot.cut_range != cut_range:
        message = f"Resolve has not imported {placement.clip_name} the way it was exported"
        next_step = "place the version in the timeline that is open"
        raise HostError(message, where=f"V{clip.track}, frame {clip.start}", next_step=next_step)
    host_shot = replace(placement.plan.host_shot, shot=imported.shot)
    plan = replace(placement.plan, host_shot=host_shot, mode_id=TAKE)
    return ResolvePlacement(new_clip, imported.clip_name, plan)


def _item_names(timeline: Timeline, excluded_ids: frozenset[str]) -> dict[tuple[int, int], str]:
    """Names of all items on the video tracks, by track and first record frame."""
    return {
        (track, record_position(item)[0]): str(item.GetName())
        for track, item in video_items(timeline)
        if item.GetUniqueId() not in excluded_ids
    }
