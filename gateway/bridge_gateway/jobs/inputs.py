"""The pictures that a job is made from: where they are, what they are, that they stay so."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from bridge_core.errors import MissingFrames, PlateChanged, TransferError, UnreadableMedia
from bridge_core.models.base import ResponseModel
from bridge_core.models.media import PlateKind, Sha256, SourceFile
from bridge_core.models.requests import Submission
from bridge_gateway.storage.blobs import BlobStore
from bridge_gateway.storage.media_roots import MediaRoots

_BLOCK_BYTES = 1 << 20


class StagedFile(ResponseModel):
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


def required_files(submission: Submission) -> list[SourceFile]:
    """The files of the frames that are to be made, in their order."""
    request = submission.request
    if request.shot.plate.kind is not PlateKind.SEQUENCE:
        return list(submission.plate_files)
    by_frame = {file.frame: file for file in submission.plate_files}
    return [by_frame[frame] for frame in request.frames]


def locate_files(
    submission: Submission, blob_store: BlobStore, media_roots: MediaRoots
) -> list[tuple[SourceFile, Path]]:
    """Each wanted file with its place here.

    :raises OutsideRoots: a path that this gateway may not read.
    :raises MissingFrames: files that are not there, all of them named.
    :raises TransferError: contents that have not been sent, or are gone again.
    :raises PlateChanged: the first file is not the one that the client saw.
    """
    located: list[tuple[SourceFile, Path]] = []
    missing: list[SourceFile] = []
    unsent: list[SourceFile] = []
    for file in required_files(submission):
        if file.sha256 is not None:
            blob_path = blob_store.find(file.sha256)
            if blob_path is None:
                unsent.append(file)
            else:
                located.append((file, blob_path))
            continue
        path = media_roots.resolve(file.path)
        if path.is_file():
            located.append((file, path))
        else:
            missing.append(file)
    if missing:
        raise _missing_frames_error(submission, missing)
    if unsent:
        raise TransferError(
            f"{len(unsent)} of the pictures have not arrived here",
            where=unsent[0].path,
            next_step="send the request again; the client then sends what is missing",
            details={"sha256": [file.sha256 for file in unsent]},
        )
    file, path = located[0]  # the one that is looked into before all are staged
    if file.sha256 is None and not _is_unchanged(path, file.size, file.mtime_ns):
        raise _plate_changed_error(file.path, "since it was sent")
    return located


def stage_files(
    located: Iterable[tuple[SourceFile, Path]],
    blob_store: BlobStore,
    *,
    check_cancelled: Callable[[], None],
    file_done: Callable[[int], None],
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
            if hash_file(path, check_cancelled) != file.sha256:
                blob_store.discard(file.sha256)
                raise TransferError(
                    "a picture that was sent has been changed or damaged on the gateway's disk",
                    where=file.path,
                    next_step="send the request again, which sends this picture anew; check the "
                    "disk of gateway.data_dir",
                    details={"sha256": [file.sha256]},
                )
            staged.append(_staged_file(file, path, mtime_ns=None, sha256=file.sha256))
        else:
            if not _is_unchanged(path, file.size, file.mtime_ns):
                raise _plate_changed_error(file.path, "since it was sent")
            sha256 = hash_file(path, check_cancelled)
            if not _is_unchanged(path, file.size, file.mtime_ns):
                raise _plate_changed_error(file.path, "while it was read")
            staged.append(_staged_file(file, path, mtime_ns=file.mtime_ns, sha256=sha256))
        file_done(position)
    return tuple(staged)


def require_unchanged(files: Iterable[StagedFile], check_cancelled: Callable[[], None]) -> None:
    """Whether the files are the same as when they were staged. Of contents, whose time says
    nothing, by reading them again. ``check`` is called before each block and may raise.

    :raises PlateChanged: a file is no longer the one that was staged.
    """
    for file in files:
        path = Path(file.path)
        same = _is_unchanged(path, file.size, file.mtime_ns)
        if same and file.mtime_ns is None:
            same = hash_file(path, check_cancelled) == file.sha256
        if not same:
            raise _plate_changed_error(file.source, "while the job worked on it")


def hash_file(path: Path, check_cancelled: Callable[[], None] = lambda: None) -> str:
    """
    :raises UnreadableMedia: the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                check_cancelled()
                digest.update(block)
    except OSError as error:
        raise UnreadableMedia(
            f"the file cannot be read: {os.strerror(error.errno) if error.errno else error}",
            where=str(path),
            next_step="check the rights of the file and the disk that it lies on",
        ) from error
    return digest.hexdigest()


def _staged_file(file: SourceFile, path: Path, *, mtime_ns: int | None, sha256: str) -> StagedFile:
    return StagedFile(
        source=file.path,
        path=str(path),
        frame=file.frame,
        size=file.size,
        mtime_ns=mtime_ns,
        sha256=sha256,
    )


def _is_unchanged(path: Path, size: int, mtime_ns: int | None) -> bool:
    try:
        stat_result = path.stat()
    except OSError:
        return False
    return stat_result.st_size == size and mtime_ns in (None, stat_result.st_mtime_ns)


def _missing_frames_error(submission: Submission, files: list[SourceFile]) -> MissingFrames:
    plate = submission.request.shot.plate
    frames = [file.frame for file in files if file.frame is not None]
    return MissingFrames.of(frames or submission.request.frames, where=plate.path)


def _plate_changed_error(path: str, when: str) -> PlateChanged:
    return PlateChanged(
        f"a file of the plate changed {when}",
        where=path,
        next_step="wait until the plate is finished, then send the shot again",
    )
