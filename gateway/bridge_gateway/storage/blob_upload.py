"""The upload of one file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from bridge_core.errors import TransferError, WrongOffset
from bridge_core.system.files import fsync_folder, storage_errors

_BLOCK_BYTES = 1 << 20
_HINT = "send the rest again; what arrived is kept"


class BlobUpload:
    """A file that is appended to, and gets its final name once its hash is verified.

    ``offset`` is its length in bytes. The part of an earlier upload is read again, so that the hash
    always covers what is on the disk. The methods block; for one thread at a time.

    :raises WrongOffset: the file is not ``offset`` bytes long.
    :raises StorageError: and its kinds, from every method, for what the disk refuses.
    """

    def __init__(self, path: Path, offset: int) -> None:
        self.path = path
        self._hash = hashlib.sha256()
        with storage_errors(path, _HINT):
            self._file = open(path, "ab+", buffering=0, opener=_open_private)  # noqa: SIM115
            self._file.seek(0)
            while block := self._file.read(_BLOCK_BYTES):
                self._hash.update(block)
            self.offset = self._file.tell()
        if self.offset != offset:
            self._file.close()
            raise wrong_offset(path.name, self.offset)

    def write(self, data: bytes | bytearray) -> None:
        with storage_errors(self.path, _HINT), memoryview(data) as view:
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
            with self._file, storage_errors(self.path, _HINT):
                os.fsync(self._file.fileno())

    def publish(self, sha256: str, final: Path) -> None:
        """Give the finished file its final name.

        :raises TransferError: its hash is not ``sha256``; it is discarded.
        """
        actual = self._hash.hexdigest()
        if actual != sha256:
            self.discard()
            raise TransferError(
                f"the received file does not match its SHA-256: it has {actual}",
                where=sha256,
                next_step="the file was changed or damaged in transit; send it again from the "
                "beginning",
                details={"found": actual},
            )
        with storage_errors(final, _HINT):
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


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
