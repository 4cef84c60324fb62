"""Clips on the picture tracks of a timeline, with their takes; and how one is cut in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from bridge_core.models.frames import to_rate
from bridge_resolve.answers import ensure
from bridge_resolve.marks import Marks, VersionMark, marks_of
from bridge_resolve.media import Media, media_of

if TYPE_CHECKING:
    from fusionscript import MediaPool, MediaPoolClipInfo, MediaPoolItem, Timeline, TimelineItem


@dataclass(frozen=True, slots=True)
class Take:
    """One of a clip's takes; ``index`` counts from 1, as Resolve does."""

    index: int
    item: MediaPoolItem
    path: str


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip on a picture track that has media. ``plate`` is the editor's own media: of the
    selected take, or what the selected version was made of; ``takes`` is empty as long as there is
    but one."""

    item: TimelineItem
    id: str
    track: int
    start: int
    length: int
    plate_item: MediaPoolItem
    plate: Media
    marks: Marks
    takes: tuple[Take, ...]
    selected: Take | None

    def take_of(self, version: VersionMark) -> Take | None:
        return next((take for take in self.takes if take.path == version.media), None)

    def standing(self, clips: Mapping[str, Clip]) -> tuple[VersionMark, ...]:
        """The versions that stand on it, in the order of their placing; ``clips`` are all in the
        timeline. What lies above another place is not above this one: a copy of a clip has copies
        of its markers."""
        takes = {take.path for take in self.takes}
        over = {other.id for other in clips.values() if self._overlaps(other)}
        return tuple(
            v for v in self.marks.versions if (v.item in over if v.item else v.media in takes)
        )

    def _overlaps(self, other: Clip) -> bool:
        return self.start < other.start + other.length and other.start < self.start + self.length

    def in_use(self, clips: Mapping[str, Clip]) -> VersionMark | None:
        """The version that is seen: the topmost on a track above, else the selected take's."""
        there = self.standing(clips)
        over = [v for v in there if v.item and clips[v.item].item.GetClipEnabled()]
        if over:
            return max(over, key=lambda v: clips[v.item].track)
        return self.shown_version

    @property
    def shown_version(self) -> VersionMark | None:
        """The version whose take is selected."""
        if self.selected is None:
            return None
        return next((v for v in self.marks.versions if v.media == self.selected.path), None)


def clips_of(timeline: Timeline) -> dict[str, Clip]:
    """Every clip with media, by its id, from the lowest track up and in time."""
    found = {}
    for track in range(1, timeline.GetTrackCount("video") + 1):
        for item in timeline.GetItemListInTrack("video", track) or []:
            clip = _clip(item, track)
            if clip is not None:
                found[clip.id] = clip
    return found


def rate_and_drop(timeline: Timeline) -> tuple[Fraction, bool]:
    """The timeline's rate, and whether its timecode drops frames.

    :raises HostError: Resolve does not tell.
    """
    told = ensure(timeline.GetSetting("timelineFrameRate"), "tell the timeline's rate")
    drop = (
        str(told).endswith("DF")
        or str(timeline.GetSetting("timelineDropFrameTimecode")) == "1"
        or ";" in str(timeline.GetStartTimecode())
    )
    return to_rate(str(told).removesuffix("DF").strip()), drop


def stands(item: TimelineItem) -> tuple[int, int]:
    """A clip's first record frame, counted from 00:00:00:00, and its length."""
    # The stubs want an argument that only newer versions have, and none needs.
    return int(item.GetStart()), int(item.GetDuration())  # type: ignore[call-arg]


def cut_in(
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
    made: Any = pool.AppendToTimeline([info])  # type: ignore[arg-type]
    return made[0] if made else None


def _clip(item: TimelineItem, track: int) -> Clip | None:
    """None for transitions, titles, generators, compound and offline clips: they have no file."""
    media_item = item.GetMediaPoolItem()
    if media_item is None:
        return None
    takes = tuple(takes_of(item))
    at = item.GetSelectedTakeIndex() if takes else 0
    selected = next((take for take in takes if take.index == at), None)
    marks = marks_of(item)
    plates = {version.media: version.plate for version in marks.versions}
    if selected is not None and selected.path in plates:
        own = [take for take in takes if take.path not in plates]
        # Media that were linked anew have another path: then it is the first that is not ours.
        own.sort(key=lambda take: take.path != plates[selected.path])
        media_item = own[0].item if own else media_item
    plate = media_of(media_item)
    if plate is None:
        return None
    start, length = stands(item)
    return Clip(
        item, item.GetUniqueId(), track, start, length, media_item, plate, marks, takes, selected
    )


def takes_of(item: TimelineItem) -> Iterator[Take]:
    """Its takes as they stand now; none as long as there is but one."""
    for index in range(1, (item.GetTakesCount() or 0) + 1):
        told = ensure(item.GetTakeByIndex(index), f"tell take {index} of {item.GetName()}")
        media = told["mediaPoolItem"]
        yield Take(index, media, str(media.GetClipProperty("File Path")))
