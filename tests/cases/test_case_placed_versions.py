"""Cuts with placed versions: names, rates, ranges, paths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from sample_versions import versions_of
from terminal import Terminal

from bridge_core.timeline.cut_reader import read_cut
from bridge_core.timeline.exporter import export_timeline
from bridge_core.timeline.media_check import check_media
from bridge_core.timeline.version_writer import WriteResult, write_versions

CaseInput = Callable[[str], Path]


def _place(cut: Path, target: Path, **options: Any) -> WriteResult:
    return write_versions(cut, versions_of(read_cut(cut), **options), target)


def _clips(path: Path) -> list[Any]:
    return list(otio.adapters.read_from_file(str(path)).find_clips())


@pytest.mark.parametrize("spelt", ["23.976", "23.98", "29.97", "59.94"])
def test_a_version_counts_as_its_plate_is_spelled(
    case_input: CaseInput, tmp_path: Path, spelt: str
) -> None:
    """ntsc-spellings-written; the expected frames are from OTIO's frame_for_time."""
    target = tmp_path / "placed.otio"
    _place(case_input("ntsc-spellings-written") / f"cut_{spelt}.otio", target)
    (clip,) = _clips(target)
    shown = clip.source_range
    references = clip.media_references()
    plate, version = references["DEFAULT_MEDIA"], references["shotbridge:round_trip:v001"]
    assert version.rate == plate.rate == float(spelt)
    for reference in (plate, version):
        first = reference.frame_for_time(shown.start_time)
        last = reference.frame_for_time(shown.end_time_inclusive())
        assert (first, last) == (1006, 1025)
    # Plate frames 1001 to 1005 are its handles.
    offset = shown.start_time - version.available_range.start_time
    assert offset.value == 5
    (exported,) = _clips(export_timeline(target, tmp_path / "nuke.otio", "nuke").target)
    assert exported.source_range.start_time.value == 1006
    assert exported.source_range.start_time.rate == float(spelt)


def test_a_version_is_never_longer_than_its_pictures(case_input: CaseInput, tmp_path: Path) -> None:
    """retimed-versions-short: frames that the cut never shows are not sent, so a source range that
    goes beyond them is reported."""
    target = tmp_path / "placed.otio"
    written = _place(case_input("retimed-versions-short") / "cut.otio", target)
    lengths = [
        int(clip.media_references()["shotbridge:round_trip:v001"].available_range.duration.value)
        for clip in _clips(target)
    ]
    assert lengths == [36, 17]
    assert [(one.clip_name, str(one.version_range)) for one in written.short_versions] == [
        ("slow", "1003-1038"),
        ("freeze", "1012-1028"),
    ]
    clips = [
        warning.clip_name
        for warning in export_timeline(target, tmp_path / "nuke.otio", "nuke").warnings
    ]
    assert clips.count("slow") == 2  # without the plate; shorter than the source range


@pytest.mark.parametrize("how", ["place", "generic", "openrv", "nuke", "resolve"])
def test_relative_media_is_found_from_another_folder(
    case_input: CaseInput, tmp_path: Path, how: str
) -> None:
    """relative-media-moved."""
    source = case_input("relative-media-moved") / "source" / "cut.otio"
    target = tmp_path / f"{how}.otio"
    if how == "place":
        _place(source, target, approved=False)
    else:
        export_timeline(source, target, how)
    cut = check_media(read_cut(target))
    assert [str(item.shot.cut_range) for item in cut] == ["1005-1014", "1015-1024"]


def test_relative_media_stays_relative_beside_the_cut(case_input: CaseInput) -> None:
    """relative-media-moved, exported to the cut's own folder."""
    source = case_input("relative-media-moved") / "source" / "cut.otio"
    export_timeline(source, source.with_name("generic.otio"), "generic")
    one, two = (clip.media_reference for clip in _clips(source.with_name("generic.otio")))
    assert (one.target_url_base, two.target_url) == ("plate/", "plate/plate.1001.exr")


def test_a_reference_is_named_after_its_shot(case_input: CaseInput, tmp_path: Path) -> None:
    """version-names."""
    target = tmp_path / "placed.otio"
    _place(case_input("version-names") / "cut.otio", target)
    names = [clip.media_reference.name for clip in _clips(target)]
    assert names == ["sh010_round_trip_v001", "sh020_round_trip_v001"]


def test_a_movie_without_timecode_counts_from_its_first_frame(
    case_input: CaseInput, tmp_path: Path
) -> None:
    """nuke-movie-version."""
    target = tmp_path / "placed.otio"
    _place(case_input("nuke-movie-version") / "cut.otio", target, ending=".mov")
    for reader in ("nuke", "resolve"):
        (clip,) = _clips(export_timeline(target, tmp_path / f"{reader}.otio", reader).target)
        assert clip.media_reference.available_range.start_time.value == 0
        assert clip.source_range.start_time.value == 8


def test_place_overwrites_no_file_by_default(terminal: Terminal, case_input: CaseInput) -> None:
    """place-replaces."""
    folder = case_input("place-replaces")
    cut, precious = str(folder / "cut.otio"), folder / "precious.otio"
    before = precious.read_bytes()
    command = ("--show", "plr", "timeline", "place", cut, "-o", str(precious))
    problem = terminal.problem(*command, code=6)
    assert "--overwrite" in problem["next_step"]
    assert precious.read_bytes() == before
    terminal.json(*command, "--overwrite")
    assert precious.read_bytes() != before


def test_a_renamed_clip_keeps_its_versions(terminal: Terminal, case_input: CaseInput) -> None:
    """renamed-clip; clips that were never sent are listed."""
    folder = case_input("renamed-clip")
    show = ("--show", "rc")
    terminal.json(*show, "send", str(folder / "cut.otio"), "--service", "round_trip")
    command = ("timeline", "place", str(folder / "renamed.otio"))
    report = terminal.json(*show, *command, "-o", str(folder / "placed.otio"))
    version = ["round_trip v001 (pending review)"]
    assert report["placed"] == {"sh010_hero": version, "sh020": version}
    assert report["messages"] == [
        "sh010_hero was renamed from sh010 and keeps its versions: media and range are the same"
    ]
    hero, _ = _clips(folder / "placed.otio")
    shown = hero.media_references()["shotbridge:round_trip:v001"]
    assert shown.frame_for_time(hero.source_range.start_time) == 1011
    report = terminal.json("--show", "other", *command, "-o", str(folder / "other.otio"))
    assert report["placed"] == {}
    assert report["messages"] == [
        "no version was found for sh010_hero, sh020, by name or by media and range"
    ]
