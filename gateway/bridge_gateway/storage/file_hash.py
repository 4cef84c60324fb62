"""Hashes of files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from bridge_core.errors import UnreadableMedia

_BLOCK_BYTES = 1 << 20


def hash_file(path: Path, check_cancelled: Callable[[], None] = lambda: None) -> str:
    """The SHA-256 of a file in hexadecimal digits. ``check_cancelled`` is called before each block
    and may raise.

    :raises UnreadableMedia: the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                check_cancelled()
                digest.update(block)
    except OSError as error:
        raise UnreadableMedia(
            f"the file cannot be read: {os.strerror(error.errno) if error.errno else error}",
            where=str(path),
            next_step="check the permissions of the file and its disk",
        ) from error
    return digest.hexdigest()
