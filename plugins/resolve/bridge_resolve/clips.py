"""Reads the clips of a timeline's video tracks with their takes, and appends clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from bridge_core.models.frames import to_rate
from bridge_resolve.api_checks import require
from bridge_resolve.clip_markers import ClipMarkers, VersionMarker, read_markers
from bridge_resolve.media import ClipMedia, read_media

if TYPE_CHECKING:
    from fusionscript import (
        MediaPool,
        MediaPoolClipInfo,
        MediaPoolItem,
        Project,
        Timeline,
        TimelineItem,
    )


@dataclass(frozen=True, slots=True)
class ClipTake:
    """A take of a clip; ``index`` counts from 1."""

    index: int
    item: MediaPoolItem
    path: str


@dataclass(frozen=True, slots=True)
class TimelineClip:
    """A clip with media on a video track."""

    item: TimelineItem
    id: str
    track: int
    start: int
    length: int
    plate_item: MediaPoolItem
    plate: ClipMedia
    """The editor's media: of the selected take, or what the selected version was made from."""
    markers: ClipMarkers
    takes: tuple[ClipTake, ...]
    """Empty if the clip has only one."""
    selected: ClipTake | None

    def placed_versions(self, clips: Mapping[str, TimelineClip]) -> tuple[VersionMarker, ...]:
        """The versions placed on the clip, in order of placement. ``clips`` are all clips of the
        timeline. A copy of a clip has copies of its markers, so only clips above its own position
        count."""
        takes = {take.path for take in self.takes}
        overlapping = {other.id for other in clips.values() if self._overlaps(other)}
        return tuple(
            v
            for v in self.markers.versions
            if (v.overlay_item_id in overlapping if v.overlay_item_id else v.media_path in takes)
        )

    def _overlaps(self, other: TimelineClip) -> bool:
        return self.start < other.start + other.length and other.start < self.start + self.length

    def active_version(self, clips: Mapping[str, TimelineClip]) -> VersionMarker | None:
        """The visible version: the topmost on a track above, else that of the selected take."""
        overlays = [v for v in self.placed_versions(clips) if v.overlay_item_id]
        visible = [v for v in overlays if clips[v.overlay_item_id].item.GetClipEnabled()]
        topmost = max(visible, key=lambda v: clips[v.overlay_item_id].track, default=None)
        return topmost or self.shown_version

    @property
    def shown_version(self) -> VersionMarker | None:
        """The version whose take is selected."""
        if self.selected is None:
            return None
        return next((v for v in self.markers.versions if v.media_path == self.selected.path), None)


def read_clips(timeline: Timeline) -> dict[str, TimelineClip]:
    """All clips with media by id, ordered by track and time."""
    found = (_read_clip(item, track) for track, item in video_items(timeline))
    return {clip.id: clip for clip in found if clip is not None}


def video_items(timeline: Timeline) -> Iterator[tuple[int, TimelineItem]]:
    """All items on video tracks, each with the number of its track, ordered by track and time."""
    for track in range(1, timeline.GetTrackCount("video") + 1):
        for item in timeline.GetItemListInTrack("video", track) or []:
            yield track, item


def project_timelines(project: Project) -> Iterator[Timeline]:
    """All timelines of a project."""
    for index in range(1, int(project.GetTimelineCount() or 0) + 1):
        timeline = project.GetTimelineByIndex(index)
        if timeline is not None:
            yield timeline


def timeline_rate(timeline: Timeline) -> tuple[Fraction, bool]:
    """The timeline's rate, and whether its timecode drops frames.

    :raises HostError: Resolve does not return the rate.
    """
    setting = require(timeline.GetSetting("timelineFrameRate"), "return the timeline's rate")
    is_set = str(timeline.GetSetting("timelineDropFrameTimecode")) == "1"
    drop = is_set or str(setting).endswith("DF") or ";" in str(timeline.GetStartTimecode())
    return to_rate(str(setting).removesuffix("DF").strip()), drop


def record_position(item: TimelineItem) -> tuple[int, int]:
    """A clip's first record frame, counted from 00:00:00:00, and its length."""
    # The stubs require an argument that only newer versions have, and that is optional.
    return int(item.GetStart()), int(item.GetDuration())  # type: ignore[call-arg]


def append_clip(
    pool: MediaPool, media: MediaPoolItem, frames: tuple[int, int], track: int, record: int
) -> TimelineItem | None:
    """Append media to the open timeline: ``frames`` count from the media's first, the end excluded.

    None if Resolve did not append it, for example because another clip is in the way.
    """
    info: MediaPoolClipInfo = {
        "mediaPoolItem": media,
        "startFrame": frames[0],
        "endFrame": frames[1],
        "mediaType": 1,  # the picture alone
        "trackIndex": track,
        "recordFrame": record,
    }
    # The stubs do not mark the first of three overloads as an overload.
    items: Any = pool.AppendToTimeline([info])  # type: ignore[arg-type]
    return items[0] if items else None


def _read_clip(item: TimelineItem, track: int) -> TimelineClip | None:
    """None for transitions, titles, generators, compound and offline clips: they have no file."""
    media_item = item.GetMediaPoolItem()
    if media_item is None:
        return None
    takes = tuple(read_takes(item))
    at = item.GetSelectedTakeIndex() if takes else 0
    selected = next((take for take in takes if take.index == at), None)
    markers = read_markers(item)
    plates = {version.media_path: version.plate_path for version in markers.versions}
    if selected is not None and selected.path in plates:
        own = [take for take in takes if take.path not in plates]
        # Relinked media have another path: then it is the first take that is not a version.
        own.sort(key=lambda take: take.path != plates[selected.path])
        media_item = own[0].item if own else media_item
    plate = read_media(media_item)
    if plate is None:
        return None
    start, length = record_position(item)
    return TimelineClip(
        item, item.GetUniqueId(), track, start, length, media_item, plate, markers, takes, selected
    )


def read_takes(item: TimelineItem) -> Iterator[ClipTake]:
    """The clip's current takes; none if the clip has only one."""
    for index in range(1, (item.GetTakesCount() or 0) + 1):
        take_info = require(item.GetTakeByIndex(index), f"return take {index} of {item.GetName()}")
        media = take_info["mediaPoolItem"]
        yield ClipTake(index, media, str(media.GetClipProperty("File Path")))
