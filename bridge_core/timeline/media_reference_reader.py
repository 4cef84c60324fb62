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

from bridge_core.models.frames import frame_to_timecode
from bridge_core.models.media import (
    FRAME_NUMBER_PATTERN,
    MOVIE_EXTENSIONS,
    PICTURE_EXTENSIONS,
    detect_pattern,
    file_extension,
    parse_ranged_pattern,
    to_printf_pattern,
    unsupported_placeholder,
)
from bridge_core.timeline.cut import ProblemKind, ReferencedVersion, UnusableClipError
from bridge_core.timeline.document import (
    VERSION_PREFIX,
    JsonObject,
    get_text,
    media_references,
    schema_name,
    shotbridge_metadata,
)
from bridge_core.timeline.media_paths import sequence_pattern, url_to_path
from bridge_core.timeline.otio_time import (
    Timebase,
    TimeSpan,
    convert_timebase,
    frame_at_time,
    is_plausible_frame_rate,
    nearest_frame,
    read_time_range,
    timebase_from_rate,
    timebase_from_time,
)

_RELINK = "relink the clip in the host and export again"
_NO_FRAME_STEPS = "render the frames between, or conform the clip at the sequence's own rate"
#: Before a number at the end of a name that is its version: ``title_v02``.
_ENDS_IN_VERSION_PREFIX = re.compile(r"(?:^|[^A-Za-z0-9])v$", re.IGNORECASE)


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
        message = f"the host generates this ({generator}); there is no file"
        next_step = "to send it, render it to a file and cut that in"
        raise UnusableClipError(ProblemKind.GENERATOR, message, next_step)
    if kind == "MissingReference" or reference is None:
        message = "the clip has no media; it is a title, a generator, or was offline"
        raise UnusableClipError(ProblemKind.OFFLINE, message, f"{_RELINK}; render titles to files")
    message = f"its media reference is of an unknown kind ({kind or 'damaged'})"
    raise UnusableClipError(ProblemKind.BROKEN, message, _RELINK)


def _read_image_sequence(
    reference: JsonObject, folder: Path, source_range: TimeSpan
) -> SourceMedia:
    step = int(reference.get("frame_step") or 1)
    if step != 1:
        message = f"the sequence has only every {step}th frame"
        raise UnusableClipError(ProblemKind.UNSUPPORTED, message, _NO_FRAME_STEPS)
    available = read_time_range(reference.get("available_range"))
    range_timebase = (available or source_range).timebase
    own_rate = reference.get("rate")
    timebase = timebase_from_rate(own_rate) if own_rate else range_timebase
    assumptions = ""
    is_other_rate = timebase is not range_timebase
    if is_other_rate and timebase.rate == 1 and is_plausible_frame_rate(range_timebase.rate):
        # 1 is the default rate of OTIO's ImageSequenceReference.
        timebase = range_timebase
        assumptions = (
            "its sequence has the default rate of 1 frame per second; it was read at "
            f"{range_timebase.rate}, the rate of its range"
        )
    first = int(reference.get("start_frame") or 0)
    path = sequence_pattern(reference, folder)
    media = _sequence_media(path, first, None, reference, available, source_range, timebase)
    stored_timecode = shotbridge_metadata(reference).get("start_timecode")
    if isinstance(stored_timecode, str):
        media = media._replace(start_timecode=stored_timecode)
    if assumptions:
        media = media._replace(assumptions=_join_texts(assumptions, media.assumptions))
    return media


def _read_external(
    reference: JsonObject, folder: Path, source_range: TimeSpan, rate: Fraction | None
) -> SourceMedia:
    url = reference.get("target_url")
    if not url or not isinstance(url, str):
        raise UnusableClipError(ProblemKind.OFFLINE, "its media reference has no file", _RELINK)
    path_in_file = url_to_path(url, folder)
    available = read_time_range(reference.get("available_range"))
    span = available or source_range
    timebase = span.timebase
    span_start = nearest_frame(span.start, timebase.rate)
    ending = file_extension(path_in_file)
    if ending in MOVIE_EXTENSIONS:
        return _movie_media(path_in_file, reference, source_range, timebase, rate)
    if ending not in PICTURE_EXTENSIONS:
        message = f"{ending or 'extensionless'} files cannot be sent"
        next_step = "transcode the media to EXR, DPX, TIFF, PNG, ProRes or MP4 and relink the clip"
        raise UnusableClipError(ProblemKind.UNSUPPORTED, message, next_step)
    frame_token = unsupported_placeholder(path_in_file)
    if frame_token is not None:
        message = f"the frame number in its name, {frame_token}, does not give the number of digits"
        next_step = "relink the clip to a pattern such as plate.%04d.exr or plate.####.exr"
        raise UnusableClipError(ProblemKind.UNSUPPORTED, message, next_step)
    try:
        ranged = parse_ranged_pattern(path_in_file)
    except ValueError as error:
        raise UnusableClipError(ProblemKind.UNSUPPORTED, str(error), _NO_FRAME_STEPS) from error
    if ranged:
        pattern, first, last = ranged
        length = last - first + 1
        return _sequence_media(pattern, first, length, reference, available, source_range, timebase)
    path = to_printf_pattern(path_in_file)
    if FRAME_NUMBER_PATTERN.search(re.split(r"[\\/]", path)[-1]):
        stored_first = shotbridge_metadata(reference).get("first_frame")
        first = int(stored_first) if isinstance(stored_first, int) else span_start
        return _sequence_media(path, first, None, reference, available, source_range, timebase)
    numbered_pattern = detect_pattern(path)
    assumption: str | None = ""
    if numbered_pattern and nearest_frame(span.duration, timebase.rate) > 1:
        assumption = _assume_still(*numbered_pattern, span_start)
        if assumption is None:
            return _sequence_media(
                *numbered_pattern, None, reference, available, source_range, timebase
            )
    number = numbered_pattern[1] if numbered_pattern else 0
    rate = timebase.rate
    return SourceMedia(path, number, 1, span.start, rate, timebase, None, True, assumption or "")


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
    available: TimeSpan | None,
    source_range: TimeSpan,
    timebase: Timebase,
) -> SourceMedia:
    """A sequence whose first file has number ``first``, at the rate of ``timebase``."""
    rate = timebase.rate
    assumptions = ""
    if not is_plausible_frame_rate(rate):
        assumptions = f"its rate was read as {rate} frames per second, as in the file"
    if available is None:
        first_shown = nearest_frame(source_range.start, source_range.rate)
        start = first / rate if first_shown >= first else Fraction(0)
        missing = "" if length else "the file does not say which frames of the sequence exist"
        assumptions = _join_texts(assumptions, missing)
        return SourceMedia(path, first, length, start, rate, timebase, assumptions=assumptions)
    if available.timebase is timebase and available.first_frame is not None:
        # What the other branch gives for most clips of most cuts.
        start, number, range_length = available.start, available.first_frame, available.frame_count
    else:
        timebase, start, range_length = _media_span(reference, available, source_range, timebase)
        number = nearest_frame(start, rate)
    timecode = _timecode_or_none(number if number not in (0, first) else None, rate)
    length = length or range_length
    return SourceMedia(path, first, length, start, rate, timebase, timecode, False, assumptions)


def _media_span(
    reference: JsonObject, available: TimeSpan, source_range: TimeSpan, timebase: Timebase
) -> tuple[Timebase, Fraction, int]:
    """The timebase of a media's times, its start in seconds of that, and its number of frames."""
    start_time = reference["available_range"]["start_time"]
    timebase = _comparison_timebase(start_time, source_range, timebase)
    start = convert_timebase(available.start, available.timebase, timebase)
    duration = convert_timebase(available.duration, available.timebase, timebase)
    return timebase, start, nearest_frame(duration, timebase.rate)


def _comparison_timebase(
    start: JsonObject, source_range: TimeSpan, media_timebase: Timebase
) -> Timebase:
    """The timebase in which media and clip are compared.

    Whole numbers of frames at any spelling of the media's rate are counts, in the spelling of its
    range; everything else is converted through seconds at the media's own rate, as in OTIO.
    """
    start_timebase = timebase_from_time(start)
    if start_timebase is media_timebase:
        return media_timebase
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
            message = (
                f"its times count at {timebase.rate} per second, which is not the movie's rate"
            )
            next_step = "give the movie's frame rate, as --rate 24"
            raise UnusableClipError(ProblemKind.RATE, message, next_step)
        timebase = Timebase.from_exact_rate(rate)
    rate = timebase.rate
    if available is not None:
        timebase, start, length = _media_span(reference, available, source_range, timebase)
        first = nearest_frame(start, rate)
        timecode = _timecode_or_none(first or None, rate)
        return SourceMedia(path, first, length, start, rate, timebase, timecode)
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


@lru_cache(maxsize=2048)
def _timecode_or_none(frame: int | None, rate: Fraction) -> str | None:
    # Cached: most media of a cut start at the same few timecodes, or are used several times.
    return None if frame is None or frame < 0 else frame_to_timecode(frame, rate)


def _join_texts(*texts: str) -> str:
    return "; ".join(filter(None, texts))


def read_version_references(
    clip: JsonObject, folder: Path, plate: SourceMedia
) -> tuple[ReferencedVersion, ...]:
    """The versions that a clip refers to, besides its ``plate``."""
    references, active = media_references(clip)
    versions = []
    for key, reference in references.items():
        if not key.startswith(VERSION_PREFIX) or not (metadata := shotbridge_metadata(reference)):
            continue
        available = read_time_range(reference.get("available_range"))
        start = available and convert_timebase(available.start, available.timebase, plate.timebase)
        if schema_name(reference) == "ImageSequenceReference":
            path = sequence_pattern(reference, folder)
        else:
            path = url_to_path(get_text(reference, "target_url"), folder)
        versions.append(
            ReferencedVersion(
                reference_key=key,
                version=get_text(metadata, "version"),
                service=get_text(metadata, "service"),
                label=get_text(metadata, "label"),
                status=get_text(metadata, "status"),
                path=path,
                first_frame=plate.frame_at(start) if start is not None else plate.first_frame,
                is_active=key == active,
            )
        )
    return tuple(versions)
