"""The files that clients uploaded, addressed by the SHA-256 of their bytes.

An unfinished file is in ``partial/`` and is only appended to. Once its hash is verified it gets
its final name and never changes again. Everything is flushed to the disk before it is reported, so
an upload can be resumed after a lost connection and after a power failure.

**Eviction.** ``limit_bytes`` applies to all files in the folder; running uploads count with their
full length. To make space for an upload, the least recently used files are removed first, but
never one that an open job needs, that is being written, or that was sent, asked for or read within
``retention_seconds``: what a client was told to be complete is still there when it submits. Where
that is not enough the upload is refused. The time of last use is the file's modification time.
"""

from __future__ import annotations

import os
import re
import stat
import threading
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import anyio
from anyio import to_thread

from bridge_core.errors import InvalidRequest, StorageError, TransferError, WrongOffset
from bridge_core.models.media import ContentAddress, ContentState
from bridge_core.system.files import storage_errors
from bridge_gateway.storage.blob_upload import BlobUpload, wrong_offset

#: Bytes collected before a worker thread writes and hashes them: enough that switching threads
#: costs little compared with hashing.
BLOCK_BYTES = 1 << 20
#: Seconds that an upload waits for another one of the same file to end.
LOCK_TIMEOUT_SECONDS = 10.0
#: Seconds without data after which an upload is ended, so that another one can continue.
IDLE_TIMEOUT_SECONDS = 30.0
#: Six hours: enough to send a long shot over a slow connection before the job is submitted.
RETENTION_SECONDS = 6 * 3600.0

_SHA256 = re.compile(r"[0-9a-f]{64}")


class _StoredFile(NamedTuple):
    last_used: float
    size: int
    path: Path


class BlobStore:
    """The files in ``folder``, at most ``limit_bytes`` in all. Safe to call from any thread.

    ``list_pinned`` returns the hashes of the files that must not be removed.

    Only one process may use a folder at a time; the gateway's lock ensures that.

    :raises NotWritable: the folder cannot be created or written.
    """

    def __init__(
        self,
        folder: Path,
        limit_bytes: int,
        *,
        list_pinned: Callable[[], Collection[str]] = tuple,
        retention_seconds: float = RETENTION_SECONDS,
    ) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self.retention_seconds = retention_seconds
        self._list_pinned = list_pinned
        self._partial_dir = folder / "partial"
        self._lock = threading.Lock()
        #: Files being written, with the bytes of each that are part of ``_used_bytes``.
        self._uploads: dict[str, int] = {}
        with storage_errors(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._partial_dir.mkdir(mode=0o700, exist_ok=True)
            self._used_bytes = sum(file.size for file in self._scan())

    def states(self, addresses: Sequence[ContentAddress]) -> list[ContentState]:
        """How much of each file is there. Counts as use."""
        return [self._state(address.sha256) for address in addresses]

    def find(self, sha256: str) -> Path | None:
        """The path of a complete file; None while it is not complete. Counts as use."""
        path = self._final_path(sha256)
        with suppress(OSError):  # it can still be read from a read-only disk
            os.utime(path)
        return path if path.is_file() else None

    def discard(self, sha256: str) -> None:
        """Remove a complete file that does not match its hash."""
        path = self._final_path(sha256)
        with self._lock, storage_errors(path), suppress(FileNotFoundError):
            size = path.stat().st_size
            path.unlink()
            self._used_bytes -= size

    async def append(
        self, sha256: str, offset: int, length: int, chunks: AsyncIterable[bytes]
    ) -> ContentState:
        """Write ``chunks`` at ``offset`` (bytes) of a file that is ``length`` bytes long.

        ``chunks`` may be the rest of the file or a part of it. When it raises, what arrived
        before is kept on the disk and the error is raised again. A second upload of the same
        file waits for the first one. For a complete file nothing is read.

        :raises WrongOffset: the stored bytes do not end at ``offset``.
        :raises TransferError: the finished file does not match its hash, or is longer than
            ``length``, and was discarded; or nothing arrived for :data:`IDLE_TIMEOUT_SECONDS`.
        :raises StorageError: it does not fit under the limit.
        :raises DiskFull: it does not fit on the disk.
        """
        upload = await self._acquire(sha256, offset, length)
        if upload is None:
            return ContentState(sha256=sha256, offset=offset, complete=True)
        stream = aiter(chunks)
        pending = bytearray()
        try:
            while (chunk := await _next_chunk(stream, sha256)) is not None:
                pending += chunk
                if upload.offset + len(pending) > length:
                    raise TransferError(
                        f"received more than the announced {length} bytes",
                        where=sha256,
                        next_step="the file changed while it was sent; send it again",
                    )
                if len(pending) >= BLOCK_BYTES:
                    block, pending = pending, bytearray()
                    await to_thread.run_sync(upload.write, block)
        except BaseException:
            # Also when the connection is lost or the server stops: what arrived is kept.
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._suspend_upload, upload, pending, length)
            raise
        return await to_thread.run_sync(self._finish_upload, upload, pending, length)

    async def _acquire(self, sha256: str, offset: int, length: int) -> BlobUpload | None:
        """The upload, once no other one writes the same file; None where it is complete."""
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        while not await to_thread.run_sync(self._try_lock, sha256):
            if time.monotonic() > deadline:
                raise WrongOffset(
                    "another client is sending this file",
                    where=sha256,
                    next_step="ask for its state later, and send what is missing then",
                    details={"offset": (await to_thread.run_sync(self._state, sha256)).offset},
                )
            await anyio.sleep(0.02)
        return await to_thread.run_sync(self._open_upload, sha256, offset, length)

    def _try_lock(self, sha256: str) -> bool:
        with self._lock:
            if sha256 in self._uploads:
                return False
            self._uploads[sha256] = self._stored_bytes(sha256)
            return True

    def _unlock(self, sha256: str) -> None:
        with self._lock:
            self._used_bytes += self._stored_bytes(sha256) - self._uploads.pop(sha256)

    def _open_upload(self, sha256: str, offset: int, length: int) -> BlobUpload | None:
        opened = None
        try:
            state = self._state(sha256)
            if state.offset != offset:
                raise wrong_offset(sha256, state.offset)
            if not state.complete:
                self._reserve_space(sha256, offset, length)
                opened = BlobUpload(self._partial_dir / sha256, offset)
        finally:
            if opened is None:
                self._unlock(sha256)
        return opened

    def _finish_upload(self, upload: BlobUpload, pending: bytearray, length: int) -> ContentState:
        sha256 = upload.path.name
        try:
            upload.flush_and_close(pending)
            complete = upload.offset == length
            if complete:
                upload.publish(sha256, self._final_path(sha256))
        finally:
            self._unlock(sha256)
        return ContentState(sha256=sha256, offset=upload.offset, complete=complete)

    def _suspend_upload(self, upload: BlobUpload, pending: bytearray, length: int) -> None:
        try:
            if upload.offset + len(pending) > length:
                upload.discard()
            else:
                upload.flush_and_close(pending)
        finally:
            self._unlock(upload.path.name)

    def _reserve_space(self, sha256: str, offset: int, length: int) -> None:
        """Reserve space for an upload's full length; evict files if necessary."""
        if length < offset:
            raise InvalidRequest(
                f"a file of {length} bytes cannot continue at byte {offset}",
                where=sha256,
                next_step="the file changed while it was sent; send it again",
            )
        if length > self.limit_bytes:
            raise InvalidRequest(
                f"a file of {length} bytes is larger than the limit for all uploaded files: "
                f"{self.limit_bytes} bytes",
                where=sha256,
                next_step="have the gateway read it from a folder in gateway.media_roots, or "
                "raise gateway.content_limit_mb",
            )
        with self._lock:
            needed_bytes = length - self._uploads[sha256]
            if self._used_bytes + needed_bytes > self.limit_bytes:
                self._evict_unused(needed_bytes)
            if self._used_bytes + needed_bytes > self.limit_bytes:
                raise StorageError(
                    f"{length} bytes do not fit: files in use take {self._used_bytes} of "
                    f"{self.limit_bytes} bytes",
                    where=sha256,
                    next_step="wait until jobs have ended, or raise gateway.content_limit_mb",
                )
            self._used_bytes += needed_bytes
            self._uploads[sha256] = length

    def _evict_unused(self, needed_bytes: int) -> None:
        """Remove the least recently used files, by a twentieth of the limit more than needed, so
        that not every upload has to scan the folder."""
        files = [file for file in self._scan() if file.path.name not in self._uploads]
        self._used_bytes = sum(file.size for file in files) + sum(self._uploads.values())
        pinned = self._list_pinned()
        cutoff = time.time() - self.retention_seconds
        target = self.limit_bytes - needed_bytes - self.limit_bytes // 20
        for file in sorted(files):
            if self._used_bytes <= target or file.last_used > cutoff:
                break
            if file.path.name not in pinned:
                file.path.unlink(missing_ok=True)
                self._used_bytes -= file.size

    def _state(self, sha256: str) -> ContentState:
        complete = self.find(sha256) is not None
        return ContentState(sha256=sha256, offset=self._stored_bytes(sha256), complete=complete)

    def _stored_bytes(self, sha256: str) -> int:
        """The bytes on disk of a file, complete or not."""
        for path in (self._final_path(sha256), self._partial_dir / sha256):
            try:
                return path.stat().st_size
            except FileNotFoundError:
                continue
        return 0

    def _final_path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise InvalidRequest(
                "an uploaded file's address is its SHA-256 as 64 lower-case hexadecimal digits",
                where=repr(sha256[:80]),
                next_step="correct the address",
            )
        return self.folder / sha256[:2] / sha256

    def _scan(self) -> Iterator[_StoredFile]:
        for path in self.folder.glob("*/*"):
            try:
                stat_result = path.stat()
            except FileNotFoundError:
                continue  # it was just renamed, and counts as an upload
            if not _SHA256.fullmatch(path.name) or not stat.S_ISREG(stat_result.st_mode):
                continue  # not an upload: not to be counted or removed
            yield _StoredFile(stat_result.st_mtime, stat_result.st_size, path)


async def _next_chunk(stream: AsyncIterator[bytes], sha256: str) -> bytes | None:
    """The next chunk, or None at the end."""
    try:
        with anyio.fail_after(IDLE_TIMEOUT_SECONDS):
            return await anext(stream, None)
    except TimeoutError:
        raise TransferError(
            f"nothing arrived for {IDLE_TIMEOUT_SECONDS:g} seconds",
            where=sha256,
            next_step="ask for the file's state and send what is missing",
        ) from None
