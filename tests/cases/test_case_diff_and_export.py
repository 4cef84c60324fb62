"""Diffs of cuts, and exports for each reader."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from sample_versions import versions_of

from bridge_core.timeline.cut_reader import read_cut
from bridge_core.timeline.diff import ChangeKind, CutDiff, diff_cuts
from bridge_core.timeline.exporter import export_timeline
from bridge_core.timeline.version_writer import write_versions

CaseInput = Callable[[str], Path]


def _kinds(changes: CutDiff) -> dict[str, list[str]]:
    return {
        change.new.shot.id.shot: sorted(change.kinds) for change in changes.changes if change.new
    }


def _diff(folder: Path, old: str, new: str) -> CutDiff:
    return diff_cuts(read_cut(folder / old), read_cut(folder / new))


def test_a_relink_in_an_upper_folder_is_a_change(case_input: CaseInput) -> None:
    """diff-upper-folder: another version of one clip; two clips that swap their media."""
    folder = case_input("diff-upper-folder")
    changes = _diff(folder, "old.otio", "new.otio")
    assert _kinds(changes) == {
        "sh010": ["unchanged"],
        "sh020": ["media replaced"],
        "sh030": ["unchanged"],
    }
    (replaced,) = changes.of_kind(ChangeKind.REPLACED)
    assert replaced.needs_sending
    assert "sh020/v001/exr/plate.%04d.exr is now /show/sh020/v002/exr" in str(replaced)
    swapped = _diff(folder, "old_shots.otio", "new_shots.otio")
    assert _kinds(swapped) == {"sh010": ["unchanged"], "sh020": ["moved"], "sh030": ["moved"]}
    moved = [str(change) for change in swapped.of_kind(ChangeKind.MOVED)]
    assert "it was called sh030" in moved[0]
    assert "it was called sh020" in moved[1]


@pytest.mark.parametrize("profile", ["generic", "resolve", "nuke", "openrv"])
def test_a_cuts_own_export_is_the_same_cut(
    case_input: CaseInput, tmp_path: Path, profile: str
) -> None:
    """diff-own-export, in both directions."""
    cut = case_input("diff-own-export") / "cut.otio"
    placed = write_versions(cut, versions_of(read_cut(cut)), tmp_path / "placed.otio").target
    exported = export_timeline(placed, tmp_path / "exported.otio", profile).target
    old, new = read_cut(placed), read_cut(exported)
    assert len(diff_cuts(old, new).of_kind(ChangeKind.UNCHANGED)) == 2
    assert len(diff_cuts(new, old).of_kind(ChangeKind.UNCHANGED)) == 2


def test_handles_that_change_are_reported_as_handles(case_input: CaseInput) -> None:
    """diff-wording."""
    changes = _diff(case_input("diff-wording"), "old.otio", "new.otio")
    assert [str(change) for change in changes.changes] == [
        "reel/reel/sh010: retrimmed; it needs 4 frames more after it",
        "reel/reel/sh020: retrimmed; it needs 4 frames more before it",
    ]


@pytest.mark.parametrize("profile", ["nuke", "resolve"])
def test_every_clip_with_files_counts_as_the_reader_does(
    case_input: CaseInput, tmp_path: Path, profile: str
) -> None:
    """export-not-recounted, including clips that cannot become shots."""
    cut = case_input("export-not-recounted") / "cut.otio"
    timeline = otio.adapters.read_from_file(
        str(export_timeline(cut, tmp_path / "out.otio", profile).target)
    )
    starts = {clip.name: clip.source_range.start_time.value for clip in timeline.find_clips()}
    assert starts == {
        "shot": 1005,
        "disabled": 1005,
        "retimed": 1005,
        "nested": 1005,
        "outside": 1056,
    }
    assert {
        clip.media_reference.available_range.start_time.value for clip in timeline.find_clips()
    } == {1001}


def test_every_spelling_of_a_sequence_becomes_the_readers_own(
    case_input: CaseInput, tmp_path: Path
) -> None:
    """export-patterns."""
    folder = case_input("export-patterns")
    names = {"nuke": "plate.%04d.exr", "resolve": "plate.[1001-1030].exr"}
    for profile, name in names.items():
        timeline = otio.adapters.read_from_file(
            str(export_timeline(folder / "cut.otio", tmp_path / f"{profile}.otio", profile).target)
        )
        clips = list(timeline.find_clips())
        assert {clip.media_reference.target_url for clip in clips} == {f"{folder}/plate/{name}"}
        assert [clip.source_range.start_time.value for clip in clips] == [1005] * 6
    timeline = otio.adapters.read_from_file(
        str(export_timeline(folder / "cut.otio", tmp_path / "openrv.otio", "openrv").target)
    )
    for clip in timeline.find_clips():
        reference, shown = clip.media_reference, clip.source_range
        assert reference.frame_for_time(shown.start_time) == 1005
        assert reference.frame_for_time(shown.end_time_inclusive()) == 1014
        url = reference.target_url_for_image_number(1005 - reference.start_frame)
        assert url == (folder / "plate" / "plate.1005.exr").as_uri()


def _openrv(case_input: CaseInput, tmp_path: Path, tool: str) -> tuple[Any, list[str]]:
    target = tmp_path / f"{tool}.openrv.otio"
    report = export_timeline(case_input("openrv-pen") / f"{tool}.otio", target, "openrv")
    assert [str(item.shot.cut_range) for item in read_cut(target)] == ["1011-1030"]
    assert [item.track for item in read_cut(target)] == ["V1"]
    return json.loads(target.read_text()), [warning.message for warning in report.warnings]


@pytest.mark.parametrize(
    ("tool", "lines"), [("pen", [3]), ("box", [5]), ("ellipse", [49]), ("arrow", [2, 3])]
)
def test_a_drawing_loads_in_openrv(
    case_input: CaseInput, tmp_path: Path, tool: str, lines: list[int]
) -> None:
    """openrv-pen: the layout that OpenRV 3.0, 3.1, 4.0 and its main branch load."""
    document, warnings = _openrv(case_input, tmp_path, tool)
    assert warnings == []
    media, annotations = document["tracks"]["children"]
    assert (media["name"], annotations["name"]) == ("MediaTrack", "Annotations")
    (plain,), (drawn,) = media["children"], annotations["children"]
    assert plain["effects"] == []
    assert drawn["media_references"] == plain["media_references"]
    (annotation,) = drawn["effects"]
    wanted = {"OTIO_SCHEMA", "name", "effect_name", "enabled", "visible", "layers"}
    assert set(annotation) - {"metadata"} == wanted
    assert [len(layer["points"]) for layer in annotation["layers"]] == lines
    for layer in annotation["layers"]:
        assert layer["OTIO_SCHEMA"] == "Paint.1"
        assert (layer["visible"], layer["soft_deleted"]) == (True, False)
        assert (layer["type"], layer["brush"]) == ("COLOR", "circle")
        assert layer["rgba"] == [1, 0, 0, 1]
        assert layer["layer_range"]["duration"]["value"] == 1
        assert layer["layer_range"]["start_time"]["value"] == 1015
        assert {point["OTIO_SCHEMA"] for point in layer["points"]} == {"Point.1"}
    assert len({layer["id"] for layer in annotation["layers"]}) == len(lines)


def test_text_cannot_be_drawn_in_openrv_and_is_reported(
    case_input: CaseInput, tmp_path: Path
) -> None:
    """openrv-pen."""
    document, warnings = _openrv(case_input, tmp_path, "text")
    assert warnings == ["OpenRV does not show the text that director wrote on the image"]
    (track,) = document["tracks"]["children"]
    assert (track["name"], track["children"][0]["effects"]) == ("V1", [])


@pytest.mark.parametrize("first", ["gap", "dissolve", "retime"])
def test_drawings_that_openrv_cannot_load_are_not_exported(
    case_input: CaseInput, tmp_path: Path, first: str
) -> None:
    """openrv-pen: the lowest track has to start with a plain clip."""
    timeline = otio.adapters.read_from_file(str(case_input("openrv-pen") / "pen.otio"))
    track, half = timeline.tracks[0], otio.opentime.RationalTime(4, 24)
    if first == "gap":
        track.insert(0, otio.schema.Gap(duration=half))
    elif first == "dissolve":
        track.append(otio.schema.Transition("", "SMPTE_Dissolve", half, half))
    else:
        track[0].effects.append(otio.schema.LinearTimeWarp(time_scalar=2))
    otio.adapters.write_to_file(timeline, str(tmp_path / "cut.otio"))
    report = export_timeline(tmp_path / "cut.otio", tmp_path / "rv.otio", "openrv")
    assert "Annotation.1" not in report.target.read_text()
    (warning,) = report.warnings
    assert (warning.clip_name, warning.track) == ("sh010", "V1")
    assert "only if the lowest track starts with a plain clip" in warning.message
