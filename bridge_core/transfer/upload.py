"""Hands a request's pictures to the gateway: by path where it can read them, else by content.

A content is addressed by the SHA-256 of its bytes, so pictures that are there already are not
sent again, and a cut upload goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from bridge_core.answers import parsed
from bridge_core.errors import (
    GatewayUnreachable,
    PlateChanged,
    ShotbridgeError,
    TransferError,
    UnreadableMedia,
    WrongOffset,
)
from bridge_core.models.gateway import ReachableAnswer, ReachableQuery
from bridge_core.models.media import ContentState, SourceFile
from bridge_core.models.requests import Request, Submission
from bridge_core.plates import single_file, source_files
from bridge_core.transfer.crew import Crew, Progress
from bridge_core.transport import BLOCK, Transport

#: Bytes per second at which a gateway at least hashes what it holds of a content that is resumed;
#: the limit for its answer grows by this.
_HASHING = 100e6
#: Files asked about in one call.
_PART = 1000


def stage(
    request: Request,
    transport: Transport,
    progress: Progress | None = None,
    *,
    cancel: threading.Event | None = None,
) -> Submission:
    """The request with files that the gateway can use.

    Bytes count in ``progress`` once they were hashed and are known to be there; pictures that go
    by path count nothing.

    :raises MissingFrames: frames of the plate that are not there.
    :raises UnreadableMedia: files that may not be read.
    :raises PlateChanged: a file changed between being looked at and the end of being sent.
    :raises TransferError: a content arrived wrong twice.
    :raises JobCancelled: ``cancel`` was set.
    """
    plate = source_files(request.shot.plate, request.frames)
    references = tuple(single_file(reference.path) for reference in request.references)
    files = hand_over((*plate, *references), transport, progress, cancel)
    return Submission(
        request=request, plate_files=files[: len(plate)], reference_files=files[len(plate) :]
    )


def hand_over(
    files: tuple[SourceFile, ...],
    transport: Transport,
    progress: Progress | None,
    cancel: threading.Event | None,
) -> tuple[SourceFile, ...]:
    """The files as the gateway can read them: by path, or with the address of their content, which
    is sent where it is not there. Errors as :func:`stage`."""
    readable = _readable(files, transport)
    away = [file for index, file in enumerate(files) if index not in readable]
    if not away:
        return files
    streams = transport.settings.streams
    crew = Crew(streams, sum(file.size for file in away), progress, cancel)
    hashes = crew.run([partial(_hash, file, crew) for file in away])
    known = {
        file.path: file.model_copy(update={"sha256": sha256})
        for file, sha256 in zip(away, hashes, strict=True)
    }
    # Held frames are the same content many times over; it goes once.
    unique = {file.sha256: file for file in known.values() if file.sha256}
    states = _states(list(unique.values()), transport)
    missing = [(unique[state.sha256], state) for state in states if not state.complete]
    for file in known.values():
        crew.at(file.path, file.size)
    for file, state in missing:
        crew.at(file.path, (file.size + state.offset) / 2)
    crew.run([partial(_send, file, state, transport, crew) for file, state in missing])
    crew.tell()
    return tuple(known.get(file.path, file) for file in files)


def _hash(file: SourceFile, crew: Crew) -> str:
    """SHA-256 of a file that does not change meanwhile. It is half of a byte's way."""
    digest = hashlib.sha256()
    done = 0
    with _opened(file) as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
            done += len(block)
            crew.at(file.path, done / 2)
        _same(file, os.fstat(stream.fileno()))
    return digest.hexdigest()


def _send(file: SourceFile, state: ContentState, transport: Transport, crew: Crew) -> None:
    """Send a content from where the gateway has it, until it has it all."""
    failures, spoilt = 0, False
    while not state.complete:
        try:
            reached = _append(file, state.offset, transport, crew)
            problem: ShotbridgeError = TransferError(
                "the gateway does not take this content", where=file.path, next_step="see its log"
            )
        except (GatewayUnreachable, TransferError) as error:
            if not isinstance(error, GatewayUnreachable | WrongOffset):
                _proven(file, crew)
                if spoilt:
                    raise
                spoilt = True
            problem = error
            reached = None
        if reached is None or reached.offset <= state.offset:
            failures += 1
            if failures > transport.settings.retries:
                raise problem
            transport.pause(failures, problem)
            reached = _states([file], transport)[0]
        if reached.offset > state.offset:
            failures = 0
        state = reached
    _same(file, _stat(file))


def _append(file: SourceFile, offset: int, transport: Transport, crew: Crew) -> ContentState:
    """One call with all that is missing."""
    assert file.sha256 is not None
    with _opened(file) as stream:
        stream.seek(offset)
        response = transport.put(
            f"/v1/content/{file.sha256}",
            _Rest(stream, file, offset, crew) if file.size > offset else b"",
            headers={
                "Content-Type": "application/octet-stream",
                "Upload-Offset": str(offset),
                "Upload-Length": str(file.size),
            },
            seconds=transport.settings.read_timeout + file.size / _HASHING,
        )
    return parsed(ContentState, response)


def _readable(files: Sequence[SourceFile], transport: Transport) -> set[int]:
    """Positions of the files that the gateway can read itself."""
    readable: set[int] = set()
    for start in range(0, len(files), _PART):
        answer = transport.read(
            ReachableAnswer,
            "POST",
            "/v1/media/reachable",
            body=ReachableQuery(files=tuple(files[start : start + _PART])),
            repeatable=True,
        )
        readable.update(start + index for index in answer.readable)
    return readable


def _states(files: Sequence[SourceFile], transport: Transport) -> list[ContentState]:
    """How much of each file's content the gateway has, in their order."""
    states: list[ContentState] = []
    for start in range(0, len(files), _PART):
        states += transport.read(
            list[ContentState],
            "POST",
            "/v1/content/states",
            body=[
                {"sha256": file.sha256, "size": file.size} for file in files[start : start + _PART]
            ],
            repeatable=True,
        )
    return states


class _Rest:
    """What is left of a file from ``offset`` on, as the body of a call. Its length stands before
    it is read, so a file that shrinks meanwhile must end the call: the gateway would wait."""

    def __init__(self, stream: IO[bytes], file: SourceFile, offset: int, crew: Crew) -> None:
        self._stream = stream
        self._file = file
        self._at = offset
        self._crew = crew
        self._length = file.size - offset

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(BLOCK):
            yield block

    def read(self, size: int = BLOCK) -> bytes:
        block = self._stream.read(min(size, self._file.size - self._at))
        if not block and self._at < self._file.size:
            raise _changed(self._file)
        self._at += len(block)
        self._crew.at(self._file.path, (self._file.size + self._at) / 2)
        return block


@contextmanager
def _opened(file: SourceFile) -> Iterator[IO[bytes]]:
    """The file, checked to be the one that was looked at."""
    try:
        with Path(file.path).open("rb") as stream:
            _same(file, os.fstat(stream.fileno()))
            yield stream
    except FileNotFoundError as error:
        raise _changed(file) from error
    except OSError as error:
        raise UnreadableMedia(
            f"this file cannot be read: {error.strerror or error}",
            where=file.path,
            next_step="check that you may read it, and that its disk is well",
        ) from error


def _proven(file: SourceFile, crew: Crew) -> None:
    """Whether a file still holds what it held when it was hashed."""
    if _hash(file, crew) != file.sha256:
        raise _changed(file)


def _stat(file: SourceFile) -> os.stat_result:
    try:
        return Path(file.path).stat()
    except OSError as error:
        raise _changed(file) from error


def _same(file: SourceFile, found: os.stat_result) -> None:
    if (found.st_size, max(0, found.st_mtime_ns)) != (file.size, file.mtime_ns):
        raise _changed(file)


def _changed(file: SourceFile) -> PlateChanged:
    frame = f"frame {file.frame}" if file.frame is not None else "the file"
    return PlateChanged(
        f"{frame} changed while it was being sent",
        where=file.path,
        next_step="wait until it is rendered or copied to its end, then send again",
        details={"frame": file.frame, "path": file.path},
    )
