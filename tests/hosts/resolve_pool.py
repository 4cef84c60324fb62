"""The media pool of the fake Resolve: bins, media, and appending clips."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import resolve_otio
from resolve_api_object import CALL_RECORDER, ApiObject
from resolve_media import ResolveMedia, read_path, read_sequence
from resolve_stubs import STUBS
from resolve_timeline import Timeline, TimelineItem, TimelineTake
from stubs import conforming

from bridge_core.models.frames import to_rate

if TYPE_CHECKING:
    from resolve_fake import Resolve
    from resolve_project import Project


@conforming(STUBS, guard=CALL_RECORDER)
class MediaPoolItem(ApiObject):
    def __init__(self, app: Resolve, media: ResolveMedia) -> None:
        super().__init__(app)
        self._media = media
        self._properties = media.clip_properties()

    def GetName(self) -> str:
        return self._properties["Clip Name"]

    def GetUniqueId(self) -> str:
        return self._id

    def GetClipProperty(self, propertyName: str | None = None) -> str | dict[str, str]:
        if not propertyName:
            return dict(self._properties)
        return self._properties.get(propertyName, "")

    def SetClipProperty(self, propertyName: str, propertyValue: Any) -> bool:
        if self._is_refused("SetClipProperty") or propertyName not in self._properties:
            return False
        assert self._app._project is not None
        of_colour = propertyName in ("Input Color Space", "Input Gamma", "IDT")
        if of_colour and propertyName not in self._app._project._colour_keys:
            return False  # read-only in this colour management (stubs: "disabled in ... contexts")
        self._properties[propertyName] = str(propertyValue)
        if propertyName == "FPS":
            self._media.set_rate(to_rate(str(propertyValue)))
            self._properties["Start TC"] = self._media.clip_properties()["Start TC"]
        return True


@conforming(STUBS, guard=CALL_RECORDER)
class Folder(ApiObject):
    def __init__(self, app: Resolve, name: str) -> None:
        super().__init__(app)
        self._name = name
        self._clips: list[MediaPoolItem] = []
        self._folders: list[Folder] = []

    def GetName(self) -> str:
        return self._name

    def GetUniqueId(self) -> str:
        return self._id

    def GetClipList(self) -> list[MediaPoolItem]:
        return list(self._clips)

    def GetSubFolderList(self) -> list[Folder]:
        return list(self._folders)

    def _walk(self) -> Iterator[Folder]:
        yield self
        for inner in self._folders:
            yield from inner._walk()


@conforming(STUBS, guard=CALL_RECORDER)
class MediaPool(ApiObject):
    def __init__(self, app: Resolve) -> None:
        super().__init__(app)
        self._root = Folder(app, "Master")
        self._current = self._root

    @property
    def _project(self) -> Project:
        assert self._app._project is not None
        return self._app._project

    def GetRootFolder(self) -> Folder:
        return self._root

    def GetCurrentFolder(self) -> Folder:
        return self._current

    def SetCurrentFolder(self, folder: Folder) -> bool:
        self._current = folder
        return True

    def AddSubFolder(self, folder: Folder, name: str) -> Folder | None:
        if self._is_refused("AddSubFolder") or any(one._name == name for one in folder._folders):
            return None
        made = Folder(self._app, name)
        folder._folders.append(made)
        self._current = made
        return made

    def ImportMedia(self, items: list[Any]) -> list[MediaPoolItem]:
        """Always into the current folder (ledger); nothing if a file is missing."""
        rate = self._project._rate
        made = []
        for one in [] if self._is_refused("ImportMedia") else items:
            if isinstance(one, dict):
                media = read_sequence(one["FilePath"], one["StartIndex"], one["EndIndex"], rate)
            else:
                media = read_path(one, rate)
            if media is not None:
                made.append(self._app._add_media(media, self._current))
        return made

    def DeleteClips(self, clips: list[MediaPoolItem]) -> bool:
        gone = {id(one) for one in clips}
        for folder in self._root._walk():
            folder._clips = [one for one in folder._clips if id(one) not in gone]
        return True

    def DeleteFolders(self, subfolders: list[Folder]) -> bool:
        gone = {id(one) for one in subfolders}
        for folder in self._root._walk():
            folder._folders = [one for one in folder._folders if id(one) not in gone]
        if id(self._current) in gone:
            self._current = self._root
        return True

    def CreateEmptyTimeline(self, name: str) -> Timeline | None:
        project = self._project
        if self._is_refused("CreateEmptyTimeline") or project._named(name):
            return None
        timeline = Timeline(self._app, name, project._settings["timelineFrameRate"], "01:00:00:00")
        project._timelines.append(timeline)
        project._current = timeline
        return timeline

    def DeleteTimelines(self, timeline: list[Timeline]) -> bool:
        project = self._project
        for one in timeline:
            project._timelines.remove(one)
            if project._current is one:
                project._current = project._timelines[0] if project._timelines else None
        return True

    def AppendToTimeline(self, *clips: Any) -> list[TimelineItem]:
        """``endFrame`` is exclusive and ``recordFrame`` counts from 00:00:00:00 (ledger, and its
        issues 82 and 164); overlapping clips are dropped; lengths are rounded down (ledger)."""
        timeline = self._project._current
        (infos,) = clips
        made: list[TimelineItem] = []
        for info in infos if timeline is not None else []:
            assert timeline is not None and isinstance(info, dict), "only dictionaries are modelled"
            item, track = info["mediaPoolItem"], timeline._tracks["video"]
            first, end = info["startFrame"], info["endFrame"]
            if self._is_refused("AppendToTimeline") or not 1 <= info["trackIndex"] <= len(track):
                continue
            if not 0 <= first < end <= item._media.frames:
                continue
            length = int((end - first) * timeline._rate / item._media.rate)
            start = info["recordFrame"]
            if not track[info["trackIndex"] - 1].fits(start, start + length):
                continue
            take = TimelineTake(item, Fraction(first), Fraction(end))
            new = TimelineItem(self._app, item._properties["Clip Name"], start, length, [take])
            new._track = ("video", info["trackIndex"])
            track[info["trackIndex"] - 1].put(new)
            made.append(new)
        return made

    def ImportTimelineFromFile(
        self, filePath: str, importOptions: dict[str, Any] | None = None
    ) -> Timeline | None:
        options = importOptions or {}
        project = self._project
        name = options.get("timelineName") or "Imported Timeline"
        if self._is_refused("ImportTimelineFromFile") or project._named(name):
            return None  # a name that is taken: None and no reason (ledger)
        timeline = Timeline(self._app, name, project._settings["timelineFrameRate"], "01:00:00:00")
        media = options.get("importSourceClips", True)
        if not resolve_otio.read(self._app, filePath, timeline, self._current, import_media=media):
            return None
        project._timelines.append(timeline)
        project._current = timeline
        return timeline
