"""A project of the fake Resolve: timelines, settings, render queue."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from resolve_api_object import CALL_RECORDER, ApiObject
from resolve_pool import MediaPool
from resolve_render import CODECS, FORMATS, RenderJob
from resolve_stubs import STUBS
from resolve_timeline import Timeline
from stubs import conforming

from bridge_core.models.frames import to_rate

if TYPE_CHECKING:
    from resolve_fake import Resolve

#: The user's own render settings.
USERS_SETTINGS = {
    "SelectAllFrames": True,
    "TargetDir": "/deliveries",
    "CustomName": "reel",
    "FormatWidth": 1920,
    "FormatHeight": 1080,
    "ExportAudio": True,
}


@conforming(STUBS, guard=CALL_RECORDER)
class Project(ApiObject):
    def __init__(self, app: Resolve, name: str, rate: str) -> None:
        super().__init__(app)
        self._name = name
        self._settings = {
            "timelineFrameRate": rate,
            "colorScienceMode": "davinciYRGBColorManagedv2",
            "colorSpaceInput": "Rec.709 Gamma 2.4",
            "colorSpaceOutput": "Rec.709 Gamma 2.4",
            "colorSpaceTimeline": "DaVinci WG/Intermediate",
            "separateColorSpaceAndGamma": "0",
        }
        self._pool = MediaPool(app)
        self._timelines: list[Timeline] = []
        self._current: Timeline | None = None
        self._render_settings: dict[str, Any] = dict(USERS_SETTINGS)
        self._format = {"format": "mov", "codec": "H264"}
        self._mode = 1
        self._presets: dict[str, Any] = {}
        self._jobs: dict[str, RenderJob] = {}

    @property
    def _rate(self) -> Fraction:
        return to_rate(self._settings["timelineFrameRate"].removesuffix(" DF"))

    @property
    def _colour_keys(self) -> tuple[str, ...]:
        """Clip properties with the colour space; others are read-only in this mode."""
        mode = self._settings["colorScienceMode"]
        if mode.startswith("aces"):
            return ("IDT",)
        if "ColorManaged" not in mode:
            return ()
        apart = self._settings["separateColorSpaceAndGamma"] == "1"
        return ("Input Color Space", "Input Gamma")[: 1 + apart]

    def _use_aces(self, display: str = "Rec.709 BT.1886") -> None:
        """Set up ACES as a person does, with an output transform for a display."""
        self._settings["colorScienceMode"] = "acescct"
        self._settings["colorAcesIDT"] = "No Input Transform"
        self._settings["colorAcesODT"] = display
        self._settings["colorAcesGamutCompressType"] = "Reference"

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
        if self._is_refused("SetCurrentTimeline") or timeline not in self._timelines:
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
        """Added to earlier settings (ledger, issue 123)."""
        if self._is_refused("SetRenderSettings"):
            return False
        self._render_settings = {**self._render_settings, **settings}
        return True

    def GetRenderPresetList(self) -> list[str]:
        return list(self._presets)

    def SaveAsNewRenderPreset(self, presetName: str) -> bool:
        if self._is_refused("SaveAsNewRenderPreset") or presetName in self._presets:
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
        if self._is_refused("AddRenderJob") or timeline is None or self._format["format"] != "exr":
            return ""
        job = RenderJob(
            id=f"job-{len(self._jobs) + 1}",
            timeline=timeline._name,
            settings=dict(self._render_settings),
            format=dict(self._format),
            frames=list(range(timeline._first, timeline.GetEndFrame())),
            picture=timeline._picture,
            rate=timeline._rate,
            drop=timeline._drop,
            output=timeline._output,
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
        if self._is_refused("StartRendering") or self.IsRenderingInProgress():
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
        job.advance(fails=self._is_refused("GetRenderJobStatus"))
        status = {"JobStatus": job.status, "CompletionPercentage": job.percent}
        return {**status, "Error": "the GPU is full"} if job.status == "Failed" else status
