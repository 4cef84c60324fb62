"""Files on disk: atomic writes, hashes, flushed folders, and the disk's errors as StorageErrors."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bridge_core.errors import DiskFull, NotWritable, StorageError, UnreadableMedia

#: Errors of a full disk. Windows has no EDQUOT.
DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_NOT_WRITABLE_ERRNOS = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT}
    | {errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
)
_PARTIAL_PREFIX = ".partial-"
_BLOCK_BYTES = 1 << 18


def storage_error(error: OSError, path: Path, hint: str = "") -> StorageError:
    """The StorageError for the system's error about ``path``; ``hint`` is added to what to do."""
    reason = error.strerror or str(error)
    kind, message = StorageError, f"{path.name} cannot be written: {reason}"
    next_step = "check the disk or the network share, then try again"
    if error.errno in DISK_FULL_ERRNOS:
        kind, message = DiskFull, f"there is no space left to write {path.name}: {reason}"
        next_step = "free space on this disk or raise the quota"
    elif error.errno in _NOT_WRITABLE_ERRNOS:
        kind = NotWritable
        next_step = f"check that {path.parent} exists and may be written by this user"
    return kind(message, where=str(path), next_step="; ".join(filter(None, (next_step, hint))))


def unreadable_media(error: OSError, path: Path) -> UnreadableMedia:
    """The error for media that the system cannot open or list."""
    message = f"{path.name} cannot be read: {os.strerror(error.errno) if error.errno else error}"
    next_step = "check that it exists, that you may read it, and its disk"
    return UnreadableMedia(message, where=str(path), next_step=next_step)


@contextmanager
def storage_errors(path: Path, hint: str = "") -> Iterator[None]:
    """Raise the system's errors in the block as by :func:`storage_error`, about the file that the
    system names, or ``path``."""
    try:
        yield
    except OSError as error:
        named = error.filename if isinstance(error.filename, (str, os.PathLike)) else path
        raise storage_error(error, Path(named), hint) from error


@contextmanager
def atomic_write(path: Path, mode: int = 0o666) -> Iterator[Path]:
    """A partial file next to ``path`` to write to; the end of the block renames it to ``path``.

    The file is flushed to disk before it is renamed. An error in the block, or a kill, leaves
    ``path`` unchanged; an error also removes the partial file. ``mode`` is that of the file, less
    the process's umask.

    :raises DiskFull: no space or quota is left.
    :raises NotWritable: the folder is missing, read-only or not permitted.
    """
    # Short, so that a final name at the file system's limit still works. It keeps the extension,
    # from which libraries choose the format.
    partial = path.with_name(f"{_PARTIAL_PREFIX}{secrets.token_hex(4)}{path.suffix}")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        try:
            yield partial
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
            partial.replace(path)
            fsync_folder(path.parent)
        except BaseException:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise storage_error(error, path) from error


def atomic_write_bytes(path: Path, data: bytes | memoryview, mode: int = 0o666) -> None:
    """Write ``data`` to the file ``path`` atomically; errors as in :func:`atomic_write`."""
    with atomic_write(path, mode) as partial:
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


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power failure. Windows does so by itself, and cannot
    open folders."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def hash_file(path: Path, check_cancelled: Callable[[], None] = lambda: None) -> str:
    """The SHA-256 of a file in hexadecimal digits. ``check_cancelled`` is called after each block
    and may raise.

    :raises UnreadableMedia: the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb", buffering=0) as file:
            hash_stream(file, digest, lambda _: check_cancelled())
    except OSError as error:
        raise unreadable_media(error, path) from error
    return digest.hexdigest()


def hash_stream(
    stream: io.BufferedIOBase | io.RawIOBase,
    digest: hashlib._Hash,
    on_progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Add the rest of a stream to ``digest`` and return the number of its bytes. ``on_progress`` is
    called with the bytes so far after each block and may raise."""
    # One small buffer, which stays in the processor's cache.
    buffer = memoryview(bytearray(_BLOCK_BYTES))
    done = 0
    while count := stream.readinto(buffer):
        digest.update(buffer[:count])
        done += count
        on_progress(done)
    return done
