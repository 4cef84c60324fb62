"""Places versions in the open timeline: as takes of their clips, or as clips on a track above.

Either all versions are placed or none: if a step fails, the earlier ones are reverted. A version
that is placed already is not placed again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.errors import HostError
from bridge_core.hosts.base import HostShot, Placement, PlacementMode
from bridge_core.hosts.placement_plan import PlacementPlan, plan_placement
from bridge_core.models.media import frame_path
from bridge_core.models.versions import ReviewStatus
from bridge_resolve.api_checks import require
from bridge_resolve.clip_markers import NoteMarker, VersionMarker, add_marker, read_markers
from bridge_resolve.clips import TimelineClip, append_clip, read_takes, record_position
from bridge_resolve.media import first_file_path, first_frame_number, format_rate, read_media
from bridge_resolve.timeline_snapshot import TimelineSnapshot

if TYPE_CHECKING:
    from fusionscript import Folder, MediaPool, MediaPoolItem, Project, TimelineItem

TAKE, TRACK, TIMELINE = "take", "track", "timeline"
PLACEMENT_MODES = (
    PlacementMode(TAKE, "Take of the clip"),
    PlacementMode(TRACK, "Clip on a track above"),
    PlacementMode(TIMELINE, "In a new timeline, beside this one"),
)

#: Name of the bin and of the tracks for versions.
BIN_NAME = "Shotbridge"


@dataclass(frozen=True, slots=True)
class ResolvePlacement:
    """A checked placement, and the clip in the timeline."""

    clip: TimelineClip
    clip_name: str
    """The clip's name in the cut, for messages."""
    plan: PlacementPlan

    @property
    def first_file(self) -> str:
        """The first file, for comparison with Resolve's paths: Resolve pads the names of sequences
        by the first number, not by the pattern."""
        return first_file_path(frame_path(self.plan.path, self.plan.output.range.first))


def check_placement(snapshot: TimelineSnapshot, placement: Placement) -> ResolvePlacement:
    """Check a placement against what the timeline shows now.

    :raises HostError: see :func:`bridge_core.hosts.placement_plan.plan_placement`; or a retimed
        clip cannot be placed on a track above.
    """
    clip = snapshot.clips.get(placement.item_id)
    cut_shot = snapshot.cut.find_shot(placement.item_id)
    host_shot = None
    if clip is not None and cut_shot is not None:
        host_shot = HostShot(cut_shot.shot, placement.item_id, cut_shot.clip_name)
    plan = plan_placement(host_shot, placement, PLACEMENT_MODES, where=snapshot.cut.name)
    assert clip is not None and cut_shot is not None  # the plan has its shot
    if plan.mode_id == TRACK and not cut_shot.shot.retime.is_identity:
        message = f"{cut_shot.clip_name} is retimed, and Resolve has no call to retime a clip"
        next_step = "place the version as a take, which keeps the clip's retime"
        raise HostError(message, where=snapshot.cut.name, next_step=next_step)
    return ResolvePlacement(clip, cut_shot.clip_name, plan)


class PlacementTransaction:
    """Places several versions, all or none."""

    def __init__(self, project: Project, snapshot: TimelineSnapshot) -> None:
        self._snapshot = snapshot
        self._pool: MediaPool = require(project.GetMediaPool(), "open the project's media pool")
        self._rollback = contextlib.ExitStack()

    def place(self, planned: Sequence[ResolvePlacement]) -> None:
        """:raises HostError: a call of Resolve failed; what was done is reverted."""
        with self._rollback:
            self._place_each(planned)
            self._select_takes(planned)
            self._rollback.pop_all()

    def _place_each(self, planned: Sequence[ResolvePlacement]) -> None:
        with self._own_bin_open() as bin_:
            media: dict[str, MediaPoolItem] = {}
            for item in bin_.GetClipList() or []:
                media.setdefault(first_file_path(str(item.GetClipProperty("File Path"))), item)
            # From the top: a new track moves those above it.
            for placement in sorted(planned, key=lambda placement: -placement.clip.track):
                if placement.first_file not in media:
                    media[placement.first_file] = self._import_media(placement)
                item = media[placement.first_file]
                if placement.plan.mode_id == TAKE:
                    self._add_take(placement, item)
                else:
                    self._add_above(placement, item)
                self._add_note_markers(placement)

    # The media pool

    @contextlib.contextmanager
    def _own_bin_open(self) -> Iterator[Folder]:
        """Opens our bin for a moment: Resolve imports into the bin that is open."""
        user_bin = require(self._pool.GetCurrentFolder(), "return the open bin")
        try:
            bin_ = self._find_or_create_bin()
            require(self._pool.SetCurrentFolder(bin_), f"open the bin {BIN_NAME}")
            yield bin_
        finally:
            self._pool.SetCurrentFolder(user_bin)

    def _find_or_create_bin(self) -> Folder:
        root = require(self._pool.GetRootFolder(), "return the media pool's bins")
        for folder in root.GetSubFolderList() or []:
            if folder.GetName() == BIN_NAME:
                return folder
        made = require(self._pool.AddSubFolder(root, BIN_NAME), f"create the bin {BIN_NAME}")
        self._rollback.callback(self._pool.DeleteFolders, [made])
        return made

    def _import_media(self, placement: ResolvePlacement) -> MediaPoolItem:
        """The version's media, imported into our bin, which is open."""
        path, span = placement.plan.path, placement.plan.output.range
        if "%" in Path(path).name:
            items = self._pool.ImportMedia(
                [{"FilePath": path, "StartIndex": span.first, "EndIndex": span.last}]
            )
        else:
            items = self._pool.ImportMedia([path])
        next_step = "check that the files exist and that Resolve may read them"
        item = require(items, f"import {placement.plan.title}", where=path, next_step=next_step)[0]
        self._rollback.callback(self._pool.DeleteClips, [item])
        self._set_media_attributes(item, placement)
        return item

    def _set_media_attributes(self, item: MediaPoolItem, placement: ResolvePlacement) -> None:
        """Set the version's media to the plate's rate and colour space: a sequence has those of the
        project by default."""
        plan, plate, media = placement.plan, placement.clip.plate, read_media(item)
        rate = format_rate(plan.output.range.rate)
        if media is not None and media.rate != plan.output.range.rate:
            require(item.SetClipProperty("FPS", rate), f"set {plan.title} to {rate} fps")
        space = plan.output.colour_space
        # The rendering of a camera file has another space than the file.
        has_plate_space = plate.is_readable and space == plan.host_shot.shot.plate.colour_space
        like = plate if has_plate_space else None
        self._snapshot.colour.assign_space(item, space, like, plan.title)

    # Takes

    def _add_take(self, placement: ResolvePlacement, media: MediaPoolItem) -> None:
        clip = placement.clip
        path = str(media.GetClipProperty("File Path"))
        if not any(take.path == path for take in read_takes(clip.item)):
            before = record_position(clip.item)
            added = clip.item.AddTake(media, *placement.plan.frame_offsets)
            require(added, f"add {placement.plan.title} as a take of {placement.clip_name}")
            index = clip.item.GetTakesCount()
            self._rollback.callback(clip.item.DeleteTakeByIndex, index)
            self._check_unmoved(placement, before)
        self._add_version_marker(placement, path, "")

    def _select_takes(self, planned: Sequence[ResolvePlacement]) -> None:
        """For each clip, select the version that was approved last. If the selected version is no
        longer approved, select the plate."""
        by_clip: dict[str, list[ResolvePlacement]] = {}
        for placement in planned:
            if placement.plan.mode_id == TAKE:
                by_clip.setdefault(placement.clip.id, []).append(placement)
        for group in by_clip.values():
            clip = group[0].clip
            takes = [(first_file_path(take.path), take.index) for take in read_takes(clip.item)]
            selected_index = clip.item.GetSelectedTakeIndex()
            selected_file = next((file for file, index in takes if index == selected_index), "")
            approved = [p for p in group if p.plan.version.status is ReviewStatus.APPROVED]
            if approved:
                file = max(approved, key=lambda p: p.plan.version.decisions[-1].at).first_file
            elif selected_file in {placement.first_file for placement in group}:
                file = first_file_path(clip.plate.path)
            else:
                continue
            listed = next((index for found, index in takes if found == file), None)
            index = require(listed, f"list {file} among the takes of {group[0].clip_name}")
            if index != selected_index:
                before = record_position(clip.item)
                action = f"select take {index} of {group[0].clip_name}"
                require(clip.item.SelectTakeByIndex(index), action)
                self._rollback.callback(clip.item.SelectTakeByIndex, selected_index)
                self._check_unmoved(group[0], before)

    def _check_unmoved(self, placement: ResolvePlacement, before: tuple[int, int]) -> None:
        after = record_position(placement.clip.item)
        if after != before:
            was, moved = (f"{first}-{first + length - 1}" for first, length in (before, after))
            moves = f"{placement.clip_name} would move to frames {moved} from {was}"
            message = f"with {placement.plan.title}, {moves}"
            next_step = "place the version on a track above, and turn off ripple for takes"
            raise HostError(message, where=self._snapshot.cut.name, next_step=next_step)

    # Tracks above

    def _add_above(self, placement: ResolvePlacement, media: MediaPoolItem) -> None:
        path = str(media.GetClipProperty("File Path"))
        placed = placement.clip.placed_versions(self._snapshot.clips)
        if any(v.version_id == placement.plan.version.id and v.overlay_item_id for v in placed):
            return
        start, length = record_position(placement.clip.item)
        track = self._free_track(placement, start, start + length)
        appended = append_clip(self._pool, media, placement.plan.frame_offsets, track, start)
        item = require(appended, f"append {placement.plan.title} above {placement.clip_name}")
        self._rollback.callback(self._snapshot.timeline.DeleteClips, [item], False)
        if record_position(item) != (start, length):
            title, clip_name = placement.plan.title, placement.clip_name
            message = f"Resolve appended {title} at another position or length than {clip_name}"
            where, next_step = self._snapshot.cut.name, "place the version as a take"
            raise HostError(message, where=where, next_step=next_step)
        self._add_version_marker(placement, path, item.GetUniqueId())

    def _free_track(self, placement: ResolvePlacement, start: int, end: int) -> int:
        """A track of ours that is free between two record frames (the end excluded): above other
        versions, and below everything else above the clip, such as titles."""
        timeline = self._snapshot.timeline
        count = timeline.GetTrackCount("video")
        index = free_index = placement.clip.track + 1
        while index <= count and str(timeline.GetTrackName("video", index)).startswith(BIN_NAME):
            # Resolve silently drops items that would overlap.
            positions = map(record_position, self._items_on_track(index))
            if any(at < end and start < at + length for at, length in positions):
                free_index = index + 1
            index += 1
        if free_index == index:
            self._insert_track(index, placement)
        return free_index

    def _insert_track(self, index: int, placement: ResolvePlacement) -> None:
        """Insert a track of ours; the tracks from there on move up.

        :raises HostError: this Resolve only adds tracks at the top, as older versions do.
        """
        timeline = self._snapshot.timeline
        count = timeline.GetTrackCount("video")
        before = self._item_ids(range(index, count + 1))
        add: Any = timeline.AddTrack  # the stubs require an audio type for every track
        options = ({"index": index},) if before else ()
        require(add("video", *options), "add a video track")
        moved = before == self._item_ids(range(index + 1, count + 2))
        self._rollback.callback(timeline.DeleteTrack, "video", index if moved else count + 1)
        if not moved:
            covered = f"{placement.plan.title} would cover the clips above {placement.clip_name}"
            message = f"this Resolve cannot insert a track, and {covered}"
            where, next_step = self._snapshot.cut.name, "place the version as a take"
            raise HostError(message, where=where, next_step=next_step)
        require(timeline.SetTrackName("video", index, BIN_NAME), f"call track {index} {BIN_NAME}")

    def _items_on_track(self, track: int) -> list[TimelineItem]:
        return self._snapshot.timeline.GetItemListInTrack("video", track) or []

    def _item_ids(self, tracks: range) -> list[list[str]]:
        return [[item.GetUniqueId() for item in self._items_on_track(track)] for track in tracks]

    # Markers

    def _add_version_marker(
        self, placement: ResolvePlacement, path: str, overlay_item_id: str
    ) -> None:
        markers, version = read_markers(placement.clip.item), placement.plan.version
        key = (version.id, path, overlay_item_id)
        if any((v.version_id, v.media_path, v.overlay_item_id) == key for v in markers.versions):
            return
        marker = VersionMarker(
            version_id=version.id,
            label=placement.plan.title,
            media_path=path,
            plate_path=placement.clip.plate.path,
            first_frame=placement.plan.output.range.first,
            sequence=version.shot.sequence,
            shot=version.shot.shot,
            placement_index=len(markers.versions) + 1,
            overlay_item_id=overlay_item_id,
        )
        first = placement.plan.host_shot.shot.cut_range.first
        at = markers.next_free_frame(_media_offset(placement, first))
        item = placement.clip.item
        add_marker(item, at, 1, placement.plan.title, "", marker)
        self._rollback.callback(item.DeleteMarkerAtFrame, at)

    def _add_note_markers(self, placement: ResolvePlacement) -> None:
        markers = read_markers(placement.clip.item)
        synced_notes = {note.note_id for note in markers.notes}
        for note in placement.plan.placement.notes:
            if note.id in synced_notes:
                continue
            note_range = note.frames or placement.plan.host_shot.shot.cut_range
            at = markers.next_free_frame(_media_offset(placement, note_range.first))
            markers = markers.with_occupied(at)
            text = note.text.strip() or f"{len(note.strokes)} strokes, visible in Shotbridge"
            marker = NoteMarker(note.id, placement.plan.version.id)
            title = f"{placement.plan.title} {note.by}"
            add_marker(placement.clip.item, at, note_range.count, title, text, marker)
            self._rollback.callback(placement.clip.item.DeleteMarkerAtFrame, at)


def _media_offset(placement: ResolvePlacement, frame: int) -> int:
    """The frame for a marker: markers of a clip count from its media's first frame."""
    return frame - first_frame_number(placement.clip.plate)
