"""CMX 3600 EDLs: what the format leaves to its reader, around OTIO's own adapter.

The adapter gets the text with timecodes that continue past midnight (SMPTE ST 12-1 wraps at 24
hours), and with each ``M2`` repeated as a comment: it drops an ``M2`` where source and record are
equally long, as in a clip that plays backwards at 100 %, or a freeze.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from bridge_core.timeline.cut import ProblemKind, Remark

_TIME = r"(\d\d):(\d\d):(\d\d)[:;.,](\d\d)"
_EVENT = re.compile(rf"^\s*\d+\s.*?\s(?={_TIME}\s+{_TIME}\s+{_TIME}\s+{_TIME}\s*$)")
_TIMES = re.compile(_TIME)
_SPEED = re.compile(r"^M2\s.*?\s(-?\d+(?:\.\d*)?)\s+\d\d:\d\d:\d\d[:;.,]\d\d\s*$")
_MARK = "SHOTBRIDGE M2 "
_DROP = re.compile(r"^FCM:\s*DROP|\d\d:\d\d:\d\d[;,]\d\d", re.MULTILINE | re.IGNORECASE)
_HALF_A_DAY = 12 * 3600


def settle_rate(text: str, said: Fraction | None) -> tuple[Fraction, list[Remark]]:
    """The rate of an EDL, which the format does not give, and what was assumed about it."""
    if said is not None:
        return said, []
    rate, why = Fraction(24), "an EDL does not give its rate; it was read at 24"
    if _DROP.search(text):
        # SMPTE ST 12-1 has drop frame for 29.97 and 59.94 only.
        fast = any(int(found[3]) >= 30 for found in _TIMES.findall(text))
        rate = Fraction(60000 if fast else 30000, 1001)
        why = (
            "an EDL does not give its rate; this one is in drop frame and was read at "
            f"{float(rate):.2f}"
        )
    return rate, [(ProblemKind.ASSUMED, why, "give its rate, as --rate 25")]


def prepare(text: str) -> str:
    """The text for OTIO's adapter; see above."""
    lines: list[str] = []
    days, before = 0, 0
    for line in text.splitlines():
        if _EVENT.match(line):
            line, days, before = _unwrapped(line, days, before)
        lines.append(line)
        speed = _SPEED.match(line)
        if speed:
            lines.append(f"* {_MARK}{speed[1]}")
    return "\n".join(lines) + "\n"


def _unwrapped(line: str, days: int, before: int) -> tuple[str, int, int]:
    """An event with its times in ascending order; the days that have passed on the record side,
    and the second at which it starts there."""
    found = list(_TIMES.finditer(line))[-4:]
    seconds = [(int(one[1]) * 60 + int(one[2])) * 60 + int(one[3]) for one in found]
    source = int(seconds[0] - seconds[1] > _HALF_A_DAY)
    if before - seconds[2] > _HALF_A_DAY:
        days += 1
    record = days + int(seconds[2] - seconds[3] > _HALF_A_DAY)
    for one, passed in zip(reversed(found), (record, days, source, 0), strict=True):
        if passed:
            line = line[: one.start(1)] + f"{int(one[1]) + 24 * passed:02d}" + line[one.end(1) :]
    return line, days, seconds[2]


def finish(timeline: Any, rate: Fraction) -> list[Remark]:
    """Put the timeline at its record time and apply each M2. Returns what could not be applied."""
    import opentimelineio as otio

    remarks: list[Remark] = []
    for clip in timeline.find_clips():
        kept = clip.metadata.get("cmx_3600", {})
        comments = list(kept.get("comments", ()))
        speeds = [one.removeprefix(_MARK) for one in comments if one.startswith(_MARK)]
        if not speeds:
            continue
        left = [one for one in comments if not one.startswith(_MARK)]
        if left:
            kept["comments"] = left
        else:
            del kept["comments"]
            if not kept:
                del clip.metadata["cmx_3600"]
        if clip.effects:
            continue  # source and record differ in length: the adapter has followed it
        speed = float(speeds[-1]) / float(rate)
        if speed == 0:
            clip.effects.append(otio.schema.FreezeFrame())
        elif abs(speed + 1) < 0.02:
            clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=-1.0))
        elif abs(speed - 1) >= 0.02:
            remarks.append(
                (
                    ProblemKind.RETIME,
                    f"{clip.name}: its M2 says {speed:.0%}, but source and record are equally "
                    "long; it was read at 100 %",
                    "check the clip's first and last frame, or export the cut as OTIO",
                )
            )
    _place_at_record_time(timeline)
    return remarks


def _place_at_record_time(timeline: Any) -> None:
    """Put an EDL's tracks where its record timecodes say, as any other timeline has them.

    The adapter keeps a track's first record time as a negative start of the track's source range,
    by which a cut that starts at 01:00:00:00 would show nothing at all.
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
