"""Makes a request's files available to the gateway: by path if it can read them, else by upload.

Uploads are addressed by the SHA-256 of their content, so content that the gateway already has is
not sent again, and an interrupted upload is resumed.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO

from bridge_core.connection.http_errors import parse_response
from bridge_core.connection.transport import BLOCK_SIZE, Transport
from bridge_core.errors import (
    GatewayUnreachable,
    PlateChanged,
    ShotbridgeError,
    TransferError,
    WrongOffset,
)
from bridge_core.models.gateway import ReadableFilesQuery, ReadableFilesResponse
from bridge_core.models.media import ContentState, SourceFile
from bridge_core.models.requests import Request, Submission
from bridge_core.plate_file_search import single_file, source_files
from bridge_core.system.files import unreadable_media
from bridge_core.transfer.transfer_pool import ProgressCallback, TransferPool

#: Minimum speed in bytes per second at which the gateway hashes the existing part of a resumed
#: upload; the timeout is extended accordingly.
_MIN_HASH_RATE = 100e6
#: Files per query.
_BATCH_SIZE = 1000


def prepare_submission(
    request: Request,
    transport: Transport,
    progress: ProgressCallback | None = None,
    *,
    cancel: threading.Event | None = None,
) -> Submission:
    """The request with its files, which the gateway can read.

    ``progress`` counts half of a file's bytes when they are hashed and half when they are uploaded;
    files that the gateway reads by path are not counted.

    :raises MissingFrames: frames of the plate, or of a matte, do not exist.
    :raises UnreadableMedia: a file cannot be read.
    :raises PlateChanged: a file changed before its upload was complete.
    :raises TransferError: a file was corrupted twice.
    :raises JobCancelled: ``cancel`` was set.
    """
    on_disk = Submission(
        request=request,
        plate_files=source_files(request.shot.plate, request.frames),
        reference_files=tuple(single_file(reference.path) for reference in request.references),
        matte_files=tuple(
            source_files(matte.as_plate(request.shot.plate.range), request.frames_of(matte))
            for matte in request.mattes
        ),
    )
    files = iter(upload_files(on_disk.files, transport, progress, cancel))

    def take(group: Sequence[SourceFile]) -> tuple[SourceFile, ...]:
        return tuple(islice(files, len(group)))

    return Submission(
        request=request,
        plate_files=take(on_disk.plate_files),
        reference_files=take(on_disk.reference_files),
        matte_files=tuple(take(group) for group in on_disk.matte_files),
    )


def upload_files(
    files: tuple[SourceFile, ...],
    transport: Transport,
    progress: ProgressCallback | None,
    cancel: threading.Event | None,
) -> tuple[SourceFile, ...]:
    """The files as the gateway can read them: by path, or with the SHA-256 of their content, which
    is uploaded if the gateway does not have it. Errors as :func:`prepare_submission`."""
    readable = _readable_by_gateway(files, transport)
    # A plate's own alpha may be its matte, and a matte a reference.
    by_path = {file.path: file for at, file in enumerate(files) if at not in readable}
    unreadable = list(by_path.values())
    if not unreadable:
        return files
    threads = transport.settings.parallel_transfers
    pool = TransferPool(threads, sum(file.size for file in unreadable), progress, cancel)
    hashes = pool.run([partial(_hash_unchanged, file, pool) for file in unreadable])
    hashed = {
        file.path: file.model_copy(update={"sha256": sha256})
        for file, sha256 in zip(unreadable, hashes, strict=True)
    }
    # Repeated frames have the same content, which is uploaded once.
    unique = {file.sha256: file for file in hashed.values() if file.sha256}
    states = _content_states(list(unique.values()), transport)
    missing = [(unique[state.sha256], state) for state in states if not state.complete]
    for file in hashed.values():
        pool.set_done(file.path, file.size)
    for file, state in missing:
        pool.set_done(file.path, (file.size + state.offset) / 2)
    pool.run([partial(_upload_file, file, state, transport, pool) for file, state in missing])
    pool.report_progress()
    return tuple(
        file.model_copy(update={"sha256": hashed[file.path].sha256})
        if file.path in hashed
        else file
        for file in files
    )


def _hash_unchanged(file: SourceFile, pool: TransferPool) -> str:
    """SHA-256 of a file, checked not to change meanwhile. Counts as half of the progress."""
    digest = hashlib.sha256()
    done = 0
    with _open_unchanged(file) as stream:
        while block := stream.read(BLOCK_SIZE):
            digest.update(block)
            done += len(block)
            pool.set_done(file.path, done / 2)
        _check_unchanged(file, os.fstat(stream.fileno()))
    return digest.hexdigest()


def _upload_file(
    file: SourceFile, state: ContentState, transport: Transport, pool: TransferPool
) -> None:
    """Upload what the gateway does not have of a file, until it is complete."""
    failures, was_corrupted = 0, False
    while not state.complete:
        try:
            reached = _upload_remainder(file, state.offset, transport, pool)
            problem: ShotbridgeError = TransferError(
                "the gateway does not accept this file", where=file.path, next_step="check its log"
            )
        except (GatewayUnreachable, TransferError) as error:
            if not isinstance(error, GatewayUnreachable | WrongOffset):
                if _hash_unchanged(file, pool) != file.sha256:
                    raise _plate_changed(file) from error
                if was_corrupted:
                    raise
                was_corrupted = True
            problem = error
            reached = None
        if reached is None or reached.offset <= state.offset:
            failures += 1
            if failures > transport.settings.retries:
                raise problem
            transport.wait_before_retry(failures, problem)
            reached = _content_states([file], transport)[0]
        if reached.offset > state.offset:
            failures = 0
        state = reached
    try:
        _check_unchanged(file, Path(file.path).stat())
    except OSError as error:
        raise _plate_changed(file) from error


def _upload_remainder(
    file: SourceFile, offset: int, transport: Transport, pool: TransferPool
) -> ContentState:
    """Upload all that is missing, in one call."""
    assert file.sha256 is not None
    with _open_unchanged(file) as stream:
        stream.seek(offset)
        headers = {
            "Content-Type": "application/octet-stream",
            "Upload-Offset": str(offset),
            "Upload-Length": str(file.size),
        }
        body = _FileRemainder(stream, file, offset, pool) if file.size > offset else b""
        timeout = transport.settings.read_timeout + file.size / _MIN_HASH_RATE
        path = f"/v1/content/{file.sha256}"
        response = transport.upload(path, body, headers=headers, timeout=timeout)
    return parse_response(ContentState, response)


def _readable_by_gateway(files: Sequence[SourceFile], transport: Transport) -> set[int]:
    """Indices of the files that the gateway can read itself."""
    readable: set[int] = set()
    for start in range(0, len(files), _BATCH_SIZE):
        query = ReadableFilesQuery(files=tuple(files[start : start + _BATCH_SIZE]))
        response = transport.request_json(
            ReadableFilesResponse, "POST", "/v1/media/readable", body=query, idempotent=True
        )
        readable.update(start + index for index in response.readable)
    return readable


def _content_states(files: Sequence[SourceFile], transport: Transport) -> list[ContentState]:
    """How much of each file's content the gateway has, in the same order."""
    states: list[ContentState] = []
    for start in range(0, len(files), _BATCH_SIZE):
        batch = files[start : start + _BATCH_SIZE]
        addresses = [{"sha256": file.sha256, "size": file.size} for file in batch]
        states += transport.request_json(
            list[ContentState], "POST", "/v1/content/states", body=addresses, idempotent=True
        )
    return states


class _FileRemainder:
    """The rest of a file from ``offset`` on, as the body of a call. Its length is sent first, so
    a file that shrinks meanwhile must end the call: the gateway would wait for more."""

    def __init__(
        self, stream: IO[bytes], file: SourceFile, offset: int, pool: TransferPool
    ) -> None:
        self._stream = stream
        self._file = file
        self._position = offset
        self._pool = pool
        self._length = file.size - offset

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(BLOCK_SIZE):
            yield block

    def read(self, size: int = BLOCK_SIZE) -> bytes:
        block = self._stream.read(min(size, self._file.size - self._position))
        if not block and self._position < self._file.size:
            raise _plate_changed(self._file)
        self._position += len(block)
        self._pool.set_done(self._file.path, (self._file.size + self._position) / 2)
        return block


@contextmanager
def _open_unchanged(file: SourceFile) -> Iterator[IO[bytes]]:
    """Open a file, and check that it has not changed."""
    try:
        with Path(file.path).open("rb") as stream:
            _check_unchanged(file, os.fstat(stream.fileno()))
            yield stream
    except FileNotFoundError as error:
        raise _plate_changed(file) from error
    except OSError as error:
        raise unreadable_media(error, Path(file.path)) from error


def _check_unchanged(file: SourceFile, file_stat: os.stat_result) -> None:
    if (file_stat.st_size, max(0, file_stat.st_mtime_ns)) != (file.size, file.mtime_ns):
        raise _plate_changed(file)


def _plate_changed(file: SourceFile) -> PlateChanged:
    frame = f"frame {file.frame}" if file.frame is not None else "the file"
    return PlateChanged(
        f"{frame} changed while it was uploaded",
        where=file.path,
        next_step="wait until it is completely rendered or copied, then send again",
        details={"frame": file.frame, "path": file.path},
    )
