"""Read media references as plates: the files and their frame numbers.

A clip's source range is in media time, a plate in file frames. A time is mapped to a frame by
``first file frame + (time - start of the media)``:

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

Without an available range, sequences are counted in file frames (or from their first frame, where
the source range starts below it) and movies from 0; this is reported as an assumption.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from bridge_core.models.frames import frame_to_timecode
from bridge_core.models.media import (
    FRAME_NUMBER_PATTERN,
    MOVIE_EXTENSIONS,
    detect_pattern,
    file_extension,
    parse_ranged_pattern,
    to_printf_pattern,
    unsupported_placeholder,
)
from bridge_core.timeline.cut import ProblemKind
from bridge_core.timeline.document import JsonObject, schema_name, shotbridge_metadata
from bridge_core.timeline.otio_time import (
    Timebase,
    TimeSpan,
    convert_timebase,
    frame_at_time,
    nearest_frame,
    read_time_range,
    timebase_from_rate,
    timebase_from_time,
)

#: Extensions of files that hold a single picture.
STILL_EXTENSIONS = frozenset(
    {".exr", ".dpx", ".cin", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".tga", ".sgi", ".hdr"}
    | {".bmp", ".webp", ".jp2", ".j2c", ".psd"}
)

#: Before a number at the end of a name that is its version: ``title_v02``.
_ENDS_IN_VERSION_PREFIX = re.compile(r"(?:^|[^A-Za-z0-9])v$", re.IGNORECASE)
#: ``%04d`` must not be unquoted: it would become a control character.
_PRINTF_PADDING = re.compile(r"%(?=0\d+d)")
#: An absolute path on Windows: a drive or a server.
WINDOWS_PATH = re.compile(r"^(?:[A-Za-z]:[\\/]|\\\\)")


class UnusableClipError(Exception):
    """A clip cannot become a shot."""

    def __init__(self, kind: ProblemKind, message: str, next_step: str) -> None:
        super().__init__(message)
        self.kind, self.message, self.next_step = kind, message, next_step


class SourceMedia(NamedTuple):
    """``first_frame`` is the number of the first frame, ``start_time`` its media time.

    ``start_time`` is in seconds of ``timebase``, whose rate is spelled as in the reference.
    ``length`` is None if the file does not give the number of frames. ``assumptions`` describes
    what the file does not say.
    """

    path: str
    first_frame: int
    length: int | None
    start_time: Fraction
    rate: Fraction
    timebase: Timebase
    start_timecode: str | None = None
    is_still: bool = False
    assumptions: str = ""

    def frame_at(self, time: Fraction) -> int:
        """The frame that shows at a media time, in seconds of the media's timebase."""
        return self.first_frame + frame_at_time(time - self.start_time, self.rate)

    def time_of(self, frame: int) -> Fraction:
        """The media time at which a frame starts, in seconds of the media's timebase."""
        return self.start_time + (frame - self.first_frame) / self.rate


def is_plausible_frame_rate(rate: Fraction) -> bool:
    """Whether a rate is likely a frame rate: 1 usually means seconds, 1000 and more ticks, though
    time lapse and high-speed cameras do run at such rates."""
    return 1 < rate < 1000


def read_media_reference(
    reference: Any, folder: Path, source_range: TimeSpan, rate: Fraction | None = None
) -> SourceMedia:
    """The source media of a clip's reference.

    Relative paths start at ``folder``, the cut's own. ``source_range`` is the clip's range, in
    seconds of its own timebase. ``rate`` is that of movies whose ranges count in seconds or ticks.

    :raises UnusableClipError: there is no media that could be sent.
    :raises ValueError: the reference is damaged.
    """
    kind = schema_name(reference)
    if kind == "ImageSequenceReference":
        return _read_image_sequence(reference, folder, source_range)
    if kind == "ExternalReference":
        return _read_external(reference, folder, source_range, rate)
    if kind == "GeneratorReference":
        generator = reference.get("generator_kind") or reference.get("name") or "a picture"
        raise UnusableClipError(
            ProblemKind.GENERATOR,
            f"the host generates this ({generator}); there is no file",
            "to send it, render it to a file and cut that in",
        )
    if kind == "MissingReference" or reference is None:
        raise UnusableClipError(
            ProblemKind.OFFLINE,
            "the clip has no media; it is a title, a generator, or was offline",
            "relink the clip in the host and export again; render titles to files",
        )
    raise UnusableClipError(
        ProblemKind.BROKEN,
        f"its media reference is of an unknown kind ({kind or 'damaged'})",
        "relink the clip in the host and export again",
    )


def url_to_path(url: str, folder: Path) -> str:
    """The path of a target URL.

    ``file:`` URLs and relative references are percent-decoded (OTIO writes both encoded), native
    absolute paths are not; ``%04d`` is never an escape. ``file://server/share`` and UNC paths keep
    their server, Windows paths stay Windows paths on every system.

    :raises UnusableClipError: the media is on the web.
    """
    if WINDOWS_PATH.match(url) or url.startswith("//"):
        return url
    if url.startswith("file:"):
        host, path = "", url[len("file:") :]
        if path.startswith("//"):
            host, slash, path = path[2:].partition("/")
            path = _unescape(slash + path)
        if re.fullmatch(r"[A-Za-z]:", host):  # file://C:/..., which is wrong but common
            return host + path
        if host and host != "localhost":
            return f"//{host}{path}"
        return path[1:] if WINDOWS_PATH.match(path[1:]) else _to_absolute(path, folder)
    if re.match(r"^[A-Za-z][A-Za-z0-9+.-]+:", url):
        raise UnusableClipError(
            ProblemKind.OFFLINE,
            f"its media is at {url}, which is not a file",
            "download the media and relink the clip",
        )
    if url.startswith("/"):
        return url
    return _to_absolute(_unescape(url), folder)


def _unescape(path: str) -> str:
    return unquote(_PRINTF_PADDING.sub("%25", path)) if "%" in path else path


def _to_absolute(path: str, folder: Path) -> str:
    return path if path.startswith("/") else str(folder / path)


@lru_cache(maxsize=16384)
def media_path(path: str) -> str:
    """A plate's path in one spelling: forward slashes, any frame number pattern as ``#``."""
    folder, slash, name = path.replace("\\", "/").rpartition("/")
    return folder + slash + FRAME_NUMBER_PATTERN.sub("#", name)


@lru_cache(maxsize=16384)
def media_key(path: str) -> str:
    """A plate's last folder and file name, any frame number pattern as ``#``.

    It is the same on every machine and in every format: roots differ between operating systems,
    and ``plate.%04d.exr``, ``plate.[1001-1100].exr`` and ``plate.1001.exr`` are one sequence.
    Plates with equal folder and file names share it; :func:`media_path` distinguishes them.
    """
    return "/".join(media_path(path).rsplit("/", 2)[-2:])


def sequence_pattern(reference: JsonObject, folder: Path) -> str:
    """An image sequence's pattern, its frame number as ``%04d``."""
    base = str(reference.get("target_url_base") or "")
    padding = int(reference.get("frame_zero_padding") or 0)
    number = f"%0{padding}d" if padding else "%d"
    name = f"{reference.get('name_prefix') or ''}{number}{reference.get('name_suffix') or ''}"
    if base and not base.endswith(("/", "\\")):
        base += "/"
    # Prefix and suffix are not percent-encoded, unlike the base URL.
    return url_to_path(base, folder).rstrip("/") + "/" + name if base else str(folder / name)


def _read_image_sequence(
    reference: JsonObject, folder: Path, source_range: TimeSpan
) -> SourceMedia:
    step = int(reference.get("frame_step") or 1)
    if step != 1:
        raise UnusableClipError(
            ProblemKind.UNSUPPORTED,
            f"the sequence has only every {step}th frame",
            "render the frames between, or conform the clip at the sequence's own rate",
        )
    available = read_time_range(reference.get("available_range"))
    range_timebase = (available or source_range).timebase
    own_rate = reference.get("rate")
    timebase = timebase_from_rate(own_rate) if own_rate else range_timebase
    assumptions = ""
    if timebase.rate == 1 and is_plausible_frame_rate(range_timebase.rate):
        # 1 is the default rate of OTIO's ImageSequenceReference.
        timebase = range_timebase
        assumptions = (
            "its sequence has the default rate of 1 frame per second; it was read at "
            f"{range_timebase.rate}, the rate of its range"
        )
    first = int(reference.get("start_frame") or 0)
    path = sequence_pattern(reference, folder)
    media = _sequence_media(path, first, None, reference, source_range, timebase)
    if assumptions:
        media = media._replace(
            assumptions="; ".join(filter(None, (assumptions, media.assumptions)))
        )
    stored_timecode = shotbridge_metadata(reference).get("start_timecode")
    return (
        media._replace(start_timecode=stored_timecode)
        if isinstance(stored_timecode, str)
        else media
    )


def _read_external(
    reference: JsonObject, folder: Path, source_range: TimeSpan, rate: Fraction | None
) -> SourceMedia:
    url = reference.get("target_url")
    if not url or not isinstance(url, str):
        raise UnusableClipError(
            ProblemKind.OFFLINE,
            "its media reference has no file",
            "relink the clip in the host and export again",
        )
    path_in_file = url_to_path(url, folder)
    available = read_time_range(reference.get("available_range"))
    timebase = (available or source_range).timebase
    ending = file_extension(path_in_file)
    if ending in MOVIE_EXTENSIONS:
        return _movie_media(path_in_file, reference, source_range, timebase, rate)
    if ending not in STILL_EXTENSIONS:
        raise UnusableClipError(
            ProblemKind.UNSUPPORTED,
            f"{ending or 'extensionless'} files cannot be sent",
            "transcode the media to EXR, DPX, TIFF, PNG, ProRes or MP4 and relink the clip",
        )
    frame_token = unsupported_placeholder(path_in_file)
    if frame_token is not None:
        raise UnusableClipError(
            ProblemKind.UNSUPPORTED,
            f"the frame number in its name, {frame_token}, does not give the number of digits",
            "relink the clip to a pattern such as plate.%04d.exr or plate.####.exr",
        )
    try:
        ranged = parse_ranged_pattern(path_in_file)
    except ValueError as error:
        raise UnusableClipError(
            ProblemKind.UNSUPPORTED,
            str(error),
            "render the frames between, or conform the clip at the sequence's own rate",
        ) from error
    if ranged:
        pattern, first, last = ranged
        return _sequence_media(pattern, first, last - first + 1, reference, source_range, timebase)
    path = to_printf_pattern(path_in_file)
    if FRAME_NUMBER_PATTERN.search(re.split(r"[\\/]", path)[-1]):
        stored_first = shotbridge_metadata(reference).get("first_frame")
        range_start = nearest_frame((available or source_range).start, timebase.rate)
        first = stored_first if isinstance(stored_first, int) else range_start
        return _sequence_media(path, first, None, reference, source_range, timebase)
    numbered_pattern = detect_pattern(path)
    if numbered_pattern and nearest_frame((available or source_range).duration, timebase.rate) > 1:
        still_assumption = _assume_still(
            *numbered_pattern, nearest_frame((available or source_range).start, timebase.rate)
        )
        if still_assumption is None:
            return _sequence_media(*numbered_pattern, None, reference, source_range, timebase)
    else:
        still_assumption = ""
    start = (available or source_range).start
    return SourceMedia(
        path,
        numbered_pattern[1] if numbered_pattern else 0,
        1,
        start,
        timebase.rate,
        timebase,
        is_still=True,
        assumptions=still_assumption or "",
    )


def _assume_still(pattern: str, number: int, start: int) -> str | None:
    """None if one numbered file with a long range is a sequence; else the assumption that it is a
    still (empty for a version number).

    The name of one file does not tell whether there are others. Frame numbers are at the end of a
    name or between dots, mostly with three or more digits, and a sequence's range often starts at
    its first number.
    """
    name = re.split(r"[\\/]", pattern)[-1]
    number_match = FRAME_NUMBER_PATTERN.search(name)
    assert number_match is not None  # it is a pattern
    before, after = name[: number_match.start()], name[number_match.end() :]
    digits = int(number_match[1] or 1)
    if _ENDS_IN_VERSION_PREFIX.search(before):
        return ""
    if not after[:1].isalnum() and (before.endswith(".") or digits >= 3 or number == start):
        return None
    return "the number in its name was not read as a frame number; it is a still that is held"


def _sequence_media(
    path: str,
    first: int,
    length: int | None,
    reference: JsonObject,
    source_range: TimeSpan,
    timebase: Timebase,
) -> SourceMedia:
    """A sequence whose first file has number ``first``, at the rate of ``timebase``."""
    rate = timebase.rate
    assumptions = ""
    if not is_plausible_frame_rate(rate):
        assumptions = f"its rate was read as {rate} frames per second, as in the file"
    available = read_time_range(reference.get("available_range"))
    if available is None:
        first_shown = nearest_frame(source_range.start, source_range.rate)
        start = first / rate if first_shown >= first else Fraction(0)
        missing = "" if length else "the file does not say which frames of the sequence exist"
        assumptions = "; ".join(filter(None, (assumptions, missing)))
        return SourceMedia(path, first, length, start, rate, timebase, assumptions=assumptions)
    timebase = _comparison_timebase(
        reference["available_range"]["start_time"], source_range, timebase
    )
    start = convert_timebase(available.start, available.timebase, timebase)
    length = length or nearest_frame(
        convert_timebase(available.duration, available.timebase, timebase), rate
    )
    number = nearest_frame(start, rate)
    timecode_frame = number if number not in (0, first) else None
    return SourceMedia(
        path,
        first,
        length,
        start,
        rate,
        timebase,
        _timecode_or_none(timecode_frame, rate),
        assumptions=assumptions,
    )


def _comparison_timebase(
    start: JsonObject, source_range: TimeSpan, media_timebase: Timebase
) -> Timebase:
    """The timebase in which media and clip are compared.

    Whole numbers of frames at any spelling of the media's rate are counts, in the spelling of its
    range; everything else is converted through seconds at the media's own rate, as in OTIO.
    """
    start_timebase = timebase_from_time(start)
    if start_timebase.rate != media_timebase.rate:
        return media_timebase._replace(is_whole_frames=False)
    if start_timebase.file_rate == media_timebase.file_rate:
        return start_timebase
    is_whole_frames = (
        start_timebase.is_whole_frames and (source_range.start * source_range.rate).denominator == 1
    )
    return start_timebase if is_whole_frames else media_timebase._replace(is_whole_frames=False)


def _movie_media(
    path: str,
    reference: JsonObject,
    source_range: TimeSpan,
    timebase: Timebase,
    rate: Fraction | None,
) -> SourceMedia:
    available = read_time_range(reference.get("available_range"))
    if not is_plausible_frame_rate(timebase.rate):
        if rate is None:
            raise UnusableClipError(
                ProblemKind.RATE,
                f"its times count at {timebase.rate} per second, which is not the movie's rate",
                "give the movie's frame rate, as --rate 24",
            )
        timebase = Timebase.from_exact_rate(rate)
    rate = timebase.rate
    if available is not None:
        timebase = _comparison_timebase(
            reference["available_range"]["start_time"], source_range, timebase
        )
        start = convert_timebase(available.start, available.timebase, timebase)
        first = nearest_frame(start, rate)
        length = nearest_frame(
            convert_timebase(available.duration, available.timebase, timebase), rate
        )
        return SourceMedia(
            path, first, length, start, rate, timebase, _timecode_or_none(first or None, rate)
        )
    if source_range.start >= 3600:
        timecode = _timecode_or_none(math.floor(source_range.start * rate), rate)
        raise UnusableClipError(
            ProblemKind.OFFLINE,
            f"the clip starts at timecode {timecode}, but the file does not say at which timecode "
            "its movie starts",
            "relink the clip in the host and export it as OTIO, which writes the media's range",
        )
    assumptions = "the file does not give the movie's range; it was read from frame 0"
    return SourceMedia(path, 0, None, Fraction(0), rate, timebase, assumptions=assumptions)


def _timecode_or_none(frame: int | None, rate: Fraction) -> str | None:
    return None if frame is None or frame < 0 else frame_to_timecode(frame, rate)
