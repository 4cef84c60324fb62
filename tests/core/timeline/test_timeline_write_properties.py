"""Random timelines with versions, placed and exported: OTIO's own API says what they show.

A version has to show the plate's frame at every time of the clip, by OTIO's ``frame_for_time`` and
by the reader's own counting; everything else has to be unchanged.

Deliberate exceptions:

- A clip without a source range gets that of its media, since a version may be longer or shorter.
- A version with fewer frames than the source range of a retimed or trimmed clip is reported
  (:class:`~bridge_core.timeline.version_writer.ShortVersion`) and compared where it has frames.
- A title or an offline clip is a gap in exports for Resolve.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from random_media_timelines import GeneratedTimeline, generate_timeline
from sample_versions import versions_of

from bridge_core.timeline.cut import Cut
from bridge_core.timeline.cut_reader import read_cut
from bridge_core.timeline.export_profiles import PROFILES
from bridge_core.timeline.exporter import export_timeline
from bridge_core.timeline.version_writer import WriteResult, write_versions

VERSION = "shotbridge:round_trip:v001"
schema = otio.schema
BATCH = 50


@pytest.mark.parametrize("batch", range(4))
def test_versions_and_exports_show_the_plates_frames(batch: int, tmp_path: Path) -> None:
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        _check(seed, tmp_path)


@pytest.mark.properties
@pytest.mark.timeout(3600)
def test_ten_thousand_versions_and_exports(tmp_path: Path) -> None:
    failed = {}
    for seed in range(10_000):
        try:
            _check(seed, tmp_path)
        except AssertionError as error:
            failed[seed] = str(error).splitlines()[0]
    assert failed == {}


def _check(seed: int, folder: Path) -> None:
    given = generate_timeline(seed)
    path, placed = folder / "cut.otio", folder / "placed.otio"
    otio.adapters.write_to_file(given.timeline, str(path))
    cut = read_cut(path)
    ending = (".exr", ".mov")[seed // 4 % 2]
    written = write_versions(path, versions_of(cut, ending=ending), placed, overwrite=True)
    _check_placed(seed, given, cut, written)
    profile = tuple(PROFILES)[seed % 4]
    target = export_timeline(placed, folder / "export.otio", profile, overwrite=True).target
    _check_exported(seed, given, placed, target, profile)


def _check_placed(seed: int, given: GeneratedTimeline, cut: Cut, written: WriteResult) -> None:
    timeline = _read(written.target)
    shots = {item.clip_name: item.shot for item in cut}
    short = {one.clip_name for one in written.short_versions}
    for clip, before in zip(timeline.find_clips(), given.timeline.find_clips(), strict=True):
        references = dict(clip.media_references())
        if clip.name in shots:
            where, source = f"seed {seed}, {clip.name}", clip.source_range
            plate = _counted(references["DEFAULT_MEDIA"], given, clip.name)
            version = references.pop(VERSION)
            first = shots[clip.name].work_range.first
            count = shots[clip.name].work_range.count
            judge = _as_sequence(version, first, given.media_rates[clip.name])
            assert round(version.available_range.duration.value) == count, where
            assert version.available_range.duration.rate == plate.rate, where
            for time in _times(source, plate.rate):
                if not _media_covers(plate, time):
                    continue
                wanted = plate.frame_for_time(time)
                if first <= wanted < first + count:
                    assert judge.frame_for_time(time) == wanted, f"{where} at {time}"
                else:
                    assert clip.name in short, f"{where}: no frame at {time}, and not reported"
            if before.source_range is None:
                assert clip.source_range == before.available_range(), where
                clip.source_range = None
        clip.set_media_references(references, "DEFAULT_MEDIA")
        clip.metadata.pop("shotbridge", None)
    timeline.metadata.pop("shotbridge", None)
    assert timeline.is_equivalent_to(given.timeline), f"seed {seed}: something else has changed"


def _check_exported(
    seed: int, given: GeneratedTimeline, placed: Path, target: Path, profile: str
) -> None:
    original, exported = _read(placed), _read(target)
    gaps = PROFILES[profile].gaps_for_missing_media
    where = f"seed {seed}, {profile}"
    assert _structure(exported, gaps=gaps) == _structure(original, gaps=gaps), where
    by_name = {clip.name: clip for clip in original.find_clips()}
    for clip in exported.find_clips():
        before = by_name[clip.name]
        if clip.name not in given.first_numbers:
            assert clip.source_range == before.source_range, f"{where}, {clip.name}"
            continue
        for key, reference in clip.media_references().items():
            old = key if len(clip.media_references()) > 1 else before.active_media_reference_key
            old_reference = before.media_references()[old]
            wanted = _shown_frames(_counted(old_reference, given, clip.name), before)
            frames = _shown_frames(
                _as_read(reference, old_reference, given, clip.name, profile), clip
            )
            assert frames == wanted, f"{where}, {clip.name}, {old}"


def _as_read(reference: Any, before: Any, given: GeneratedTimeline, name: str, profile: str) -> Any:
    """A sequence that counts as this profile's reader does."""
    rate = given.media_rates[name]
    if isinstance(reference, schema.ImageSequenceReference):
        return reference
    url = reference.target_url
    brackets = re.search(r"\.\[(\d+)-(\d+)\]\.exr$", url)
    first = _first(before, given, name)
    if profile == "resolve" and brackets:
        first = int(brackets[1])
        length = int(brackets[2]) - first + 1
        assert length == round(reference.available_range.duration.value), url
    if profile == "nuke" and url.endswith("%04d.exr"):
        # A Read node's frames are the clip's times.
        first = round(reference.available_range.start_time.value_rescaled_to(rate))
    return _as_sequence(reference, first, rate)


def _counted(reference: Any, given: GeneratedTimeline, name: str) -> Any:
    return _as_sequence(reference, _first(reference, given, name), given.media_rates[name])


def _first(reference: Any, given: GeneratedTimeline, name: str) -> int:
    """The number of a reference's first frame, in the plate's numbering."""
    if isinstance(reference, schema.ImageSequenceReference):
        return int(reference.start_frame)
    metadata = reference.metadata.get("shotbridge", {})
    return int(metadata.get("first_frame", given.first_numbers[name]))


def _as_sequence(reference: Any, first: int, rate: float) -> Any:
    """Any reference as an image sequence reference, which OTIO can map to frames."""
    if isinstance(reference, schema.ImageSequenceReference):
        return reference
    return schema.ImageSequenceReference(
        "", "", "", first, 1, rate, 4, available_range=reference.available_range
    )


def _shown_frames(reference: Any, clip: Any) -> list[int | None]:
    """The frames at times of the clip; None where the media has none."""
    times = _times(clip.trimmed_range(), reference.rate)
    return [
        reference.frame_for_time(time) if _media_covers(reference, time) else None for time in times
    ]


def _media_covers(reference: Any, time: Any) -> bool:
    available = reference.available_range
    return available is not None and bool(available.contains(time))


def _times(source: Any, media_rate: float) -> list[Any]:
    """Some of the times at which a clip's frames start, the first and the last included.

    A time that is not a whole number at the media's own rate is taken a little later: if it is a
    frame boundary of the media, OTIO's floats are on either side of it. Not a thousandth of a frame
    later, which is how far NTSC rates drift with each frame, to the next boundary.
    """
    start, rate = source.start_time, source.duration.rate
    count = max(1, round(source.duration.value))
    later = 0 if rate == media_rate and start.value.is_integer() else 0.00037
    steps = sorted({0, count - 1, *range(0, count, max(1, count // 7))})
    return [start + otio.opentime.RationalTime(step + later, rate) for step in steps]


def _structure(item: Any, *, gaps: bool) -> Any:
    """All of a timeline except its media references and the origins of its clips' ranges."""
    if isinstance(item, schema.Timeline):
        return (
            item.name,
            str(item.global_start_time),
            _metadata(item),
            _structure(item.tracks, gaps=gaps),
        )
    kind = type(item).__name__
    if isinstance(item, schema.Transition):
        return kind, item.name, str(item.in_offset), str(item.out_offset)
    effects = [json.loads(effect.to_json_string()) for effect in item.effects]
    if (
        gaps
        and isinstance(item, schema.Clip)
        and isinstance(item.media_reference, schema.MissingReference | schema.GeneratorReference)
    ):
        kind, effects = "Gap", []
    inner = (
        [_structure(child, gaps=gaps) for child in item] if hasattr(item, "find_children") else []
    )
    length = str(item.trimmed_range().duration)
    markers = [(one.name, str(one.marked_range.duration)) for one in item.markers]
    return kind, item.name, item.enabled, length, effects, markers, _metadata(item), inner


def _metadata(item: Any) -> Any:
    return {key: str(value) for key, value in item.metadata.items() if key != "shotbridge"}


def _read(path: Path) -> Any:
    return otio.adapters.read_from_file(str(path))
