"""Names of media: frame numbers, plain names, and their spellings on disk."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from case_inputs.builders import clip, cut, external, numbered_bars, picture, sequence, span
from cut_queries import cut_ranges, only_shot, shots_to_send

from bridge_core.errors import InvalidRequest, UnreadableMedia
from bridge_core.models.media import PlateKind, to_printf_pattern
from bridge_core.plate_file_search import frames_on_disk, source_files
from bridge_core.timeline.cut import ProblemKind
from bridge_core.timeline.cut_reader import read_cut
from bridge_core.timeline.media_check import check_media

Inputs = Callable[[str], Path]


def sent_file_names(path: Path) -> list[str]:
    """The names of the files that would be sent for a cut's only shot."""
    shot = only_shot(check_media(read_cut(path))).shot
    files = source_files(shot.plate, shot.work_range.frames())
    return [Path(one.path).name for one in files]


def test_a_numbered_still_that_is_held(case_input: Inputs) -> None:
    path = case_input("still-held-numbered") / "cut.otio"
    shot = only_shot(read_cut(path)).shot
    assert shot.plate.kind is PlateKind.STILL
    assert (shot.plate.range.count, shot.retime.speed) == (1, 0)
    assert shot.record_range is not None
    assert shot.record_range.count == 48
    assert sent_file_names(path) == ["title_v02.png"]


@pytest.mark.parametrize(
    ("name", "start", "kind"),
    [
        ("title_v02.png", 0, "still"),
        ("scene.v003.exr", 0, "still"),
        ("logo_1080p.png", 0, "still"),
        ("card2.png", 0, "still"),
        ("plate.1001.exr", 0, "sequence"),
        ("plate_0001.exr", 0, "sequence"),
        ("plate.1.exr", 1, "sequence"),
        ("title_v02.0001.png", 0, "sequence"),
        ("1001.exr", 0, "sequence"),
    ],
)
def test_which_number_is_a_frame(tmp_path: Path, name: str, start: int, kind: str) -> None:
    cut(tmp_path / "cut.otio", clip("a", external(f"/p/{name}", span(start, 48)), span(start, 48)))
    assert only_shot(read_cut(tmp_path / "cut.otio")).shot.plate.kind == kind


def test_movies_keep_their_names(case_input: Inputs) -> None:
    folder = case_input("movie-names")
    for file, name in (
        ("at", "A001@24fps.mov"),
        ("hash", "take#1.mov"),
        ("percent", "100%d one.mov"),
    ):
        cut = read_cut(folder / f"{file}.otio")
        assert cut_ranges(cut) == [(10, 29)]
        assert only_shot(cut).shot.plate.kind is PlateKind.MOVIE
        assert sent_file_names(folder / f"{file}.otio") == [name]
        (shot,) = shots_to_send(str(folder / name), "--range", "1-10")
        assert shot.plate.path == str(folder / name)


@pytest.mark.parametrize("name", ["take#1.png", "logo@2x.png", "shot@home.exr"])
def test_stills_keep_their_names(tmp_path: Path, name: str) -> None:
    picture(tmp_path / name, numbered_bars(1))
    cut(tmp_path / "cut.otio", clip("a", external(tmp_path / name, span(0, 1)), span(0, 1)))
    assert sent_file_names(tmp_path / "cut.otio") == [name]
    (shot,) = shots_to_send(str(tmp_path / name))
    assert shot.plate.path == str(tmp_path / name)


@pytest.mark.parametrize("name", ["100%d one.png", "take##.png"])
def test_stills_that_look_like_patterns_are_reported(tmp_path: Path, name: str) -> None:
    picture(tmp_path / name, numbered_bars(1))
    with pytest.raises(InvalidRequest, match="single picture"):
        shots_to_send(str(tmp_path / name))
    if "%" in name:
        cut(tmp_path / "cut.otio", clip("a", external(tmp_path / name, span(0, 1)), span(0, 1)))
        (problem,) = check_media(read_cut(tmp_path / "cut.otio")).problems
        assert problem.kind is ProblemKind.UNSUPPORTED


def test_patterns_of_other_programs(case_input: Inputs) -> None:
    folder = case_input("media-patterns")
    for name in ("houdini", "rv", "rv_hash"):
        cut = check_media(read_cut(folder / f"{name}.otio"))
        assert cut_ranges(cut) == [(1003, 1008)], name
        assert only_shot(cut).shot.plate.path == str(folder / "plate" / "plate.%04d.exr")
        assert cut.problems == ()
    for name, spelled in (("frame", "<frame>"), ("star", "*")):
        (problem,) = read_cut(folder / f"{name}.otio").problems
        assert problem.kind is ProblemKind.UNSUPPORTED
        assert spelled in problem.message
        assert "%04d" in problem.next_step


def test_patterns_of_other_programs_on_the_command_line(case_input: Inputs) -> None:
    plate = case_input("media-patterns") / "plate"
    for name in ("plate.$F4.exr", "plate.1001-1010@@@@.exr", "plate.[1001-1010].exr"):
        (shot,) = shots_to_send(str(plate / name))
        assert shot.plate.path == str(plate / "plate.%04d.exr")
        assert str(shot.plate.range) == "1001-1010"
        assert shot.id.shot == "plate"
    for name in ("plate.<frame>.exr", "plate.*.exr", "plate.{frame:04d}.exr"):
        with pytest.raises(InvalidRequest) as excinfo:
            shots_to_send(str(plate / name))
        assert "%04d" in excinfo.value.next_step


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("p.-5-12@@@@.exr", "p.%04d.exr"),
        ("p.1-10#.exr", "p.%04d.exr"),
        ("p.1-10##.exr", "p.%02d.exr"),
        ("p.1-10%03d.exr", "p.%03d.exr"),
        ("p.$F.exr", "p.%01d.exr"),
        ("p_$F3_l.exr", "p_%03d_l.exr"),
        ("p.$FRAME.exr", "p.$FRAME.exr"),
        ("sq010-0020.####.exr", "sq010-0020.%04d.exr"),
        ("a#b.exr", "a#b.exr"),
    ],
)
def test_spellings_of_patterns(name: str, pattern: str) -> None:
    assert to_printf_pattern(f"/plates 1-2#/{name}") == f"/plates 1-2#/{pattern}"


def test_every_second_frame_only_is_reported(tmp_path: Path) -> None:
    reference = external("plate.1-9x2@@@@.exr", span(1, 9))
    cut(tmp_path / "cut.otio", clip("a", reference, span(1, 9)))
    (problem,) = read_cut(tmp_path / "cut.otio").problems
    assert problem.kind is ProblemKind.UNSUPPORTED


def test_names_in_another_unicode_form(case_input: Inputs) -> None:
    folder = case_input("picture-names-decomposed")
    names = sent_file_names(folder / "cut.otio")
    assert names
    assert set(names) <= {one.name for one in (folder / "plate").iterdir()}


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
def test_folders_movies_and_exact_names(tmp_path: Path, on_disk: str) -> None:
    """Folders as well; if both forms exist, the requested one."""
    other = {"NFC": "NFD", "NFD": "NFC"}[on_disk]
    word = "caf\N{LATIN SMALL LETTER E WITH ACUTE}"
    on_disk_name = unicodedata.normalize(on_disk, word)
    requested = unicodedata.normalize(other, word)
    folder = tmp_path / on_disk_name
    for name in (f"{on_disk_name}.0001.exr", f"{on_disk_name}.mov"):
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    for name, file_name in (("%04d.exr", "0001.exr"), ("mov", "mov")):
        reference = external(tmp_path / requested / f"{requested}.{name}", span(1, 1))
        cut(tmp_path / "cut.otio", clip("a", reference, span(1, 1)))
        assert sent_file_names(tmp_path / "cut.otio") == [f"{on_disk_name}.{file_name}"]
    (folder / f"{requested}.0001.exr").write_bytes(b"y")
    assert frames_on_disk(str(folder / f"{requested}.%04d.exr")) == (1,)
    reference = external(folder / f"{requested}.%04d.exr", span(1, 1))
    cut(tmp_path / "cut.otio", clip("a", reference, span(1, 1)))
    assert sent_file_names(tmp_path / "cut.otio") == [f"{requested}.0001.exr"]


def test_negative_frame_numbers(case_input: Inputs) -> None:
    folder = case_input("picture-negative-numbers")
    (shot,) = shots_to_send(str(folder / "plate" / "plate.%04d.exr"))
    assert str(shot.plate.range) == "-2-2"
    assert [one.frame for one in source_files(shot.plate, range(-2, 3))] == [-2, -1, 0, 1, 2]
    cut = check_media(read_cut(folder / "cut.otio"))
    assert cut.problems == ()
    assert cut_ranges(cut) == [(-2, 2)]


def test_negative_frame_numbers_in_printfs_spelling_and_in_both(tmp_path: Path) -> None:
    for number in range(-2, 3):
        picture(tmp_path / f"plate.{number:04d}.exr", numbered_bars(number))
    pattern = str(tmp_path / "plate.%04d.exr")
    assert frames_on_disk(pattern) == (-2, -1, 0, 1, 2)
    reference = sequence(tmp_path, first=-2, available=span(0, 5))
    cut(tmp_path / "cut.otio", clip("a", reference, span(0, 5)))
    assert len(sent_file_names(tmp_path / "cut.otio")) == 5
    picture(tmp_path / "plate.-0002.exr", numbered_bars(-2))
    with pytest.raises(UnreadableMedia, match=r"plate.-0002.exr and plate.-002.exr"):
        frames_on_disk(pattern)
    (problem,) = check_media(read_cut(tmp_path / "cut.otio")).problems
    assert problem.kind is ProblemKind.BROKEN
    assert "twice" in problem.message
