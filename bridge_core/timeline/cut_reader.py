"""Read a cut from a file: every clip with pictures becomes a shot, everything else a problem.

Only the timeline itself is read from disk, so that ten thousand clips take about half a second;
:func:`bridge_core.timeline.media_check.check_media` checks the media.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge_core.models.base import validation_error
from bridge_core.models.frames import FrameRange, Retime, to_rate
from bridge_core.models.media import split_path
from bridge_core.models.shots import sanitise_name
from bridge_core.system.pacing import paced
from bridge_core.timeline.cut import (
    EXPORT_AGAIN,
    Cut,
    CutProblem,
    CutShot,
    CutSource,
    ProblemKind,
    ReferencedVersion,
    UnusableClipError,
)
from bridge_core.timeline.cut_timebase import find_timebase, guess_timebase, read_global_start
from bridge_core.timeline.document import (
    MALFORMED_ERRORS,
    Document,
    JsonObject,
    free_items,
    get_text,
    load_document,
    plate_reference,
    shotbridge_metadata,
)
from bridge_core.timeline.flatten import (
    FlatItem,
    OtherTimebaseError,
    PlacedClip,
    SkippedItem,
    flatten_timeline,
)
from bridge_core.timeline.item_parser import ItemByItemError
from bridge_core.timeline.media_paths import media_key
from bridge_core.timeline.media_reference_reader import (
    SourceMedia,
    read_media_reference,
    read_version_references,
)
from bridge_core.timeline.otio_time import (
    Timebase,
    convert_timebase,
    nearest_frame,
)
from bridge_core.timeline.plate_range import (
    plain_plate_frames,
    plate_and_cut_range,
    remapped_in_point,
    shown_plate_frames,
)
from bridge_core.timeline.retimes import is_time_remap, read_retime, time_effects
from bridge_core.timeline.shot_fields import (
    ShotFields,
    check_frames,
    check_plate,
    is_unicode,
    plate_path,
)
from bridge_core.timeline.shot_naming import (
    compute_clip_id,
    make_names_unique,
    split_name,
)


def read_cut(
    path: str | Path,
    *,
    show: str | None = None,
    handles: int = 8,
    rate: Any = None,
    timeline: str | None = None,
) -> Cut:
    """Read a cut.

    ``show`` is the show's name (default: the one stored in the file, else the timeline's name).
    ``handles`` is the number of plate frames before and after each shot, in addition to the frames
    that transitions show. ``rate`` overrides the timeline's own rate; an EDL has none. ``timeline``
    is the timeline's name in a file that holds several.

    :raises TimelineError: the file is not a timeline, is damaged, or needs an adapter that is not
        installed.
    """
    exact_rate = to_rate(rate) if rate is not None else None
    source = CutSource(Path(path), timeline, exact_rate)
    with contextlib.suppress(ItemByItemError):
        # With a rate, it is read in two passes, which would parse the items twice.
        return _read_document(load_document(source, item_by_item=rate is None), show, handles)
    return _read_document(load_document(source), show, handles)


def _read_document(document: Document, show: str | None, handles: int) -> Cut:
    cut = _CutReader(document, show, handles, keep_clips=False).read()
    for items in document.unparsed:
        items.check()
    free_items(document)
    return cut


@dataclass(frozen=True, slots=True)
class CutIndex:
    """A cut and, for each of its shots by clip id, the document's clip and the plate's media."""

    cut: Cut
    clips: dict[str, JsonObject]
    media: dict[str, SourceMedia]


def index_cut(document: Document, *, show: str | None = None, handles: int = 8) -> CutIndex:
    """The cut together with the document's own objects, for writing into them."""
    reader = _CutReader(document, show, handles, keep_clips=True)
    cut = reader.read()
    clips = zip(cut.shots, reader.clips, strict=True)
    by_id = {item.clip_id: clip_and_media for item, clip_and_media in clips}
    return CutIndex(
        cut,
        {clip_id: clip for clip_id, (clip, _) in by_id.items()},
        {clip_id: media for clip_id, (_, media) in by_id.items()},
    )


class _CutReader:
    def __init__(
        self, document: Document, show: str | None, handles: int, *, keep_clips: bool
    ) -> None:
        if handles < 0:
            raise ValueError("handles must not be negative")
        timeline = document.timeline
        self.document = document
        self.folder = document.path.absolute().parent
        self.handles = handles
        self.given_rate = document.source.rate
        self.name = str(timeline.get("name") or document.path.stem)
        stored_show = get_text(shotbridge_metadata(timeline), "show")
        self.show = sanitise_name(show or stored_show or self.name, default="show")
        self.shots: list[CutShot] = []
        self.keep_clips = keep_clips
        self.clips: list[tuple[JsonObject, SourceMedia]] = []
        """With ``keep_clips``, the clip and the plate's media of each shot. Without, a clip that is
        parsed alone can be freed before the next is."""
        self.unchecked: list[int] = []
        """Positions of shots whose names may not be valid."""
        self.problems: list[CutProblem] = []

    def read(self) -> Cut:
        self._parse_clips()
        make_names_unique(self.shots)
        self._check_names()
        return Cut(
            source=self.document.source,
            name=self.name,
            show=self.show,
            rate=self.rate,
            global_start=self.global_start,
            shots=tuple(self.shots),
            problems=tuple(self.problems),
        )

    def _parse_clips(self) -> None:
        """Parse each clip as soon as its position is known, which leaves no objects to the garbage
        collector. This needs the timebase in advance; if it was wrong, start again."""
        guess = guess_timebase(self.document) if self.given_rate is None else None
        if guess is not None:
            self._start(guess)
            with contextlib.suppress(OtherTimebaseError):
                flatten_timeline(self.document, self._add_item, guess=guess)
                return
        if self.document.unparsed:
            raise ItemByItemError  # they would be parsed again, and all kept
        items: list[FlatItem] = []
        timebases = flatten_timeline(self.document, items.append)
        timebase = find_timebase(self.document, items)
        timebases.append(timebase)
        file_rates = {one.file_rate for one in timebases}
        if len(file_rates) > 1 and not all(one.is_exact for one in timebases):
            items = []
            flatten_timeline(self.document, items.append, timebase)
        self._start(timebase)
        for item in paced(items):
            self._add_item(item)

    def _start(self, timebase: Timebase) -> None:
        """Start with an empty cut that counts in ``timebase``."""
        self.timebase, self.rate = timebase, timebase.rate
        self.shots, self.clips, self.unchecked, self.problems = [], [], [], []
        document_problems = list(self.document.problems)
        self.global_start, problem = read_global_start(self.document, timebase)
        if problem:
            document_problems.append((ProblemKind.BROKEN, problem, EXPORT_AGAIN))
        for of_document in document_problems:
            self.problems.append(CutProblem(*of_document, self.name, "", None, skipped=False))

    def _check_names(self) -> None:
        """Remove shots whose names, as they are in the file, are not valid."""
        invalid = set()
        for index in paced(self.unchecked):
            item = self.shots[index]
            try:
                _ = item.shot
            except ValidationError as error:
                message = validation_error(error, label="clip").message
                self.problems.append(item.problem(ProblemKind.BROKEN, message, _CORRECT_CLIP))
                invalid.add(index)
        if invalid:
            valid = [index for index in range(len(self.shots)) if index not in invalid]
            self.shots = [self.shots[index] for index in valid]
            if self.keep_clips:
                self.clips = [self.clips[index] for index in valid]

    def _add_item(self, item: FlatItem) -> None:
        """Add a shot or a problem."""
        if isinstance(item, SkippedItem):
            self._add_problem(item, item.kind, item.message, item.next_step)
            return
        try:
            self._add_clip(item)
        except UnusableClipError as error:
            self._add_problem(item, error.kind, error.message, error.next_step)
        except ValidationError as error:
            message = validation_error(error, label="clip").message
            self._add_problem(item, ProblemKind.BROKEN, message, _CORRECT_CLIP)
        except MALFORMED_ERRORS as error:
            # The file's objects do not match their schema; the rest can still be read.
            message = f"the clip is damaged: {error}"
            self._add_problem(item, ProblemKind.BROKEN, message, _CORRECT_CLIP)

    def _add_clip(self, placed_clip: PlacedClip) -> None:
        record = self._record_frames(placed_clip.start, placed_clip.end)
        if record is None:
            raise UnusableClipError(
                ProblemKind.EMPTY,
                "the clip is shorter than a frame of the timeline",
                "remove it, or make it longer, in the host",
            )
        clip = placed_clip.clip
        reference = plate_reference(clip)
        source = placed_clip.source_range
        media = read_media_reference(reference, self.folder, source, self.given_rate)
        fields, assumptions = self._read_fields(placed_clip, media, record)
        if media.assumptions or assumptions:
            message = "; ".join(filter(None, (media.assumptions, assumptions)))
            next_step = "check the shot's first and last frame before sending it"
            self._add_problem(placed_clip, ProblemKind.ASSUMED, message, next_step, skipped=False)
        plate_metadata = shotbridge_metadata(reference)
        if plate_metadata:
            fields = fields._replace(
                colour_space=plate_metadata.get("colour_space"),
                width=plate_metadata.get("width"),
                height=plate_metadata.get("height"),
                pixel_aspect=plate_metadata.get("pixel_aspect", 1.0),
            )
        check_plate(fields, bool(plate_metadata))
        versions = read_version_references(clip, self.folder, media)
        metadata = shotbridge_metadata(clip)
        shot = self._build_shot(placed_clip, fields, metadata, versions)
        if metadata or not is_unicode(f"{shot.show}{shot.sequence}{shot.name}"):
            self.unchecked.append(len(self.shots))
        self.shots.append(shot)
        if self.keep_clips:
            self.clips.append((clip, media))

    def _read_fields(
        self, placed_clip: PlacedClip, media: SourceMedia, record: tuple[int, int]
    ) -> tuple[ShotFields, str]:
        """The shot's ranges and retime, and what had to be assumed about it."""
        source = placed_clip.source_range
        effects = time_effects(placed_clip.clip)
        retime, assumptions, phase = _NO_RETIME, "", _ZERO
        shown_frames = None if effects else plain_plate_frames(placed_clip, media, self.timebase)
        if shown_frames is None:
            media_time = convert_timebase(source.start, source.timebase, media.timebase)
            in_point = media_time - media.start_time
            if effects:
                retime, assumptions = read_retime(effects, in_point, media.rate)
            if any(map(is_time_remap, effects)):
                in_point = remapped_in_point(in_point, source.duration, media, retime.speed)
            if media.is_still and placed_clip.duration * media.rate > 1:
                retime, assumptions = _FREEZE, ""
            record_count = record[1] - record[0] + 1
            shown_frames, phase = shown_plate_frames(
                placed_clip, media, retime, in_point, record_count, self.timebase
            )
        plate_frames, cut_frames = plate_and_cut_range(media, shown_frames, self.rate)
        fields = ShotFields(
            plate_path(media.path, plate_frames, media.rate),
            *plate_frames,
            *cut_frames,
            media.rate,
            *record,
            self.rate,
            *self._frame_handles(placed_clip, media.rate, retime),
            retime,
            phase,
            media.start_timecode,
        )
        return fields, assumptions

    def _build_shot(
        self,
        placed_clip: PlacedClip,
        fields: ShotFields,
        metadata: JsonObject,
        versions: tuple[ReferencedVersion, ...],
    ) -> CutShot:
        """The shot by the names that its clip suggests, or that its ``metadata`` give."""
        clip_name = placed_clip.name
        sequence, name = split_name(clip_name or split_path(fields.path)[1], self.name)
        first = fields.first_media_frame
        last = first + fields.cut_last - fields.cut_first
        key, clip_id = media_key(fields.path), ""
        if metadata:
            clip_id = get_text(metadata, "clip")
            sequence = get_text(metadata, "sequence") or sequence
            name = get_text(metadata, "shot") or name
        return CutShot(
            fields,
            self.show,
            sequence,
            name,
            clip_id or compute_clip_id(key, first, last, fields.rate),
            clip_name,
            placed_clip.track,
            key,
            versions,
            bool(clip_id),
        )

    def _frame_handles(
        self, placed_clip: PlacedClip, rate: Fraction, retime: Retime
    ) -> tuple[int, int]:
        """Head and tail handles in plate frames, with the frames that transitions show.

        For a reversed clip, the head of the cut is the tail of the plate.
        """
        if not placed_clip.head and not placed_clip.tail:
            return self.handles, self.handles
        fastest = rate if retime is _NO_RETIME else rate * retime.max_speed
        head = self.handles + math.ceil(placed_clip.head * fastest)
        tail = self.handles + math.ceil(placed_clip.tail * fastest)
        return (tail, head) if retime.speed < 0 else (head, tail)

    def _record_frames(self, start: Fraction, end: Fraction) -> tuple[int, int] | None:
        """First and last frame in the cut; None if it is shorter than a frame."""
        first = nearest_frame(start, self.rate)
        last = nearest_frame(end, self.rate) - 1
        if last < first:
            return None
        return check_frames(first + self.global_start, last + self.global_start, self.rate)

    def _add_problem(
        self,
        item: FlatItem,
        kind: ProblemKind,
        message: str,
        next_step: str,
        *,
        skipped: bool = True,
    ) -> None:
        record_range = None
        if item.start is not None:
            with contextlib.suppress(ValidationError):
                if record := self._record_frames(item.start, item.start + item.duration):
                    record_range = FrameRange(first=record[0], last=record[1], rate=self.rate)
        self.problems.append(
            CutProblem(kind, message, next_step, item.name, item.track, record_range, skipped)
        )


_ZERO = Fraction(0)
_NO_RETIME = Retime()
_FREEZE = Retime(speed=Fraction(0))
_CORRECT_CLIP = "correct the clip in the host and export the cut again"
