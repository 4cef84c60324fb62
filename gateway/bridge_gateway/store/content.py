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
from bridge_gateway.store.partial import Partial, told, wrong_offset

#: Bytes gathered before a worker thread writes and hashes them: enough that the hand-over between
#: threads costs little beside the hashing.
BLOCK = 1 << 20
#: How long an upload waits for another one of the same content to end.
TURN_SECONDS = 10.0
#: An upload that sends nothing for so long is ended, and the content is free for the next.
SILENCE_SECONDS = 30.0
#: Six hours: what a slow line needs to send a long shot, file by file, before it submits.
KEEP_SECONDS = 6 * 3600.0

_SHA256 = re.compile(r"[0-9a-f]{64}")


class _File(NamedTuple):
    used: float
    size: int
    path: Path


class ContentStore:
    """Contents in ``folder``, at most ``limit_bytes`` of them. Safe to call from any thread.

    One process at a time may use a folder; the gateway's own lock sees to that.

    :raises NotWritable: the folder cannot be made or written.
    """

    def __init__(
        self, folder: Path, limit_bytes: int, *, keep_seconds: float = KEEP_SECONDS
    ) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self.keep_seconds = keep_seconds
        self._partials = folder / "partial"
        self._lock = threading.Lock()
        #: Contents being written, with the bytes of each that ``_used`` counts.
        self._writing: dict[str, int] = {}
        self._pins: dict[str, frozenset[str]] = {}
        with told(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._partials.mkdir(mode=0o700, exist_ok=True)
            self._used = sum(file.size for file in self._scan())

    def states(self, addresses: Sequence[ContentAddress]) -> list[ContentState]:
        """What is there of each content. Counts as use."""
        return [self._state(address.sha256) for address in addresses]

    def path(self, sha256: str) -> Path | None:
        """The file of a complete content; None while it is not complete. Counts as use."""
        path = self._final(sha256)
        with suppress(OSError):  # a disk that is read-only for now still has it
            os.utime(path)
        return path if path.is_file() else None

    def discard(self, sha256: str) -> None:
        """Throw away a complete content that is not what its address says."""
        path = self._final(sha256)
        with self._lock, told(path), suppress(FileNotFoundError):
            size = path.stat().st_size
            path.unlink()
            self._used -= size

    def pin(self, job: str, contents: Iterable[str]) -> None:
        """Keep these contents until :meth:`unpin`. Pins live in memory: whoever takes up a job
        again after a restart pins again."""
        with self._lock:
            self._pins[job] = frozenset(contents)

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
        partial = await self._in_turn(sha256, offset, length)
        if partial is None:
            return ContentState(sha256=sha256, offset=offset, complete=True)
        stream = aiter(chunks)
        waiting = bytearray()
        try:
            while (chunk := await _next(stream, sha256)) is not None:
                waiting += chunk
                if partial.offset + len(waiting) > length:
                    raise TransferError(
                        f"more arrived than the {length} bytes that were announced",
                        where=sha256,
                        next_step="the file changed while it was sent; send it again",
                    )
                if len(waiting) >= BLOCK:
                    block, waiting = waiting, bytearray()
                    await to_thread.run_sync(partial.write, block)
        except BaseException:
            # Also when the line is cut or the server stops: what came is kept.
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._break_off, partial, waiting, length)
            raise
        return await to_thread.run_sync(self._finish, partial, waiting, length)

    async def _in_turn(self, sha256: str, offset: int, length: int) -> Partial | None:
        """The content, open to be written on, once nobody else writes it; None: it is complete."""
        deadline = time.monotonic() + TURN_SECONDS
        while not await to_thread.run_sync(self._take_turn, sha256):
            if time.monotonic() > deadline:
                raise WrongOffset(
                    "this content is just being sent by somebody else",
                    where=sha256,
                    next_step="ask for its state in a while and send what is missing then",
                    details={"offset": (await to_thread.run_sync(self._state, sha256)).offset},
                )
            await anyio.sleep(0.02)
        return await to_thread.run_sync(self._open, sha256, offset, length)

    def _take_turn(self, sha256: str) -> bool:
        with self._lock:
            if sha256 in self._writing:
                return False
            self._writing[sha256] = self._size(sha256)
            return True

    def _end_turn(self, sha256: str) -> None:
        with self._lock:
            self._used += self._size(sha256) - self._writing.pop(sha256)

    def _open(self, sha256: str, offset: int, length: int) -> Partial | None:
        opened = None
        try:
            state = self._state(sha256)
            if state.offset != offset:
                raise wrong_offset(sha256, state.offset)
            if not state.complete:
                self._reserve(sha256, offset, length)
                opened = Partial(self._partials / sha256, offset)
        finally:
            if opened is None:
                self._end_turn(sha256)
        return opened

    def _finish(self, partial: Partial, last: bytearray, length: int) -> ContentState:
        sha256 = partial.path.name
        try:
            partial.finish(last)
            complete = partial.offset == length
            if complete:
                partial.publish(sha256, self._final(sha256))
        finally:
            self._end_turn(sha256)
        return ContentState(sha256=sha256, offset=partial.offset, complete=complete)

    def _break_off(self, partial: Partial, last: bytearray, length: int) -> None:
        try:
            if partial.offset + len(last) > length:
                partial.discard()
            else:
                partial.finish(last)
        finally:
            self._end_turn(partial.path.name)

    def _reserve(self, sha256: str, offset: int, length: int) -> None:
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
            need = length - self._writing[sha256]
            if self._used + need > self.limit_bytes:
                self._make_room(need)
            if self._used + need > self.limit_bytes:
                raise StorageError(
                    f"{length} bytes do not fit: of {self.limit_bytes} bytes, {self._used} are "
                    "taken by contents in use",
                    where=sha256,
                    next_step="wait until jobs have ended, or raise gateway.content_limit",
                )
            self._used += need
            self._writing[sha256] = length

    def _make_room(self, need: int) -> None:
        """Remove what was unused for longest, and a twentieth of the limit more than needed:
        looking through the folder for every single upload would be slow."""
        files = [file for file in self._scan() if file.path.name not in self._writing]
        self._used = sum(file.size for file in files) + sum(self._writing.values())
        pinned = frozenset[str]().union(*self._pins.values())
        before = time.time() - self.keep_seconds
        target = self.limit_bytes - need - self.limit_bytes // 20
        for file in sorted(files):
            if self._used <= target or file.used > before:
                break
            if file.path.name not in pinned:
                file.path.unlink(missing_ok=True)
                self._used -= file.size

    def _state(self, sha256: str) -> ContentState:
        complete = self.path(sha256) is not None
        return ContentState(sha256=sha256, offset=self._size(sha256), complete=complete)

    def _size(self, sha256: str) -> int:
        """Bytes that are there of a content, complete or not."""
        for path in (self._final(sha256), self._partials / sha256):
            try:
                return path.stat().st_size
            except FileNotFoundError:
                continue
        return 0

    def _final(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise InvalidRequest(
                "a content's address is its SHA-256 in 64 hexadecimal digits, lower case",
                where=repr(sha256[:80]),
                next_step="correct the address",
            )
        return self.folder / sha256[:2] / sha256

    def _scan(self) -> Iterator[_File]:
        for path in self.folder.glob("*/*"):
            try:
                found = path.stat()
            except FileNotFoundError:
                continue  # it has just got its final name, and counts as being written
            if not _SHA256.fullmatch(path.name) or not stat.S_ISREG(found.st_mode):
                continue  # somebody else's; nothing of ours to count or to remove
            yield _File(found.st_mtime, found.st_size, path)


async def _next(stream: AsyncIterator[bytes], sha256: str) -> bytes | None:
    """The next chunk; None at the end."""
    try:
        with anyio.fail_after(SILENCE_SECONDS):
            return await anext(stream, None)
    except TimeoutError:
        raise TransferError(
            f"nothing arrived for {SILENCE_SECONDS:g} seconds",
            where=sha256,
            next_step="ask for the content's state and send what is missing",
        ) from None
