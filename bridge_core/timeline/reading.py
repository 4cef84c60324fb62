"""A cut out of a file: every clip with a picture as a shot, everything else as a problem.

Nothing on disk is looked at but the timeline itself, so that ten thousand clips read in about a
second; :func:`bridge_core.timeline.lookup.look_for_media` looks for the media when that is wanted.
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

from bridge_core.models.base import invalid
from bridge_core.models.frames import FrameRange, Retime, to_rate
from bridge_core.models.media import Plate
from bridge_core.models.shots import Shot, ShotId, fit_name
from bridge_core.timeline.clock import (
    Clock,
    clock_at,
    clock_of,
    frame_shown,
    frames,
    in_clock,
    seconds,
    span,
)
from bridge_core.timeline.collector import collector_paused
from bridge_core.timeline.cut import (
    CarriedVersion,
    Cut,
    CutProblem,
    CutShot,
    CutSource,
    ProblemKind,
)
from bridge_core.timeline.document import (
    DAMAGE,
    NAMESPACE,
    Document,
    Json,
    load,
    ours,
    plate_key,
    references,
    schema,
)
from bridge_core.timeline.layout import Placed, Unplaced, lay_out
from bridge_core.timeline.naming import Candidate, identity, settle, split_name
from bridge_core.timeline.references import (
    Media,
    Unfit,
    file_path,
    is_picture_rate,
    media_key,
    media_of,
    media_path,
    sequence_path,
)
from bridge_core.timeline.retimes import is_remap, retime_of, time_effects


def read_cut(
    path: str | Path,
    *,
    show: str | None = None,
    handles: int = 8,
    rate: Any = None,
    timeline: str | None = None,
) -> Cut:
    """Read a cut.

    ``show`` is the show's name (otherwise what the file carries, otherwise the timeline's name),
    ``handles`` the frames wanted before and after each shot in plate frames, on top of what
    transitions show. ``rate`` overrules the timeline's own rate, and is what an EDL counts at;
    ``timeline`` names the one wanted in a file that holds several.

    :raises TimelineError: the file is no timeline, is damaged as a whole, or needs an adapter that
        is not installed.
    """
    counted = to_rate(rate) if rate is not None else None
    with collector_paused():
        document = load(CutSource(Path(path), timeline, counted))
        return cut_of(document, show=show, handles=handles)


def cut_of(document: Document, *, show: str | None = None, handles: int = 8) -> Cut:
    """The cut that a loaded document holds; see :func:`read_cut`."""
    return survey(document, show=show, handles=handles).cut


@dataclass(frozen=True, slots=True)
class Survey:
    """A cut and, for each of its shots, the clip and the media in the document."""

    cut: Cut
    clips: dict[str, Json]
    media: dict[str, Media]
    """Of the plates, by the clip's identity."""


def survey(document: Document, *, show: str | None = None, handles: int = 8) -> Survey:
    """The cut together with the document's own objects, for those who write into it."""
    if handles < 0:
        raise ValueError("handles are not negative")
    return _Reader(document, show, handles).read()


@dataclass(slots=True)
class _Read:
    """A clip on its way to become a shot."""

    placed: Placed
    media: Media
    plate: Plate
    cut_range: FrameRange
    record: FrameRange
    retime: Retime
    phase: Fraction
    heads: tuple[int, int]
    key: str


class _Reader:
    def __init__(self, document: Document, show: str | None, handles: int) -> None:
        timeline = document.timeline
        self.document = document
        self.folder = document.path.absolute().parent
        self.handles = handles
        self.laid_out, clocks = lay_out(document)
        self.said = document.source.rate
        self.clock = self._own_clock()
        self.rate = self.clock.rate
        clocks.append(self.clock)
        if len({clock.spelled for clock in clocks}) > 1 and not all(c.exact for c in clocks):
            self.laid_out, _ = lay_out(document, self.clock)
        self.name = str(timeline.get("name") or document.path.stem)
        carried = ours(timeline).get("show")
        self.show = show or (carried if isinstance(carried, str) else "") or self.name
        self.problems: list[CutProblem] = []
        remarks = list(document.remarks)
        self.global_start, told = self._global_start()
        if told:
            remarks.append((ProblemKind.BROKEN, told, _EXPORT))
        for kind, what, next_step in remarks:
            self.problems.append(
                CutProblem(kind, what, next_step, self.name, "", None, skipped=False)
            )

    def read(self) -> Survey:
        found = [read for item in self.laid_out for read in self._one(item)]
        names = settle([self._candidate(item) for item in found])
        show = fit_name(self.show, otherwise="show")
        shots: list[CutShot] = []
        clips: dict[str, Json] = {}
        media: dict[str, Media] = {}
        for item, (sequence, shot, clip) in zip(found, names, strict=True):
            head, tail = item.heads
            try:
                made = Shot(
                    id=ShotId(show=show, sequence=sequence, shot=shot),
                    plate=item.plate,
                    cut_range=item.cut_range,
                    head_handle=head,
                    tail_handle=tail,
                    retime=item.retime,
                    phase=item.phase,
                    record_range=item.record,
                    clip=clip,
                )
            except ValidationError as error:
                self._skip(item.placed, ProblemKind.BROKEN, _told(error), _CORRECT)
                continue
            node = item.placed.clip
            shots.append(
                CutShot(
                    shot=made,
                    clip=clip,
                    name=_text(node.get("name")),
                    track=item.placed.track,
                    media=item.key,
                    versions=tuple(_carried(node, self.folder, item.media)),
                    carried=bool(ours(node).get("clip")),
                )
            )
            clips[clip] = node
            media[clip] = item.media
        cut = Cut(
            source=self.document.source,
            name=self.name,
            show=show,
            rate=self.rate,
            global_start=self.global_start,
            shots=tuple(shots),
            problems=tuple(self.problems),
        )
        return Survey(cut, clips, media)

    def _own_clock(self) -> Clock:
        """What the timeline counts at: its global start, else what most of its clips count at.

        Seconds, milliseconds and ticks are no frames, where anything counts in frames.
        """
        if self.said is not None:
            return Clock.of(self.said)
        clips = [item for item in self.laid_out if isinstance(item, Placed)]
        found: list[Clock] = []
        start = self.document.timeline.get("global_start_time")
        if isinstance(start, dict):
            with contextlib.suppress(ValueError):
                found.append(clock_at(start))
        # By the spelling of each: hashing a fraction takes longer than reading the clip.
        spelled = Counter(float(item.source.clock.spelled) for item in clips)
        found += [clock_of(rate) for rate, _ in spelled.most_common()]
        for clock in found:
            if is_picture_rate(clock.rate):
                return clock
        rates = Counter(rate for item in clips if (rate := _media_rate(item.clip)) is not None)
        found = [clock_of(rate) for rate, _ in rates.most_common(1)] + found
        return found[0] if found else Clock.of(Fraction(24))

    def _global_start(self) -> tuple[int, str]:
        """The frame that the first picture has, and in words why that cannot be read."""
        start = self.document.timeline.get("global_start_time")
        if start is None:
            return 0, ""
        try:
            own = clock_at(start)
            return frames(in_clock(seconds(start), own, self.clock), self.rate), ""
        except ValueError as error:
            return 0, f"its global start time cannot be read; the cut counts from 0: {error}"

    def _one(self, item: Placed | Unplaced) -> Iterator[_Read]:
        if isinstance(item, Unplaced):
            record = None
            if item.start is not None:
                record = self._record(item.start, item.duration)
            self.problems.append(
                CutProblem(item.kind, item.what, item.next_step, item.name, item.track, record)
            )
            return
        try:
            yield self._read(item)
        except Unfit as unfit:
            self._skip(item, unfit.kind, unfit.what, unfit.next_step)
        except ValidationError as error:
            self._skip(item, ProblemKind.BROKEN, _told(error), _CORRECT)
        except DAMAGE as error:
            # The file's own objects are not what their schema says; the rest can still be read.
            self._skip(item, ProblemKind.BROKEN, f"the clip is damaged: {error}", _CORRECT)

    def _read(self, placed: Placed) -> _Read:
        record = self._record(placed.start, placed.duration)
        if record is None:
            raise Unfit(
                ProblemKind.EMPTY,
                "the clip is shorter than a frame of the timeline",
                "remove it, or make it longer, in the host",
            )
        reference = references(placed.clip)[0].get(plate_key(placed.clip))
        media = media_of(reference, self.folder, placed.source, self.said)
        effects = time_effects(placed.clip)
        source = placed.source
        in_point = in_clock(source.start, source.clock, media.clock) - media.start
        retime, told = retime_of(effects, in_point, media.rate) if effects else (_AS_SHOT, "")
        if any(map(is_remap, effects)):
            in_point = _remapped(in_point, source.duration, media, retime.speed)
        if media.still and placed.duration * media.rate > 1:
            retime, told = _HELD, ""
        shown, phase = self._shown(placed, media, retime, in_point, record)
        plate_range, cut_range = _within(media, shown, record)
        told = "; ".join(text for text in (media.assumed, told) if text)
        if told:
            self._note(placed, ProblemKind.ASSUMED, told, _CHECK, skipped=False)
        hints = ours(reference)
        plate = Plate(
            path=media.path,
            range=plate_range,
            start_timecode=media.start_timecode,
            colour_space=hints.get("colour_space"),
            width=hints.get("width"),
            height=hints.get("height"),
            pixel_aspect=hints.get("pixel_aspect", 1.0),
        )
        heads = self._handles(placed, media.rate, retime)
        key = media_key(plate.path)
        return _Read(placed, media, plate, cut_range, record, retime, phase, heads, key)

    def _shown(
        self,
        placed: Placed,
        media: Media,
        retime: Retime,
        in_point: Fraction,
        record: FrameRange,
    ) -> tuple[tuple[int, int], Fraction]:
        """First and last plate frame that the clip shows, both included, and the shot's phase.

        The clip shows what stands there at each of its own frames, as OTIO's ``frame_for_time`` of
        its first and of its ``end_time_inclusive``, and at each of the record's. ``in_point`` is
        where its range starts, in seconds of the media's clock after the media's start.
        """
        if media.still:
            return (media.first, media.first), _ZERO
        source, rate = placed.source, media.rate
        if retime is _AS_SHOT and source.clock == media.clock == self.clock:
            begin = (in_point + placed.skipped if placed.skipped else in_point) * rate
            count = placed.duration * rate
            if begin.denominator == count.denominator == 1:
                # Most clips of most cuts: what follows comes to the same, and takes its time.
                first = media.first + begin.numerator
                return (first, first + max(0, count.numerator - 1)), _ZERO
        skipped = in_clock(placed.skipped, self.clock, source.clock)
        length = in_clock(placed.duration, self.clock, source.clock)
        count = length * source.rate
        if source.rate == rate:  # a length that was computed from frames of the media means those
            count = min(count, in_clock(length, source.clock, media.clock) * rate)
        until = max(0, math.ceil(count - _SLIVER) - 1) / source.rate
        if self.rate != source.rate:
            recorded = (record.count - 1) / self.rate
            until = max(until, in_clock(recorded, self.clock, source.clock))
        begin = in_point * rate
        if retime.keys:
            if skipped:
                raise Unfit(
                    ProblemKind.RETIME,
                    "a nested sequence trims into its speed ramp",
                    "flatten the nested sequence in the host and export again",
                )
            low, high = retime.source_span(max(1, frames(placed.duration, rate)))
            first = media.first + frame_shown(begin, _ONE)
            return (first + low, first + high), _ZERO

        def media_frames(time: Fraction) -> Fraction:
            """A length of the clip's own clock, in media frames."""
            return in_clock(time, source.clock, media.clock) * rate

        speed = abs(retime.speed)
        if retime.speed < 0:
            # The source range names the earliest frame, which is shown last.
            step = 1 / max(source.rate, self.rate)
            earliest = begin
            end = begin + media_frames(max(_ZERO, source.duration - skipped - step)) * speed
            begin = max(earliest, end - media_frames(until) * speed)
        else:
            begin += media_frames(skipped) * speed
            end = begin + media_frames(until) * speed
        first, last = media.first + frame_shown(begin, _ONE), media.first + frame_shown(end, _ONE)
        start = end - (last - media.first) if retime.speed < 0 else begin - (first - media.first)
        return (first, last), max(_ZERO, start).limit_denominator(1_000_000)

    def _handles(self, placed: Placed, rate: Fraction, retime: Retime) -> tuple[int, int]:
        """Handles wanted, with the frames that transitions show beyond the cut, before and after.

        Counted in plate frames: backwards, the cut's head is the plate's tail.
        """
        if not placed.head and not placed.tail:
            return self.handles, self.handles
        fastest = retime.fastest
        head = self.handles + math.ceil(placed.head * rate * fastest)
        tail = self.handles + math.ceil(placed.tail * rate * fastest)
        return (tail, head) if retime.speed < 0 else (head, tail)

    def _record(self, start: Fraction, duration: Fraction) -> FrameRange | None:
        first = frames(start, self.rate)
        last = frames(start + duration, self.rate) - 1
        if last < first:
            return None
        moved = self.global_start
        return FrameRange(first=first + moved, last=last + moved, rate=self.rate)

    def _candidate(self, item: _Read) -> Candidate:
        node = item.placed.clip
        carried = ours(node)
        name = _text(node.get("name")) or item.plate.path.replace("\\", "/").rpartition("/")[2]
        sequence, shot = split_name(name, self.name)
        first, last = item.cut_range.first, item.cut_range.last
        if item.plate.kind == "movie":
            # Writers count movies from their timecode or from 0: only the distance is the same.
            first, last = first - item.plate.range.first, last - item.plate.range.first
        own = _text(carried.get("clip"))
        return Candidate(
            sequence=_text(carried.get("sequence")) or sequence,
            shot=_text(carried.get("shot")) or shot,
            identity=own or identity(item.key, first, last, item.cut_range.rate),
            named=bool(own),
            order=(item.key, first, media_path(item.plate.path), item.placed.start),
        )

    def _skip(self, placed: Placed, kind: ProblemKind, what: str, next_step: str) -> None:
        self._note(placed, kind, what, next_step, skipped=True)

    def _note(
        self, placed: Placed, kind: ProblemKind, what: str, next_step: str, *, skipped: bool
    ) -> None:
        try:
            record = self._record(placed.start, placed.duration)
        except ValidationError:
            record = None
        name = _text(placed.clip.get("name"))
        self.problems.append(CutProblem(kind, what, next_step, name, placed.track, record, skipped))


#: Less of a frame than this, at a clip's end, is what computing its length left over.
_SLIVER = Fraction(1, 100)
_ZERO = Fraction(0)
_ONE = Fraction(1)
_AS_SHOT = Retime()
_HELD = Retime(speed=Fraction(0))
_EXPORT = "correct it in the host and export the cut again"
_CORRECT = "correct the clip in the host and export the cut again"
_CHECK = "check the shot's first and last frame before sending it"


def _remapped(in_point: Fraction, duration: Fraction, media: Media, speed: Fraction) -> Fraction:
    """Where the range of a clip under FCP's Time Remap starts in its media, in seconds.

    In and out count frames of the remapped media: slower, it is longer; reversed, it starts with
    the media's end.

    :raises Unfit: reversed, and the file does not say where the media ends.
    """
    if speed >= 0:
        return in_point * speed
    if media.length is None:
        raise Unfit(
            ProblemKind.RETIME,
            "it runs backwards from the end of its media, and the file does not say where that is",
            "relink the clip in the host and export again",
        )
    return media.length / media.rate - (in_point + duration) * -speed


def _within(
    media: Media, shown: tuple[int, int], record: FrameRange
) -> tuple[FrameRange, FrameRange]:
    """Plate and cut range in plate frames.

    :raises Unfit: the cut shows frames that the media does not have.
    """
    first, last = shown[0], max(shown)
    rate = media.rate
    if media.length is None:
        plate = FrameRange(first=min(first, media.first), last=last, rate=rate)
        return plate, FrameRange(first=first, last=last, rate=rate)
    if media.length < 1:
        raise Unfit(ProblemKind.EMPTY, "its media holds no frame", "relink the clip in the host")
    plate = FrameRange(first=media.first, last=media.first + media.length - 1, rate=rate)
    # At another rate than the timeline's, the last frame shown may be the one after the end.
    slack = 1 if rate != record.rate else 0
    if first >= plate.first - slack and last <= plate.last + slack:
        first, last = max(first, plate.first), min(last, plate.last)
    if not first <= last or first < plate.first or last > plate.last:
        raise Unfit(
            ProblemKind.OUTSIDE,
            f"the cut shows frames {shown[0]}-{shown[1]}, its media holds {plate}",
            "relink the clip to the whole media, or trim it in the host, and export again",
        )
    return plate, FrameRange(first=first, last=last, rate=rate)


def _carried(clip: Json, folder: Path, plate: Media) -> Iterator[CarriedVersion]:
    several, active = references(clip)
    for key, reference in several.items():
        told = ours(reference)
        if not key.startswith(f"{NAMESPACE}:") or not told:
            continue
        available = span(reference.get("available_range"))
        start = available and in_clock(available.start, available.clock, plate.clock)
        if schema(reference) == "ImageSequenceReference":
            path = sequence_path(reference, folder)
        else:
            path = file_path(_text(reference.get("target_url")), folder)
        yield CarriedVersion(
            key=key,
            version=_text(told.get("version")),
            service=_text(told.get("service")),
            label=_text(told.get("label")),
            status=_text(told.get("status")),
            path=path,
            first=plate.frame_at(start) if start is not None else plate.first,
            active=key == active,
        )


def _media_rate(clip: Json) -> float | None:
    """The picture rate at which a clip's media counts; None: it says none."""
    reference = references(clip)[0].get(plate_key(clip))
    available = reference.get("available_range") if isinstance(reference, dict) else None
    for told in (reference, (available or {}).get("duration")):
        rate = told.get("rate") if isinstance(told, dict) else None
        with contextlib.suppress(ValueError, OverflowError, TypeError):
            if rate is not None and is_picture_rate(clock_of(float(rate)).rate):
                return float(rate)
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _told(error: ValidationError) -> str:
    return invalid(error, what="clip").what
