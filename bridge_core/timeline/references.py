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
from bridge_core.models.media import MOVIES, ending_of, pattern_of, printf_pattern
from bridge_core.timeline.clock import Span, frames, rate_of, span
from bridge_core.timeline.cut import ProblemKind
from bridge_core.timeline.document import Json, ours, schema

#: Endings of files that hold one picture each.
STILLS = frozenset(
    {".exr", ".dpx", ".cin", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".tga", ".sgi", ".hdr"}
    | {".bmp", ".webp", ".jp2", ".j2c", ".psd"}
)

_NUMBERED = re.compile(r"%0?\d*d")
_BRACKETS = re.compile(r"\[(-?\d+)-(-?\d+)\]")
#: ``%04d`` would be unquoted into a control character, which no file name holds.
_NOT_ESCAPES = re.compile(r"%(?=0\d+d)")
_WINDOWS = re.compile(r"^(?:[A-Za-z]:[\\/]|\\\\)")


class Unfit(Exception):
    """A clip that cannot become a shot, for this reason."""

    def __init__(self, kind: ProblemKind, what: str, next_step: str) -> None:
        super().__init__(what)
        self.kind, self.what, self.next_step = kind, what, next_step


class Media(NamedTuple):
    """``first`` is the number of the first frame, ``start`` the media time (s) at which it is.

    ``length`` is None where the file does not say how many frames there are. ``assumed`` says in
    words what was not in the file.
    """

    path: str
    first: int
    length: int | None
    start: Fraction
    rate: Fraction
    start_timecode: str | None = None
    still: bool = False
    assumed: str = ""

    def frame_at(self, time: Fraction) -> int:
        """The frame at a media time in seconds, where a frame boundary is the nearest one."""
        return self.first + frames(time - self.start, self.rate)

    def time_of(self, frame: int) -> Fraction:
        """Media time in seconds at which a frame starts."""
        return self.start + (frame - self.first) / self.rate


def media_of(reference: Any, folder: Path, source: Span) -> Media:
    """What a clip's reference says about its pictures.

    ``folder`` is where relative paths start: the cut's own. ``source`` is the clip's range.

    :raises Unfit: there are no pictures that could be sent.
    :raises ValueError: damaged.
    """
    kind = schema(reference)
    if kind == "ImageSequenceReference":
        return _sequence(reference, folder, source)
    if kind == "ExternalReference":
        return _external(reference, folder, source)
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
    if _WINDOWS.match(url) or url.startswith("//"):
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
        return path[1:] if _WINDOWS.match(path[1:]) else _absolute(path, folder)
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
    return folder + slash + _NUMBERED.sub("#", name)


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
    own = reference.get("rate")
    rate = rate_of(own) if own else (available or source).rate
    first = int(reference.get("start_frame") or 0)
    media = _numbered(sequence_path(reference, folder), first, None, available, source, rate)
    told = ours(reference).get("start_timecode")
    return media._replace(start_timecode=told) if isinstance(told, str) else media


def _external(reference: Json, folder: Path, source: Span) -> Media:
    url = reference.get("target_url")
    if not url or not isinstance(url, str):
        raise Unfit(
            ProblemKind.OFFLINE,
            "its media reference names no file",
            "relink the clip in the host and export again",
        )
    path = printf_pattern(file_path(url, folder))
    available = span(reference.get("available_range"))
    rate = (available or source).rate
    ending = ending_of(path)
    if ending in MOVIES:
        return _movie(path, available, source, rate)
    if ending not in STILLS:
        raise Unfit(
            ProblemKind.UNSUPPORTED,
            f"files ending in {ending or 'nothing'} are not among the pictures that can be sent",
            "transcode the media to EXR, DPX, TIFF, PNG, ProRes or MP4 and relink the clip",
        )
    name = re.split(r"[\\/]", path)[-1]
    brackets = _BRACKETS.search(name)
    if brackets:
        first, last = int(brackets[1]), int(brackets[2])
        filled = name[: brackets.start()] + f"%0{len(brackets[1])}d" + name[brackets.end() :]
        path = path[: len(path) - len(name)] + filled
        return _numbered(path, first, last - first + 1, available, source, rate)
    if _NUMBERED.search(name):
        known = ours(reference).get("first_frame")
        if isinstance(known, int):
            return _numbered(path, known, None, available, source, rate)
        first = frames((available or source).start, rate)
        return _numbered(path, first, None, available, source, rate)
    long = frames((available or source).duration, rate) > 1
    found = pattern_of(path)
    if found and long:
        return _numbered(*found, None, available, source, rate)
    start = available.start if available else source.start
    return Media(path, found[1] if found else 0, 1, start, rate, still=True)


def _numbered(
    path: str,
    first: int,
    length: int | None,
    available: Span | None,
    source: Span,
    rate: Fraction,
) -> Media:
    if available is None:
        counted = frames(source.start, rate)
        start = first / rate if counted >= first else Fraction(0)
        told = "" if length else "the file does not say which frames of the sequence exist"
        return Media(path, first, length, start, rate, assumed=told)
    length = length or frames(available.duration, rate)
    number = frames(available.start, rate)
    embedded = number if number not in (0, first) else None
    return Media(path, first, length, available.start, rate, _timecode(embedded, rate))


def _movie(path: str, available: Span | None, source: Span, rate: Fraction) -> Media:
    if available is not None:
        first = frames(available.start, rate)
        length = frames(available.duration, rate)
        return Media(path, first, length, available.start, rate, _timecode(first or None, rate))
    if source.start >= 3600:
        raise Unfit(
            ProblemKind.OFFLINE,
            f"the clip starts at timecode {_timecode(math.floor(source.start * rate), rate)}, but "
            "the file does not say at which timecode its movie starts",
            "relink the clip in the host and export it as OTIO, which writes the media's range",
        )
    told = "the file does not say how long the movie is; it is counted from frame 0"
    return Media(path, 0, None, Fraction(0), rate, assumed=told)


def _timecode(frame: int | None, rate: Fraction) -> str | None:
    return None if frame is None or frame < 0 else timecode(frame, rate)
