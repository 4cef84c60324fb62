"""Files that are written atomically, and the errors of disks as StorageErrors."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bridge_core.errors import DiskFull, NotWritable, StorageError

_NO_SPACE_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_WRITABLE_ERRNOS = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
}
_PARTIAL_PREFIX = ".partial-"


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A partial file next to ``path`` to write to; the end of the block renames it to ``path``.

    The file is flushed to disk before it is renamed. An error in the block, or a kill, leaves
    ``path`` unchanged; an error also removes the partial file.

    :raises DiskFull: no space or quota is left.
    :raises NotWritable: the folder is missing, read-only or not permitted.
    """
    # Short, so that a final name at the file system's limit still works. It keeps the extension,
    # from which libraries choose the format.
    partial = path.with_name(f"{_PARTIAL_PREFIX}{secrets.token_hex(4)}{path.suffix}")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            yield partial
            _fsync_file(partial)
            partial.replace(path)
            _fsync_folder(path.parent)
        except BaseException:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise storage_error(error, path) from error


def atomic_write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write ``data`` to the file ``path`` atomically; errors as in :func:`atomic_write`."""
    with atomic_write(path) as partial:
        partial.write_bytes(data)


def remove_partial_files(folder: Path) -> int:
    """Remove the partial files under ``folder`` while nothing writes there; return how many."""
    leftovers = [path for path in folder.rglob(f"{_PARTIAL_PREFIX}*") if path.is_file()]
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)


def find_write_error(partial: Path) -> OSError | None:
    """Why a library could not write: libraries often report no reason.

    Writes more to the same file, so that the system reports the reason.
    """
    try:
        with partial.open("ab", buffering=0) as file:
            for _ in range(16):
                file.write(bytes(1 << 16))
            os.fsync(file.fileno())
    except OSError as error:
        return error
    return None


def storage_error(error: OSError, path: Path) -> StorageError:
    """The StorageError for the system's error about ``path``."""
    reason = error.strerror or str(error)
    if error.errno in _NO_SPACE_ERRNOS:
        return DiskFull(
            f"there is no space left to write {path.name}: {reason}",
            where=str(path),
            next_step="free space on this disk or raise the quota; finished frames are kept",
        )
    if error.errno in _NOT_WRITABLE_ERRNOS:
        return NotWritable(
            f"{path.name} cannot be written: {reason}",
            where=str(path),
            next_step=f"check that {path.parent} exists and may be written by this user",
        )
    return StorageError(
        f"{path.name} cannot be written: {reason}",
        where=str(path),
        next_step="check the disk or the network share, then try again",
    )


def _fsync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _fsync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open folders; NTFS journals the rename itself.
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
