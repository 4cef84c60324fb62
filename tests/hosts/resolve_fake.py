"""A strict fake of DaVinci Resolve's scripting API, which conforms to the stubs of 21.0.0.

Like in the program, calls that fail return None, False or an empty list, and never raise. Behaviour
that the stubs do not describe is taken from ``api_truth.py`` of davinci-resolve-mcp, which was
measured on Resolve Studio 19.1.3 to 21.0.4 ("ledger"). What has not been measured (mainly takes)
is listed in docs/hosts-unproven.md.
"""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from resolve_api_object import CALL_RECORDER, ApiObject
from resolve_media import ResolveMedia
from resolve_pool import Folder, MediaPoolItem
from resolve_project import Project
from resolve_stubs import STUBS
from resolve_timeline import Timeline, TimelineItem, TimelineTake
from stubs import conforming, conforming_function


@conforming(STUBS, guard=CALL_RECORDER)
class ProjectManager(ApiObject):
    def GetCurrentProject(self) -> Project | None:
        return self._app._project


@conforming(STUBS, guard=CALL_RECORDER)
class Resolve(ApiObject):
    """``_refused`` has the names of calls that fail, such as ``"TimelineItem.AddTake"``. After
    ``_closed`` all calls return nothing."""

    def __init__(self, rate: str = "25", *, studio: bool = True) -> None:
        super().__init__(self)
        CALL_RECORDER.clear()
        self._refused: set[str] = set()
        self._studio = studio
        self._closed = False
        self._manager = ProjectManager(self)
        self._project: Project | None = None
        self._project = Project(self, "Big Buck Bunny", rate)

    EXPORT_OTIO = STUBS.constants["Resolve.EXPORT_OTIO"]
    EXPORT_NONE = STUBS.constants["Resolve.EXPORT_NONE"]

    def GetProjectManager(self) -> ProjectManager | None:
        return None if self._closed else self._manager

    def GetProductName(self) -> str | None:
        if self._closed:
            return None
        return "DaVinci Resolve Studio" if self._studio else "DaVinci Resolve"

    def GetVersion(self) -> list[Any]:
        return [21, 0, 0, 47, ""]

    def GetVersionString(self) -> str:
        return "21.0.0.47"

    def _all_media(self) -> list[MediaPoolItem]:
        assert self._project is not None
        return [one for folder in self._project._pool._root._walk() for one in folder._clips]

    def _add_media(self, media: ResolveMedia, folder: Folder | None = None) -> MediaPoolItem:
        assert self._project is not None
        item = MediaPoolItem(self, media)
        (folder or self._project._pool._root)._clips.append(item)
        return item

    def _new_timeline(
        self, name: str, rate: str | None = None, start: str = "01:00:00:00"
    ) -> Timeline:
        """Create a timeline, as a person does."""
        project = self._project
        assert project is not None
        timeline = Timeline(self, name, rate or project._settings["timelineFrameRate"], start)
        project._timelines.append(timeline)
        project._current = timeline
        return timeline

    def _cut_in(
        self,
        timeline: Timeline,
        item: MediaPoolItem,
        record: int,
        duration: int,
        first: int,
        *,
        track: int = 1,
        speed: Fraction = Fraction(1),
        name: str = "",
    ) -> TimelineItem:
        """Add a clip as a person does: ``duration`` record frames from the media's frame
        ``first``."""
        while len(timeline._tracks["video"]) < track:
            timeline.AddTrack("video")
        length = duration / timeline._rate * abs(speed) * item._media.rate
        take = TimelineTake(item, Fraction(first), first + length)
        made = TimelineItem(
            self, name or item._properties["Clip Name"], record, duration, [take], speed=speed
        )
        made._track = ("video", track)
        timeline._tracks["video"][track - 1].put(made)
        return made

    def _dissolve(self, timeline: Timeline, cut: int, before: int, after: int) -> None:
        made = TimelineItem(
            self, "Cross Dissolve", cut - before, before + after, [], kind="transition"
        )
        timeline._tracks["video"][0].put(made)


def scripting_module(app: Resolve | None) -> Any:
    """The module ``DaVinciResolveScript`` for this Resolve; the free edition accepts no scripts."""

    def scriptapp(name: str) -> Resolve | None:
        return app if app is not None and app._studio and not app._closed else None

    return SimpleNamespace(scriptapp=conforming_function(STUBS, scriptapp, CALL_RECORDER))
