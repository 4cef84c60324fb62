"""Files and folders that only this user can read, and that are only trusted if this user owns them.
On Windows the permissions of the user's profile ensure both. Standard library only."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO


def make_private_folder(path: Path) -> None:
    """Create a folder and its missing parents with mode 0700; restrict an existing one of this
    user.

    :raises OSError: it cannot be created.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    path.mkdir(exist_ok=True)  # raises if it is not a folder
    restrict_mode(path, 0o700)


def open_private(path: Path, mode: str) -> IO[bytes]:
    """Open a file for writing (``wb``, ``ab`` or ``xb``) with mode 0600; an existing one is
    restricted before anything is written.

    :raises OSError: it cannot be opened.
    """
    return open(path, mode, opener=_opener)


def _opener(path: str, flags: int) -> int:
    handle = os.open(path, flags, 0o600)
    if os.name == "posix":
        file_stat = os.fstat(handle)
        if file_stat.st_uid == os.geteuid() and stat.S_IMODE(file_stat.st_mode) & 0o077:
            os.fchmod(handle, 0o600)
    return handle


def restrict_mode(path: Path, mode: int) -> None:
    """Remove permissions beyond ``mode``; another user's path is not changed."""
    if os.name != "posix":
        return
    file_stat = path.stat()
    if file_stat.st_uid == os.geteuid() and stat.S_IMODE(file_stat.st_mode) & ~mode & 0o777:
        path.chmod(stat.S_IMODE(file_stat.st_mode) & mode)


def read_own_file(path: Path, max_bytes: int) -> bytes | None:
    """The content of a file that this user owns; None if it does not exist, is not a regular file,
    is larger than ``max_bytes``, or is another user's.

    :raises OSError: it exists and cannot be read.
    """
    try:
        # Non-blocking: opening a named pipe would wait for a writer.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    try:
        file_stat = os.fstat(handle)
        if not stat.S_ISREG(file_stat.st_mode) or file_stat.st_size > max_bytes:
            return None
        if os.name == "posix" and file_stat.st_uid != os.geteuid():
            return None
        with open(handle, "rb", closefd=False) as stream:
            return stream.read(max_bytes)
    finally:
        os.close(handle)
