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
from bridge_core.host import Placement
from bridge_core.timeline.exporting import export
from bridge_resolve.answers import ensure
from bridge_resolve.clips import stands
from bridge_resolve.open_timeline import Sheet
from bridge_resolve.placing import TAKE, Placing, check

if TYPE_CHECKING:
    from fusionscript import MediaPool, Project, Timeline


@dataclass(frozen=True, slots=True)
class NewTimeline:
    """A timeline that was made, and names of what Resolve's import has left out of it."""

    name: str
    left_out: tuple[str, ...]

    def __str__(self) -> str:
        if not self.left_out:
            return self.name
        named = dict.fromkeys(self.left_out[:3])
        more = f" and {len(self.left_out) - 3} more" if len(self.left_out) > 3 else ""
        return f"{self.name}, without what Resolve's import cannot take: {', '.join(named)}{more}"


def place_in_new(
    project: Project,
    sheet: Sheet,
    placements: Sequence[Placement],
    read: Callable[[Timeline], Sheet],
) -> NewTimeline:
    """Make a timeline of what ``sheet`` shows, beside it, with versions as takes. The one that is
    open stays open, and as it is.

    :raises HostError: Resolve refuses something; no new timeline is left behind.
    """
    pool: MediaPool = ensure(project.GetMediaPool(), "open the project's media pool")
    with contextlib.ExitStack() as undo:
        try:
            made = _imported(project, pool, sheet)
            undo.callback(pool.DeleteTimelines, [made])
            there = read(made)
            with Placing(project, there) as placing:
                placing.place([check(there, _moved(one, sheet, there)) for one in placements])
                placing.keep()
            found = _items(made, frozenset())
            left = [
                name for at, name in _items(sheet.timeline, sheet.above).items() if at not in found
            ]
            undo.pop_all()
        finally:
            ensure(project.SetCurrentTimeline(sheet.timeline), "open the user's timeline again")
    return NewTimeline(str(made.GetName()), tuple(left))


def _imported(project: Project, pool: MediaPool, sheet: Sheet) -> Timeline:
    path = sheet.cut.path.with_name("for_resolve.otio")
    export(sheet.cut.path, path, "resolve")
    options: Any = {"timelineName": _free_name(project, f"{sheet.cut.name} with versions")}
    return ensure(
        pool.ImportTimelineFromFile(str(path), options),
        f"import {sheet.cut.name} as a new timeline",
        next_step="write the cut for Resolve in the Cut menu, and see what Resolve's "
        "File > Import > Timeline says of it",
    )


def _free_name(project: Project, name: str) -> str:
    """Resolve imports nothing under a name that is taken."""
    count = int(project.GetTimelineCount() or 0)
    taken = {str(project.GetTimelineByIndex(index).GetName()) for index in range(1, count + 1)}
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


def _moved(placement: Placement, sheet: Sheet, there: Sheet) -> Placement:
    """The placement for the clip at the same place of the new timeline.

    :raises HostError: there is none, or it shows other frames.
    """
    clip, shot = sheet.clips[placement.handle], sheet.cut.shot(placement.handle)
    assert shot is not None
    place = (clip.track, clip.start, clip.length)
    at = (one.id for one in there.clips.values() if (one.track, one.start, one.length) == place)
    handle = next(at, "")
    found = there.cut.shot(handle)
    if found is None or found.shot.cut_range != shot.shot.cut_range:
        raise HostError(
            f"Resolve has not imported {shot.name} the way it was exported",
            where=f"V{clip.track}, frame {clip.start}",
            next_step="place the version in the timeline that is open",
        )
    return replace(placement, handle=handle, place_as=TAKE)


def _items(timeline: Timeline, without: frozenset[str]) -> dict[tuple[int, int], str]:
    """Names of all that stands on the picture tracks, by track and first record frame."""
    return {
        (track, stands(item)[0]): str(item.GetName())
        for track in range(1, timeline.GetTrackCount("video") + 1)
        for item in timeline.GetItemListInTrack("video", track) or []
        if item.GetUniqueId() not in without
    }
