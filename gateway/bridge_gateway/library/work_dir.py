"""Work folders: they hold a job's files until these are published.

They are in the library (``.work/JOB.INSTANCE``), so that publishing is a rename on one file system.
Several gateways may share a library: each removes only folders with its own instance id.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from bridge_gateway.storage.atomic_files import storage_error

_log = logging.getLogger(__name__)

#: Folder of all work folders, in the library.
WORK_DIR_NAME = ".work"
_REMOVED_TAG = "gone"


class WorkDir:
    """The work folder of one job of the gateway ``instance``."""

    def __init__(self, library: Path, job: str, instance: str) -> None:
        self.library = library
        self.path = library / WORK_DIR_NAME / f"{job}.{instance}"
        self.pictures = self.path / "pictures"
        """The provider's outputs and proxies."""
        self.result = self.path / "result"
        """The files to publish; becomes the result's folder."""

    def create(self) -> None:
        """
        :raises NotWritable: the folder cannot be created.
        :raises DiskFull: the disk is full.
        """
        try:
            self.pictures.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error, self.pictures) from error

    def remove(self) -> None:
        """Remove the folder. It is renamed first, so that an abandoned provider cannot write to it
        any more. What cannot be removed now is left to :func:`remove_stale`."""
        job, _, instance = self.path.name.partition(".")
        removed_path = self.path.with_name(f"{job}.{_REMOVED_TAG}.{instance}")
        with suppress(OSError):
            self.path.rename(removed_path)
        shutil.rmtree(removed_path, ignore_errors=True)


def list_work_dirs(library: Path, instance: str) -> list[Path]:
    """The work folders of all jobs of the gateway ``instance``."""
    try:
        return list((library / WORK_DIR_NAME).glob(f"*.{instance}"))
    except OSError:
        return []


def remove_stale(work_dirs: Iterable[Path], open_job_ids: Collection[str]) -> None:
    """Remove the work folders of jobs that are not open, which a kill or a failing disk left."""
    for folder in work_dirs:
        if folder.name.partition(".")[0] not in open_job_ids:
            shutil.rmtree(folder, ignore_errors=True)
