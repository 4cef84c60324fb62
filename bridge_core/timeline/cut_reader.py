"""Read a cut from a file: every clip with pictures becomes a shot, everything else a problem.

Only the timeline itself is read from disk, so that ten thousand clips take about half a second;
:func:`bridge_core.timeline.media_check.check_media` checks the media.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge_core.models.base import validation_error
from bridge_core.models.frames import FrameRange, Retime, to_rate
from bridge_core.models.media import is_movie, split_path
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
from bridge_core.timeline.flatten import FlatItem, PlacedClip, SkippedItem, flatten_timeline
from bridge_core.timeline.media_paths import media_key, media_path
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
    NameCandidate,
    assign_unique_names,
    compute_clip_id,
    repeated_names,
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
    document = load_document(CutSource(Path(path), timeline, exact_rate))
    cut = index_cut(document, show=show, handles=handles).cut
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
    if handles < 0:
        raise ValueError("handles must not be negative")
    return _CutReader(document, show, handles).read()


class _CutReader:
    def __init__(self, document: Document, show: str | None, handles: int) -> None:
        timeline = document.timeline
        self.document = document
        self.folder = document.path.absolute().parent
        self.handles = handles
        self.given_rate = document.source.rate
        self.name = str(timeline.get("name") or document.path.stem)
        stored_show = get_text(shotbridge_metadata(timeline), "show")
        self.show = sanitise_name(show or stored_show or self.name, default="show")
        self.shots: list[CutShot] = []
        self.clips: list[JsonObject] = []
        self.media: list[SourceMedia] = []
        self.unchecked: list[int] = []
        """Positions of shots whose names may not be valid."""
        self.problems: list[CutProblem] = []

    def read(self) -> CutIndex:
        self._parse_clips()
        self._make_names_unique()
        self._check_names()
        cut = Cut(
            source=self.document.source,
            name=self.name,
            show=self.show,
            rate=self.rate,
            global_start=self.global_start,
            shots=tuple(self.shots),
            problems=tuple(self.problems),
        )
        clip_ids = [item.clip_id for item in self.shots]
        clips = dict(zip(clip_ids, self.clips, strict=True))
        return CutIndex(cut, clips, dict(zip(clip_ids, self.media, strict=True)))

    def _parse_clips(self) -> None:
        """Parse each clip as soon as its position is known, which leaves no objects to the garbage
        collector. This needs the timebase in advance; if it was wrong, start again."""
        guess = guess_timebase(self.document) if self.given_rate is None else None
        if guess is not None:
            self._start(guess)
            timebases = flatten_timeline(self.document, self._add_item)
            if all(one is guess for one in timebases):
                return
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
        self.shots, self.clips, self.media = [], [], []
        self.unchecked, self.problems = [], []
        document_problems = list(self.document.problems)
        self.global_start, problem = read_global_start(self.document, timebase)
        if problem:
            document_problems.append((ProblemKind.BROKEN, problem, EXPORT_AGAIN))
        for of_document in document_problems:
            self.problems.append(CutProblem(*of_document, self.name, "", None, skipped=False))

    def _make_names_unique(self) -> None:
        names = [(item.sequence, item.name, item.clip_id) for item in self.shots]
        repeated = repeated_names(names)
        if not repeated:
            return
        candidates = [self._name_candidate(index) for index in repeated]
        assigned = assign_unique_names(candidates, names)
        for index, (sequence, name, clip_id) in zip(repeated, assigned, strict=True):
            item = self.shots[index]
            self.shots[index] = replace(item, sequence=sequence, name=name, clip_id=clip_id)

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
            self.clips = [self.clips[index] for index in valid]
            self.media = [self.media[index] for index in valid]

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
        shot = self._build_shot(placed_clip, fields, versions)
        if shotbridge_metadata(clip) or not is_unicode(f"{shot.show}{shot.sequence}{shot.name}"):
            self.unchecked.append(len(self.shots))
        self.shots.append(shot)
        self.clips.append(clip)
        self.media.append(media)

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
        self, placed_clip: PlacedClip, fields: ShotFields, versions: tuple[ReferencedVersion, ...]
    ) -> CutShot:
        """The shot by the names that its clip suggests."""
        clip_name, metadata = placed_clip.name, shotbridge_metadata(placed_clip.clip)
        sequence, name = split_name(clip_name or split_path(fields.path)[1], self.name)
        first = _first_media_frame(fields)
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
            bool(metadata.get("clip")),
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

    def _name_candidate(self, index: int) -> NameCandidate:
        item = self.shots[index]
        fields = item.fields
        return NameCandidate(
            sequence=item.sequence,
            shot=item.name,
            clip_id=item.clip_id,
            has_stored_name=bool(get_text(shotbridge_metadata(self.clips[index]), "clip")),
            sort_key=(
                item.media_key,
                _first_media_frame(fields),
                media_path(fields.path),
                Fraction(fields.record_first),
            ),
        )

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


def _first_media_frame(fields: ShotFields) -> int:
    """First frame of the cut, in a movie counted from its start: writers count movies from their
    timecode or from 0, and only the offset is the same."""
    return fields.cut_first - (fields.plate_first if is_movie(fields.path) else 0)
