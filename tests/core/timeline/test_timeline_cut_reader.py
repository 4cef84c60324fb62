"""Cuts are read into the right frames, and what cannot be read is reported."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from bridge_core.errors import TimelineError
from bridge_core.models.media import PlateKind
from bridge_core.timeline.cut import Cut, CutShot, ProblemKind
from bridge_core.timeline.cut_reader import read_cut

NTSC = 24000 / 1001


def only_clean_shot(cut: Cut) -> CutShot:
    assert [str(problem) for problem in cut.problems] == []
    (item,) = cut.shots
    return item


def only_problem(cut: Cut) -> Any:
    assert cut.shots == ()
    (problem,) = cut.problems
    assert problem.skipped
    assert problem.message
    assert problem.next_step
    return problem


def test_a_shot_counts_in_the_plates_file_numbers(kit: Any) -> None:
    item = only_clean_shot(read_cut(kit.cut(kit.clip("sq010_sh0020"))))
    shot = item.shot
    assert shot.plate.path == "/plates/sq010_sh0020/sq010_sh0020.%04d.exr"
    assert (shot.plate.range.first, shot.plate.range.last) == (1001, 1064)
    assert (shot.cut_range.first, shot.cut_range.last) == (1009, 1056)
    assert (shot.record_range.first, shot.record_range.last) == (0, 47)
    assert (shot.work_range.first, shot.work_range.last) == (1001, 1064)
    assert str(shot.id) == "reel 1/sq010/sh0020"
    assert item.clip_name == "sq010_sh0020"
    assert item.track == "V1"


def test_handles_end_with_the_plate(kit: Any) -> None:
    shot = only_clean_shot(read_cut(kit.cut(kit.clip(source=(4, 56))), handles=12)).shot
    assert (shot.head_handle, shot.tail_handle) == (12, 12)
    assert (shot.work_range.first, shot.work_range.last) == (1001, 1064)


def test_embedded_timecode_is_not_a_file_number(kit: Any) -> None:
    media = kit.sequence("a", first=1001, available=(86400 + 12, 64))
    shot = only_clean_shot(read_cut(kit.cut(kit.clip("a", media, (86400 + 20, 48))))).shot
    assert (shot.cut_range.first, shot.cut_range.last) == (1009, 1056)
    assert shot.plate.start_timecode == "01:00:00:12"


def test_media_times_that_are_file_frames(kit: Any) -> None:
    media = kit.sequence("a", first=1001, available=(1001, 64))
    shot = only_clean_shot(read_cut(kit.cut(kit.clip("a", media, (1009, 48))))).shot
    assert (shot.cut_range.first, shot.cut_range.last) == (1009, 1056)
    assert shot.plate.start_timecode is None


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///plates/my%20shot/a.%04d.exr", "/plates/my shot/a.%04d.exr"),
        ("file:///plates/my%20shot/a.%2504d.exr", "/plates/my shot/a.%04d.exr"),
        ("/plates/100%/a.####.exr", "/plates/100%/a.%04d.exr"),
        ("file://localhost/plates/a.[1001-1064].exr", "/plates/a.%04d.exr"),
        ("file:///C:/plates/a.%04d.exr", "C:/plates/a.%04d.exr"),
        ("C:\\plates\\a.1001.exr", "C:\\plates\\a.%04d.exr"),
        ("file://server/share/a.1001.exr", "//server/share/a.%04d.exr"),
        ("\\\\server\\share\\a.1001.exr", "\\\\server\\share\\a.%04d.exr"),
        ("file:///Dämmerung%20%232/a.1001.exr", "/Dämmerung #2/a.%04d.exr"),
    ],
)
def test_urls_and_paths_of_sequences(kit: Any, url: str, path: str) -> None:
    media = kit.external(url, available=(1001, 64))
    shot = only_clean_shot(read_cut(kit.cut(kit.clip("a", media, (1009, 48))))).shot
    assert shot.plate.path == path
    assert shot.plate.kind is PlateKind.SEQUENCE
    assert (shot.plate.range.first, shot.plate.range.last) == (1001, 1064)
    assert (shot.cut_range.first, shot.cut_range.last) == (1009, 1056)


def test_relative_media_starts_at_the_cuts_folder(kit: Any, tmp_path: Path) -> None:
    media = kit.external("media/my%20shot.1001.exr", available=(86400, 64))
    shot = only_clean_shot(read_cut(kit.cut(kit.clip("a", media, (86408, 48))))).shot
    assert shot.plate.path == str(tmp_path / "media" / "my shot.%04d.exr")
    assert (shot.cut_range.first, shot.cut_range.last) == (1009, 1056)


def test_a_movie_counts_from_its_timecode(kit: Any) -> None:
    media = kit.external("file:///m/a.mov", available=(86400, 100))
    shot = only_clean_shot(read_cut(kit.cut(kit.clip("a", media, (86410, 20))))).shot
    assert shot.plate.kind is PlateKind.MOVIE
    assert (shot.plate.range.first, shot.plate.range.last) == (86400, 86499)
    assert (shot.cut_range.first, shot.cut_range.last) == (86410, 86429)
    assert shot.plate.start_timecode == "01:00:00:00"


def test_a_still_is_held(kit: Any) -> None:
    media = kit.external("file:///m/title_07.png", available=(0, 1))
    shot = only_clean_shot(read_cut(kit.cut(kit.clip("a", media, (0, 48))))).shot
    assert shot.plate.kind is PlateKind.STILL
    assert shot.plate.path == "/m/title_07.png"
    assert shot.cut_range.count == 1
    assert shot.retime.speed == 0
    assert shot.record_range.count == 48


def test_missing_available_range_is_reported_and_never_shifts(kit: Any) -> None:
    cut = read_cut(kit.cut(kit.clip("a", kit.sequence("a", available=None), (1009, 48))))
    (assumption,) = cut.problems
    assert assumption.kind is ProblemKind.ASSUMED
    assert not assumption.skipped
    (item,) = cut.shots
    assert (item.shot.cut_range.first, item.shot.cut_range.last) == (1009, 1056)
    assert item.shot.plate.range.contains_range(item.shot.cut_range)


def test_a_movie_of_unknown_start_is_not_guessed(kit: Any) -> None:
    media = kit.external("file:///m/a.mov", available=None)
    cut = read_cut(kit.cut(kit.clip("a", media, (86410, 20))))
    assert only_problem(cut).kind is ProblemKind.OFFLINE
    assert "01:00:00:10" in only_problem(cut).message


def test_source_range_at_another_rate_than_the_media(kit: Any) -> None:
    media = kit.sequence("a", first=1, available=(0, 100), rate=25)
    shot = only_clean_shot(read_cut(kit.cut(kit.clip("a", media, (24, 48), rate=24)))).shot
    assert shot.plate.range.rate == 25
    # One second in, two seconds long. At the clip's last frame, 71/24 s, the media shows frame 73.
    shown = media.frame_range_for_time_range(kit.range(24, 48, 24))
    assert (shot.cut_range.first, shot.cut_range.last) == shown == (26, 74)
    assert shot.record_range.count == 48


def test_ntsc_rates_are_exact(kit: Any) -> None:
    clips = [kit.clip(f"s{i}", kit.sequence(f"s{i}", rate=NTSC), (8, 48), NTSC) for i in range(50)]
    cut = read_cut(kit.cut(*clips))
    assert cut.rate == Fraction(24000, 1001)
    assert cut.shots[-1].shot.record_range.first == 49 * 48
    assert cut.shots[-1].shot.cut_range.rate == Fraction(24000, 1001)


def test_the_timelines_own_rate_and_start(kit: Any) -> None:
    media = kit.sequence("a", available=(0, 100), rate=24)
    path = kit.cut(kit.gap(25, rate=25), kit.clip("a", media, (24, 48)), start=(90000, 25))
    cut = read_cut(path)
    assert cut.rate == 25
    assert cut.global_start == 90000
    shot = only_clean_shot(cut).shot
    assert (shot.record_range.first, shot.record_range.last) == (90025, 90074)
    assert (shot.cut_range.first, shot.cut_range.last) == (1025, 1072)


def test_gaps_that_do_not_start_at_zero(kit: Any) -> None:
    shot = only_clean_shot(read_cut(kit.cut(kit.gap(10, start=1000), kit.clip()))).shot
    assert shot.record_range.first == 10


def test_transitions_widen_the_handles(kit: Any) -> None:
    dissolve = otio.schema.Transition(
        transition_type="SMPTE_Dissolve",
        in_offset=otio.opentime.RationalTime(5, 24),
        out_offset=otio.opentime.RationalTime(7, 24),
    )
    cut = read_cut(kit.cut(kit.clip("a"), dissolve, kit.clip("b")), handles=8)
    a, b = (item.shot for item in cut.shots)
    assert (a.head_handle, a.tail_handle) == (8, 15)
    assert (b.head_handle, b.tail_handle) == (13, 8)
    assert (b.record_range.first, b.record_range.last) == (48, 95)


def _retimed(kit: Any, *effects: Any, source: Any = (8, 24)) -> Cut:
    clip = kit.clip("a", source=source)
    clip.effects.extend(effects)
    return read_cut(kit.cut(clip))


def test_twice_as_fast(kit: Any) -> None:
    shot = only_clean_shot(_retimed(kit, otio.schema.LinearTimeWarp(time_scalar=2))).shot
    assert shot.retime.speed == 2
    assert (shot.cut_range.first, shot.cut_range.last) == (1009, 1009 + 46)
    assert shot.record_range.count == 24


def test_slow_motion(kit: Any) -> None:
    shot = only_clean_shot(_retimed(kit, otio.schema.LinearTimeWarp(time_scalar=1 / 3))).shot
    assert shot.retime.speed == Fraction(1, 3)
    assert (shot.cut_range.first, shot.cut_range.last) == (1009, 1009 + 7)


def test_backwards(kit: Any) -> None:
    shot = only_clean_shot(_retimed(kit, otio.schema.LinearTimeWarp(time_scalar=-1))).shot
    assert (shot.cut_range.first, shot.cut_range.last) == (1009, 1032)
    assert list(shot.retime.plate_frames(shot.cut_range, 24)) == list(range(1032, 1008, -1))


def test_freeze(kit: Any) -> None:
    shot = only_clean_shot(_retimed(kit, otio.schema.FreezeFrame())).shot
    assert (shot.cut_range.first, shot.cut_range.last) == (1009, 1009)
    assert list(shot.retime.plate_frames(shot.cut_range, 24)) == [1009] * 24


def _ramp(*keys: list[Any]) -> Any:
    return otio.schema.TimeEffect(metadata={"Resolve_OTIO": {"Key Frames": list(keys)}})


def test_a_speed_ramp(kit: Any) -> None:
    # Half a second at normal speed, then half a second at double speed.
    shot = only_clean_shot(
        _retimed(kit, _ramp([0.0, 0.0], [0.5, 0.5], [1.0, 1.5]), source=(0, 24))
    ).shot
    frames = list(shot.retime.plate_frames(shot.cut_range, 24))
    assert frames == [*range(1001, 1013), *range(1013, 1037, 2)]
    assert (shot.cut_range.first, shot.cut_range.last) == (1001, 1035)


def test_an_eased_ramp_is_reported(kit: Any) -> None:
    eased = [0.5, 0.5, True, -0.1, 0.0, 0.1, 0.0]
    cut = _retimed(kit, _ramp([0.0, 0.0], eased, [1.0, 1.5]), source=(0, 24))
    assert len(cut.shots) == 1
    assert cut.problems[0].kind is ProblemKind.ASSUMED


def test_a_time_effect_that_says_nothing(kit: Any) -> None:
    assert only_problem(_retimed(kit, otio.schema.TimeEffect())).kind is ProblemKind.RETIME


def test_nests_are_read_and_trim_their_clips(kit: Any) -> None:
    inner = otio.schema.Track("inner")
    inner.extend([kit.clip("a"), kit.clip("b")])
    nest = otio.schema.Stack("nest", [inner], kit.range(40, 20))
    cut = read_cut(kit.cut(kit.gap(100), nest, kit.clip("c")))
    a, b, c = (item.shot for item in cut.shots)
    assert (a.record_range.first, a.record_range.last) == (100, 107)
    assert (a.cut_range.first, a.cut_range.last) == (1049, 1056)
    assert (b.record_range.first, b.record_range.last) == (108, 119)
    assert (b.cut_range.first, b.cut_range.last) == (1009, 1020)
    assert c.record_range.first == 120


def test_audio_is_ignored(kit: Any) -> None:
    timeline = kit.timeline([kit.clip("a")])
    audio = otio.schema.Track("A1", kind="Audio")
    linked = kit.clip("a", kit.external("file:///m/a.wav"))
    linked.metadata["Resolve_OTIO"] = {"Link Group ID": 1}
    audio.append(linked)
    timeline.tracks.append(audio)
    assert only_clean_shot(read_cut(kit.write(timeline))).track == "V1"


def test_several_tracks_in_their_order(kit: Any) -> None:
    cut = read_cut(kit.write(kit.timeline([kit.clip("a")], [kit.gap(10), kit.clip("b")])))
    assert [(item.track, item.clip_name, item.shot.record_range.first) for item in cut] == [
        ("V1", "a", 0),
        ("V2", "b", 10),
    ]


@pytest.mark.parametrize(
    ("media", "kind"),
    [
        (otio.schema.MissingReference(), ProblemKind.OFFLINE),
        (otio.schema.GeneratorReference(generator_kind="SMPTEBars"), ProblemKind.GENERATOR),
        (otio.schema.ExternalReference("https://x.test/a.mov"), ProblemKind.OFFLINE),
        (otio.schema.ExternalReference(""), ProblemKind.OFFLINE),
        (otio.schema.ExternalReference("/a/b.r3d"), ProblemKind.UNSUPPORTED),
    ],
)
def test_what_cannot_be_sent_is_reported_with_its_range(kit: Any, media: Any, kind: Any) -> None:
    path = kit.cut(kit.gap(10), kit.clip("Title 1", media), kit.clip("b"), start=(100, 24))
    cut = read_cut(path)
    (problem,) = cut.problems
    assert problem.kind is kind
    assert (problem.clip_name, problem.track) == ("Title 1", "V1")
    assert (problem.record_range.first, problem.record_range.last) == (110, 157)
    assert cut.shots[0].shot.record_range.first == 158


def test_an_empty_clip_is_reported(kit: Any) -> None:
    assert only_problem(read_cut(kit.cut(kit.clip(source=(8, 0))))).kind is ProblemKind.EMPTY


def test_a_cut_beyond_the_media_is_reported(kit: Any) -> None:
    problem = only_problem(read_cut(kit.cut(kit.clip(source=(8, 57)))))
    assert problem.kind is ProblemKind.OUTSIDE
    assert "1009-1065" in problem.message
    assert "1001-1064" in problem.message


def test_disabled_clips_are_reported(kit: Any) -> None:
    clip = kit.clip()
    clip.enabled = False
    assert only_problem(read_cut(kit.cut(clip))).kind is ProblemKind.DISABLED


def test_equal_names_get_numbers_and_survive_a_move(kit: Any) -> None:
    a, b = kit.clip("x", kit.sequence("x"), (8, 10)), kit.clip("x", kit.sequence("x"), (30, 10))
    first = read_cut(kit.cut(a, b))
    names = {item.shot.cut_range.first: item.shot.id.shot for item in first}
    assert names == {1009: "x", 1031: "x_2"}
    again = read_cut(kit.write(kit.timeline([b.clone(), a.clone()])))
    assert {item.shot.cut_range.first: item.shot.id.shot for item in again} == names
    assert {item.clip_id for item in again} == {item.clip_id for item in first}


def test_the_same_frames_twice_are_two_clips(kit: Any) -> None:
    cut = read_cut(kit.cut(kit.clip("x"), kit.clip("x")))
    assert len({item.clip_id for item in cut}) == 2
    assert len({str(item.shot.id) for item in cut}) == 2


def _edited(path: Path, edit: Any) -> Path:
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))
    return path


def _items(document: Any) -> Any:
    return document["tracks"]["children"][0]["children"]


def test_a_damaged_clip_does_not_affect_the_others(kit: Any) -> None:
    def edit(document: Any) -> None:
        bad, weird = _items(document)[0], _items(document)[1]
        bad["source_range"]["duration"]["rate"] = 0
        weird["media_references"]["DEFAULT_MEDIA"] = {"OTIO_SCHEMA": "Hologram.1"}

    cut = read_cut(_edited(kit.cut(kit.clip("a"), kit.clip("b"), kit.clip("c")), edit))
    assert [item.clip_name for item in cut] == ["c"]
    assert [problem.kind for problem in cut.problems] == [ProblemKind.BROKEN] * 2


def test_a_timeline_that_contains_itself(kit: Any) -> None:
    def edit(document: Any) -> None:
        track = document["tracks"]["children"][0]
        track["OTIO_REF_ID"] = "T"
        document["tracks"]["OTIO_REF_ID"] = "S"
        for ref in ("T", "S", "nowhere"):
            _items(document).append({"OTIO_SCHEMA": "SerializableObjectRef.1", "id": ref})

    cut = read_cut(_edited(kit.cut(kit.clip("a")), edit))
    assert [item.clip_name for item in cut] == ["a"]
    assert [problem.kind for problem in cut.problems] == [ProblemKind.BROKEN] * 3
    assert "nowhere" in cut.problems[2].message


def test_unknown_effects_are_ignored(kit: Any) -> None:
    def edit(document: Any) -> None:
        clip = _items(document)[0]
        clip["effects"] = [{"OTIO_SCHEMA": "Annotation.1", "layers": []}]

    only_clean_shot(read_cut(_edited(kit.cut(kit.clip("a")), edit)))


def test_a_clip_of_the_first_schema(kit: Any, tmp_path: Path) -> None:
    timeline = kit.timeline([kit.clip("a")])
    path = tmp_path / "old.otio"
    otio.adapters.write_to_file(timeline, str(path), target_schema_versions={"Clip": 1})
    assert '"Clip.1"' in path.read_text()
    assert only_clean_shot(read_cut(path)).shot.cut_range.first == 1009


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"OTIO_SCHEMA": "Clip.2"}', "[" * 99999])
def test_a_file_that_is_not_a_timeline(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.otio"
    path.write_text(content)
    with pytest.raises(TimelineError) as error:
        read_cut(path)
    assert error.value.where == str(path)
    assert error.value.next_step


def test_no_such_file(tmp_path: Path) -> None:
    for name in ("no.otio", "no.edl"):
        with pytest.raises(TimelineError, match="cannot be opened"):
            read_cut(tmp_path / name)


def test_one_of_several_timelines(kit: Any, tmp_path: Path) -> None:
    both = otio.schema.SerializableCollection("bin")
    both.extend([kit.timeline([kit.clip("a")], name=name) for name in ("one", "two")])
    path = kit.write(both)
    with pytest.raises(TimelineError, match="'one', 'two'"):
        read_cut(path)
    assert read_cut(path, timeline="two").name == "two"


def test_a_missing_adapter_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cut.edl"
    path.write_text("TITLE: x\n")
    empty = otio.plugins.manifest.Manifest()
    monkeypatch.setattr(otio.plugins.manifest, "_MANIFEST", empty)
    monkeypatch.setattr(otio.plugins, "ActiveManifest", lambda: empty)
    monkeypatch.setattr(otio.plugins.manifest, "ActiveManifest", lambda **_: empty)
    with pytest.raises(TimelineError) as error:
        read_cut(path)
    assert 'pip install ".[timelines]"' in error.value.next_step
