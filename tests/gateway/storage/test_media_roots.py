"""The gateway reads only inside its roots, whatever a path looks like."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge_core.errors import OutsideMediaRoots
from bridge_core.models.media import SourceFile
from bridge_gateway.storage.media_roots import MediaRoots


@pytest.fixture
def show(tmp_path: Path) -> Path:
    folder = tmp_path / "mnt" / "Schau Übermut"
    folder.mkdir(parents=True)
    (folder / "plate.1001.exr").write_bytes(b"picture")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    (tmp_path / "mnt" / "Schau Übermut 2").mkdir()
    (tmp_path / "mnt" / "Schau Übermut 2" / "plate.1001.exr").write_bytes(b"other show")
    return folder


def source(path: Path | str, like: Path) -> SourceFile:
    stat = like.stat()
    return SourceFile(path=str(path), size=stat.st_size, mtime_ns=stat.st_mtime_ns)


def test_inside(show: Path) -> None:
    roots = MediaRoots([show])
    plate = show / "plate.1001.exr"
    assert roots.resolve(str(plate)) == plate.resolve()
    assert roots.resolve(str(show / "plate.%04d.exr")).name == "plate.%04d.exr"
    assert roots.resolve(str(show)) == show.resolve()
    assert roots.resolve(str(show / "a" / ".." / "plate.1001.exr")) == plate.resolve()
    assert roots.is_readable(source(plate, plate))


OUTSIDE = [
    "",
    ".",
    "plate.1001.exr",
    "~/plate.exr",
    "{show}/../../secret.txt",
    "{show}/../../does not exist.txt",
    "{show}/../Schau Übermut 2/plate.1001.exr",
    "{show} 2/plate.1001.exr",
    "{show}/plate.1001.exr\0",
    "\0",
    "/etc/passwd",
    "/",
    "//etc/passwd",
    "/proc/self/environ",
    "C:\\Windows\\win.ini",
    "\\\\server\\share\\plate.exr",
    "file:///etc/passwd",
    "/\ud800",
    "/" + "a" * 10_000,
    "{show}/link out",
    "{show}/link to folder/secret.txt",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_outside(show: Path, name: str) -> None:
    (show / "link out").symlink_to(show.parents[1] / "secret.txt")
    (show / "link to folder").symlink_to(show.parents[1])
    path = name.format(show=show)
    with pytest.raises(OutsideMediaRoots) as excinfo:
        MediaRoots([show]).resolve(path)
    assert excinfo.value.status == 403
    assert MediaRoots([]).paths == ()
    if path and "\ud800" not in path:
        secret = show.parents[1] / "secret.txt"
        assert not MediaRoots([show]).is_readable(source(path, secret))


def test_the_message_does_not_reveal_what_is_there(show: Path) -> None:
    messages = set()
    for name in ("secret.txt", "nothing.txt"):
        with pytest.raises(OutsideMediaRoots) as excinfo:
            MediaRoots([show]).resolve(str(show.parents[1] / name))
        messages.add(str(excinfo.value).replace(name, ""))
    assert len(messages) == 1


def test_a_loop_of_links_is_not_readable(show: Path) -> None:
    (show / "loop").symlink_to(show / "loop")
    plate = show / "plate.1001.exr"
    assert not MediaRoots([show]).is_readable(source(show / "loop" / "x", plate))


def test_a_root_may_be_a_link_itself(show: Path, tmp_path: Path) -> None:
    link = tmp_path / "shows"
    link.symlink_to(show)
    plate = link / "plate.1001.exr"
    assert MediaRoots([link]).is_readable(source(plate, plate))
    assert MediaRoots([link]).is_readable(source(show / "plate.1001.exr", plate))


def test_only_what_the_client_saw_is_readable(show: Path) -> None:
    roots = MediaRoots([show])
    plate = show / "plate.1001.exr"
    listed = source(plate, plate)
    os.utime(plate, ns=(0, listed.mtime_ns + 1))
    assert not roots.is_readable(listed)
    assert not roots.is_readable(source(show, show))  # a folder is no picture
    grown = source(plate, plate).model_copy(update={"size": listed.size + 1})
    assert not roots.is_readable(grown)
    plate.unlink()
    assert not roots.is_readable(listed)


def test_a_pipe_is_not_a_picture(show: Path) -> None:
    pipe = show / "plate.1002.exr"
    os.mkfifo(pipe)
    assert not MediaRoots([show]).is_readable(source(pipe, pipe))


def test_without_roots_nothing_is_inside(show: Path) -> None:
    plate = show / "plate.1001.exr"
    assert not MediaRoots([]).is_readable(source(plate, plate))


def test_links_beside_files_of_the_same_folder_are_followed(show: Path, tmp_path: Path) -> None:
    """Files of one folder are checked together; each of them may be a link, in or out."""
    plate, secret = show / "plate.1001.exr", tmp_path / "secret.txt"
    (show / "in.exr").symlink_to(plate)
    (show / "out.exr").symlink_to(secret)
    (show / "broken.exr").symlink_to(show / "nothing.exr")
    (show / "folder out").symlink_to(tmp_path)
    files = [
        source(plate, plate),
        source(show / "out.exr", secret),
        source(show / "in.exr", plate),
        source(show / "broken.exr", plate),
        source(show / "folder out" / "secret.txt", secret),
        source(show / ".." / show.name / "plate.1001.exr", plate),
        source(f"{show}/.", plate),
        source(f"{show}/plate.1001.exr/..", plate),
        source(show / "nothing.exr", plate),
        source("plate.1001.exr", plate),
    ]
    assert MediaRoots([show]).readable_positions(files) == [0, 2, 5]


def test_a_folder_is_resolved_once_for_all_of_its_files(
    show: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots, files = MediaRoots([show]), []
    for frame in range(1001, 1241):
        path = show / f"plate.{frame}.exr"
        path.write_bytes(b"picture")
        files.append(source(path, path))
    resolved, lstat_calls = [], []
    real_path, real_lstat = os.path.realpath, os.lstat
    monkeypatch.setattr(os.path, "realpath", lambda p: (resolved.append(p), real_path(p))[1])
    monkeypatch.setattr(os, "lstat", lambda p: (lstat_calls.append(p), real_lstat(p))[1])
    assert roots.readable_positions(files) == list(range(240))
    assert resolved == [str(show)]
    assert len(lstat_calls) <= 240 + len(show.parts)
