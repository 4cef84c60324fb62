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
    frames,
    in_clock,
    seconds,
    span,
)
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
from bridge_core.timeline.plate_range import frames_shown, plate_and_cut_range, remapped_in_point
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
        self.global_start = self._global_start()
        self.name = str(timeline.get("name") or document.path.stem)
        carried = ours(timeline).get("show")
        self.show = show or (carried if isinstance(carried, str) else "") or self.name
        self.problems: list[CutProblem] = []
        for kind, what, next_step in document.remarks:
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

    def _global_start(self) -> int:
        start = self.document.timeline.get("global_start_time")
        if start is None:
            return 0
        try:
            return frames(in_clock(seconds(start), clock_at(start), self.clock), self.rate)
        except ValueError:
            return 0

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
            in_point = remapped_in_point(in_point, source.duration, media, retime.speed)
        if media.still and placed.duration * media.rate > 1:
            retime, told = _HELD, ""
        shown, phase = frames_shown(placed, media, retime, in_point, record, self.clock)
        plate_range, cut_range = plate_and_cut_range(media, shown, record)
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


_AS_SHOT = Retime()
_HELD = Retime(speed=Fraction(0))
_CORRECT = "correct the clip in the host and export the cut again"
_CHECK = "check the shot's first and last frame before sending it"


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
    for counted in (reference, (available or {}).get("duration")):
        rate = counted.get("rate") if isinstance(counted, dict) else None
        with contextlib.suppress(ValueError, OverflowError, TypeError):
            if rate is not None and is_picture_rate(clock_of(float(rate)).rate):
                return float(rate)
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _told(error: ValidationError) -> str:
    return invalid(error, what="clip").what
