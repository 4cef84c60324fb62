"""Finding the files of plates on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge_core.errors import MissingFrames, UnreadableMedia
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.plate_file_search import frames_on_disk, single_file, source_files


def plate_in(folder: Path, pattern: str, frames: range) -> Plate:
    for frame in frames:
        (folder / (pattern % frame)).write_bytes(bytes(abs(frame) % 7))
    return Plate(path=str(folder / pattern), range=FrameRange.of(frames[0], frames[-1]))


@pytest.mark.parametrize("pattern", ["sc.%04d.exr", "sc %d.exr", "größe.%07d.dpx"])
def test_each_frame_has_its_file_with_size_and_time(pattern: str, tmp_path: Path) -> None:
    plate = plate_in(tmp_path, pattern, range(996, 1010))
    files = source_files(plate, [1003, 1001, 1002, 1001])
    assert [file.frame for file in files] == [1001, 1002, 1003]
    for file in files:
        stat = Path(file.path).stat()
        assert (file.size, file.mtime_ns) == (stat.st_size, stat.st_mtime_ns)
        assert file.sha256 is None


def test_negative_frames_are_found(tmp_path: Path) -> None:
    plate = plate_in(tmp_path, "sc.%04d.exr", range(-3, 2))
    assert [f.frame for f in source_files(plate, range(-3, 2))] == [-3, -2, -1, 0, 1]
    assert frames_on_disk(plate.path) == (-3, -2, -1, 0, 1)


def test_every_missing_frame_is_listed(tmp_path: Path) -> None:
    plate = plate_in(tmp_path, "sc.%04d.exr", range(1001, 1021))
    for gone in (1003, 1004, 1005, 1012):
        Path(plate.path_at(gone)).unlink()
    with pytest.raises(MissingFrames, match="1003-1005, 1012") as caught:
        source_files(plate, plate.range.frames())
    assert caught.value.details["frames"] == [1003, 1004, 1005, 1012]


def test_files_with_another_padding_are_ignored(tmp_path: Path) -> None:
    plate = plate_in(tmp_path, "sc.%04d.exr", range(10, 13))
    (tmp_path / "sc.0011.exr").rename(tmp_path / "sc.11.exr")
    with pytest.raises(MissingFrames) as caught:
        source_files(plate, range(10, 13))
    assert caught.value.details["frames"] == [11]
    assert frames_on_disk(plate.path) == (10, 12)


def test_broken_links_and_folders_are_not_frames(tmp_path: Path) -> None:
    plate = plate_in(tmp_path, "sc.%04d.exr", range(1, 5))
    for frame in (2, 3):
        Path(plate.path_at(frame)).unlink()
    Path(plate.path_at(2)).symlink_to(tmp_path / "gone.exr")
    Path(plate.path_at(3)).mkdir()
    with pytest.raises(MissingFrames, match="2-3"):
        source_files(plate, range(1, 5))


def test_in_a_missing_folder_all_frames_are_missing(tmp_path: Path) -> None:
    plate = Plate(path=str(tmp_path / "no" / "sc.%04d.exr"), range=FrameRange.of(1, 3))
    with pytest.raises(MissingFrames, match="1-3"):
        source_files(plate, range(1, 4))


def test_a_folder_without_permission_is_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plate = plate_in(tmp_path, "sc.%04d.exr", range(1, 3))

    def closed(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    # The tests may run as root, who can read every folder.
    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(UnreadableMedia, match="Permission denied") as caught:
        source_files(plate, range(1, 3))
    assert caught.value.where == str(tmp_path)


def test_a_folder_is_listed_once_and_only_needed_files_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plate = plate_in(tmp_path, "sc.%04d.exr", range(1001, 1201))
    real, calls = os.scandir, []

    def counted(path: Path) -> object:
        calls.append(path)
        return real(path)

    monkeypatch.setattr(os, "scandir", counted)
    source_files(plate, plate.range.frames())
    assert len(calls) == 1


def test_a_movie_and_a_still_are_one_file(tmp_path: Path) -> None:
    for name in ("sc.mov", "matte.exr"):
        (tmp_path / name).write_bytes(b"123")
    movie = Plate(path=str(tmp_path / "sc.mov"), range=FrameRange.of(0, 99))
    still = Plate(path=str(tmp_path / "matte.exr"), range=FrameRange.of(7, 7))
    assert [(f.frame, f.size) for f in source_files(movie, range(100))] == [(None, 3)]
    assert [(f.frame, f.size) for f in source_files(still, [7])] == [(7, 3)]


def test_a_missing_movie_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia, match="No such file"):
        single_file(str(tmp_path / "gone.mov"))
    with pytest.raises(UnreadableMedia, match="not a file"):
        single_file(str(tmp_path))


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plate_in(tmp_path, "sc.%04d.exr", range(1, 2))
    monkeypatch.chdir(tmp_path)
    relative = Plate(path="sc.%04d.exr", range=FrameRange.of(1, 1))
    assert source_files(relative, [1])[0].path == str(tmp_path / "sc.0001.exr")


def test_frames_on_disk_accepts_hashes_and_ignores_other_files(tmp_path: Path) -> None:
    plate_in(tmp_path, "sc.%04d.exr", range(1001, 1004))
    for name in ("sc.100x.exr", "sc..exr", "sc.1002.exr.tmp", "other.1005.exr", "sc.01002.exr"):
        (tmp_path / name).touch()
    assert frames_on_disk(str(tmp_path / "sc.####.exr")) == (1001, 1002, 1003)
    with pytest.raises(UnreadableMedia):
        frames_on_disk(str(tmp_path / "no" / "sc.####.exr"))
