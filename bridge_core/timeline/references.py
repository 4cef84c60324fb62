"""Media references as plates: where the pictures are and how their frames are numbered.

A clip's source range counts in media time. Plates count in file frames, so the one is mapped to
the other by ``first file frame + (time - start of the media)``:

=============================  ==================================  ============================
reference                      first file frame                    start of the media
=============================  ==================================  ============================
image sequence                 ``start_frame``                     available range
``plate.[1001-1100].exr``      1001                                available range
``plate.1001.exr``             1001                                available range
``plate.%04d.exr``, ``####``   our ``first_frame`` if written,     available range
                               else the available range's start
movie                          the available range's start         available range
=============================  ==================================  ============================

Where the available range is missing, sequences are counted in file frames (or from their first
frame, where the source range starts below it) and movies from 0; the caller reports it.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from bridge_core.models.frames import timecode
from bridge_core.models.media import (
    FRAME_NUMBER,
    MOVIES,
    ending_of,
    foreign_number,
    pattern_of,
    printf_pattern,
    ranged_pattern,
)
from bridge_core.timeline.clock import (
    Clock,
    Span,
    clock_at,
    clock_of,
    frame_shown,
    frames,
    in_clock,
    span,
)
from bridge_core.timeline.cut import ProblemKind
from bridge_core.timeline.document import Json, ours, schema

#: Endings of files that hold one picture each.
STILLS = frozenset(
    {".exr", ".dpx", ".cin", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".tga", ".sgi", ".hdr"}
    | {".bmp", ".webp", ".jp2", ".j2c", ".psd"}
)

#: The number that a name ends in is its version: ``title_v02``.
_VERSION = re.compile(r"(?:^|[^A-Za-z0-9])v$", re.IGNORECASE)
#: ``%04d`` would be unquoted into a control character, which no file name holds.
_NOT_ESCAPES = re.compile(r"%(?=0\d+d)")
#: An absolute path on Windows: a drive or a server.
WINDOWS_PATH = re.compile(r"^(?:[A-Za-z]:[\\/]|\\\\)")


class Unfit(Exception):
    """A clip that cannot become a shot, for this reason."""

    def __init__(self, kind: ProblemKind, what: str, next_step: str) -> None:
        super().__init__(what)
        self.kind, self.what, self.next_step = kind, what, next_step


class Media(NamedTuple):
    """``first`` is the number of the first frame, ``start`` the media time (s) at which it is.

    ``start`` is in seconds of ``clock``: the rate as the reference spells it. ``length`` is None
    where the file does not say how many frames there are. ``assumed`` says in words what was not in
    the file.
    """

    path: str
    first: int
    length: int | None
    start: Fraction
    rate: Fraction
    clock: Clock
    start_timecode: str | None = None
    still: bool = False
    assumed: str = ""

    def frame_at(self, time: Fraction) -> int:
        """The frame that is showing at a media time, in seconds of the media's clock."""
        return self.first + frame_shown(time - self.start, self.rate)

    def time_of(self, frame: int) -> Fraction:
        """Media time at which a frame starts, in seconds of the media's clock."""
        return self.start + (frame - self.first) / self.rate


def is_picture_rate(rate: Fraction) -> bool:
    """Whether pictures are likely to run at it: 1 is seconds, 1000 and more are ticks; both are
    also real rates, of time lapse and of high-speed cameras."""
    return 1 < rate < 1000


def media_of(reference: Any, folder: Path, source: Span, rate: Fraction | None = None) -> Media:
    """What a clip's reference says about its pictures.

    ``folder`` is where relative paths start: the cut's own. ``source`` is the clip's range, in
    seconds of its own clock. ``rate`` is that of movies whose ranges count in seconds or ticks.

    :raises Unfit: there are no pictures that could be sent.
    :raises ValueError: damaged.
    """
    kind = schema(reference)
    if kind == "ImageSequenceReference":
        return _sequence(reference, folder, source)
    if kind == "ExternalReference":
        return _external(reference, folder, source, rate)
    if kind == "GeneratorReference":
        made = reference.get("generator_kind") or reference.get("name") or "a picture"
        raise Unfit(
            ProblemKind.GENERATOR,
            f"the host makes this itself ({made}); there is no file",
            "render it to a file and cut that in, if it is to be sent",
        )
    if kind == "MissingReference" or reference is None:
        raise Unfit(
            ProblemKind.OFFLINE,
            "the timeline names no media here; a title, a generator, or media that was offline",
            "relink the clip in the host and export again; titles need to be rendered",
        )
    raise Unfit(
        ProblemKind.BROKEN,
        f"its media reference is of an unknown kind ({kind or 'damaged'})",
        "relink the clip in the host and export again",
    )


def file_path(url: str, folder: Path) -> str:
    """The path that a target URL names.

    ``file:`` URLs and relative references are percent-decoded (OTIO writes both that way), native
    absolute paths are taken as they are; ``%04d`` is never an escape. ``file://server/share`` and
    backslashed UNC paths stay on their server, Windows paths stay Windows paths on every system.

    :raises Unfit: the media is on the web.
    """
    if WINDOWS_PATH.match(url) or url.startswith("//"):
        return url
    if url.startswith("file:"):
        host, path = "", url[len("file:") :]
        if path.startswith("//"):
            host, slash, path = path[2:].partition("/")
            path = _unescaped(slash + path)
        if re.fullmatch(r"[A-Za-z]:", host):  # file://C:/..., which is wrong and common
            return host + path
        if host and host != "localhost":
            return f"//{host}{path}"
        return path[1:] if WINDOWS_PATH.match(path[1:]) else _absolute(path, folder)
    if re.match(r"^[A-Za-z][A-Za-z0-9+.-]+:", url):
        raise Unfit(
            ProblemKind.OFFLINE,
            f"its media is at {url}, which is not a file",
            "download the media and relink the clip",
        )
    if url.startswith("/"):
        return url
    return _absolute(_unescaped(url), folder)


def _unescaped(path: str) -> str:
    return unquote(_NOT_ESCAPES.sub("%25", path)) if "%" in path else path


def _absolute(path: str, folder: Path) -> str:
    return path if path.startswith("/") else str(folder / path)


@lru_cache(maxsize=16384)
def media_path(path: str) -> str:
    """A plate's media with its place, spelled the same in every dialect: slashes forward, any
    number pattern as ``#``."""
    folder, slash, name = path.replace("\\", "/").rpartition("/")
    return folder + slash + FRAME_NUMBER.sub("#", name)


@lru_cache(maxsize=16384)
def media_key(path: str) -> str:
    """A plate's media without its place: folder and name, any number pattern as ``#``.

    The same on every machine and in every dialect: roots differ between operating systems, and
    ``plate.%04d.exr``, ``plate.[1001-1100].exr`` and ``plate.1001.exr`` are one sequence. Plates of
    one name in folders of one name share it: :func:`media_path` tells those apart.
    """
    return "/".join(media_path(path).rsplit("/", 2)[-2:])


def sequence_path(reference: Json, folder: Path) -> str:
    """An image sequence's pattern, its number as ``%04d``."""
    base = str(reference.get("target_url_base") or "")
    padding = int(reference.get("frame_zero_padding") or 0)
    number = f"%0{padding}d" if padding else "%d"
    name = f"{reference.get('name_prefix') or ''}{number}{reference.get('name_suffix') or ''}"
    if base and not base.endswith(("/", "\\")):
        base += "/"
    # The name is no part of the URL's escapes: prefix and suffix are stored as they are.
    return file_path(base, folder).rstrip("/") + "/" + name if base else str(folder / name)


def _sequence(reference: Json, folder: Path, source: Span) -> Media:
    step = int(reference.get("frame_step") or 1)
    if step != 1:
        raise Unfit(
            ProblemKind.UNSUPPORTED,
            f"the sequence holds every {step}th frame only",
            "render the frames between, or conform the clip at the sequence's own rate",
        )
    available = span(reference.get("available_range"))
    counted = (available or source).clock
    own = reference.get("rate")
    clock = clock_of(own) if own else counted
    assumed = ""
    if clock.rate == 1 and is_picture_rate(counted.rate):
        # OTIO's ImageSequenceReference has a rate of 1 unless it is given another.
        clock = counted
        assumed = (
            "its sequence is said to run at 1 frame per second, as references without a rate are; "
            f"it was read at {counted.rate}, at which its range counts"
        )
    first = int(reference.get("start_frame") or 0)
    path = sequence_path(reference, folder)
    media = _numbered(path, first, None, reference, source, clock)
    if assumed:
        media = media._replace(assumed="; ".join(filter(None, (assumed, media.assumed))))
    hint = ours(reference).get("start_timecode")
    return media._replace(start_timecode=hint) if isinstance(hint, str) else media


def _external(reference: Json, folder: Path, source: Span, rate: Fraction | None) -> Media:
    url = reference.get("target_url")
    if not url or not isinstance(url, str):
        raise Unfit(
            ProblemKind.OFFLINE,
            "its media reference names no file",
            "relink the clip in the host and export again",
        )
    named = file_path(url, folder)
    available = span(reference.get("available_range"))
    clock = (available or source).clock
    ending = ending_of(named)
    if ending in MOVIES:
        return _movie(named, reference, source, clock, rate)
    if ending not in STILLS:
        raise Unfit(
            ProblemKind.UNSUPPORTED,
            f"files ending in {ending or 'nothing'} are not among the pictures that can be sent",
            "transcode the media to EXR, DPX, TIFF, PNG, ProRes or MP4 and relink the clip",
        )
    spelled = foreign_number(named)
    if spelled is not None:
        raise Unfit(
            ProblemKind.UNSUPPORTED,
            f"its name has the frame number as {spelled}, which does not say its number of digits",
            "relink the clip to a pattern such as plate.%04d.exr or plate.####.exr",
        )
    try:
        ranged = ranged_pattern(named)
    except ValueError as error:
        raise Unfit(
            ProblemKind.UNSUPPORTED,
            str(error),
            "render the frames between, or conform the clip at the sequence's own rate",
        ) from error
    if ranged:
        pattern, first, last = ranged
        return _numbered(pattern, first, last - first + 1, reference, source, clock)
    path = printf_pattern(named)
    if FRAME_NUMBER.search(re.split(r"[\\/]", path)[-1]):
        known = ours(reference).get("first_frame")
        counted = frames((available or source).start, clock.rate)
        first = known if isinstance(known, int) else counted
        return _numbered(path, first, None, reference, source, clock)
    found = pattern_of(path)
    if found and frames((available or source).duration, clock.rate) > 1:
        held = _held(*found, frames((available or source).start, clock.rate))
        if held is None:
            return _numbered(*found, None, reference, source, clock)
    else:
        held = ""
    start = (available or source).start
    return Media(
        path, found[1] if found else 0, 1, start, clock.rate, clock, still=True, assumed=held or ""
    )


def _held(pattern: str, number: int, start: int) -> str | None:
    """None where one numbered file with a long range stands for a sequence; else it is one picture
    that is held, and this says what was assumed.

    One file's name does not say whether others lie beside it. Frame numbers stand at the end of a
    name or between dots, mostly in three digits and more, and a sequence's range often starts at
    its first number.
    """
    name = re.split(r"[\\/]", pattern)[-1]
    found = FRAME_NUMBER.search(name)
    assert found is not None  # it is a pattern
    before, after, digits = name[: found.start()], name[found.end() :], int(found[1] or 1)
    if _VERSION.search(before):
        return ""
    if not after[:1].isalnum() and (before.endswith(".") or digits >= 3 or number == start):
        return None
    return "its number was not taken for a frame number; it is one picture that is held"


def _numbered(
    path: str,
    first: int,
    length: int | None,
    reference: Json,
    source: Span,
    clock: Clock,
) -> Media:
    """A sequence whose first file is numbered ``first``, at the rate of ``clock``."""
    rate = clock.rate
    assumed = ""
    if not is_picture_rate(rate):
        assumed = f"its pictures are taken to run at {rate} frames per second, as the file says"
    available = span(reference.get("available_range"))
    if available is None:
        counted = frames(source.start, source.rate)
        start = first / rate if counted >= first else Fraction(0)
        missing = "" if length else "the file does not say which frames of the sequence exist"
        assumed = "; ".join(filter(None, (assumed, missing)))
        return Media(path, first, length, start, rate, clock, assumed=assumed)
    clock = _clock(reference["available_range"]["start_time"], source, clock)
    start = in_clock(available.start, available.clock, clock)
    length = length or frames(in_clock(available.duration, available.clock, clock), rate)
    number = frames(start, rate)
    embedded = number if number not in (0, first) else None
    return Media(
        path, first, length, start, rate, clock, _timecode(embedded, rate), assumed=assumed
    )


def _clock(start: Json, source: Span, own: Clock) -> Clock:
    """The clock at which media and clip are compared.

    Whole numbers of frames at spellings of the media's rate are counts, by the spelling of its
    range; everything else goes through seconds at the media's own rate, as in OTIO.
    """
    counted = clock_at(start)
    if counted.rate != own.rate:
        return own._replace(whole=False)
    if counted.spelled == own.spelled:
        return counted
    whole = counted.whole and (source.start * source.rate).denominator == 1
    return counted if whole else own._replace(whole=False)


def _movie(path: str, reference: Json, source: Span, clock: Clock, rate: Fraction | None) -> Media:
    available = span(reference.get("available_range"))
    if not is_picture_rate(clock.rate):
        if rate is None:
            raise Unfit(
                ProblemKind.RATE,
                f"its times count at {clock.rate} a second, which says nothing of the movie's rate",
                "give the rate of the movie's pictures, as --rate 24",
            )
        clock = Clock.of(rate)
    rate = clock.rate
    if available is not None:
        clock = _clock(reference["available_range"]["start_time"], source, clock)
        start = in_clock(available.start, available.clock, clock)
        first = frames(start, rate)
        length = frames(in_clock(available.duration, available.clock, clock), rate)
        return Media(path, first, length, start, rate, clock, _timecode(first or None, rate))
    if source.start >= 3600:
        raise Unfit(
            ProblemKind.OFFLINE,
            f"the clip starts at timecode {_timecode(math.floor(source.start * rate), rate)}, but "
            "the file does not say at which timecode its movie starts",
            "relink the clip in the host and export it as OTIO, which writes the media's range",
        )
    assumed = "the file does not say how long the movie is; it is counted from frame 0"
    return Media(path, 0, None, Fraction(0), rate, clock, assumed=assumed)


def _timecode(frame: int | None, rate: Fraction) -> str | None:
    return None if frame is None or frame < 0 else timecode(frame, rate)
