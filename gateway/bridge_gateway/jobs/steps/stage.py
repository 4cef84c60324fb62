"""The step ``stage``: finds and hashes the input files, and checks that they do not change."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from bridge_core.errors import MissingFrames, PlateChanged, TransferError, UnreadableMedia
from bridge_core.models.media import PlateKind, SourceFile
from bridge_core.models.requests import MatteRegion, Submission
from bridge_core.system.files import hash_file
from bridge_gateway.jobs.context import JobContext
from bridge_gateway.jobs.steps.step_results import StagedFile, StagedInputs, StepName
from bridge_gateway.media.decode_tasks import CheckPlateTask
from bridge_gateway.storage.storage import Storage

#: What messages call a file.
PLATE_FILE, REFERENCE, MATTE_FILE = "a file of the plate", "a reference", "a file of a matte"

#: A file as the client named it, and the path that the gateway reads.
LocatedFile = tuple[SourceFile, Path]


class LocatedInputs(NamedTuple):
    """The files of a request, as :class:`StagedInputs`, before they are read."""

    plate: list[LocatedFile]
    references: list[LocatedFile]
    mattes: list[list[LocatedFile]]


def stage_inputs(context: JobContext) -> StagedInputs:
    """Find, read and hash every file; see :func:`stage_files`.

    :raises MissingFrames: also where a movie ends before its range does.
    :raises UnreadableMedia: a frame that is not a picture, or one that cannot be processed.
    """
    located = locate_inputs(context)
    total = len(located.plate) + len(located.references) + sum(map(len, located.mattes))
    context.monitor.begin_step(StepName.STAGE, total)
    positions = itertools.count()

    def stage(files: Iterable[LocatedFile], subject: str) -> tuple[StagedFile, ...]:
        return stage_files(
            context, files, subject, lambda: context.monitor.frame_done(next(positions))
        )

    staged = StagedInputs(
        references=stage(located.references, REFERENCE),
        mattes=tuple(stage(matte, MATTE_FILE) for matte in located.mattes),
        files=stage(located.plate, PLATE_FILE),
    )
    # A movie may end before its range, and a frame may not be a picture.
    context.gateway.decoder.run(
        CheckPlateTask(
            plate=context.request.shot.plate,
            files=files_by_frame(context, staged),
            frames=context.request.frames,
        ),
        check_cancelled=context.monitor.raise_if_cancelled,
    )
    return staged


def files_by_frame(context: JobContext, staged: StagedInputs) -> dict[int, Path]:
    """The file of each frame; a movie or a still is the same file for all."""
    if context.request.shot.plate.kind is PlateKind.SEQUENCE:
        return {file.frame: Path(file.path) for file in staged.files if file.frame is not None}
    return dict.fromkeys(context.request.frames, Path(staged.files[0].path))


def matte_files_by_frame(
    context: JobContext, matte: MatteRegion, staged: Sequence[StagedFile]
) -> dict[int, Path]:
    """The file of each frame in which a matte applies; one picture is the same for all."""
    frames = context.request.frames_of(matte)
    if matte.as_plate(context.request.shot.plate.range).kind is PlateKind.SEQUENCE:
        paths = {file.frame: Path(file.path) for file in staged}
        return {frame: paths[frame] for frame in frames}
    return dict.fromkeys(frames, Path(staged[0].path))


def required_files(submission: Submission) -> list[SourceFile]:
    """The files of the requested frames, in their order."""
    request = submission.request
    if request.shot.plate.kind is not PlateKind.SEQUENCE:
        return list(submission.plate_files)
    by_frame = {file.frame: file for file in submission.plate_files}
    return [by_frame[frame] for frame in request.frames]


def locate_inputs(context: JobContext) -> LocatedInputs:
    """Each required file with the path that the gateway reads.

    :raises OutsideMediaRoots: a path that this gateway may not read.
    :raises MissingFrames: missing files of the plate or of a matte; the error names all of them.
    :raises UnreadableMedia: a reference does not exist.
    :raises TransferError: files that have not been uploaded, or were removed since.
    :raises PlateChanged: the plate's first file, or a file of a matte, is not the one that the
        client saw.
    """
    submission, request = context.submission, context.request
    plate, missing = _locate(required_files(submission), context.gateway.storage)
    if missing:
        raise _missing_frames_error(missing, request.frames, request.shot.plate.path)
    _require_as_sent(*plate[0], PLATE_FILE)  # it is probed before all are staged
    references, missing = _locate(submission.reference_files, context.gateway.storage)
    if missing:
        raise UnreadableMedia(
            f"{len(missing)} of the references do not exist",
            where=missing[0].path,
            next_step="choose these references again, or send the shot without them",
            details={"paths": [file.path for file in missing]},
        )
    mattes = []
    for matte, files in zip(request.mattes, submission.matte_files, strict=True):
        located, missing = _locate(files, context.gateway.storage)
        if missing:
            raise _missing_frames_error(missing, request.frames_of(matte), matte.path)
        for file, path in located:
            _require_as_sent(file, path, MATTE_FILE)
        mattes.append(located)
    return LocatedInputs(plate, references, mattes)


def _locate(
    files: Iterable[SourceFile], storage: Storage
) -> tuple[list[LocatedFile], list[SourceFile]]:
    """The files with their paths, and those that are missing."""
    located: list[LocatedFile] = []
    missing: list[SourceFile] = []
    unsent: list[SourceFile] = []
    for file in files:
        path = storage.locate(file)
        if path is None:
            unsent.append(file)
        elif file.sha256 is not None or path.is_file():
            located.append((file, path))
        else:
            missing.append(file)
    if unsent and not missing:
        raise TransferError(
            f"{len(unsent)} of the pictures have not been sent",
            where=unsent[0].path,
            next_step="send the request again; the client then sends what is missing",
            details={"sha256": [file.sha256 for file in unsent]},
        )
    return located, missing


def stage_files(
    context: JobContext,
    located: Iterable[LocatedFile],
    subject: str,
    file_done: Callable[[], None] = lambda: None,
) -> tuple[StagedFile, ...]:
    """Read and hash every file. ``file_done`` is called after each; ``subject`` is what messages
    call a file.

    :raises JobCancelled: the job was cancelled meanwhile.
    :raises PlateChanged: a file is not the one that the client saw.
    :raises TransferError: an uploaded file does not match its hash; it is discarded.
    :raises UnreadableMedia: a file cannot be read.
    """
    staged: list[StagedFile] = []
    for file, path in located:
        _require_as_sent(file, path, subject)
        sha256 = hash_file(path, context.monitor.raise_if_cancelled)
        if file.sha256 is not None and file.sha256 != sha256:
            context.gateway.storage.blobs.discard(file.sha256)
            raise TransferError(
                "a picture that was sent has been changed or damaged on the gateway's disk",
                where=file.path,
                next_step="send the request again, which sends this picture again; check the "
                "disk of gateway.data_dir",
                details={"sha256": [file.sha256]},
            )
        _require_as_sent(file, path, subject, "while it was read")
        staged.append(
            StagedFile(
                source=file.path,
                path=str(path),
                frame=file.frame,
                size=file.size,
                mtime_ns=file.mtime_ns if file.sha256 is None else None,
                sha256=sha256,
            )
        )
        file_done()
    return tuple(staged)


def require_unchanged(
    files: Iterable[StagedFile], check_cancelled: Callable[[], None], subject: str
) -> None:
    """Check that the files are the same as when they were staged: uploaded ones by their hash,
    others by size and time. ``check_cancelled`` is called before each block and may raise.
    ``subject`` is what messages call a file.

    :raises PlateChanged: a file is no longer the one that was staged.
    """
    for file in files:
        path = Path(file.path)
        same = _is_unchanged(path, file.size, file.mtime_ns)
        if same and file.mtime_ns is None:
            same = hash_file(path, check_cancelled) == file.sha256
        if not same:
            raise _changed_error(subject, file.source, "while the job worked on it")


def _require_as_sent(
    file: SourceFile, path: Path, subject: str, when: str = "since it was sent"
) -> None:
    """Check that a file that is read by its path is the one that the client saw."""
    if file.sha256 is None and not _is_unchanged(path, file.size, file.mtime_ns):
        raise _changed_error(subject, file.path, when)


def _is_unchanged(path: Path, size: int, mtime_ns: int | None) -> bool:
    try:
        stat_result = path.stat()
    except OSError:
        return False
    return stat_result.st_size == size and mtime_ns in (None, stat_result.st_mtime_ns)


def _missing_frames_error(
    files: list[SourceFile], all_frames: Sequence[int], where: str
) -> MissingFrames:
    frames = [file.frame for file in files if file.frame is not None]
    return MissingFrames.of(frames or all_frames, where=where)


def _changed_error(subject: str, path: str, when: str) -> PlateChanged:
    return PlateChanged(
        f"{subject} changed {when}",
        where=path,
        next_step="wait until it is finished, then send the shot again",
    )
