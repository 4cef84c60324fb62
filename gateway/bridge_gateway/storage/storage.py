"""Everything that the gateway reads, receives and publishes as files.

The only module that knows where they are: nothing outside ``storage/`` and ``library/`` reads the
settings of the library, the media roots and the uploads, or opens a store. See
docs/decisions/0017-storage-boundary.md.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bridge_core.errors import StorageUnavailable
from bridge_core.models.media import SourceFile, frame_paths
from bridge_core.models.settings import GatewaySettings
from bridge_core.models.versions import Result
from bridge_core.system.files import storage_errors
from bridge_gateway.library.paths import LibraryPaths
from bridge_gateway.library.work_dir import WORK_DIR_NAME, WorkDir
from bridge_gateway.providers.base import PROXY_PATTERN
from bridge_gateway.storage.blob_store import BlobStore
from bridge_gateway.storage.disks import Disk
from bridge_gateway.storage.media_roots import MediaRoots


@dataclass(frozen=True)
class Storage:
    """The media roots, which are only read; the files that clients uploaded; the library."""

    media: MediaRoots
    blobs: BlobStore
    library: LibraryFolder

    @classmethod
    def open(
        cls,
        settings: GatewaySettings,
        instance_id: str,
        list_pinned: Callable[[], Collection[str]],
    ) -> Storage:
        """Open the folders of the settings; ``list_pinned`` as for :class:`BlobStore`.

        :raises ConfigError: an invalid template of the library.
        :raises StorageError: the library or the blob store cannot be created.
        """
        folder, limit_bytes = settings.data_dir / "contents", settings.content_limit_mb * 1_000_000
        return cls(
            media=MediaRoots(settings.media_roots),
            library=LibraryFolder(settings, instance_id),
            blobs=BlobStore(folder, limit_bytes, list_pinned=list_pinned),
        )

    def locate(self, file: SourceFile) -> Path | None:
        """The path to read a client's file from, which need not exist; None where it is to be
        uploaded and is not complete.

        :raises OutsideMediaRoots: a path that this gateway may not read.
        :raises StorageUnavailable: the disk of a path does not answer.
        """
        if file.sha256 is not None:
            return self.blobs.find(file.sha256)
        return self.media.resolve(file.path)


class LibraryFolder:
    """The folders of results, and of this gateway's jobs in progress.

    :raises StorageUnavailable: from the methods that list: the library's disk does not answer.
    """

    def __init__(self, settings: GatewaySettings, instance_id: str) -> None:
        self.paths = LibraryPaths(settings)
        self.disk = Disk(settings.library_dir)
        self._instance_id = instance_id
        with storage_errors(self.disk.folder):
            self.disk.folder.mkdir(parents=True, exist_ok=True)

    def list_result_proxies(self, result: Result) -> dict[int, Path]:
        """The proxies of a result by frame."""
        if result.proxies is None:
            return {}
        return self._list_proxies([Path(result.folder)], result.frames, result.proxies.pattern)

    def list_job_proxies(self, job_id: str, frames: Sequence[int]) -> dict[int, Path]:
        """The proxies that a job has made so far, by frame."""
        work_dir = self.work_dir(job_id)
        return self._list_proxies([work_dir.pictures, work_dir.result], frames, PROXY_PATTERN)

    def work_dir(self, job_id: str) -> WorkDir:
        return WorkDir(self.disk.folder, job_id, self._instance_id)

    def remove_work_dir(self, work_dir: WorkDir) -> None:
        """Remove it, or leave it to :meth:`remove_stale_work_dirs` if the disk does not answer."""
        with suppress(StorageUnavailable):
            self.disk.run(work_dir.remove)

    def remove_stale_work_dirs(self, list_open_jobs: Callable[[], Collection[str]]) -> None:
        """Remove the work folders of jobs that are not open, which a kill or a failing disk left.
        What cannot be removed now is left to the next call."""

        def remove() -> None:
            # Listed before the open jobs, so that each folder's job is known.
            folders = list((self.disk.folder / WORK_DIR_NAME).glob(f"*.{self._instance_id}"))
            open_job_ids = list_open_jobs()
            for folder in folders:
                if folder.name.partition(".")[0] not in open_job_ids:
                    shutil.rmtree(folder, ignore_errors=True)

        with suppress(StorageUnavailable, OSError):
            self.disk.run(remove)

    def _list_proxies(
        self, folders: Sequence[Path], frames: Sequence[int], pattern: str
    ) -> dict[int, Path]:
        """From one listing of each folder: there may be thousands, and clients ask often."""
        proxy_folders = [folder / PurePosixPath(pattern).parent for folder in folders]
        existing = self.disk.run(lambda: _list_files(proxy_folders))
        names = (PurePosixPath(path).name for path in frame_paths(pattern, frames))
        by_frame = zip(frames, names, strict=True)
        return {frame: existing[name] for frame, name in by_frame if name in existing}


def _list_files(folders: Sequence[Path]) -> dict[str, Path]:
    """The files in these folders by name; of a name that occurs twice, the last one."""
    files: dict[str, Path] = {}
    for folder in folders:
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            files |= {entry.name: Path(entry.path) for entry in entries if entry.is_file()}
    return files
