"""Makes a request's files available to the gateway: by path if it can read them, else by upload.

Uploads are addressed by the SHA-256 of their content, so content that the gateway already has is
not sent again, and an interrupted upload is resumed. A plate that has not changed since it was sent
is not read again either, see :mod:`bridge_core.transfer.hash_cache`.
"""

from __future__ import annotations

import hashlib
import io
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

from bridge_core.connection.file_part import FilePart
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
from bridge_core.system.files import hash_stream, unreadable_media
from bridge_core.transfer.hash_cache import HashCache
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
    cache = HashCache(
        transport.settings.state_dir / "hashes", {Path(file.path).parent for file in unreadable}
    )
    try:
        hashes = pool.run([partial(_find_hash, file, cache, pool) for file in unreadable])
    finally:
        cache.save()
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
    try:
        pool.run(
            [partial(_upload_file, file, state, transport, cache, pool) for file, state in missing]
        )
    finally:
        cache.save()
    pool.report_progress()
    return tuple(
        file.model_copy(update={"sha256": hashed[file.path].sha256})
        if file.path in hashed
        else file
        for file in files
    )


def _find_hash(file: SourceFile, cache: HashCache, pool: TransferPool) -> str:
    """SHA-256 of a file, which is only read if it may have changed since it was last sent. Counts
    as half of the progress."""
    path = Path(file.path)
    with _open_unchanged(file) as stream:
        file_stat = os.fstat(stream.fileno())
    sha256 = cache.find(path, file_stat)
    if sha256 is None:
        read_at = time.time_ns()
        sha256 = _hash_unchanged(file, pool)
        cache.add(path, file_stat, sha256, read_at)
    pool.set_done(file.path, file.size / 2)
    return sha256


def _hash_unchanged(file: SourceFile, pool: TransferPool) -> str:
    """SHA-256 of a file, checked not to change meanwhile. Counts as half of the progress."""
    digest = hashlib.sha256()
    with _open_unchanged(file) as stream:
        hash_stream(stream, digest, lambda done: pool.set_done(file.path, done / 2))
        _check_unchanged(file, os.fstat(stream.fileno()))
    return digest.hexdigest()


def _upload_file(
    file: SourceFile,
    state: ContentState,
    transport: Transport,
    cache: HashCache,
    pool: TransferPool,
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
                    cache.forget(Path(file.path))
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
        self, stream: io.FileIO, file: SourceFile, offset: int, pool: TransferPool
    ) -> None:
        self._stream = stream
        self._file = file
        self._offset = offset
        self._pool = pool

    def __len__(self) -> int:
        return self._file.size - self._offset

    def __iter__(self) -> Iterator[FilePart]:
        for offset in range(self._offset, self._file.size, BLOCK_SIZE):
            part = FilePart(self._stream, offset, min(BLOCK_SIZE, self._file.size - offset))
            yield part
            if part.sent < part.size:
                raise _plate_changed(self._file)
            self._pool.set_done(self._file.path, (self._file.size + offset + part.size) / 2)


@contextmanager
def _open_unchanged(file: SourceFile) -> Iterator[io.FileIO]:
    """Open a file, and check that it has not changed."""
    try:
        with Path(file.path).open("rb", buffering=0) as stream:
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
