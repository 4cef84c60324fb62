"""Work folders: where a job's files stand until they are published.

They are in the library (``.work/JOB``), so that publishing is a rename on one file system.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from bridge_gateway.media.atomic import storage_error

_ROOM = ".work"
_GONE = ".gone"


class WorkFolder:
    """The folder of one job."""

    def __init__(self, library: Path, job: str) -> None:
        self.library = library
        self.path = library / _ROOM / job
        self.pictures = self.path / "pictures"
        """The provider's: its outputs and proxies."""
        self.result = self.path / "result"
        """What is being put together to be published; becomes the result's folder."""

    def make(self) -> None:
        """
        :raises StorageError: the library takes no folder (NotWritable), or nothing (DiskFull).
        """
        try:
            self.pictures.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error, self.pictures) from error

    def remove(self) -> None:
        """Take the folder away. Its old name is free at once, so that whoever may still write
        into it (an abandoned provider) writes to nowhere."""
        gone = self.path.with_name(self.path.name + _GONE)
        with suppress(FileNotFoundError):
            self.path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def sweep(library: Path, keep: Collection[str]) -> None:
    """Remove the work folders of all jobs but ``keep``: what a kill left behind."""
    room = library / _ROOM
    if not room.is_dir():
        return
    for folder in room.iterdir():
        if folder.name not in keep:
            shutil.rmtree(folder, ignore_errors=True)
