"""Hashes of files that were sent before, so that an unchanged plate is not read again.

::

    hashes/NAME.json        the files of one folder, with their status when they were hashed

It is only a cache: damaged files are ignored, and it may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import secrets
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bridge_core.system.private_files import make_private_folder, open_private, read_own_file

_log = logging.getLogger(__name__)

#: A file may be written again without a new timestamp, as long as its last one is younger than
#: this: two seconds for the resolution of FAT, the rest for a file server with another clock.
_MIN_AGE_NS = 10_000_000_000
#: Files of one folder; the oldest ones beyond it are forgotten. To read and write so many takes
#: some milliseconds.
_MAX_FILES = 5_000
#: Bytes of all folders, some 150 per file; the least recently used ones beyond it are forgotten.
_MAX_BYTES = 32_000_000

_SHA256 = re.compile(r"[0-9a-f]{64}")

#: Size, modification and change time, and inode of a file. The modification time of a copy can be
#: set freely, the change time cannot. (On Windows, it is the time of the creation.)
_Status = tuple[int, int, int, int]


class HashCache:
    """The hashes in ``folder``, for files in ``media_folders``. Thread-safe; several processes of
    one user may use it at once."""

    def __init__(self, folder: Path, media_folders: Iterable[Path]) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._changed: set[Path] = set()
        self._hashes = {one: self._load(one) for one in set(media_folders)}

    def find(self, path: Path, file_stat: os.stat_result) -> str | None:
        """The SHA-256 of a file with this status; None if it has to be read."""
        with self._lock:
            found = self._hashes[path.parent].get(path.name)
        return found[1] if found is not None and found[0] == _status(file_stat) else None

    def add(self, path: Path, file_stat: os.stat_result, sha256: str, read_at: int) -> None:
        """Remember the hash of a file that had this status before it was read. ``read_at``: when
        that began, in nanoseconds since 1970."""
        if read_at - max(file_stat.st_mtime_ns, file_stat.st_ctime_ns) < _MIN_AGE_NS:
            return
        with self._lock:
            hashes = self._hashes[path.parent]
            hashes.pop(path.name, None)  # so that it becomes the newest one
            hashes[path.name] = (_status(file_stat), sha256)
            self._changed.add(path.parent)

    def forget(self, path: Path) -> None:
        """Forget a file whose hash was wrong."""
        with self._lock:
            if self._hashes[path.parent].pop(path.name, None) is not None:
                self._changed.add(path.parent)

    def save(self) -> None:
        """Write what has changed. Without it the files are only hashed again, so errors of the
        disk are logged."""
        with self._lock:
            try:
                for media_folder in self._changed:
                    self._save(media_folder)
                if self._changed:
                    self._remove_unused()
                self._changed.clear()
            except OSError as error:
                _log.warning("hashes of sent files cannot be kept: %s", error)

    def _load(self, media_folder: Path) -> dict[str, tuple[_Status, str]]:
        path = self._path(media_folder)
        try:
            text = read_own_file(path, _MAX_BYTES)
            if text is None:
                return {}
            hashes = {
                name: _parse_entry(entry) for name, entry in json.loads(text)["files"].items()
            }
            os.utime(path)  # used
            return hashes
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            _log.warning("hashes of sent files are not used: %s: %s", path, error)
            return {}

    def _save(self, media_folder: Path) -> None:
        newest = list(self._hashes[media_folder].items())[-_MAX_FILES:]
        content = {
            "folder": str(media_folder),
            "files": {name: [*status, sha256] for name, (status, sha256) in newest},
        }
        make_private_folder(self._folder)
        path = self._path(media_folder)
        temporary = path.with_suffix(f".{secrets.token_hex(4)}.new")
        try:
            with open_private(temporary, "xb") as stream:
                stream.write(json.dumps(content).encode())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    def _remove_unused(self) -> None:
        used = 0
        with os.scandir(self._folder) as entries:
            files = sorted(
                ((entry.stat(), entry.path) for entry in entries), key=lambda one: -one[0].st_mtime
            )
        for file_stat, path in files:
            used += file_stat.st_size
            if used > _MAX_BYTES:
                with suppress(FileNotFoundError):  # another process was faster
                    Path(path).unlink()

    def _path(self, media_folder: Path) -> Path:
        name = hashlib.sha256(str(media_folder).encode("utf-8", "surrogateescape")).hexdigest()
        return self._folder / f"{name[:32]}.json"


def _status(file_stat: os.stat_result) -> _Status:
    return file_stat.st_size, file_stat.st_mtime_ns, file_stat.st_ctime_ns, file_stat.st_ino


def _parse_entry(entry: Any) -> tuple[_Status, str]:
    size, modified, changed, inode, sha256 = entry
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"not a SHA-256: {sha256!r}")
    return (size, modified, changed, inode), sha256
