"""Timelines of the fake Resolve: tracks, items, takes, markers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import resolve_otio
from resolve_api_object import CALL_RECORDER, ApiObject
from resolve_media import Picture, black
from resolve_stubs import STUBS
from stubs import conforming

from bridge_core.models.frames import frame_to_timecode, timecode_to_frame, to_rate

if TYPE_CHECKING:
    from resolve_fake import Resolve
    from resolve_pool import MediaPoolItem


class MarkerStore:
    """Markers, one per frame as in Resolve."""

    _markers: dict[float, dict[str, Any]]

    def _add_marker(
        self, frame: float, color: str, name: str, note: str, duration: float, data: str | None
    ) -> bool:
        if float(frame) in self._markers or duration < 1:
            return False
        self._markers[float(frame)] = {
            "color": color,
            "duration": float(duration),
            "note": note,
            "name": name,
            "customData": data or "",
        }
        return True

    def _update_data(self, frame: float, data: str) -> bool:
        if float(frame) not in self._markers:
            return False
        self._markers[float(frame)]["customData"] = data
        return True


@dataclass
class TimelineTake:
    """``start`` and ``end`` (exclusive) are media frames, counted from the first."""

    item: MediaPoolItem
    start: Fraction
    end: Fraction


@conforming(STUBS, guard=CALL_RECORDER)
class TimelineItem(ApiObject, MarkerStore):
    """A clip with takes, a transition over a cut, or a title. ``_start`` is the record frame,
    counted from 00:00:00:00; ``_speed`` and ``_ramp`` are not in the API."""

    def __init__(
        self,
        app: Resolve,
        name: str,
        start: int,
        duration: int,
        takes: list[TimelineTake],
        *,
        kind: str = "clip",
        speed: Fraction = Fraction(1),
        ramp: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(app)
        self._name, self._start, self._duration = name, start, duration
        self._takes, self._selected, self._selector = takes, 0, False
        self._kind, self._speed, self._ramp = kind, speed, ramp
        self._markers = {}
        self._enabled = True
        self._offline: dict[str, Any] | None = None
        self._track: tuple[str, int] = ("video", 1)

    @property
    def _take(self) -> TimelineTake | None:
        return self._takes[self._selected] if self._takes else None

    @property
    def _end(self) -> int:
        return self._start + self._duration

    def GetName(self) -> str:
        take = self._take
        return take.item._properties["Clip Name"] if self._selected and take else self._name

    def GetUniqueId(self) -> str:
        return self._id

    def GetMediaPoolItem(self) -> MediaPoolItem | None:
        take = self._take
        return take.item if take else None

    def GetStart(self, subframe_precision: bool = False) -> int:
        return self._start

    def GetEnd(self, subframe_precision: bool = False) -> int:
        return self._end

    def GetDuration(self, subframe_precision: bool = False) -> int:
        return self._duration

    def GetClipEnabled(self) -> bool:
        return self._enabled

    def GetTrackTypeAndIndex(self) -> tuple[str, int]:
        return self._track

    def AddTake(
        self,
        mediaPoolItem: MediaPoolItem,
        startFrame: int | None = None,
        endFrame: int | None = None,
    ) -> bool:
        first = 0 if startFrame is None else startFrame
        end = mediaPoolItem._media.frames if endFrame is None else endFrame
        if self._is_refused("AddTake") or not self._takes:
            return False
        if not 0 <= first < end <= mediaPoolItem._media.frames:
            return False
        self._takes.append(TimelineTake(mediaPoolItem, Fraction(first), Fraction(end)))
        self._selector = True
        return True

    def GetTakesCount(self) -> int:
        return len(self._takes) if self._selector else 0

    def GetSelectedTakeIndex(self) -> int:
        return self._selected + 1 if self._selector else 0

    def GetTakeByIndex(self, idx: int) -> dict[str, Any] | None:
        if not self._selector or not 1 <= idx <= len(self._takes):
            return None
        take = self._takes[idx - 1]
        return {
            "startFrame": math.floor(take.start),
            "endFrame": math.ceil(take.end),
            "mediaPoolItem": take.item,
        }

    def SelectTakeByIndex(self, idx: int) -> bool:
        if self._is_refused("SelectTakeByIndex"):
            return False
        if not self._selector or not 1 <= idx <= len(self._takes):
            return False
        self._selected = idx - 1
        return True

    def DeleteTakeByIndex(self, idx: int) -> bool:
        if not self._selector or not 1 <= idx <= len(self._takes):
            return False
        del self._takes[idx - 1]
        self._selected = 0 if self._selected == idx - 1 else min(self._selected, idx - 2)
        self._selector = len(self._takes) > 1
        return True

    def AddMarker(
        self,
        frameId: float,
        color: str,
        name: str,
        note: str,
        duration: float,
        customData: str | None = None,
    ) -> bool:
        if self._is_refused("AddMarker"):
            return False
        return self._add_marker(frameId, color, name, note, duration, customData)

    def GetMarkers(self) -> dict[float, dict[str, Any]]:
        return {frame: dict(marker) for frame, marker in self._markers.items()}

    def UpdateMarkerCustomData(self, frameId: float, customData: str) -> bool:
        if self._is_refused("UpdateMarkerCustomData"):
            return False
        return self._update_data(frameId, customData)

    def DeleteMarkerAtFrame(self, frameNum: float) -> bool:
        return self._markers.pop(float(frameNum), None) is not None

    def _source_offset(self, record: int, rate: Fraction) -> int:
        """The media frame at a record frame, counted from the media's first."""
        take = self._take
        assert take is not None
        seconds = (record - self._start) / rate
        return math.floor(take.start + seconds * self._speed * take.item._media.rate)


@dataclass
class Track:
    name: str
    items: list[TimelineItem] = field(default_factory=list)

    def fits(self, start: int, end: int) -> bool:
        clips = [one for one in self.items if one._kind != "transition"]
        return all(end <= one._start or one._end <= start for one in clips)

    def put(self, item: TimelineItem) -> None:
        self.items.append(item)
        self.items.sort(key=lambda one: one._start)


@conforming(STUBS, guard=CALL_RECORDER)
class Timeline(ApiObject, MarkerStore):
    def __init__(self, app: Resolve, name: str, rate: str, start: str) -> None:
        super().__init__(app)
        self._name = name
        self._settings = {"timelineFrameRate": rate, "useCustomSettings": "0"}
        self._start_tc = start
        self._tracks: dict[str, list[Track]] = {"video": [Track("Video 1")], "audio": []}
        self._markers = {}
        self._playhead = self._first
        self._in_out: dict[str, Any] = {}

    @property
    def _rate(self) -> Fraction:
        return to_rate(self._settings["timelineFrameRate"].removesuffix(" DF"))

    @property
    def _drop(self) -> bool:
        return self._settings["timelineFrameRate"].endswith(" DF")

    @property
    def _first(self) -> int:
        return timecode_to_frame(self._start_tc, self._rate)

    @property
    def _output(self) -> str:
        """The colour space of its renderings."""
        aces = self.GetSetting("colorScienceMode").startswith("aces")
        return self.GetSetting("colorAcesODT" if aces else "colorSpaceOutput")

    @property
    def _items(self) -> list[TimelineItem]:
        return [item for track in self._tracks["video"] for item in track.items]

    def GetName(self) -> str:
        return self._name

    def GetUniqueId(self) -> str:
        return self._id

    def GetStartFrame(self) -> int:
        return self._first

    def GetEndFrame(self) -> int:
        return max((item._end for item in self._items), default=self._first)

    def GetStartTimecode(self) -> str:
        return self._start_tc

    def SetStartTimecode(self, timecode: str) -> bool:
        if self._drop is not (";" in timecode):
            return False
        self._start_tc = timecode
        return True

    def GetSetting(self, settingName: str) -> str:
        """The project's setting unless it has its own. "DF" is only for setting: the rate is
        returned without it, and drop frame has a separate key (seen in published dumps)."""
        if settingName == "timelineFrameRate":
            return self._settings[settingName].removesuffix(" DF")
        if settingName == "timelineDropFrameTimecode":
            return str(int(self._drop))
        project = self._app._project
        inherited = project._settings.get(settingName, "") if project is not None else ""
        return self._settings.get(settingName, inherited)

    def SetSetting(self, settingName: str, settingValue: str) -> bool:
        if self._is_refused("SetSetting"):
            return False
        custom = self._settings["useCustomSettings"] == "1"
        if settingName != "useCustomSettings" and not custom:
            return False  # also disabled in the dialog until custom settings are used
        if settingName == "timelineFrameRate" and self._items:
            return False
        self._settings[settingName] = settingValue
        if settingName == "timelineFrameRate":
            self._start_tc = self._start_tc[:8] + (";" if self._drop else ":") + self._start_tc[9:]
        return True

    def GetTrackCount(self, trackType: str) -> int:
        return len(self._tracks.get(trackType, []))

    def GetTrackName(self, trackType: str, trackIndex: int) -> str:
        return self._tracks[trackType][trackIndex - 1].name

    def SetTrackName(self, trackType: str, trackIndex: int, name: str) -> bool:
        if not 1 <= trackIndex <= self.GetTrackCount(trackType):
            return False
        self._tracks[trackType][trackIndex - 1].name = name
        return True

    def AddTrack(self, trackType: str, how: str | dict[str, Any] | None = None) -> bool:
        """Inserted at a valid ``index``, otherwise at the top (stubs)."""
        if self._is_refused("AddTrack"):
            return False
        tracks = self._tracks.setdefault(trackType, [])
        index = how.get("index", 0) if isinstance(how, dict) else 0
        at = index - 1 if 1 <= index <= len(tracks) else len(tracks)
        tracks.insert(at, Track(f"{trackType.capitalize()} {len(tracks) + 1}"))
        for number, track in enumerate(tracks, 1):
            for item in track.items:
                item._track = (trackType, number)
        return True

    def DeleteTrack(self, trackType: str, trackIndex: int) -> bool:
        if not 1 <= trackIndex <= self.GetTrackCount(trackType):
            return False
        del self._tracks[trackType][trackIndex - 1]
        return True

    def GetIsTrackLocked(self, trackType: str, trackIndex: int) -> bool:
        return False

    def GetItemListInTrack(self, trackType: str, index: int) -> list[TimelineItem]:
        """Transitions are items too, without media (ledger: measured on Studio 21.0.4)."""
        if not 1 <= index <= self.GetTrackCount(trackType):
            return []
        return list(self._tracks[trackType][index - 1].items)

    def DeleteClips(self, timelineItems: list[TimelineItem], Bool: bool = False) -> bool:
        gone = {id(item) for item in timelineItems}
        for track in self._tracks["video"]:
            track.items = [item for item in track.items if id(item) not in gone]
        return True

    def GetMarkInOut(self) -> dict[str, Any]:
        return self._in_out

    def SetMarkInOut(self, mark_in: int, mark_out: int, type: str = "all") -> bool:
        self._in_out = {"video": {"in": mark_in, "out": mark_out}}
        return True

    def GetCurrentTimecode(self) -> str:
        return frame_to_timecode(self._playhead, self._rate, drop_frame=self._drop)

    def SetCurrentTimecode(self, timecode: str) -> bool:
        frame = timecode_to_frame(timecode, self._rate)
        if not self._first <= frame <= self.GetEndFrame():
            return False
        self._playhead = frame
        return True

    def Export(self, fileName: str, exportType: float, exportSubtype: float | None = None) -> bool:
        if self._is_refused("Export") or exportType != self._app.EXPORT_OTIO:
            return False
        return resolve_otio.write(self, fileName)

    def _picture(self, record: int) -> Picture:
        """The rendered frame: the topmost enabled clip, or black."""
        for track in reversed(self._tracks["video"]):
            for item in track.items:
                if item._kind == "clip" and item._enabled and item._start <= record < item._end:
                    take = item._take
                    if take is not None:
                        return take.item._media.picture(item._source_offset(record, self._rate))
        width = int(self._settings.get("timelineResolutionWidth", "48"))
        return black(width, int(self._settings.get("timelineResolutionHeight", "32")))
