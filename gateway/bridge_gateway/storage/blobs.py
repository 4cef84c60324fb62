"""Pictures that clients sent, kept by what they are: the SHA-256 of their bytes.

A content that is on its way stands in ``partial/`` and grows at its end only; once its hash is
proven it gets its final name and never changes again. Everything is on the disk before it is
reported, so an upload goes on after a cut line and after a power cut.

**What is removed, and when.** ``limit_bytes`` holds for everything in the folder, running uploads
by their full length. To make room for an upload, the contents unused for longest go first, never
one that a job has pinned, that is being written, or that was sent, asked for or read within
``keep_seconds``: a client that has just been told "is there" finds it there when it submits. Where
that leaves too little room the upload is refused. The time of last use is the file's modification
time.
"""

from __future__ import annotations

import os
import re
import stat
import threading
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import anyio
from anyio import to_thread

from bridge_core.errors import InvalidRequest, StorageError, TransferError, WrongOffset
from bridge_core.models.media import ContentAddress, ContentState
from bridge_gateway.storage.blob_upload import BlobUpload, translate_os_errors, wrong_offset

#: Bytes gathered before a worker thread writes and hashes them: enough that the hand-over between
#: threads costs little beside the hashing.
BLOCK_BYTES = 1 << 20
#: How long an upload waits for another one of the same content to end.
LOCK_TIMEOUT_SECONDS = 10.0
#: An upload that sends nothing for so long is ended, and the content is free for the next.
IDLE_TIMEOUT_SECONDS = 30.0
#: Six hours: what a slow line needs to send a long shot, file by file, before it submits.
RETENTION_SECONDS = 6 * 3600.0

_SHA256 = re.compile(r"[0-9a-f]{64}")


class _BlobFile(NamedTuple):
    last_used: float
    size: int
    path: Path


class BlobStore:
    """Contents in ``folder``, at most ``limit_bytes`` of them. Safe to call from any thread.

    One process at a time may use a folder; the gateway's own lock sees to that.

    :raises NotWritable: the folder cannot be made or written.
    """

    def __init__(
        self, folder: Path, limit_bytes: int, *, retention_seconds: float = RETENTION_SECONDS
    ) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self.retention_seconds = retention_seconds
        self._partial_dir = folder / "partial"
        self._lock = threading.Lock()
        #: Contents being written, with the bytes of each that ``_used`` counts.
        self._uploads: dict[str, int] = {}
        self._pins: dict[str, frozenset[str]] = {}
        with translate_os_errors(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._partial_dir.mkdir(mode=0o700, exist_ok=True)
            self._used_bytes = sum(file.size for file in self._scan())

    def states(self, addresses: Sequence[ContentAddress]) -> list[ContentState]:
        """What is there of each content. Counts as use."""
        return [self._state(address.sha256) for address in addresses]

    def find(self, sha256: str) -> Path | None:
        """The file of a complete content; None while it is not complete. Counts as use."""
        path = self._final_path(sha256)
        with suppress(OSError):  # a disk that is read-only for now still has it
            os.utime(path)
        return path if path.is_file() else None

    def discard(self, sha256: str) -> None:
        """Throw away a complete content that is not what its address says."""
        path = self._final_path(sha256)
        with self._lock, translate_os_errors(path), suppress(FileNotFoundError):
            size = path.stat().st_size
            path.unlink()
            self._used_bytes -= size

    def pin(self, job: str, hashes: Iterable[str]) -> None:
        """Keep these contents until :meth:`unpin`. Pins live in memory: whoever takes up a job
        again after a restart pins again."""
        with self._lock:
            self._pins[job] = frozenset(hashes)

    def unpin(self, job: str) -> None:
        with self._lock:
            self._pins.pop(job, None)

    async def append(
        self, sha256: str, offset: int, length: int, chunks: AsyncIterable[bytes]
    ) -> ContentState:
        """Write ``chunks`` at ``offset`` (bytes) of a content that is ``length`` bytes long.

        May bring the rest or a part of it. When ``chunks`` breaks off with an error, what came
        until then is kept on the disk and the error goes on to the caller. A second upload of the
        same content waits for the first, then goes on where that one stopped or is told where. Of
        a complete content nothing is read.

        :raises WrongOffset: the content does not stand at ``offset``.
        :raises TransferError: the finished content is not what its address says, or longer than
            ``length``, and has been thrown away; or nothing came for :data:`SILENCE_SECONDS`.
        :raises StorageError: it does not fit under the limit, nor (DiskFull) on the disk.
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
                        f"more arrived than the {length} bytes that were announced",
                        where=sha256,
                        next_step="the file changed while it was sent; send it again",
                    )
                if len(pending) >= BLOCK_BYTES:
                    block, pending = pending, bytearray()
                    await to_thread.run_sync(upload.write, block)
        except BaseException:
            # Also when the line is cut or the server stops: what came is kept.
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._suspend_upload, upload, pending, length)
            raise
        return await to_thread.run_sync(self._finish_upload, upload, pending, length)

    async def _acquire(self, sha256: str, offset: int, length: int) -> BlobUpload | None:
        """The content, open to be written on, once nobody else writes it; None: it is complete."""
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        while not await to_thread.run_sync(self._try_lock, sha256):
            if time.monotonic() > deadline:
                raise WrongOffset(
                    "this content is just being sent by somebody else",
                    where=sha256,
                    next_step="ask for its state in a while and send what is missing then",
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
        """Count an upload by its full length, having made room for it."""
        if length < offset:
            raise InvalidRequest(
                f"a content of {length} bytes cannot go on at byte {offset}",
                where=sha256,
                next_step="the file changed while it was sent; send it again",
            )
        if length > self.limit_bytes:
            raise InvalidRequest(
                f"a content of {length} bytes is greater than all contents together may be: "
                f"{self.limit_bytes} bytes",
                where=sha256,
                next_step="have the gateway read it from a folder in gateway.media_roots, or "
                "raise gateway.content_limit",
            )
        with self._lock:
            needed_bytes = length - self._uploads[sha256]
            if self._used_bytes + needed_bytes > self.limit_bytes:
                self._evict_unused(needed_bytes)
            if self._used_bytes + needed_bytes > self.limit_bytes:
                raise StorageError(
                    f"{length} bytes do not fit: of {self.limit_bytes} bytes, {self._used_bytes} are "
                    "taken by contents in use",
                    where=sha256,
                    next_step="wait until jobs have ended, or raise gateway.content_limit",
                )
            self._used_bytes += needed_bytes
            self._uploads[sha256] = length

    def _evict_unused(self, needed_bytes: int) -> None:
        """Remove what was unused for longest, and a twentieth of the limit more than needed:
        looking through the folder for every single upload would be slow."""
        files = [file for file in self._scan() if file.path.name not in self._uploads]
        self._used_bytes = sum(file.size for file in files) + sum(self._uploads.values())
        pinned = frozenset[str]().union(*self._pins.values())
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
        """Bytes that are there of a content, complete or not."""
        for path in (self._final_path(sha256), self._partial_dir / sha256):
            try:
                return path.stat().st_size
            except FileNotFoundError:
                continue
        return 0

    def _final_path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise InvalidRequest(
                "a content's address is its SHA-256 in 64 hexadecimal digits, lower case",
                where=repr(sha256[:80]),
                next_step="correct the address",
            )
        return self.folder / sha256[:2] / sha256

    def _scan(self) -> Iterator[_BlobFile]:
        for path in self.folder.glob("*/*"):
            try:
                stat_result = path.stat()
            except FileNotFoundError:
                continue  # it has just got its final name, and counts as being written
            if not _SHA256.fullmatch(path.name) or not stat.S_ISREG(stat_result.st_mode):
                continue  # somebody else's; nothing of ours to count or to remove
            yield _BlobFile(stat_result.st_mtime, stat_result.st_size, path)


async def _next_chunk(stream: AsyncIterator[bytes], sha256: str) -> bytes | None:
    """The next chunk; None at the end."""
    try:
        with anyio.fail_after(IDLE_TIMEOUT_SECONDS):
            return await anext(stream, None)
    except TimeoutError:
        raise TransferError(
            f"nothing arrived for {IDLE_TIMEOUT_SECONDS:g} seconds",
            where=sha256,
            next_step="ask for the content's state and send what is missing",
        ) from None
