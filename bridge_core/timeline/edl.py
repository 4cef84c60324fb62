"""CMX 3600 EDLs: pre- and postprocessing around OTIO's adapter.

The adapter gets the text with timecodes that continue past midnight (SMPTE ST 12-1 wraps at 24
hours), and with each ``M2`` repeated as a comment: it drops an ``M2`` where source and record are
equally long, as for a clip that plays backwards at 100 %, or a freeze.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from bridge_core.timeline.cut import DocumentProblem, ProblemKind

_TIMECODE = r"(\d\d):(\d\d):(\d\d)[:;.,](\d\d)"
_EVENT = re.compile(rf"^\s*\d+\s.*?\s(?={_TIMECODE}\s+{_TIMECODE}\s+{_TIMECODE}\s+{_TIMECODE}\s*$)")
_TIMECODE_RE = re.compile(_TIMECODE)
_M2_SPEED = re.compile(r"^M2\s.*?\s(-?\d+(?:\.\d*)?)\s+\d\d:\d\d:\d\d[:;.,]\d\d\s*$")
_M2_COMMENT = "SHOTBRIDGE M2 "
_DROP_FRAME = re.compile(r"^FCM:\s*DROP|\d\d:\d\d:\d\d[;,]\d\d", re.MULTILINE | re.IGNORECASE)
_HALF_DAY_SECONDS = 12 * 3600


def determine_rate(
    text: str, given_rate: Fraction | None
) -> tuple[Fraction, list[DocumentProblem]]:
    """The rate of an EDL, which the format does not give, and what had to be assumed about it."""
    if given_rate is not None:
        return given_rate, []
    rate, assumption = Fraction(24), "an EDL does not give its rate; it was read at 24"
    if _DROP_FRAME.search(text):
        # SMPTE ST 12-1 defines drop frame for 29.97 and 59.94 only.
        is_double_rate = any(int(fields[3]) >= 30 for fields in _TIMECODE_RE.findall(text))
        rate = Fraction(60000 if is_double_rate else 30000, 1001)
        assumption = "an EDL does not give its rate; this one has drop-frame timecode"
        assumption += f" and was read at {float(rate):.2f}"
    return rate, [(ProblemKind.ASSUMED, assumption, "give its rate, as --rate 25")]


def preprocess(text: str) -> str:
    """The text for OTIO's adapter, as the module's docstring says."""
    lines: list[str] = []
    days, previous_record = 0, 0
    for line in text.splitlines():
        if _EVENT.match(line):
            line, days, previous_record = _unwrap_midnight(line, days, previous_record)
        lines.append(line)
        speed = _M2_SPEED.match(line)
        if speed:
            lines.append(f"* {_M2_COMMENT}{speed[1]}")
    return "\n".join(lines) + "\n"


def _unwrap_midnight(line: str, days: int, previous_record: int) -> tuple[str, int, int]:
    """An event with its times in ascending order, the days passed on the record side, and the
    second of its record start."""
    timecodes = list(_TIMECODE_RE.finditer(line))[-4:]
    seconds = [(int(match[1]) * 60 + int(match[2])) * 60 + int(match[3]) for match in timecodes]
    source = int(seconds[0] - seconds[1] > _HALF_DAY_SECONDS)
    if previous_record - seconds[2] > _HALF_DAY_SECONDS:
        days += 1
    record = days + int(seconds[2] - seconds[3] > _HALF_DAY_SECONDS)
    for match, days_passed in zip(reversed(timecodes), (record, days, source, 0), strict=True):
        if days_passed:
            hours = f"{int(match[1]) + 24 * days_passed:02d}"
            line = line[: match.start(1)] + hours + line[match.end(1) :]
    return line, days, seconds[2]


def postprocess(timeline: Any, rate: Fraction) -> list[DocumentProblem]:
    """Move the timeline to its record time and apply each M2; the problems of doing so."""
    import opentimelineio as otio

    problems: list[DocumentProblem] = []
    for clip in timeline.find_clips():
        metadata = clip.metadata.get("cmx_3600", {})
        comments = list(metadata.get("comments", ()))
        speeds = [text.removeprefix(_M2_COMMENT) for text in comments if _is_m2(text)]
        if not speeds:
            continue
        other_comments = [text for text in comments if not _is_m2(text)]
        if other_comments:
            metadata["comments"] = other_comments
        else:
            del metadata["comments"]
            if not metadata:
                del clip.metadata["cmx_3600"]
        if clip.effects:
            continue  # source and record differ in length: the adapter has applied it
        speed = float(speeds[-1]) / float(rate)
        if speed == 0:
            clip.effects.append(otio.schema.FreezeFrame())
        elif abs(speed + 1) < 0.02:
            clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=-1.0))
        elif abs(speed - 1) >= 0.02:
            message = (
                f"{clip.name}: its M2 says {speed:.0%}, but source and record are equally long"
            )
            next_step = "check the clip's first and last frame, or export the cut as OTIO"
            problems.append((ProblemKind.RETIME, f"{message}; it was read at 100 %", next_step))
    _place_at_record_time(timeline)
    return problems


def _is_m2(comment: str) -> bool:
    return comment.startswith(_M2_COMMENT)


def _place_at_record_time(timeline: Any) -> None:
    """Place an EDL's tracks at their record timecodes, as other formats do.

    The adapter stores a track's first record time as a negative start of the track's source range,
    so that a cut that starts at 01:00:00:00 would show nothing.
    """
    import opentimelineio as otio

    starts = [-track.source_range.start_time for track in timeline.tracks if track.source_range]
    if not starts:
        return  # it starts at 00:00:00:00
    zero = otio.opentime.RationalTime(0, starts[0].rate)
    earliest = min(starts) if len(starts) == len(timeline.tracks) else zero
    timeline.global_start_time = earliest
    for track in timeline.tracks:
        if track.source_range:
            later = -track.source_range.start_time - earliest
            track.source_range = None
            if later.value > 0:
                track.insert(0, otio.schema.Gap(source_range=otio.opentime.TimeRange(zero, later)))
