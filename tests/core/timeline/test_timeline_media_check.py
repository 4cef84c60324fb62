"""Media on disk: missing frames are listed, and only the shots that need them are skipped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bridge_core.timeline.cut import Cut, ProblemKind
from bridge_core.timeline.cut_reader import read_cut
from bridge_core.timeline.media_check import check_media


def _cut(kit: Any, folder: Path, frames: Any, source: Any = (8, 48)) -> Cut:
    folder.mkdir()
    for frame in frames:
        (folder / f"a.{frame}.exr").touch()
    media = kit.external(f"{folder}/a.[1001-1064].exr", available=(0, 64))
    return read_cut(kit.cut(kit.clip("a", media, source)), handles=4)


def test_complete_media(kit: Any, tmp_path: Path) -> None:
    cut = _cut(kit, tmp_path / "ä plates", range(1001, 1065))
    assert check_media(cut) == cut


def test_missing_in_the_middle(kit: Any, tmp_path: Path) -> None:
    frames = [f for f in range(1001, 1065) if f not in (1020, 1021, 1030)]
    cut = check_media(_cut(kit, tmp_path / "p", frames))
    assert cut.shots == ()
    (problem,) = cut.problems
    assert problem.kind is ProblemKind.MISSING_FRAMES
    assert "1020-1021, 1030" in problem.message
    assert problem.skipped
    assert (problem.record_range.first, problem.record_range.last) == (0, 47)


def test_missing_in_the_handles_only(kit: Any, tmp_path: Path) -> None:
    # The work range is 1005 to 1060; 1006 and 1059 are missing.
    frames = [f for f in range(1001, 1065) if f not in (1006, 1059)]
    cut = check_media(_cut(kit, tmp_path / "p", frames))
    (item,) = cut.shots
    work = item.shot.work_range
    assert (work.first, work.last) == (1007, 1058)
    (problem,) = cut.problems
    assert not problem.skipped
    assert "1006, 1059" in problem.message
    folder = {path.name for path in (tmp_path / "p").iterdir()}
    assert {f"a.{frame}.exr" for frame in work.frames()} <= folder


def test_frames_outside_the_work_range_may_be_missing(kit: Any, tmp_path: Path) -> None:
    cut = _cut(kit, tmp_path / "p", range(1005, 1061))
    assert check_media(cut) == cut


def test_missing_media(kit: Any, tmp_path: Path) -> None:
    empty = check_media(_cut(kit, tmp_path / "p", []))
    assert [problem.kind for problem in empty.problems] == [ProblemKind.OFFLINE]
    missing = kit.external("Z:\\show\\a.[1001-1064].exr", available=(0, 64))
    movie = kit.external("/nowhere/a.mov", available=(0, 64))
    cut = check_media(read_cut(kit.cut(kit.clip("a", missing), kit.clip("b", movie))))
    assert cut.shots == ()
    assert [problem.kind for problem in cut.problems] == [ProblemKind.OFFLINE] * 2


def test_each_folder_is_listed_once(
    kit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for frame in range(1001, 1065):
        (tmp_path / f"a.{frame}.exr").touch()
    media = kit.external(f"{tmp_path}/a.[1001-1064].exr", available=(0, 64))
    path = kit.cut(*(kit.clip("a", media.clone()) for _ in range(20)))
    listed: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: listed.append(str(folder)) or scandir(folder))
    assert len(check_media(read_cut(path)).shots) == 20
    assert listed == [str(tmp_path)]


def test_a_range_of_a_billion_frames_is_checked_in_bounded_time(kit: Any) -> None:
    media = kit.external("/nowhere/a.%04d.exr", available=(0, 2e9))
    cut = check_media(read_cut(kit.cut(kit.clip("a", media, (0, 2e9)))))
    assert [problem.kind for problem in cut.problems] == [ProblemKind.OFFLINE]
