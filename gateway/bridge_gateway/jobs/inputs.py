"""The pictures that a job is made from: where they are, what they are, that they stay so."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from bridge_core.errors import MissingFrames, PlateChanged, TransferError, UnreadableMedia
from bridge_core.models.base import Record
from bridge_core.models.media import PlateKind, Sha256, SourceFile
from bridge_core.models.requests import Submission
from bridge_gateway.store.content import ContentStore
from bridge_gateway.store.roots import Roots

_BLOCK = 1 << 20


class StagedFile(Record):
    """A file of the plate, found, read once and known by its content."""

    source: str
    """Where the client has it."""
    path: str
    """Where it is read from here."""
    frame: int | None
    size: int
    mtime_ns: int | None
    """None for contents: these do not change, and their time says when they were last used."""
    sha256: Sha256


def wanted(submission: Submission) -> list[SourceFile]:
    """The files of the frames that are to be made, in their order."""
    request = submission.request
    if request.shot.plate.kind is not PlateKind.SEQUENCE:
        return list(submission.plate_files)
    by_frame = {file.frame: file for file in submission.plate_files}
    return [by_frame[frame] for frame in request.frames]


def locate(
    submission: Submission, contents: ContentStore, roots: Roots
) -> list[tuple[SourceFile, Path]]:
    """Each wanted file with its place here.

    :raises OutsideRoots: a path that this gateway may not read.
    :raises MissingFrames: files that are not there, all of them named.
    :raises TransferError: contents that have not been sent, or are gone again.
    """
    found: list[tuple[SourceFile, Path]] = []
    missing: list[SourceFile] = []
    unsent: list[SourceFile] = []
    for file in wanted(submission):
        if file.sha256 is not None:
            content = contents.path(file.sha256)
            if content is None:
                unsent.append(file)
            else:
                found.append((file, content))
            continue
        path = roots.resolve(file.path)
        if path.is_file():
            found.append((file, path))
        else:
            missing.append(file)
    if missing:
        raise _missing(submission, missing)
    if unsent:
        raise TransferError(
            f"{len(unsent)} of the pictures have not arrived here",
            where=unsent[0].path,
            next_step="send the request again; the client then sends what is missing",
            details={"sha256": [file.sha256 for file in unsent]},
        )
    return found


def stage(
    located: Iterable[tuple[SourceFile, Path]],
    contents: ContentStore,
    *,
    check: Callable[[], None],
    done: Callable[[int], None],
) -> tuple[StagedFile, ...]:
    """Read every file once and note what it is.

    ``check`` is called before each block and may raise; ``done`` after each file, with its
    position.

    :raises PlateChanged: a file is not the one that the client saw.
    :raises TransferError: a content is no longer what its address says; it is thrown away.
    :raises UnreadableMedia: a file cannot be read.
    """
    staged: list[StagedFile] = []
    for position, (file, path) in enumerate(located):
        if file.sha256 is not None:
            if sha256_of(path, check) != file.sha256:
                contents.discard(file.sha256)
                raise TransferError(
                    "a picture that was sent has been changed or damaged on the gateway's disk",
                    where=file.path,
                    next_step="send the request again, which sends this picture anew; check the "
                    "disk of gateway.data_dir",
                    details={"sha256": [file.sha256]},
                )
            staged.append(_staged(file, path, mtime_ns=None, sha256=file.sha256))
        else:
            if not _same(path, file.size, file.mtime_ns):
                raise _changed(file.path, "since it was sent")
            sha256 = sha256_of(path, check)
            if not _same(path, file.size, file.mtime_ns):
                raise _changed(file.path, "while it was read")
            staged.append(_staged(file, path, mtime_ns=file.mtime_ns, sha256=sha256))
        done(position)
    return tuple(staged)


def unchanged(files: Iterable[StagedFile], check: Callable[[], None]) -> None:
    """Whether the files are the same as when they were staged. Of contents, whose time says
    nothing, by reading them again. ``check`` is called before each block and may raise.

    :raises PlateChanged: a file is no longer the one that was staged.
    """
    for file in files:
        path = Path(file.path)
        same = _same(path, file.size, file.mtime_ns)
        if same and file.mtime_ns is None:
            same = sha256_of(path, check) == file.sha256
        if not same:
            raise _changed(file.source, "while the job worked on it")


def sha256_of(path: Path, check: Callable[[], None] = lambda: None) -> str:
    """
    :raises UnreadableMedia: the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                check()
                digest.update(block)
    except OSError as error:
        raise UnreadableMedia(
            f"the file cannot be read: {os.strerror(error.errno) if error.errno else error}",
            where=str(path),
            next_step="check the rights of the file and the disk that it lies on",
        ) from error
    return digest.hexdigest()


def _staged(file: SourceFile, path: Path, *, mtime_ns: int | None, sha256: str) -> StagedFile:
    return StagedFile(
        source=file.path,
        path=str(path),
        frame=file.frame,
        size=file.size,
        mtime_ns=mtime_ns,
        sha256=sha256,
    )


def _same(path: Path, size: int, mtime_ns: int | None) -> bool:
    try:
        found = path.stat()
    except OSError:
        return False
    return found.st_size == size and mtime_ns in (None, found.st_mtime_ns)


def _missing(submission: Submission, files: list[SourceFile]) -> MissingFrames:
    plate = submission.request.shot.plate
    frames = [file.frame for file in files if file.frame is not None]
    return MissingFrames.of(frames or submission.request.frames, where=plate.path)


def _changed(path: str, when: str) -> PlateChanged:
    return PlateChanged(
        f"a file of the plate changed {when}",
        where=path,
        next_step="wait until the plate is finished, then send the shot again",
    )
