"""A strict fake of DaVinci Resolve's scripting API, held to the stubs of 21.0.0.

Like the program, it answers what cannot be done with None, False or an empty list, and never with
an exception. What its stubs do not say is from ``api_truth.py`` of davinci-resolve-mcp, which was
measured on Resolve Studio 19.1.3 to 21.0.4 ("ledger"). What nobody measured (takes above all) is
in docs/hosts-unproven.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import resolve_otio
from resolve_media import Media, read_path, read_sequence
from resolve_render import CODECS, FORMATS, Job
from resolve_stubs import STUBS
from resolve_thing import WITNESS, Thing
from resolve_timeline import Take, Timeline, TimelineItem
from stubs import conforming

from bridge_core.models.frames import to_rate

#: What the user has set up for his own deliveries.
USERS_SETTINGS = {
    "SelectAllFrames": True,
    "TargetDir": "/deliveries",
    "CustomName": "reel",
    "FormatWidth": 1920,
    "FormatHeight": 1080,
    "ExportAudio": True,
}


@conforming(STUBS, guard=WITNESS)
class MediaPoolItem(Thing):
    def __init__(self, app: Resolve, media: Media) -> None:
        super().__init__(app)
        self._media = media
        self._told = media.told()

    def GetName(self) -> str:
        return self._told["Clip Name"]

    def GetUniqueId(self) -> str:
        return self._id

    def GetClipProperty(self, propertyName: str | None = None) -> str | dict[str, str]:
        if not propertyName:
            return dict(self._told)
        return self._told.get(propertyName, "")

    def SetClipProperty(self, propertyName: str, propertyValue: Any) -> bool:
        if self._refuses("SetClipProperty") or propertyName not in self._told:
            return False
        self._told[propertyName] = str(propertyValue)
        if propertyName == "FPS":
            self._media.rate = to_rate(str(propertyValue))
        return True


@conforming(STUBS, guard=WITNESS)
class Folder(Thing):
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


@conforming(STUBS, guard=WITNESS)
class MediaPool(Thing):
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
        if self._refuses("AddSubFolder") or any(one._name == name for one in folder._folders):
            return None
        made = Folder(self._app, name)
        folder._folders.append(made)
        self._current = made
        return made

    def ImportMedia(self, items: list[Any]) -> list[MediaPoolItem]:
        """Into the current folder, always (ledger). Nothing, where a file is missing."""
        rate = self._project._rate
        made = []
        for one in [] if self._refuses("ImportMedia") else items:
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
        if self._refuses("CreateEmptyTimeline") or project._named(name):
            return None
        made = Timeline(self._app, name, project._settings["timelineFrameRate"], "01:00:00:00")
        project._timelines.append(made)
        project._current = made
        return made

    def DeleteTimelines(self, timeline: list[Timeline]) -> bool:
        project = self._project
        for one in timeline:
            project._timelines.remove(one)
            if project._current is one:
                project._current = project._timelines[0] if project._timelines else None
        return True

    def AppendToTimeline(self, *clips: Any) -> list[TimelineItem]:
        """``endFrame`` is exclusive and ``recordFrame`` counts from 00:00:00:00 (ledger, and its
        issues 82 and 164); what overlaps is dropped; lengths are rounded down (ledger)."""
        timeline = self._project._current
        (infos,) = clips
        made: list[TimelineItem] = []
        for info in infos if timeline is not None else []:
            assert timeline is not None and isinstance(info, dict), "only dictionaries are modelled"
            item, track = info["mediaPoolItem"], timeline._tracks["video"]
            first, end = info["startFrame"], info["endFrame"]
            if self._refuses("AppendToTimeline") or not 1 <= info["trackIndex"] <= len(track):
                continue
            if not 0 <= first < end <= item._media.frames:
                continue
            length = int((end - first) * timeline._rate / item._media.rate)
            start = info["recordFrame"]
            if not track[info["trackIndex"] - 1].fits(start, start + length):
                continue
            take = Take(item, Fraction(first), Fraction(end))
            new = TimelineItem(self._app, item._told["Clip Name"], start, length, [take])
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
        if self._refuses("ImportTimelineFromFile") or project._named(name):
            return None  # a name that is taken: None and no reason (ledger)
        made = Timeline(self._app, name, project._settings["timelineFrameRate"], "01:00:00:00")
        media = options.get("importSourceClips", True)
        if not resolve_otio.read(self._app, filePath, made, self._current, import_media=media):
            return None
        project._timelines.append(made)
        project._current = made
        return made


@conforming(STUBS, guard=WITNESS)
class Project(Thing):
    def __init__(self, app: Resolve, name: str, rate: str) -> None:
        super().__init__(app)
        self._name = name
        self._settings = {
            "timelineFrameRate": rate,
            "colorScienceMode": "davinciYRGBColorManagedv2",
            "colorSpaceOutput": "Rec.709 Gamma 2.4",
            "colorSpaceTimeline": "DaVinci WG",
        }
        self._pool = MediaPool(app)
        self._timelines: list[Timeline] = []
        self._current: Timeline | None = None
        self._render_settings: dict[str, Any] = dict(USERS_SETTINGS)
        self._format = {"format": "mov", "codec": "H264"}
        self._mode = 1
        self._presets: dict[str, Any] = {}
        self._jobs: dict[str, Job] = {}

    @property
    def _rate(self) -> Fraction:
        return to_rate(self._settings["timelineFrameRate"].removesuffix(" DF"))

    def _named(self, name: str) -> bool:
        return any(one._name == name for one in self._timelines)

    def GetName(self) -> str:
        return self._name

    def GetUniqueId(self) -> str:
        return self._id

    def GetMediaPool(self) -> MediaPool:
        return self._pool

    def GetSetting(self, settingName: str) -> str:
        return self._settings.get(settingName, "")

    def GetTimelineCount(self) -> int:
        return len(self._timelines)

    def GetTimelineByIndex(self, idx: int) -> Timeline | None:
        return self._timelines[idx - 1] if 1 <= idx <= len(self._timelines) else None

    def GetCurrentTimeline(self) -> Timeline | None:
        return self._current

    def SetCurrentTimeline(self, timeline: Timeline) -> bool:
        if self._refuses("SetCurrentTimeline") or timeline not in self._timelines:
            return False
        self._current = timeline
        return True

    # Rendering

    def GetRenderFormats(self) -> dict[str, str]:
        return dict(FORMATS)

    def GetRenderCodecs(self, renderFormat: str) -> dict[str, str]:
        return dict(CODECS.get(renderFormat, {}))

    def GetCurrentRenderFormatAndCodec(self) -> dict[str, str]:
        return dict(self._format)

    def SetCurrentRenderFormatAndCodec(self, format: str, codec: str) -> bool:
        if codec not in CODECS.get(format, {}).values():
            return False
        self._format = {"format": format, "codec": codec}
        return True

    def GetCurrentRenderMode(self) -> int:
        return self._mode

    def SetCurrentRenderMode(self, renderMode: int) -> bool:
        self._mode = renderMode
        return True

    def SetRenderSettings(self, settings: dict[str, Any]) -> bool:
        """On top of what was set before (ledger, issue 123)."""
        if self._refuses("SetRenderSettings"):
            return False
        self._render_settings = {**self._render_settings, **settings}
        return True

    def GetRenderPresetList(self) -> list[str]:
        return list(self._presets)

    def SaveAsNewRenderPreset(self, presetName: str) -> bool:
        if self._refuses("SaveAsNewRenderPreset") or presetName in self._presets:
            return False
        self._presets[presetName] = (dict(self._render_settings), dict(self._format))
        return True

    def LoadRenderPreset(self, presetName: str) -> bool:
        if presetName not in self._presets:
            return False
        settings, format_ = self._presets[presetName]
        self._render_settings, self._format = dict(settings), dict(format_)
        return True

    def DeleteRenderPreset(self, presetName: str) -> bool:
        return self._presets.pop(presetName, None) is not None

    def AddRenderJob(self) -> str:
        timeline = self._current
        if self._refuses("AddRenderJob") or timeline is None or self._format["format"] != "exr":
            return ""
        job = Job(
            id=f"job-{len(self._jobs) + 1}",
            timeline=timeline._name,
            settings=dict(self._render_settings),
            format=dict(self._format),
            frames=list(range(timeline._first, timeline.GetEndFrame())),
            picture=timeline._picture,
            rate=timeline._rate,
        )
        self._jobs[job.id] = job
        return job.id

    def GetRenderJobList(self) -> list[dict[str, Any]]:
        return [
            {"JobId": j.id, "TimelineName": j.timeline, "TargetDir": j.settings["TargetDir"]}
            for j in self._jobs.values()
        ]

    def DeleteRenderJob(self, jobId: str) -> bool:
        job = self._jobs.get(jobId)
        if job is None or job.status == "Rendering":
            return False
        del self._jobs[jobId]
        return True

    def StartRendering(self, *which: Any) -> bool:
        jobs = which[0] if which and isinstance(which[0], list) else list(which)
        if self._refuses("StartRendering") or self.IsRenderingInProgress():
            return False
        for one in jobs:
            if one not in self._jobs:
                return False
            self._jobs[one].status = "Rendering"
        return True

    def StopRendering(self) -> None:
        for job in self._jobs.values():
            if job.status == "Rendering":
                job.status = "Cancelled"

    def IsRenderingInProgress(self) -> bool:
        return any(job.status == "Rendering" for job in self._jobs.values())

    def GetRenderJobStatus(self, jobId: str) -> dict[str, Any]:
        job = self._jobs.get(jobId)
        if job is None:
            return {}
        job.work(fails=self._refuses("GetRenderJobStatus"))
        told = {"JobStatus": job.status, "CompletionPercentage": job.percent}
        return {**told, "Error": "the GPU is full"} if job.status == "Failed" else told


@conforming(STUBS, guard=WITNESS)
class ProjectManager(Thing):
    def GetCurrentProject(self) -> Project | None:
        return self._app._project


@conforming(STUBS, guard=WITNESS)
class Resolve(Thing):
    """``_refused`` names calls that fail: ``"TimelineItem.AddTake"``."""

    def __init__(self, rate: str = "25", *, studio: bool = True) -> None:
        super().__init__(self)
        WITNESS.forget()
        self._refused: set[str] = set()
        self._studio = studio
        self._manager = ProjectManager(self)
        self._project: Project | None = None
        self._project = Project(self, "Big Buck Bunny", rate)

    EXPORT_OTIO = STUBS.constants["Resolve.EXPORT_OTIO"]
    EXPORT_NONE = STUBS.constants["Resolve.EXPORT_NONE"]

    def GetProjectManager(self) -> ProjectManager:
        return self._manager

    def GetProductName(self) -> str:
        return "DaVinci Resolve Studio" if self._studio else "DaVinci Resolve"

    def GetVersion(self) -> list[Any]:
        return [21, 0, 0, 47, ""]

    def GetVersionString(self) -> str:
        return "21.0.0.47"

    def _all_media(self) -> list[MediaPoolItem]:
        assert self._project is not None
        return [one for folder in self._project._pool._root._walk() for one in folder._clips]

    def _add_media(self, media: Media, folder: Folder | None = None) -> MediaPoolItem:
        assert self._project is not None
        item = MediaPoolItem(self, media)
        (folder or self._project._pool._root)._clips.append(item)
        return item

    def _new_timeline(
        self, name: str, rate: str | None = None, start: str = "01:00:00:00"
    ) -> Timeline:
        """As a person makes one."""
        project = self._project
        assert project is not None
        made = Timeline(self, name, rate or project._settings["timelineFrameRate"], start)
        project._timelines.append(made)
        project._current = made
        return made

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
        """As a person edits: ``duration`` record frames from the media's frame ``first`` on."""
        while len(timeline._tracks["video"]) < track:
            timeline.AddTrack("video")
        length = duration / timeline._rate * abs(speed) * item._media.rate
        take = Take(item, Fraction(first), first + length)
        made = TimelineItem(
            self, name or item._told["Clip Name"], record, duration, [take], speed=speed
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
    """``DaVinciResolveScript`` beside this Resolve; the free edition lets no script in."""
    from types import SimpleNamespace

    from stubs import conforming_function

    def scriptapp(name: str) -> Resolve | None:
        return app if app is not None and app._studio else None

    return SimpleNamespace(scriptapp=conforming_function(STUBS, scriptapp, WITNESS))
