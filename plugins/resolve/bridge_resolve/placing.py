"""Versions into the open timeline: as takes of their clips, or as clips on a track above.

Either all of them are placed or none: what was done is taken back when a later step fails. What is
there already is left as it is, so placing the same again changes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.errors import HostError
from bridge_core.host import PlaceAs, Placement
from bridge_core.models.media import frame_path
from bridge_core.models.notes import Note
from bridge_core.models.versions import Output, ReviewStatus, Version
from bridge_core.timeline.cut import CutShot
from bridge_resolve.answers import ensure
from bridge_resolve.clips import Clip, cut_in, stands, takes_of
from bridge_resolve.marks import NoteMark, VersionMark, mark, marks_of
from bridge_resolve.media import first_file, first_number, media_of, rate_text
from bridge_resolve.open_timeline import Sheet

if TYPE_CHECKING:
    from fusionscript import Folder, MediaPool, MediaPoolItem, Project, TimelineItem

TAKE, TRACK, TIMELINE = "take", "track", "timeline"
WAYS = (
    PlaceAs(TAKE, "Take of the clip"),
    PlaceAs(TRACK, "Clip on a track above"),
    PlaceAs(TIMELINE, "In a new timeline, beside this one"),
)

#: Bin and tracks that hold versions.
NAME = "Shotbridge"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A placement that has been found to fit."""

    clip: Clip
    shot: CutShot
    version: Version
    output: Output
    path: str
    """Of the pictures, a frame number as ``%04d``."""
    way: str
    notes: tuple[Note, ...]

    @property
    def file(self) -> str:
        """The first file, to be compared with what Resolve tells: its names of sequences pad by
        the number that is there, and not by the pattern."""
        return first_file(frame_path(self.path, self.output.range.first))

    @property
    def first(self) -> int:
        """The first frame that the clip shows, from the version's first."""
        return self.shot.shot.cut_range.first - self.output.range.first

    @property
    def end(self) -> int:
        """The frame after the last that the clip shows."""
        return self.first + self.shot.shot.cut_range.count

    @property
    def title(self) -> str:
        return f"{self.version.service} {self.version.label}"


def check(sheet: Sheet, placement: Placement) -> Wanted:
    """A placement that can be made, by what the timeline shows now.

    :raises HostError: it cannot, and why.
    """
    clip, shot = sheet.clips.get(placement.handle), sheet.cut.shot(placement.handle)
    if clip is None or shot is None:
        raise HostError(
            f"the open timeline has no clip {placement.handle} that is a shot",
            where=sheet.cut.name,
            next_step="open the timeline that it was sent from, and reload",
        )
    way = placement.place_as or TAKE
    if way not in {one.id for one in WAYS}:
        raise HostError(
            f"Resolve has no way of placing called {way!r}",
            next_step=f"choose one of {', '.join(one.id for one in WAYS)}",
        )
    if way == TRACK and not shot.shot.retime.identity:
        raise HostError(
            f"{shot.name} is retimed, and Resolve retimes no clip for a script",
            where=sheet.cut.name,
            next_step="place the version as a take, which keeps the clip's retime",
        )
    version = placement.version
    output = next((one for one in version.outputs if one.name == placement.output), None)
    if output is None:
        raise HostError(
            f"{version.service} {version.label} has no pictures called {placement.output!r}",
            where=shot.name,
            next_step=f"name one that it has: {', '.join(o.name for o in version.outputs)}",
        )
    wanted = shot.shot.cut_range
    if output.range.rate != wanted.rate or not output.range.covers(wanted):
        raise HostError(
            f"{version.service} {version.label} holds frames {output.range} at "
            f"{output.range.rate} frames per second; the clip shows {wanted} at {wanted.rate}",
            where=shot.name,
            next_step="send the shot again: the clip was trimmed since, or relinked",
        )
    folder = placement.folder if placement.folder is not None else Path(version.folder)
    path = str(folder / output.pattern)
    return Wanted(clip, shot, version, output, path, way, placement.notes)


class Placing:
    """One placing of several versions. Use it as a context: what it did is taken back unless
    :meth:`keep` is called."""

    def __init__(self, project: Project, sheet: Sheet) -> None:
        self._sheet = sheet
        self._pool: MediaPool = ensure(project.GetMediaPool(), "open the project's media pool")
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Placing:
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def keep(self) -> None:
        """Everything went well."""
        self._undo.pop_all()

    def place(self, wanted: Sequence[Wanted]) -> None:
        """
        :raises HostError: Resolve refuses something.
        """
        with self._in_our_bin() as bin_:
            # From the top: a track that is put in moves those above it.
            for one in sorted(wanted, key=lambda one: -one.clip.track):
                item = self._media(bin_, one)
                if one.way == TAKE:
                    self._take(one, item)
                else:
                    self._above(one, item)
                self._notes(one)
        self._select(wanted)

    # The media pool

    @contextlib.contextmanager
    def _in_our_bin(self) -> Iterator[Folder]:
        """Resolve imports into whichever bin is open: ours is, for as long as this takes."""
        before = ensure(self._pool.GetCurrentFolder(), "tell which bin is open")
        try:
            bin_ = self._bin()
            ensure(self._pool.SetCurrentFolder(bin_), f"open the bin {NAME}")
            yield bin_
        finally:
            self._pool.SetCurrentFolder(before)

    def _bin(self) -> Folder:
        root = ensure(self._pool.GetRootFolder(), "show the media pool's bins")
        for folder in root.GetSubFolderList() or []:
            if folder.GetName() == NAME:
                return folder
        made = ensure(self._pool.AddSubFolder(root, NAME), f"make the bin {NAME}")
        self._undo.callback(self._pool.DeleteFolders, [made])
        return made

    def _media(self, bin_: Folder, one: Wanted) -> MediaPoolItem:
        """The version's pictures in our bin, imported unless they are there."""
        span = one.output.range
        for item in bin_.GetClipList() or []:
            if first_file(str(item.GetClipProperty("File Path"))) == one.file:
                return item
        if "%" in Path(one.path).name:
            made = self._pool.ImportMedia(
                [{"FilePath": one.path, "StartIndex": span.first, "EndIndex": span.last}]
            )
        else:
            made = self._pool.ImportMedia([one.path])
        (item,) = ensure(
            made,
            f"import {one.title}",
            where=one.path,
            next_step="see whether the files are there and Resolve may read them",
        )[:1]
        self._undo.callback(self._pool.DeleteClips, [item])
        self._interpret(item, one)
        return item

    def _interpret(self, item: MediaPoolItem, one: Wanted) -> None:
        """Have Resolve read the pictures at the plate's rate and in its colour space: a sequence
        would get those of the project."""
        rate = rate_text(one.output.range.rate)
        taken = media_of(item)
        if taken is not None and taken.rate != one.output.range.rate:
            ensure(item.SetClipProperty("FPS", rate), f"set {one.title} to {rate} fps")
        plate, space = one.clip.plate, one.output.colour_space
        # A camera file's own space is none of its rendering's.
        same = plate.readable and space == one.shot.shot.plate.colour_space
        self._sheet.colour.give(item, space, plate if same else None, one.title)

    # Takes

    def _take(self, one: Wanted, media: MediaPoolItem) -> None:
        clip = one.clip
        path = str(media.GetClipProperty("File Path"))
        if not any(take.path == path for take in takes_of(clip.item)):
            before = stands(clip.item)
            ensure(
                clip.item.AddTake(media, one.first, one.end),
                f"add {one.title} as a take of {one.shot.name}",
            )
            index = clip.item.GetTakesCount()
            self._undo.callback(clip.item.DeleteTakeByIndex, index)
            self._unmoved(one, before)
        self._mark(one, path, "")

    def _select(self, wanted: Sequence[Wanted]) -> None:
        """Of each clip's versions the one that was approved last is shown. One that is shown and
        approved no longer gives way to its plate."""
        by_clip: dict[str, list[Wanted]] = {}
        for one in wanted:
            if one.way == TAKE:
                by_clip.setdefault(one.clip.id, []).append(one)
        for group in by_clip.values():
            clip = group[0].clip
            takes = [(first_file(take.path), take.index) for take in takes_of(clip.item)]
            at = clip.item.GetSelectedTakeIndex()
            shown = next((file for file, index in takes if index == at), "")
            approved = [one for one in group if one.version.status is ReviewStatus.APPROVED]
            if approved:
                file = max(approved, key=lambda one: one.version.decisions[-1].at).file
            elif shown in {one.file for one in group}:
                file = first_file(clip.plate.path)
            else:
                continue
            index = ensure(
                next((index for found, index in takes if found == file), None),
                f"list {file} among the takes of {group[0].shot.name}",
            )
            if index != at:
                before = stands(clip.item)
                ensure(
                    clip.item.SelectTakeByIndex(index),
                    f"select take {index} of {group[0].shot.name}",
                )
                self._undo.callback(clip.item.SelectTakeByIndex, at)
                self._unmoved(group[0], before)

    def _unmoved(self, one: Wanted, before: tuple[int, int]) -> None:
        after = stands(one.clip.item)
        if after != before:
            raise HostError(
                f"with {one.title}, {one.shot.name} would stand at frames {after[0]}-"
                f"{after[0] + after[1] - 1} and not at {before[0]}-{before[0] + before[1] - 1}",
                where=self._sheet.cut.name,
                next_step="place the version on a track above, and turn off ripple for takes",
            )

    # Tracks above

    def _above(self, one: Wanted, media: MediaPoolItem) -> None:
        path = str(media.GetClipProperty("File Path"))
        there = one.clip.standing(self._sheet.clips)
        if any(v.version == one.version.id and v.item for v in there):
            return
        start, length = stands(one.clip.item)
        track = self._free_track(one, start, start + length)
        item = ensure(
            cut_in(self._pool, media, (one.first, one.end), track, start),
            f"cut {one.title} in above {one.shot.name}",
        )
        self._undo.callback(self._sheet.timeline.DeleteClips, [item], False)
        if stands(item) != (start, length):
            raise HostError(
                f"Resolve cut {one.title} in at another place or length than {one.shot.name} has",
                where=self._sheet.cut.name,
                next_step="place the version as a take",
            )
        self._mark(one, path, item.GetUniqueId())

    def _free_track(self, one: Wanted, start: int, end: int) -> int:
        """A track of ours with room between two record frames (the end excluded), over the versions
        that stand there already and under all else that lies over the clip, such as titles."""
        timeline = self._sheet.timeline
        count = timeline.GetTrackCount("video")
        index = free = one.clip.track + 1
        while index <= count and str(timeline.GetTrackName("video", index)).startswith(NAME):
            # Resolve drops without a word what would overlap.
            if any(at < end and start < at + length for at, length in map(stands, self._on(index))):
                free = index + 1
            index += 1
        if free == index:
            self._put_in(index, one)
        return free

    def _put_in(self, index: int, one: Wanted) -> None:
        """A new track of ours at a place; what stood there and above moves up.

        :raises HostError: Resolve does not do that: older ones add tracks at the top only.
        """
        timeline = self._sheet.timeline
        count = timeline.GetTrackCount("video")
        before = [_ids(self._on(number)) for number in range(index, count + 1)]
        add: Any = timeline.AddTrack  # for the stubs a kind of sound is due, whichever track it is
        options = ({"index": index},) if before else ()
        ensure(add("video", *options), "add a video track")
        moved = before == [_ids(self._on(number)) for number in range(index + 1, count + 2)]
        self._undo.callback(timeline.DeleteTrack, "video", index if moved else count + 1)
        if not moved:
            raise HostError(
                f"this Resolve puts no track in between, and {one.title} would cover what lies "
                f"over {one.shot.name}",
                where=self._sheet.cut.name,
                next_step="place the version as a take",
            )
        ensure(timeline.SetTrackName("video", index, NAME), f"call track {index} {NAME}")

    def _on(self, track: int) -> list[TimelineItem]:
        return self._sheet.timeline.GetItemListInTrack("video", track) or []

    # Markers

    def _mark(self, one: Wanted, path: str, item: str) -> None:
        marks = marks_of(one.clip.item)
        for known in marks.versions:
            if (known.version, known.media) == (one.version.id, path) and known.item == item:
                return
        which = one.version.shot
        what = VersionMark(
            version=one.version.id,
            label=one.title,
            media=path,
            plate=one.clip.plate.path,
            first=one.output.range.first,
            sequence=which.sequence,
            shot=which.shot,
            number=len(marks.versions) + 1,
            item=item,
        )
        at = marks.free(self._offset(one, one.shot.shot.cut_range.first))
        self._set(one, at, 1, one.title, "", what)

    def _notes(self, one: Wanted) -> None:
        known = {note.note for note in marks_of(one.clip.item).notes}
        for note in one.notes:
            if note.id in known:
                continue
            said = note.frames or one.shot.shot.cut_range
            at = marks_of(one.clip.item).free(self._offset(one, said.first))
            text = note.text.strip() or f"{len(note.strokes)} strokes, to be seen in Shotbridge"
            what = NoteMark(note.id, one.version.id)
            self._set(one, at, said.count, f"{one.title} {note.by}", text, what)

    def _set(
        self,
        one: Wanted,
        at: int,
        duration: int,
        name: str,
        text: str,
        what: VersionMark | NoteMark,
    ) -> None:
        mark(one.clip.item, at, duration, name, text, what)
        self._undo.callback(one.clip.item.DeleteMarkerAtFrame, at)

    def _offset(self, one: Wanted, frame: int) -> int:
        """Markers of a clip count from its media's first frame."""
        return frame - first_number(one.clip.plate)


def _ids(items: list[TimelineItem]) -> list[str]:
    return [item.GetUniqueId() for item in items]
