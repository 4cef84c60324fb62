"""The upload of one content."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge_core.errors import DiskFull, NotWritable, StorageError, TransferError, WrongOffset

_BLOCK_BYTES = 1 << 20


class ContentUpload:
    """A file that is appended to, and becomes a content once its hash is verified.

    ``offset`` is its length in bytes. The part of an earlier upload is read again, so that the hash
    always covers what is on the disk. The methods block; for one thread at a time.

    :raises WrongOffset: the file is not ``offset`` bytes long.
    :raises StorageError: and its kinds, from every method, for what the disk refuses.
    """

    def __init__(self, path: Path, offset: int) -> None:
        self.path = path
        self._hash = hashlib.sha256()
        with translate_os_errors(path):
            self._file = open(path, "ab+", buffering=0, opener=_open_private)  # noqa: SIM115
            self._file.seek(0)
            while block := self._file.read(_BLOCK_BYTES):
                self._hash.update(block)
            self.offset = self._file.tell()
        if self.offset != offset:
            self._file.close()
            raise wrong_offset(path.name, self.offset)

    def write(self, data: bytes | bytearray) -> None:
        with translate_os_errors(self.path), memoryview(data) as view:
            done = 0
            while done < len(view):
                done += self._file.write(view[done:])
        self._hash.update(data)
        self.offset += len(data)

    def flush_and_close(self, data: bytes | bytearray) -> None:
        """Write the last bytes, flush the file to the disk and close it."""
        try:
            self.write(data)
        finally:
            with self._file, translate_os_errors(self.path):
                os.fsync(self._file.fileno())

    def publish(self, sha256: str, final: Path) -> None:
        """Give the finished file its final name.

        :raises TransferError: its hash is not ``sha256``; it is discarded.
        """
        actual = self._hash.hexdigest()
        if actual != sha256:
            self.discard()
            raise TransferError(
                f"the received bytes have the SHA-256 {actual}",
                where=sha256,
                next_step="the file was changed or damaged in transit; send it again from the "
                "beginning",
                details={"found": actual},
            )
        with translate_os_errors(final):
            final.parent.mkdir(mode=0o700, exist_ok=True)
            self.path.replace(final)
            fsync_folder(final.parent)

    def discard(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


def wrong_offset(sha256: str, offset: int) -> WrongOffset:
    return WrongOffset(
        f"the upload continues at byte {offset}",
        where=sha256,
        next_step=f"send the bytes from {offset} on",
        details={"offset": offset},
    )


@contextmanager
def translate_os_errors(where: Path) -> Iterator[None]:
    """Translate the operating system's errors of a disk to StorageErrors."""
    try:
        yield
    except OSError as error:
        path = str(error.filename or where)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                "the gateway's disk is full",
                where=path,
                next_step="free space on this disk, then send again; what arrived is kept",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise NotWritable(
                "the gateway may not write here",
                where=path,
                next_step="give its user write permission, or set gateway.data_dir and "
                "gateway.library_dir elsewhere",
            ) from error
        raise StorageError(
            f"the gateway's disk failed: {error.strerror or error}",
            where=path,
            next_step="check this disk, then send again",
        ) from error


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power failure; Windows does that by itself."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
