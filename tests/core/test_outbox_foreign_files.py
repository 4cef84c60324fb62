"""Foreign files in an outbox, and the permissions of its own files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge_core.client import Client
from bridge_core.models.requests import Request
from bridge_core.outbox import Outbox


def entry_text(folder: Path, request: Request) -> str:
    other = Outbox(folder)
    return (
        other.folder / f"{other.add(request, 'elsewhere-1', requested_by='Ada').key}.json"
    ).read_text()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


FOREIGN_FILES: dict[str, Callable[[Path], object]] = {
    "folder": lambda path: path.mkdir(),
    "full folder": lambda path: (path / "inner").mkdir(parents=True),
    "pipe": _pipe,
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "link in a circle": lambda path: path.symlink_to(path),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "nested": lambda path: path.write_text("[" * 200_000),
    "binary": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "empty": lambda path: path.touch(),
}


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices")
@pytest.mark.parametrize("odd", FOREIGN_FILES.values(), ids=FOREIGN_FILES)
def test_foreign_files_do_not_stop_the_others(
    odd: Callable[[Path], object], client: Client, request_of: Request, tmp_path: Path
) -> None:
    box = client.outbox
    entry = box.add(request_of, requested_by="Ada")
    odd(box.folder / "0-odd-name.json")
    (box.folder / "folder.new").mkdir()
    os.utime(box.folder / "folder.new", (1, 1))
    assert [job.key for job in client.flush()] == [entry.key]
    assert box.entries() == ()
    assert client.flush() == []


def test_a_copied_entry_is_moved_away_and_not_sent(client: Client, request_of: Request) -> None:
    box = client.outbox
    entry = box.add(request_of, requested_by="Ada")
    for name in ("copy", "copy"):
        shutil.copy(box.folder / f"{entry.key}.json", box.folder / f"{name}.json")
        assert [one.key for one in box.entries()] == [entry.key]
    assert len(client.flush()) == 1
    assert client.flush() == []
    # Both copies are kept, neither replaced the other.
    assert len(list((box.folder / "damaged").iterdir())) == 2


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_entries_are_private(tmp_path: Path, request_of: Request) -> None:
    before = os.umask(0o002)
    try:
        box = Outbox(tmp_path / "state" / "outbox")
        entry = box.add(request_of, requested_by="Ada")
        with box.lock_for_sending(entry.key):
            pass
    finally:
        os.umask(before)
    for folder in (tmp_path / "state", box.folder, box.folder / "locks"):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert (box.folder / f"{entry.key}.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_permissive_modes_of_an_earlier_version_are_restricted(
    tmp_path: Path, request_of: Request
) -> None:
    box = Outbox(tmp_path / "state" / "outbox")
    entry = box.add(request_of, requested_by="Ada")
    file = box.folder / f"{entry.key}.json"
    file.chmod(0o664)
    box.folder.chmod(0o775)
    (tmp_path / "state").chmod(0o755)
    box.add(request_of, requested_by="Ada")
    assert len(box.entries()) == 2
    assert file.stat().st_mode & 0o777 == 0o600
    assert box.folder.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
