"""The library's disk: room asked for before a job, and what it refuses in words."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bridge_core.errors import DiskFull, StorageError, StorageUnavailable
from bridge_core.models.requests import Request
from bridge_gateway.jobs.work import WorkFolder
from bridge_gateway.media.atomic import storage_error
from bridge_gateway.providers.contract import PROXY

#: Bytes of a pixel: four channels of half float, not compressed.
_PIXEL_BYTES = 8

_FULL = (errno.ENOSPC, errno.EDQUOT)
_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)


def require(folder: WorkFolder, request: Request, source_bytes: int) -> None:
    """Refuse a job that cannot fit.

    What it will write is guessed as EXR of the plate's size without compression; where nobody
    named the size, as much as the plate itself (``source_bytes``).

    :raises DiskFull: there is less space than that.
    :raises StorageError: the library is not there.
    """
    plate = request.shot.plate
    need = source_bytes
    if plate.width and plate.height:
        need = len(request.frames) * plate.width * plate.height * _PIXEL_BYTES
    free = shutil.disk_usage(folder.library).free
    if need > free:
        raise _full(folder, need, free)


@contextmanager
def told_of_disk(folder: WorkFolder, request: Request) -> Iterator[None]:
    """What a disk refuses inside the block, in words; of a full one, how much the job needs.

    :raises StorageError: in place of the system's own error, or of one that knows less.
    """
    try:
        yield
    except DiskFull as error:
        if "needed_bytes" in error.details:
            raise
        raise _ran_out(folder, request, error) from error
    except OSError as error:
        if error.errno in _FULL:
            raise _ran_out(folder, request, storage_error(error, folder.path)) from error
        if error.errno in _DESCRIPTORS:
            raise StorageUnavailable(
                "the gateway has no more files to open: " + os.strerror(error.errno),
                where=error.filename or str(folder.path),
                next_step="raise the limit of open files (ulimit -n); the job goes on by itself",
            ) from error
        if error.errno != errno.EIO and error.filename is None:
            raise  # not about a file
        raise storage_error(error, Path(error.filename or folder.path)) from error


def _ran_out(folder: WorkFolder, request: Request, error: StorageError) -> StorageError:
    """``error`` with how much the job needs, as far as the disk still tells."""
    with suppress(OSError):
        return _needed(folder, request)
    return error


def _needed(folder: WorkFolder, request: Request) -> DiskFull:
    sizes = [path.stat().st_size for path in folder.pictures.rglob("*") if path.is_file()]
    finished = sum(
        (folder.pictures / PROXY.format(frame=frame)).exists() for frame in request.frames
    )
    frames = len(request.frames)
    # One frame more than finished is on the disk, in part.
    need = sum(sizes) * frames // max(1, min(finished, frames))
    # What the job has written goes away with it.
    free = shutil.disk_usage(folder.library).free + sum(sizes)
    return _full(folder, max(need, free + 1), free)


def _full(folder: WorkFolder, need: int, free: int) -> DiskFull:
    return DiskFull(
        f"the job needs about {_spell(need)} and the library has {_spell(free)}",
        where=str(folder.library),
        next_step=f"free at least {_spell(need - free)} there, or set gateway.library_dir to a "
        "larger disk, and send the job again; nothing was published",
        details={"needed_bytes": need, "free_bytes": free},
    )


def _spell(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
