"""One unfinished content on the disk."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge_core.errors import DiskFull, NotWritable, StorageError, TransferError, WrongOffset

_READ = 1 << 20


class Partial:
    """A file that grows at its end and becomes a content when its hash is proven.

    ``offset`` is its length in bytes. What an earlier upload left is read again once, so that the
    hash always covers what really is on the disk. Blocking; for one thread at a time.

    :raises WrongOffset: the file is not ``offset`` bytes long.
    :raises StorageError: and its kinds, from every method, for what the disk refuses.
    """

    def __init__(self, path: Path, offset: int) -> None:
        self.path = path
        self._hash = hashlib.sha256()
        with told(path):
            self._file = open(path, "ab+", buffering=0, opener=_private)  # noqa: SIM115
            self._file.seek(0)
            while block := self._file.read(_READ):
                self._hash.update(block)
            self.offset = self._file.tell()
        if self.offset != offset:
            self._file.close()
            raise wrong_offset(path.name, self.offset)

    def write(self, data: bytes | bytearray) -> None:
        with told(self.path), memoryview(data) as view:
            done = 0
            while done < len(view):
                done += self._file.write(view[done:])
        self._hash.update(data)
        self.offset += len(data)

    def finish(self, data: bytes | bytearray) -> None:
        """Write the last bytes, put everything on the disk and close the file."""
        try:
            self.write(data)
        finally:
            with self._file, told(self.path):
                os.fsync(self._file.fileno())

    def publish(self, sha256: str, final: Path) -> None:
        """Give the finished file its final name.

        :raises TransferError: its bytes are not ``sha256``; it is thrown away.
        """
        found = self._hash.hexdigest()
        if found != sha256:
            self.discard()
            raise TransferError(
                f"the bytes that arrived have the SHA-256 {found}",
                where=sha256,
                next_step="the file was changed or damaged on its way; send it again from the "
                "beginning",
                details={"found": found},
            )
        with told(final):
            final.parent.mkdir(mode=0o700, exist_ok=True)
            self.path.replace(final)
            sync_folder(final.parent)

    def discard(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


def wrong_offset(sha256: str, offset: int) -> WrongOffset:
    return WrongOffset(
        f"the upload goes on at byte {offset}",
        where=sha256,
        next_step=f"send the bytes from {offset} on",
        details={"offset": offset},
    )


@contextmanager
def told(where: Path) -> Iterator[None]:
    """What the operating system says about a disk, in the words of the error tree."""
    try:
        yield
    except OSError as error:
        place = str(error.filename or where)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                "the gateway's disk is full",
                where=place,
                next_step="make room on this disk, then send again; what arrived is kept",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise NotWritable(
                "the gateway may not write here",
                where=place,
                next_step="give its user write permission, or set gateway.data_dir and "
                "gateway.library_dir elsewhere",
            ) from error
        raise StorageError(
            f"the gateway's disk refused: {error.strerror or error}",
            where=place,
            next_step="look after this disk, then send again",
        ) from error


def sync_folder(folder: Path) -> None:
    """Make names in a folder survive a power cut. Windows does that by itself."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
