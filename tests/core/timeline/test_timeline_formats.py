"""Cuts in other formats: EDL, FCP XML and AAF through OTIO's adapters, and a Resolve export."""

from __future__ import annotations

import gc
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from bridge_core.errors import TimelineError
from bridge_core.timeline.cut import ProblemKind
from bridge_core.timeline.cut_reader import read_cut
from bridge_core.timeline.diff import diff_cuts

HERE = Path(__file__).parent


def test_an_edl() -> None:
    cut = read_cut(HERE / "reel.edl", rate=24)
    one, two = (item.shot for item in cut.shots)
    assert str(one.id) == "REEL 1/sq010/sh0010"
    assert one.plate.path == "/plates/sc010/sc010.%04d.exr"
    assert (one.cut_range.first, one.cut_range.last) == (1009, 1056)
    assert (one.record_range.first, one.record_range.last) == (0, 47)
    # An M2 of 48 frames per second is twice as fast: every second one of 48 frames.
    assert two.retime.speed == 2
    assert (two.cut_range.first, two.cut_range.last) == (1001, 1047)
    assert two.record_range.count == 24
    assert [(p.clip_name, p.kind) for p in cut.problems] == [
        ("sq010_sh0030", ProblemKind.OFFLINE),
        ("sq010_sh0040", ProblemKind.OFFLINE),
    ]
    assert "01:00:00:00" in cut.problems[1].message


def test_an_edl_without_a_given_rate() -> None:
    problem = read_cut(HERE / "reel.edl").problems[0]
    assert problem.kind is ProblemKind.ASSUMED
    assert not problem.skipped
    assert "read at 24" in problem.message


def test_an_edl_at_its_own_rate(tmp_path: Path) -> None:
    path = tmp_path / "pal.edl"
    path.write_text(
        "TITLE: PAL\n\n"
        "001  A001 V     C        00:00:00:00 00:00:02:00 01:00:00:00 01:00:02:00\n"
        "* FROM CLIP NAME: a\n* FROM CLIP: /p/a.[0001-0050].exr\n"
    )
    cut = read_cut(path, rate=25)
    (item,) = cut.shots
    assert item.shot.cut_range.count == 50
    assert item.shot.cut_range.rate == 25
    assert cut.global_start == 90_000
    assert (item.shot.record_range.first, item.shot.record_range.last) == (90_000, 90_049)


def test_tracks_of_an_edl_start_at_their_record_times(tmp_path: Path) -> None:
    """Audio starts at one hour, video two seconds later, with a gap of a second in the video."""
    path = tmp_path / "late.edl"
    path.write_text(
        "TITLE: late\n\n"
        "001  A001 A     C        00:00:00:00 00:00:05:00 01:00:00:00 01:00:05:00\n"
        "002  A001 V     C        00:00:00:00 00:00:01:00 01:00:02:00 01:00:03:00\n"
        "* FROM CLIP NAME: a\n* FROM CLIP: /p/a.[0001-0024].exr\n"
        "003  B001 V     C        00:00:00:00 00:00:01:00 01:00:04:00 01:00:05:00\n"
        "* FROM CLIP NAME: b\n* FROM CLIP: /p/b.[0001-0024].exr\n"
    )
    cut = read_cut(path, rate=24)
    assert cut.global_start == 86_400
    assert [item.shot.record_range.first for item in cut] == [86_448, 86_496]


def test_an_fcp_xml() -> None:
    cut = read_cut(HERE / "reel.xml")
    assert cut.problems == ()
    assert cut.rate == Fraction(24000, 1001)
    one, two = (item.shot for item in cut.shots)
    assert one.plate.path == "/plates/my plates/a.mov"
    assert one.plate.start_timecode == "02:00:00:00"
    assert (one.cut_range.first, one.cut_range.last) == (172_810, 172_857)
    assert (one.record_range.first, one.record_range.last) == (86_400, 86_447)
    assert (two.cut_range.first, two.cut_range.last) == (172_800, 172_835)
    assert (two.record_range.first, two.record_range.last) == (86_460, 86_495)


def test_an_aaf(kit: Any, tmp_path: Path) -> None:
    clip = kit.clip("sq010_sh0010", kit.external("file:///p/a.mov", (86_400, 100)), (86_410, 48))
    umid = "urn:smpte:umid:060a2b34.01010105.01010f20.13000000.060e2b34.7f7f2a80.5c9e6e8e.8b3d4c2a"
    clip.metadata["AAF"] = {"SourceID": umid}
    path = tmp_path / "reel.aaf"
    otio.adapters.write_to_file(kit.timeline([clip]), str(path))
    (item,) = read_cut(path).shots
    assert (item.shot.cut_range.first, item.shot.cut_range.last) == (86_410, 86_457)
    assert item.shot.record_range.count == 48


def test_a_damaged_aaf(tmp_path: Path) -> None:
    path = tmp_path / "x.aaf"
    path.write_text("this is not a timeline")
    with warnings.catch_warnings():
        # pyaaf2 does not close a file that it cannot read.
        warnings.simplefilter("ignore", ResourceWarning)
        with pytest.raises(TimelineError, match="AAF reader cannot read this") as error:
            read_cut(path)
        assert error.value.where == str(path)
        del error
        gc.collect()


@pytest.mark.parametrize("name", ["x.edl", "x.xml"])
def test_damaged_files_of_other_formats(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("this is not a timeline")
    with pytest.raises(TimelineError) as error:
        read_cut(path)
    assert error.value.where == str(path)
    assert error.value.next_step


def test_an_unknown_format(tmp_path: Path) -> None:
    path = tmp_path / "x.prproj"
    path.write_text("x")
    with pytest.raises(TimelineError, match=r"no reader for \.prproj"):
        read_cut(path)


def test_a_file_as_resolve_writes_it() -> None:
    """As in public exports of Resolve 21: timecode as media time, a speed ramp, a Fusion title."""
    cut = read_cut(HERE / "resolve_ramp.otio", handles=4)
    (item,) = cut.shots
    shot = item.shot
    assert shot.id.shot == "plate"
    assert shot.plate.path == "/shows/reel/plate.%04d.exr"
    assert (shot.plate.range.first, shot.plate.range.last) == (1001, 1100)
    assert shot.plate.start_timecode == "01:00:00:00"
    shown = list(shot.retime.plate_frames(shot.cut_range, 48))
    # From half a second in: a second at normal speed up to the key at 1.5 s, then at half speed.
    assert shown[:25] == list(range(1013, 1038))
    assert shown[24:30] == [1037, 1037, 1038, 1038, 1039, 1039]
    assert (shot.cut_range.first, shot.cut_range.last) == (1013, 1048)
    assert (shot.record_range.first, shot.record_range.last) == (86_400, 86_447)
    (title,) = cut.problems
    assert (title.clip_name, title.kind) == ("Text+", ProblemKind.OFFLINE)


def test_the_same_cut_in_two_formats_is_unchanged(kit: Any, tmp_path: Path) -> None:
    """An EDL of a cut and its OTIO differ only in what an EDL cannot express."""
    media = kit.external("/p/sc010/sc010.[1009-1056].exr", (86_408, 48))
    path = kit.cut(kit.clip("sc010", media, (86_408, 48)))
    edl = tmp_path / "cut.edl"
    edl.write_text(
        "TITLE: reel 1\n\n"
        "001  SC010    V     C        01:00:00:08 01:00:02:08 00:00:00:00 00:00:02:00\n"
        "* FROM CLIP NAME: sc010\n* FROM CLIP: /p/sc010/sc010.[1009-1056].exr\n"
    )
    diff = diff_cuts(read_cut(path), read_cut(edl, rate=24))
    assert [sorted(change.kinds) for change in diff.changes] == [["moved"]]
    assert diff.changes[0].new.track == "V"
