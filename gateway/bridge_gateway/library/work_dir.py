"""Work folders: they hold a job's files until these are published. The space that a job needs, and
the errors of the disk.

They are in the library (``.work/JOB.INSTANCE``), so that publishing is a rename on one file system.
Several gateways may share a library: each removes only folders with its own instance id.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bridge_core.errors import DiskFull, StorageError, StorageUnavailable
from bridge_core.models.requests import Request
from bridge_core.system.files import DISK_FULL_ERRNOS, storage_error, storage_errors
from bridge_gateway.providers.base import PROXY_FILENAME

#: Folder of all work folders, in the library.
WORK_DIR_NAME = ".work"
_REMOVED_TAG = "gone"

#: Bytes of a pixel: four channels of uncompressed half float.
_BYTES_PER_PIXEL = 8

_DESCRIPTOR_LIMIT_CODES = (errno.EMFILE, errno.ENFILE)


class WorkDir:
    """The work folder of one job of the gateway ``instance``."""

    def __init__(self, library: Path, job: str, instance: str) -> None:
        self.library = library
        self.path = library / WORK_DIR_NAME / f"{job}.{instance}"
        self.pictures = self.path / "pictures"
        """The provider's outputs and proxies."""
        self.result = self.path / "result"
        """The files to publish; becomes the result's folder."""

    def proxy(self, frame: int) -> Path:
        """The proxy of a frame in the provider's folder."""
        return self.pictures / PROXY_FILENAME.format(frame=frame)

    def create(self) -> None:
        """
        :raises NotWritable: the folder cannot be created.
        :raises DiskFull: the disk is full.
        """
        with storage_errors(self.pictures):
            self.pictures.mkdir(parents=True, exist_ok=True)

    def remove(self) -> None:
        """Remove the folder. It is renamed first, so that an abandoned provider cannot write to it
        any more. What cannot be removed now is stale, and removed later."""
        job, _, instance = self.path.name.partition(".")
        removed_path = self.path.with_name(f"{job}.{_REMOVED_TAG}.{instance}")
        with suppress(OSError):
            self.path.rename(removed_path)
        shutil.rmtree(removed_path, ignore_errors=True)


def require_disk_space(work_dir: WorkDir, request: Request, source_bytes: int) -> None:
    """Refuse a job that does not fit.

    Its size is estimated as uncompressed EXR of the plate's size; where that is unknown, as the
    size of the plate's files (``source_bytes``).

    :raises DiskFull: there is less space than that.
    :raises StorageError: the library does not exist.
    """
    plate = request.shot.plate
    needed_bytes = source_bytes
    if plate.width and plate.height:
        needed_bytes = len(request.frames) * plate.width * plate.height * _BYTES_PER_PIXEL
    free_bytes = shutil.disk_usage(work_dir.library).free
    if needed_bytes > free_bytes:
        raise _disk_full(work_dir, needed_bytes, free_bytes)


@contextmanager
def library_errors(work_dir: WorkDir, request: Request) -> Iterator[None]:
    """Translate the disk's errors inside the block; a full disk is reported with the job's needs.

    :raises StorageError: instead of the system's error, or of a DiskFull without the job's needs.
    """
    try:
        yield
    except DiskFull as error:
        if "needed_bytes" in error.details:
            raise
        raise _disk_full_during_job(work_dir, request, error) from error
    except OSError as error:
        if error.errno in DISK_FULL_ERRNOS:
            raise _disk_full_during_job(
                work_dir, request, storage_error(error, work_dir.path)
            ) from error
        if error.errno in _DESCRIPTOR_LIMIT_CODES:
            raise StorageUnavailable(
                "the gateway cannot open more files: " + os.strerror(error.errno),
                where=error.filename or str(work_dir.path),
                next_step="raise the limit of open files (ulimit -n); the job resumes by itself",
            ) from error
        if error.errno != errno.EIO and error.filename is None:
            raise  # not the error of a file
        raise storage_error(error, Path(error.filename or work_dir.path)) from error


def _disk_full_during_job(work_dir: WorkDir, request: Request, error: StorageError) -> StorageError:
    """The error with the job's needs, or ``error`` where the disk cannot be read."""
    with suppress(OSError):
        return _measure_need(work_dir, request)
    return error


def _measure_need(work_dir: WorkDir, request: Request) -> DiskFull:
    sizes = [path.stat().st_size for path in work_dir.pictures.rglob("*") if path.is_file()]
    finished = sum(work_dir.proxy(frame).exists() for frame in request.frames)
    frames = len(request.frames)
    # One more frame than finished is partly on the disk.
    needed_bytes = sum(sizes) * frames // max(1, min(finished, frames))
    # The files of the job are removed with it.
    free_bytes = shutil.disk_usage(work_dir.library).free + sum(sizes)
    return _disk_full(work_dir, max(needed_bytes, free_bytes + 1), free_bytes)


def _disk_full(work_dir: WorkDir, needed_bytes: int, free_bytes: int) -> DiskFull:
    return DiskFull(
        f"the job needs about {_format_size(needed_bytes)} and the library has "
        f"{_format_size(free_bytes)}",
        where=str(work_dir.library),
        next_step=f"free at least {_format_size(needed_bytes - free_bytes)} there, or set "
        "gateway.library_dir to a larger disk, and send the job again; nothing was published",
        details={"needed_bytes": needed_bytes, "free_bytes": free_bytes},
    )


def _format_size(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
