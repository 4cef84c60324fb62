"""Read a cut from a file: every clip with pictures becomes a shot, everything else a problem.

Only the timeline itself is read from disk, so that ten thousand clips take about a second;
:func:`bridge_core.timeline.media_check.check_media` checks the media.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge_core.models.base import validation_error
from bridge_core.models.frames import FrameRange, Retime, to_rate
from bridge_core.models.media import Plate
from bridge_core.models.shots import Shot, ShotId, sanitise_name
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
from bridge_core.timeline.document import (
    MALFORMED_ERRORS,
    NAMESPACE,
    Document,
    JsonObject,
    get_text,
    load_document,
    media_references,
    plate_key,
    schema_name,
    shotbridge_metadata,
)
from bridge_core.timeline.flatten import FlatItem, PlacedClip, SkippedItem, flatten_timeline
from bridge_core.timeline.media_paths import media_key, media_path, sequence_pattern, url_to_path
from bridge_core.timeline.media_reference_reader import SourceMedia, read_media_reference
from bridge_core.timeline.otio_time import (
    Timebase,
    convert_timebase,
    is_plausible_frame_rate,
    nearest_frame,
    read_time_range,
    timebase_from_rate,
    timebase_from_time,
    to_seconds,
)
from bridge_core.timeline.plate_range import (
    plate_and_cut_range,
    remapped_in_point,
    shown_plate_frames,
)
from bridge_core.timeline.retimes import is_time_remap, read_retime, time_effects
from bridge_core.timeline.shot_naming import (
    NameCandidate,
    assign_unique_names,
    compute_clip_id,
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
    return index_cut(document, show=show, handles=handles).cut


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


@dataclass(slots=True)
class _ParsedClip:
    """A clip that is about to become a shot."""

    placed_clip: PlacedClip
    media: SourceMedia
    plate: Plate
    cut_range: FrameRange
    record_range: FrameRange
    retime: Retime
    phase: Fraction
    handles: tuple[int, int]
    media_key: str


class _CutReader:
    def __init__(self, document: Document, show: str | None, handles: int) -> None:
        timeline = document.timeline
        self.document = document
        self.folder = document.path.absolute().parent
        self.handles = handles
        self.items, timebases = flatten_timeline(document)
        self.given_rate = document.source.rate
        self.timebase = self._find_timebase()
        self.rate = self.timebase.rate
        timebases.append(self.timebase)
        file_rates = {timebase.file_rate for timebase in timebases}
        if len(file_rates) > 1 and not all(timebase.is_exact for timebase in timebases):
            self.items, _ = flatten_timeline(document, self.timebase)
        self.name = str(timeline.get("name") or document.path.stem)
        self.show = show or get_text(shotbridge_metadata(timeline), "show") or self.name
        self.problems: list[CutProblem] = []
        document_problems = list(document.problems)
        self.global_start, problem = self._read_global_start()
        if problem:
            document_problems.append((ProblemKind.BROKEN, problem, EXPORT_AGAIN))
        for of_document in document_problems:
            self.problems.append(CutProblem(*of_document, self.name, "", None, skipped=False))

    def read(self) -> CutIndex:
        parsed = [clip for item in self.items for clip in self._parse_item(item)]
        names = assign_unique_names([self._name_candidate(item) for item in parsed])
        show = sanitise_name(self.show, default="show")
        shots: list[CutShot] = []
        clips: dict[str, JsonObject] = {}
        media: dict[str, SourceMedia] = {}
        for item, (sequence, shot, clip_id) in zip(parsed, names, strict=True):
            head, tail = item.handles
            try:
                shot_model = Shot(
                    id=ShotId(show=show, sequence=sequence, shot=shot),
                    plate=item.plate,
                    cut_range=item.cut_range,
                    head_handle=head,
                    tail_handle=tail,
                    retime=item.retime,
                    phase=item.phase,
                    record_range=item.record_range,
                    clip_id=clip_id,
                )
            except ValidationError as error:
                self._add_invalid(item.placed_clip, error)
                continue
            node = item.placed_clip.clip
            shots.append(
                CutShot(
                    shot=shot_model,
                    clip_id=clip_id,
                    clip_name=item.placed_clip.name,
                    track=item.placed_clip.track,
                    media_key=item.media_key,
                    versions=tuple(_referenced_versions(node, self.folder, item.media)),
                    has_stored_id=bool(shotbridge_metadata(node).get("clip")),
                )
            )
            clips[clip_id] = node
            media[clip_id] = item.media
        cut = Cut(
            source=self.document.source,
            name=self.name,
            show=show,
            rate=self.rate,
            global_start=self.global_start,
            shots=tuple(shots),
            problems=tuple(self.problems),
        )
        return CutIndex(cut, clips, media)

    def _find_timebase(self) -> Timebase:
        """The timebase of the timeline's global start, else that of most of its clips.

        Timebases in seconds, milliseconds or ticks are used only if nothing counts in frames.
        """
        if self.given_rate is not None:
            return Timebase.from_exact_rate(self.given_rate)
        clips = [item for item in self.items if isinstance(item, PlacedClip)]
        candidates: list[Timebase] = []
        start = self.document.timeline.get("global_start_time")
        if isinstance(start, dict):
            with contextlib.suppress(ValueError):
                candidates.append(timebase_from_time(start))
        # Counted as floats: hashing a fraction takes longer than reading the clip.
        counts_by_rate = Counter(float(item.source_range.timebase.file_rate) for item in clips)
        candidates += [timebase_from_rate(rate) for rate, _ in counts_by_rate.most_common()]
        for timebase in candidates:
            if is_plausible_frame_rate(timebase.rate):
                return timebase
        rates = Counter(rate for item in clips if (rate := _media_rate(item.clip)) is not None)
        candidates = [timebase_from_rate(rate) for rate, _ in rates.most_common(1)] + candidates
        return candidates[0] if candidates else Timebase.from_exact_rate(Fraction(24))

    def _read_global_start(self) -> tuple[int, str]:
        """The number of the first frame, and a problem message if it cannot be read."""
        start = self.document.timeline.get("global_start_time")
        if start is None:
            return 0, ""
        try:
            time = convert_timebase(to_seconds(start), timebase_from_time(start), self.timebase)
            return nearest_frame(time, self.rate), ""
        except ValueError as error:
            return 0, f"its global start time cannot be read; the cut starts at 0: {error}"

    def _parse_item(self, item: FlatItem) -> Iterator[_ParsedClip]:
        if isinstance(item, SkippedItem):
            self._add_problem(item, item.kind, item.message, item.next_step)
            return
        try:
            yield self._parse_clip(item)
        except UnusableClipError as error:
            self._add_problem(item, error.kind, error.message, error.next_step)
        except ValidationError as error:
            self._add_invalid(item, error)
        except MALFORMED_ERRORS as error:
            # The file's objects do not match their schema; the rest can still be read.
            message = f"the clip is damaged: {error}"
            self._add_problem(item, ProblemKind.BROKEN, message, _CORRECT_CLIP)

    def _parse_clip(self, placed_clip: PlacedClip) -> _ParsedClip:
        record_range = self._record_range(placed_clip.start, placed_clip.duration)
        if record_range is None:
            raise UnusableClipError(
                ProblemKind.EMPTY,
                "the clip is shorter than a frame of the timeline",
                "remove it, or make it longer, in the host",
            )
        clip, source = placed_clip.clip, placed_clip.source_range
        reference = media_references(clip)[0].get(plate_key(clip))
        media = read_media_reference(reference, self.folder, source, self.given_rate)
        effects = time_effects(clip)
        media_time = convert_timebase(source.start, source.timebase, media.timebase)
        in_point = media_time - media.start_time
        retime, assumptions = _NO_RETIME, ""
        if effects:
            retime, assumptions = read_retime(effects, in_point, media.rate)
        if any(map(is_time_remap, effects)):
            in_point = remapped_in_point(in_point, source.duration, media, retime.speed)
        if media.is_still and placed_clip.duration * media.rate > 1:
            retime, assumptions = _FREEZE, ""
        shown_frames, phase = shown_plate_frames(
            placed_clip, media, retime, in_point, record_range, self.timebase
        )
        plate_range, cut_range = plate_and_cut_range(media, shown_frames, record_range)
        message = "; ".join(filter(None, (media.assumptions, assumptions)))
        if message:
            next_step = "check the shot's first and last frame before sending it"
            self._add_problem(placed_clip, ProblemKind.ASSUMED, message, next_step, skipped=False)
        metadata = shotbridge_metadata(reference)
        plate = Plate(
            path=media.path,
            range=plate_range,
            start_timecode=media.start_timecode,
            colour_space=metadata.get("colour_space"),
            width=metadata.get("width"),
            height=metadata.get("height"),
            pixel_aspect=metadata.get("pixel_aspect", 1.0),
        )
        handles, key = self._frame_handles(placed_clip, media.rate, retime), media_key(plate.path)
        ranges = (cut_range, record_range)
        return _ParsedClip(placed_clip, media, plate, *ranges, retime, phase, handles, key)

    def _frame_handles(
        self, placed_clip: PlacedClip, rate: Fraction, retime: Retime
    ) -> tuple[int, int]:
        """Head and tail handles in plate frames, with the frames that transitions show.

        For a reversed clip, the head of the cut is the tail of the plate.
        """
        if not placed_clip.head and not placed_clip.tail:
            return self.handles, self.handles
        fastest = retime.max_speed
        head = self.handles + math.ceil(placed_clip.head * rate * fastest)
        tail = self.handles + math.ceil(placed_clip.tail * rate * fastest)
        return (tail, head) if retime.speed < 0 else (head, tail)

    def _record_range(self, start: Fraction, duration: Fraction) -> FrameRange | None:
        first = nearest_frame(start, self.rate)
        last = nearest_frame(start + duration, self.rate) - 1
        if last < first:
            return None
        offset = self.global_start
        return FrameRange(first=first + offset, last=last + offset, rate=self.rate)

    def _name_candidate(self, item: _ParsedClip) -> NameCandidate:
        metadata = shotbridge_metadata(item.placed_clip.clip)
        file_name = item.plate.path.replace("\\", "/").rpartition("/")[2]
        sequence, shot = split_name(item.placed_clip.name or file_name, self.name)
        first, last = item.cut_range.first, item.cut_range.last
        if item.plate.kind == "movie":
            # Writers count movies from their timecode or from 0; only the offset is the same.
            first, last = first - item.plate.range.first, last - item.plate.range.first
        stored_id = get_text(metadata, "clip")
        return NameCandidate(
            sequence=get_text(metadata, "sequence") or sequence,
            shot=get_text(metadata, "shot") or shot,
            clip_id=stored_id or compute_clip_id(item.media_key, first, last, item.cut_range.rate),
            has_stored_name=bool(stored_id),
            sort_key=(item.media_key, first, media_path(item.plate.path), item.placed_clip.start),
        )

    def _add_invalid(self, clip: PlacedClip, error: ValidationError) -> None:
        message = validation_error(error, label="clip").message
        self._add_problem(clip, ProblemKind.BROKEN, message, _CORRECT_CLIP)

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
                record_range = self._record_range(item.start, item.duration)
        self.problems.append(
            CutProblem(kind, message, next_step, item.name, item.track, record_range, skipped)
        )


_NO_RETIME = Retime()
_FREEZE = Retime(speed=Fraction(0))
_CORRECT_CLIP = "correct the clip in the host and export the cut again"


def _referenced_versions(
    clip: JsonObject, folder: Path, plate: SourceMedia
) -> Iterator[ReferencedVersion]:
    references, active = media_references(clip)
    for key, reference in references.items():
        metadata = shotbridge_metadata(reference)
        if not key.startswith(f"{NAMESPACE}:") or not metadata:
            continue
        available = read_time_range(reference.get("available_range"))
        start = available and convert_timebase(available.start, available.timebase, plate.timebase)
        if schema_name(reference) == "ImageSequenceReference":
            path = sequence_pattern(reference, folder)
        else:
            path = url_to_path(get_text(reference, "target_url"), folder)
        yield ReferencedVersion(
            reference_key=key,
            version=get_text(metadata, "version"),
            service=get_text(metadata, "service"),
            label=get_text(metadata, "label"),
            status=get_text(metadata, "status"),
            path=path,
            first_frame=plate.frame_at(start) if start is not None else plate.first_frame,
            is_active=key == active,
        )


def _media_rate(clip: JsonObject) -> float | None:
    """The frame rate of a clip's media; None if the file does not give a plausible one."""
    reference = media_references(clip)[0].get(plate_key(clip))
    available = reference.get("available_range") if isinstance(reference, dict) else None
    for node in (reference, (available or {}).get("duration")):
        rate = node.get("rate") if isinstance(node, dict) else None
        with contextlib.suppress(ValueError, OverflowError, TypeError):
            if rate is not None and is_plausible_frame_rate(timebase_from_rate(float(rate)).rate):
                return float(rate)
    return None
