"""Reading cuts: nothing is read wrongly, ignored or lost without a problem being reported."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from case_inputs.builders import clip, cut, external, sequence, span, speed, time_at, write
from case_inputs.timelines import _fcp7
from cut_queries import cut_ranges, only_shot, record_ranges, shots_to_send

from bridge_core.cli.main import main
from bridge_core.cli.output import CommandOutput
from bridge_core.errors import InvalidRequest, TimelineError
from bridge_core.timeline.cut import ProblemKind
from bridge_core.timeline.cut_reader import read_cut
from bridge_core.timeline.document import load_document, save_otio
from bridge_core.timeline.exporter import export_timeline
from bridge_core.timeline.media_check import check_media

Inputs = Callable[[str], Path]


# Retimes


def test_fcp7_time_remaps_are_read(case_input: Inputs) -> None:
    folder = case_input("fcp7-time-remap")
    slow = only_shot(read_cut(folder / "speed25.xml")).shot
    assert (str(slow.cut_range), slow.retime.speed) == ("0-9", 0.25)
    back = only_shot(read_cut(folder / "reverse.xml")).shot
    assert (str(back.cut_range), back.retime.speed) == ("0-59", -1)
    assert back.plate_frame(86400) == 59
    # The same through OTIO's own JSON, as otioconvert writes it.
    otio.adapters.write_to_file(
        otio.adapters.read_from_file(str(folder / "speed25.xml")), str(folder / "converted.otio")
    )
    assert cut_ranges(read_cut(folder / "converted.otio")) == [(0, 9)]


@pytest.mark.parametrize("element", ["clipitem", "track"])
def test_disabled_items_of_fcp7_are_not_shots(
    case_input: Inputs, tmp_path: Path, element: str
) -> None:
    media = case_input("fcp7-time-remap") / "m24.mov"
    enabled = _fcp7(40, 25, False, media)
    disabled = {
        "clipitem": enabled.replace("<enabled>TRUE</enabled>", "<enabled>FALSE</enabled>"),
        "track": enabled.replace("<track>", "<track><enabled>FALSE</enabled>"),
    }
    cut = read_cut(write(tmp_path / "disabled.xml", disabled[element]))
    assert cut.shots == ()
    assert [problem.kind for problem in cut.problems] == [ProblemKind.DISABLED]


def test_time_remaps_that_are_disabled_variable_or_without_a_speed(
    case_input: Inputs, tmp_path: Path
) -> None:
    media = case_input("fcp7-time-remap") / "m24.mov"
    text = _fcp7(40, 25, False, media)
    disabled = text.replace("<filter>", "<filter><enabled>FALSE</enabled>")
    path = write(tmp_path / "disabled.xml", disabled)
    assert cut_ranges(read_cut(path)) == [(0, 39)]
    clips = load_document(path).timeline["tracks"]["children"][0]["children"]
    assert clips[0]["effects"][0]["enabled"] is False
    variable = text.replace(
        "<name>variablespeed</name><value>0</value>", "<name>variablespeed</name><value>1</value>"
    )
    for name, other in (("variable", variable), ("none", text.replace("<value>25</value>", ""))):
        problems = read_cut(write(tmp_path / f"{name}.xml", other)).problems
        assert [problem.kind for problem in problems] == [ProblemKind.RETIME]


def test_reversed_remaps_count_from_the_medias_end(case_input: Inputs, tmp_path: Path) -> None:
    """In 10, out 30 of 60 frames at 50 %, which are 120 of the remapped clip: 59.5 - (10..29)/2."""
    text = _fcp7(20, 50, True, case_input("fcp7-time-remap") / "m24.mov")
    text = text.replace("<in>0</in><out>20</out>", "<in>10</in><out>30</out>")
    shot = only_shot(read_cut(write(tmp_path / "cut.xml", text))).shot
    assert str(shot.cut_range) == "45-54"
    assert shot.plate_frames()[0] == 54
    assert shot.plate_frames()[-1] == 45


def test_disabled_effects_are_ignored(case_input: Inputs) -> None:
    shot = only_shot(read_cut(case_input("retime-disabled") / "cut.otio")).shot
    assert (str(shot.cut_range), shot.retime.speed) == ("1011-1030", 1)


def test_slow_motion_backwards_mirrors_slow_motion_forwards(tmp_path: Path) -> None:
    """All 20 frames of the media in 40 of the record, and none beyond its end."""
    reference = sequence("plate/", available=span(0, 20))
    cut(tmp_path / "cut.otio", clip("sh010", reference, span(0, 40), speed(-0.5)))
    shot = only_shot(read_cut(tmp_path / "cut.otio")).shot
    assert shot.plate_frames() == [1001 + k // 2 for k in reversed(range(40))]


@pytest.mark.parametrize(
    ("name", "keys", "ramp"),
    [
        ("PARAM_SPEED_MAP_U", [[0, 1.0], [10, 2.0]], True),
        ("PARAM_SPEED_MAP_U", [[0, "1/2"], [10, "1/2"]], False),
        ("PARAM_OFFSET_MAP_U", [[0, 0], [10, 5], [20, 20]], True),
        ("PARAM_OFFSET_MAP_U", [[0, 0], [10, 5], [20, 10]], False),
        ("PARAM_SPEED_OFFSET_MAP_U", [[0, "x"], [1, 2]], True),
    ],
)
def test_ramps_of_an_aaf_are_reported(tmp_path: Path, name: str, keys: Any, ramp: bool) -> None:
    """Key frames as stored by OTIO's AAF reader, beside a retime of constant speed."""
    effect = speed(1)
    effect.metadata["AAF"] = {
        "Operation": {"IsTimeWarp": True},
        "Parameters": {name: {"_aaf_keyframed_property": True, "keyframe_values": keys}},
    }
    reference = sequence("plate/", available=span(0, 60))
    cut(tmp_path / "cut.otio", clip("sh010", reference, span(10, 20), effect))
    read = read_cut(tmp_path / "cut.otio")
    assert [problem.kind for problem in read.problems] == [ProblemKind.RETIME] * ramp
    assert len(read.shots) == (not ramp)


# Tracks


def test_an_edl_converted_by_otio_is_read(case_input: Inputs) -> None:
    cut = read_cut(case_input("track-starts-negative") / "cut.otio")
    assert cut_ranges(cut) == [(1001, 1020), (1021, 1040), (1041, 1060)]
    assert record_ranges(cut) == [(86400, 86419), (86420, 86439), (86440, 86459)]
    assert cut.problems == ()


@pytest.mark.parametrize(
    ("start", "length", "shown"),
    [(-10, 40, [(1001, 1020), (1021, 1030)]), (20, 20, [(1021, 1040)]), (100, 20, [])],
)
def test_other_trims_of_a_track_are_read_as_otio_reads_them(
    tmp_path: Path, start: int, length: int, shown: list[tuple[int, int]]
) -> None:
    timeline = otio.schema.Timeline("trimmed")
    timeline.tracks.append(otio.schema.Track("V", kind="Video", source_range=span(start, length)))
    for k in range(3):
        reference = sequence("plate/", available=span(0, 60))
        timeline.tracks[0].append(clip(f"sh0{k}0", reference, span(20 * k, 20)))
    otio.adapters.write_to_file(timeline, str(tmp_path / "cut.otio"))
    cut = read_cut(tmp_path / "cut.otio")
    assert cut_ranges(cut) == shown
    # One problem for an empty track, none for clips that are trimmed off.
    assert [problem.kind for problem in cut.problems] == [ProblemKind.EMPTY] * (not shown)


def test_tracks_of_other_kinds(case_input: Inputs, tmp_path: Path) -> None:
    folder = case_input("track-kinds")
    for name in ("lower", "empty"):
        assert cut_ranges(read_cut(folder / f"{name}.otio")) == [(1011, 1030)]
    (problem,) = read_cut(folder / "subtitle.otio").problems
    assert "'Subtitle'" in problem.message
    assert problem.track == "V1"
    reference = sequence("plate/", available=span(0, 60))
    cut(tmp_path / "audio.otio", clip("sh010", reference, span(10, 20)), kind="AUDIO")
    assert read_cut(tmp_path / "audio.otio").problems == ()


# Files


def test_a_timeline_that_is_not_in_the_file(case_input: Inputs) -> None:
    with pytest.raises(TimelineError) as excinfo:
        read_cut(case_input("several-timelines") / "bin.otio", timeline="Reel_02")
    assert "no timeline called 'Reel_02'" in excinfo.value.message
    assert "'reel_01', 'reel_02'" in excinfo.value.next_step


def test_one_timeline_of_several_is_selected(
    case_input: Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(case_input("several-timelines") / "bin.otio")
    assert main(["timeline", "shots", file]) == 6
    assert "--timeline 'reel_01'" in capsys.readouterr().err
    option = ["--timeline", "reel_02"]
    assert main(["timeline", "shots", file, *option, "--json"]) == 0
    assert [one["id"]["sequence"] for one in json.loads(capsys.readouterr().out)["shots"]] == [
        "reel_02"
    ]
    assert main(["timeline", "export", file, *option, "-o", str(tmp_path / "out.otio")]) == 0
    assert main(["timeline", "diff", file, file, *option, "--new-timeline", "reel_01"]) == 0
    assert [str(shot.cut_range) for shot in shots_to_send(file, *option)] == ["1011-1030"]
    assert main(["timeline", "shots", file, "--timeline", "reel_03"]) == 6
    for command in ("shots", "diff", "place", "export"):
        with pytest.raises(SystemExit):
            main(["timeline", command, "--help"])
        assert {"--timeline", "--rate"} <= set(capsys.readouterr().out.split())
    for other in ("send", "panel"):
        with pytest.raises(SystemExit):
            main([other, "--help"])
        assert {"--timeline", "--rate"} <= set(capsys.readouterr().out.split())


def test_infinity_in_metadata_as_otio_accepts_it(case_input: Inputs, tmp_path: Path) -> None:
    file = case_input("metadata-infinity") / "short.otio"
    assert cut_ranges(read_cut(file)) == [(1011, 1030)]
    document = load_document(file)
    save_otio(document.root, tmp_path / "again.otio")
    export_timeline(file, tmp_path / "generic.otio", "generic")
    for written in ("again.otio", "generic.otio"):
        (read_clip,) = otio.adapters.read_from_file(str(tmp_path / written)).find_clips()
        metadata = read_clip.metadata["other"]
        assert (metadata["far"], metadata["near"]) == (math.inf, -math.inf)
    text = file.read_text().replace('"none": NaN', '"none": "Inf, -Inf"')
    assert "Inf, -Inf" in json.dumps(load_document(write(tmp_path / "text.otio", text)).root)


def test_bundles(case_input: Inputs) -> None:
    folder = case_input("bundles")
    cut = check_media(read_cut(folder / "cut.otiod"))
    media = folder / "cut.otiod" / "media"
    assert [item.shot.plate.path for item in cut] == [
        str(media / "card.png"),
        str(media / "m24.mov"),
    ]
    assert cut.problems == ()
    with pytest.raises(TimelineError, match="bundle") as excinfo:
        read_cut(folder / "cut.otioz")
    assert "unpack" in excinfo.value.next_step


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_lone_surrogate(
    case_input: Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    file = case_input("lone-surrogate") / "cut.otio"
    assert main(["timeline", "shots", str(file), *options]) == 0
    assert "U+FFFD" in capsys.readouterr().out
    target = tmp_path / "out.otio"
    assert main(["timeline", "export", str(file), "-o", str(target)]) == 0
    text = target.read_text(encoding="utf-8")
    assert "sh010 \N{REPLACEMENT CHARACTER}" in text
    assert "\\ud83d" not in text
    # A surrogate pair is a valid character.
    whole = file.read_text().replace("\\ud83d", "\\ud83d\\ude00")
    cut = read_cut(write(tmp_path / "whole.otio", whole))
    assert only_shot(cut).clip_name == "sh010 \N{GRINNING FACE}"
    assert cut.problems == ()


def test_lines_that_an_adapter_prints_are_reported(
    case_input: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("aaf2")
    file = case_input("adapter-prints") / "cut.aaf"
    assert main(["--json", "timeline", "shots", str(file)]) == 0
    captured = capsys.readouterr()
    (problem,) = json.loads(captured.out)["problems"]
    assert "Unable find slot_id: 1" in problem["message"]
    assert "Unable find slot_id: 1" in captured.err


@pytest.mark.usefixtures("collector_off")
@pytest.mark.parametrize("depth", [70, 300, 900, 5000, 100_000])
@pytest.mark.parametrize("where", ["metadata", "nests", "collections"])
def test_deep_nesting_is_reported(tmp_path: Path, depth: int, where: str) -> None:
    """A result or an error, whatever is nested and however deep, but never a traceback."""
    head, tail = {
        "metadata": ('{"a":', "}"),
        "nests": ('{"OTIO_SCHEMA":"Stack.1","children":[', "]}"),
        "collections": ('{"OTIO_SCHEMA":"SerializableCollection.1","children":[', "]}"),
    }[where]
    deep = head * depth + ("1" if where == "metadata" else "") + tail * depth
    timeline = (
        '{"OTIO_SCHEMA":"Timeline.1","name":"t","metadata":{"m":%s},'
        '"tracks":{"OTIO_SCHEMA":"Stack.1","children":[%s]}}'
    )
    text = {
        "metadata": timeline % (deep, ""),
        "nests": timeline % ("0", deep),
        "collections": deep,
    }[where]
    file = write(tmp_path / "cut.otio", text)
    for command in (["shots"], ["export", "-o", str(tmp_path / "out.otio")]):
        assert main(["timeline", command[0], str(file), *command[1:]]) in (0, 6)


# Options of send for a cut


def test_a_colour_space_for_the_plates_of_a_cut(case_input: Inputs) -> None:
    file = str(case_input("cut-colour-space") / "cut.otio")
    assert [shot.plate.colour_space for shot in shots_to_send(file)] == [None]
    assert [s.plate.colour_space for s in shots_to_send(file, "--colour-space", "ACEScg")] == [
        "ACEScg"
    ]
    with pytest.raises(InvalidRequest, match="--range"):
        shots_to_send(file, "--range", "1-2")
    with pytest.raises(InvalidRequest, match="rate"):
        shots_to_send(file, "--rate", "fast")
    assert [str(shot.record_range) for shot in shots_to_send(file, "--rate", "48")] == ["0-7"]
    with pytest.raises(InvalidRequest, match="--timeline"):
        shots_to_send(str(Path(file).parent / "plate" / "plate.%04d.exr"), "--timeline", "x")


def test_the_cuts_own_colour_space_is_kept(tmp_path: Path) -> None:
    reference = external("/plates/a.%04d.exr", span(1, 10))
    reference.metadata["shotbridge"] = {"colour_space": "ACES2065-1"}
    cut(tmp_path / "cut.otio", clip("sh010", reference, span(1, 10)), start=time_at(0))
    shots = shots_to_send(str(tmp_path / "cut.otio"), "--colour-space", "ACEScg")
    assert [shot.plate.colour_space for shot in shots] == ["ACES2065-1"]


def test_a_name_that_is_not_utf8_can_be_printed() -> None:
    """Such file names contain lone surrogates, which cannot be encoded."""
    import io

    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    CommandOutput(as_json=False, stdout=stream, stderr=sys.stderr).print_result({}, "caf\udce9")
    stream.flush()
    assert stream.buffer.getvalue() == b"caf\\udce9\n"  # type: ignore[attr-defined]
