"""The gateway reads inside its roots, wherever a name seems to lead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge_core.errors import OutsideRoots
from bridge_core.models.media import SourceFile
from bridge_gateway.store.roots import Roots


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
    found = like.stat()
    return SourceFile(path=str(path), size=found.st_size, mtime_ns=found.st_mtime_ns)


def test_inside(show: Path) -> None:
    roots = Roots([show])
    plate = show / "plate.1001.exr"
    assert roots.resolve(str(plate)) == plate.resolve()
    assert roots.resolve(str(show / "plate.%04d.exr")).name == "plate.%04d.exr"
    assert roots.resolve(str(show)) == show.resolve()
    assert roots.resolve(str(show / "a" / ".." / "plate.1001.exr")) == plate.resolve()
    assert roots.readable(source(plate, plate))


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
    with pytest.raises(OutsideRoots) as told:
        Roots([show]).resolve(path)
    assert told.value.status == 403
    assert Roots([]).paths == ()
    if path and "\ud800" not in path:
        secret = show.parents[1] / "secret.txt"
        assert not Roots([show]).readable(source(path, secret))


def test_the_words_do_not_tell_what_is_there(show: Path) -> None:
    words = set()
    for name in ("secret.txt", "nothing.txt"):
        with pytest.raises(OutsideRoots) as told:
            Roots([show]).resolve(str(show.parents[1] / name))
        words.add(str(told.value).replace(name, ""))
    assert len(words) == 1


def test_a_loop_of_links_leads_nowhere(show: Path) -> None:
    (show / "loop").symlink_to(show / "loop")
    plate = show / "plate.1001.exr"
    assert not Roots([show]).readable(source(show / "loop" / "x", plate))


def test_a_root_may_be_a_link_itself(show: Path, tmp_path: Path) -> None:
    link = tmp_path / "shows"
    link.symlink_to(show)
    plate = link / "plate.1001.exr"
    assert Roots([link]).readable(source(plate, plate))
    assert Roots([link]).readable(source(show / "plate.1001.exr", plate))


def test_only_what_the_client_saw_is_readable(show: Path) -> None:
    roots = Roots([show])
    plate = show / "plate.1001.exr"
    seen = source(plate, plate)
    os.utime(plate, ns=(0, seen.mtime_ns + 1))
    assert not roots.readable(seen)
    assert not roots.readable(source(show, show))  # a folder is no picture
    grown = source(plate, plate).model_copy(update={"size": seen.size + 1})
    assert not roots.readable(grown)
    plate.unlink()
    assert not roots.readable(seen)


def test_a_pipe_is_not_a_picture(show: Path) -> None:
    pipe = show / "plate.1002.exr"
    os.mkfifo(pipe)
    assert not Roots([show]).readable(source(pipe, pipe))


def test_without_roots_nothing_is_inside(show: Path) -> None:
    plate = show / "plate.1001.exr"
    assert not Roots([]).readable(source(plate, plate))
