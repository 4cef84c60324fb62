"""For every shot of random cuts, the plate frame at every record frame is the one that OTIO gives.

The expected results come from OTIO's own API: a clip's position (``transformed_time`` through all
nests), the frames that its range shows (``frame_range_for_time_range``), and the frame at each
frame of the record (``frame_for_time``). Deliberate exceptions:

- *Counts.* Whole numbers of frames at several spellings of one NTSC rate (23.976 beside
  24000/1001) are counts: editors count frames, and 86400 frames of 23.98 are not meant as 86414 of
  24000/1001. OTIO computes through seconds; it gets the same timeline with the rate in one
  spelling.
- *Backwards.* OTIO does not define what a negative ``time_scalar`` shows. The source range starts
  with the earliest frame, which is shown last, as in Hiero, AYON and FCP XML.
- *Boundaries.* OTIO computes in floats and truncates: at a frame boundary that it misses by less
  than 0.00001 frames, either frame is accepted. (A time of 14 h has no more digits.)
- *Spellings within a shot.* A shot has exact rates only. From its first frame on, record frames and
  plate frames are matched at those: 18 frames at 24000/1001 are 45 at 59.94, where OTIO, computing
  with 59.94 as written, has 44.99996.
- *Lengths computed from seconds.* For a length that is not a whole number, ``end_time_inclusive``
  rounds the end down to a whole frame of the clip's own rate; here the last frame shown is the one
  at the last frame of the record.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from random_retime_timelines import SPELLINGS, RandomRetimedTimeline, T

from bridge_core.timeline.cut import Cut, CutShot, CutSource
from bridge_core.timeline.cut_reader import index_cut
from bridge_core.timeline.document import Document

EXACT = {spelling: family[0] for family in SPELLINGS for spelling in family}
NOISE = 1e-5
#: Frames of a trimmed clip that remain because of rates in 32 bits.
SLIVER = 0.01
#: The difference of 23.98 and 24000/1001, per frame.
SPELLED = 2e-4


def _read(timeline: Any) -> Cut:
    root = json.loads(timeline.to_json_string())
    return index_cut(Document(CutSource(Path("/cuts/random.otio")), root, root)).cut


def _normalise_rates(node: Any) -> Any:
    """OTIO's JSON with every rate exact."""
    if isinstance(node, dict):
        return {
            key: EXACT.get(value, value) if key == "rate" else _normalise_rates(value)
            for key, value in node.items()
        }
    return [_normalise_rates(one) for one in node] if isinstance(node, list) else node


class OtioOracle:
    """OTIO's results for one random timeline."""

    def __init__(self, generated: RandomRetimedTimeline) -> None:
        self.generated = generated
        self.timeline = generated.timeline
        self.media = dict(generated.media)
        if generated.rate_style == "counts":
            self.timeline = self._exact(generated.timeline)
            self.media = {name: self._exact(one) for name, one in generated.media.items()}

    @staticmethod
    def _exact(item: Any) -> Any:
        text = json.dumps(_normalise_rates(json.loads(item.to_json_string())))
        return otio.core.deserialize_json_from_string(text)

    def visible(self) -> Iterator[tuple[Any, Any, Any]]:
        """Each visible clip, its start in the cut and its visible duration."""
        tracks = self.timeline.tracks
        for clip in self.timeline.find_clips():
            shown = clip.trimmed_range()
            item = clip
            while shown is not None and item is not tracks:
                parent = item.parent()
                moved = item.transformed_time_range(shown, parent)
                # Trim to the parent.
                shown = _common(moved, parent.trimmed_range()) if parent is not tracks else moved
                item = parent
            if shown is not None:
                yield clip, shown.start_time, shown.duration


def _common(one: Any, other: Any) -> Any:
    start = max(one.start_time, other.start_time)
    end = min(one.end_time_exclusive(), other.end_time_exclusive())
    return otio.opentime.range_from_start_end_time(start, end) if start < end else None


def _frames(media: Any, time: Any, noise: float = NOISE) -> set[int]:
    """The frame that shows at a media time; two if it misses a boundary by a rounding error."""
    offset = (time - media.available_range.start_time).value_rescaled_to(media.rate)
    frames = {media.start_frame + math.floor(offset)}
    if abs(offset - round(offset)) < noise:
        frames |= {media.start_frame + round(offset), media.start_frame + round(offset) - 1}
    else:
        assert media.frame_for_time(time) in frames
    return frames


def _check(seed: int) -> int:
    generated = RandomRetimedTimeline(seed)
    oracle = OtioOracle(generated)
    cut = _read(generated.timeline)
    shots: dict[str, CutShot] = {item.clip_name: item for item in cut}
    problems = {problem.clip_name for problem in cut.problems if problem.skipped}
    checked = 0
    visited = set()
    for clip, start, duration in oracle.visible():
        visited.add(clip.name)
        where = f"seed {seed}, {generated.rate_style}, {clip.name}"
        if duration.value_rescaled_to(float(cut.rate)) < SLIVER:
            continue  # trimmed off by a nest, but for a rounding error
        if clip.name in generated.unreadable:
            assert clip.name in problems, where
            continue
        item = shots.get(clip.name)
        if item is None:
            count = duration.value_rescaled_to(float(cut.rate))
            assert count < 1 + NOISE and clip.name in problems, where
            continue
        _check_shot(where, generated, oracle, cut, clip, start, duration, item)
        checked += 1
    assert set(shots) <= visited, f"seed {seed}"
    return checked


def _check_shot(
    where: str,
    generated: RandomRetimedTimeline,
    oracle: OtioOracle,
    cut: Cut,
    clip: Any,
    start: Any,
    duration: Any,
    item: CutShot,
) -> None:
    shot, media = item.shot, oracle.media[clip.name]
    speed = generated.speed[clip.name]
    record = shot.record_range
    assert record is not None
    rate = oracle.timeline.global_start_time.rate if oracle.timeline.global_start_time else None
    if rate is not None:
        assert Fraction(cut.rate) == Fraction(EXACT[rate]).limit_denominator(1001), where
        begin = (oracle.timeline.global_start_time + start).value_rescaled_to(rate)
        end = (oracle.timeline.global_start_time + start + duration).value_rescaled_to(rate)
        assert abs(record.first - begin) <= 0.5 + NOISE, (where, record, begin)
        assert abs(record.last + 1 - end) <= 0.5 + NOISE, (where, record, end)
    else:
        rate = float(cut.rate)
    assert shot.plate.range.first == media.start_frame, where
    assert shot.plate.range.last == media.end_frame(), where
    source = clip.trimmed_range()
    tracks = oracle.timeline.tracks
    shown = shot.plate_frames()
    assert len(shown) == record.count
    # The finer rate of clip and record defines the last moment.
    frame = T(1, max(rate, source.duration.rate))
    expected_first = tracks.transformed_time(start, clip)
    for k in sorted({0, 1, 2, record.count // 2, record.count - 1} & set(range(record.count))):
        offset = tracks.transformed_time(start + T(k, rate), clip) - source.start_time
        if speed < 0:
            offset = source.duration - frame - offset
            offset = max(offset, T(0, offset.rate))
        moment = T(offset.value * abs(speed), offset.rate)
        noise = NOISE if rate in EXACT.values() and media.rate in EXACT.values() else SPELLED
        distance = 1 + abs(moment.value_rescaled_to(media.rate))
        allowed = _frames(media, source.start_time + moment, noise * distance)
        assert shown[k] in allowed, (where, k, shown[k], moment)
    assert set(shown) <= set(shot.cut_range.frames()), where
    if speed == 1 and generated.rate_style != "seconds":
        assert shot.cut_range.first in _frames(media, expected_first), where
        length = duration.value_rescaled_to(source.duration.rate)
        if rate == source.duration.rate and abs(length - round(length)) < NOISE:
            whole = otio.opentime.TimeRange(expected_first, T(round(length), rate))
            last = whole.end_time_inclusive()
            assert shot.cut_range.last in _frames(media, last), (where, shot.cut_range)


def test_plate_frames_are_those_of_otio() -> None:
    assert sum(_check(seed) for seed in range(300)) > 1000


@pytest.mark.properties
@pytest.mark.timeout(3600)
def test_plate_frames_are_those_of_otio_ten_thousand_times() -> None:
    assert sum(_check(seed) for seed in range(10_000)) > 40_000
