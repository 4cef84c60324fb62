"""Files and folders that nobody but this user is to read, and whose word is taken only where this
user wrote it. Windows gives both by the rights of the user's own folder. Standard library only."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO


def private_folder(path: Path) -> None:
    """Make a folder of mode 0700, as are the parents that it lacks; tighten it where it is wider
    and this user's.

    :raises OSError: it cannot be made.
    """
    missing = [one for one in (path, *path.parents) if not one.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    path.mkdir(exist_ok=True)  # says what is wrong where it is no folder
    tighten(path, 0o700)


def open_private(path: Path, mode: str) -> IO[bytes]:
    """Open a file for writing (``wb``, ``ab`` or ``xb``). One that is made has mode 0600, and one
    that is there and wider is tightened before anything is written.

    :raises OSError: it cannot be opened.
    """
    return open(path, mode, opener=_opener)


def _opener(path: str, flags: int) -> int:
    handle = os.open(path, flags, 0o600)
    if os.name == "posix":
        found = os.fstat(handle)
        if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077:
            os.fchmod(handle, 0o600)
    return handle


def tighten(path: Path, mode: int) -> None:
    """Take rights away that ``mode`` does not give; a path of another user's stays as it is."""
    if os.name != "posix":
        return
    found = path.stat()
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & ~mode & 0o777:
        path.chmod(stat.S_IMODE(found.st_mode) & mode)


def read_own(path: Path, limit: int) -> bytes | None:
    """What a file of this user's says; None: it is not there, is no plain file, is greater than
    ``limit`` bytes, or is another user's.

    :raises OSError: it is there and cannot be read.
    """
    try:
        # Without waiting: opening a pipe would wait for somebody who writes to it.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > limit:
            return None
        if os.name == "posix" and found.st_uid != os.geteuid():
            return None
        with open(handle, "rb", closefd=False) as stream:
            return stream.read(limit)
    finally:
        os.close(handle)
