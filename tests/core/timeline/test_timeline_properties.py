"""Random cuts: adjacent clips stay adjacent, and writing loses nothing.

``test_timeline_read_properties.py`` compares what is read with OTIO's own results.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge_core.timeline.cut import Cut
from bridge_core.timeline.cut_reader import read_cut
from bridge_core.timeline.diff import diff_cuts
from bridge_core.timeline.document import load_document, save_otio
from bridge_core.timeline.version_writer import place_versions

RATES = [24.0, 25.0, 24000 / 1001, 30.0, 30000 / 1001, 48.0]
T = otio.opentime.RationalTime


def _range(start: float, length: float, rate: float) -> Any:
    return otio.opentime.TimeRange(T(start, rate), T(length, rate))


@st.composite
def media_and_source(draw: st.DrawFn, rate: float) -> tuple[Any, Any]:
    """A sequence with any numbering and origin, and a range inside it."""
    length = draw(st.integers(1, 200))
    first = draw(st.integers(0, 1200))
    origin = draw(st.sampled_from([0, first, 86_400, 1_000_000]))
    start = draw(st.integers(0, length - 1))
    frames = draw(st.integers(1, length - start))
    name = f"m{draw(st.integers(0, 5))}"
    media = otio.schema.ImageSequenceReference(
        f"file:///plates/{name}/",
        f"{name}.",
        ".exr",
        start_frame=first,
        rate=rate,
        frame_zero_padding=4,
        available_range=_range(origin, length, rate),
    )
    return media, _range(origin + start, frames, rate)


@st.composite
def timelines(draw: st.DrawFn, mixed: bool = False) -> Any:
    rate = draw(st.sampled_from(RATES))
    timeline = otio.schema.Timeline("random")
    if draw(st.booleans()):
        timeline.global_start_time = T(draw(st.integers(0, 90_000)), rate)
    for number in range(draw(st.integers(1, 3))):
        track = otio.schema.Track(f"V{number + 1}", kind="Video")
        after_clip = False
        for index in range(draw(st.integers(0, 6))):
            kind = draw(st.sampled_from(["clip", "clip", "gap", "transition", "nest"]))
            own = draw(st.sampled_from(RATES)) if mixed else rate
            if kind == "gap":
                gap = _range(draw(st.integers(0, 500)), draw(st.integers(0, 50)), own)
                track.append(otio.schema.Gap(source_range=gap))
                after_clip = False
            elif kind == "transition" and after_clip:
                offsets = (T(draw(st.integers(0, 12)), own) for _ in range(2))
                track.append(otio.schema.Transition("x", "SMPTE_Dissolve", *offsets))
                after_clip = False
            elif kind == "nest":
                media, source = draw(media_and_source(own))
                inner = otio.schema.Track("inner", kind="Video")
                inner.append(otio.schema.Clip(f"n{number}_{index}", media, source))
                trim = None
                if draw(st.booleans()):
                    length = int(source.duration.value)
                    low = draw(st.integers(0, length - 1))
                    trim = _range(low, draw(st.integers(1, length - low)), own)
                track.append(otio.schema.Stack("nest", [inner], trim))
                after_clip = False
            else:
                media, source = draw(media_and_source(own))
                track.append(otio.schema.Clip(f"c{number}_{index}", media, source))
                after_clip = True
        timeline.tracks.append(track)
    return timeline


def _read(timeline: Any, folder: Path) -> Cut:
    path = folder / "random.otio"
    otio.adapters.write_to_file(timeline, str(path))
    return read_cut(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("random")


RELAXED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@RELAXED
@given(timeline=timelines(mixed=True))
def test_at_mixed_rates_clips_stay_adjacent_and_do_not_drift(timeline: Any, folder: Path) -> None:
    """Every clip is within half a frame of its exact time, and starts where the previous ends."""
    cut = _read(timeline, folder)
    shots = {item.clip_name: item.shot for item in cut}
    start = Fraction(cut.global_start) / cut.rate
    for track in timeline.tracks:
        at = start
        before: tuple[str, Fraction] | None = None
        for child in track:
            if isinstance(child, otio.schema.Transition):
                continue
            duration = _exact(child.trimmed_range().duration)
            name = child.name
            if isinstance(child, otio.schema.Clip) and name in shots:
                record = shots[name].record_range
                assert abs(record.first - at * cut.rate) <= Fraction(1, 2)
                assert abs(record.last + 1 - (at + duration) * cut.rate) <= Fraction(1, 2)
                if before and before[1] == at and before[0] in shots:
                    assert shots[before[0]].record_range.last + 1 == record.first
                before = (name, at + duration)
            at += duration


def _exact(time: Any) -> Fraction:
    rate = Fraction(time.rate).limit_denominator(1001)
    return Fraction(time.value) / rate


@RELAXED
@given(timeline=timelines(mixed=True))
def test_reading_and_writing_preserves_the_file(timeline: Any, folder: Path) -> None:
    path, again = folder / "random.otio", folder / "again.otio"
    otio.adapters.write_to_file(timeline, str(path))
    save_otio(load_document(path).root, again, overwrite=True)
    assert json.loads(again.read_text()) == json.loads(path.read_text())
    assert otio.adapters.read_from_file(str(again)).is_equivalent_to(timeline)
    cut, same = read_cut(path), read_cut(again)
    assert same.shots == cut.shots
    assert same.problems == cut.problems
    assert {kind.value for change in diff_cuts(cut, same).changes for kind in change.kinds} <= {
        "unchanged"
    }


@RELAXED
@given(timeline=timelines())
def test_stored_clip_ids_are_read_again(timeline: Any, folder: Path) -> None:
    before = _read(timeline, folder)
    document = load_document(folder / "random.otio")
    place_versions(document, {item.clip_id: [] for item in before})
    save_otio(document.root, folder / "again.otio", overwrite=True)
    after = read_cut(folder / "again.otio")
    assert [item.clip_id for item in after] == [item.clip_id for item in before]
    assert [item.shot for item in after] == [item.shot for item in before]
