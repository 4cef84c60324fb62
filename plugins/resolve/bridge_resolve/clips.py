"""Clips on the picture tracks of a timeline, with their takes; and how one is cut in."""

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
    from fusionscript import MediaPool, MediaPoolClipInfo, MediaPoolItem, Timeline, TimelineItem


@dataclass(frozen=True, slots=True)
class ClipTake:
    """One of a clip's takes; ``index`` counts from 1, as Resolve does."""

    index: int
    item: MediaPoolItem
    path: str


@dataclass(frozen=True, slots=True)
class TimelineClip:
    """A clip on a picture track that has media. ``plate`` is the editor's own media: of the
    selected take, or what the selected version was made of; ``takes`` is empty as long as there is
    but one."""

    item: TimelineItem
    id: str
    track: int
    start: int
    length: int
    plate_item: MediaPoolItem
    plate: ClipMedia
    markers: ClipMarkers
    takes: tuple[ClipTake, ...]
    selected: ClipTake | None

    def take_of(self, version: VersionMarker) -> ClipTake | None:
        return next((take for take in self.takes if take.path == version.media_path), None)

    def placed_versions(self, clips: Mapping[str, TimelineClip]) -> tuple[VersionMarker, ...]:
        """The versions that stand on it, in the order of their placing; ``clips`` are all in the
        timeline. What lies above another place is not above this one: a copy of a clip has copies
        of its markers."""
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
        """The version that is seen: the topmost on a track above, else the selected take's."""
        placed = self.placed_versions(clips)
        visible = [
            v
            for v in placed
            if v.overlay_item_id and clips[v.overlay_item_id].item.GetClipEnabled()
        ]
        if visible:
            return max(visible, key=lambda v: clips[v.overlay_item_id].track)
        return self.shown_version

    @property
    def shown_version(self) -> VersionMarker | None:
        """The version whose take is selected."""
        if self.selected is None:
            return None
        return next((v for v in self.markers.versions if v.media_path == self.selected.path), None)


def read_clips(timeline: Timeline) -> dict[str, TimelineClip]:
    """Every clip with media, by its id, from the lowest track up and in time."""
    clips = {}
    for track in range(1, timeline.GetTrackCount("video") + 1):
        for item in timeline.GetItemListInTrack("video", track) or []:
            clip = _read_clip(item, track)
            if clip is not None:
                clips[clip.id] = clip
    return clips


def timeline_rate(timeline: Timeline) -> tuple[Fraction, bool]:
    """The timeline's rate, and whether its timecode drops frames.

    :raises HostError: Resolve does not tell.
    """
    setting = require(timeline.GetSetting("timelineFrameRate"), "tell the timeline's rate")
    drop = (
        str(setting).endswith("DF")
        or str(timeline.GetSetting("timelineDropFrameTimecode")) == "1"
        or ";" in str(timeline.GetStartTimecode())
    )
    return to_rate(str(setting).removesuffix("DF").strip()), drop


def record_position(item: TimelineItem) -> tuple[int, int]:
    """A clip's first record frame, counted from 00:00:00:00, and its length."""
    # The stubs want an argument that only newer versions have, and none needs.
    return int(item.GetStart()), int(item.GetDuration())  # type: ignore[call-arg]


def append_clip(
    pool: MediaPool, media: MediaPoolItem, frames: tuple[int, int], track: int, record: int
) -> TimelineItem | None:
    """Cut media into the open timeline: ``frames`` from the media's first, the end excluded.

    None where Resolve does not: also where something stands there already, which it never says.
    """
    info: MediaPoolClipInfo = {
        "mediaPoolItem": media,
        "startFrame": frames[0],
        "endFrame": frames[1],
        "mediaType": 1,  # the picture alone
        "trackIndex": track,
        "recordFrame": record,
    }
    # The stubs forgot to mark the first of three overloads as one.
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
        # Media that were linked anew have another path: then it is the first that is not ours.
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
    """Its takes as they stand now; none as long as there is but one."""
    for index in range(1, (item.GetTakesCount() or 0) + 1):
        take_info = require(item.GetTakeByIndex(index), f"tell take {index} of {item.GetName()}")
        media = take_info["mediaPoolItem"]
        yield ClipTake(index, media, str(media.GetClipProperty("File Path")))
