"""Work folders: where a job's files stand until they are published.

They are in the library (``.work/JOB.INSTANCE``), so that publishing is a rename on one file system.
Several gateways may share a library: each knows the folders of its own jobs by its instance, and
removes no others.
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
_REMOVED_MARK = "gone"


class WorkDir:
    """The folder of one job of the gateway ``instance``."""

    def __init__(self, library: Path, job: str, instance: str) -> None:
        self.library = library
        self.path = library / WORK_DIR_NAME / f"{job}.{instance}"
        self.pictures = self.path / "pictures"
        """The provider's: its outputs and proxies."""
        self.result = self.path / "result"
        """What is being put together to be published; becomes the result's folder."""

    def create(self) -> None:
        """
        :raises StorageError: the library takes no folder (NotWritable), or nothing (DiskFull).
        """
        try:
            self.pictures.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error, self.pictures) from error

    def remove(self) -> None:
        """Remove the folder. It is renamed first, so that whoever still writes into it (an
        abandoned provider) finds it gone. What cannot be removed now is left to :func:`sweep`."""
        job, _, instance = self.path.name.partition(".")
        removed_path = self.path.with_name(f"{job}.{_REMOVED_MARK}.{instance}")
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
    """Remove the work folders whose jobs are not in ``keep``: what a kill or a failing disk left
    behind."""
    for folder in work_dirs:
        if folder.name.partition(".")[0] not in open_job_ids:
            shutil.rmtree(folder, ignore_errors=True)
