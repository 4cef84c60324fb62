"""The folders that plates may be read from, each with threads of its own."""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from bridge_core.errors import OutsideMediaRoots
from bridge_core.models.media import SourceFile
from bridge_gateway.storage.disks import Disk

#: Files that are checked in one call to a disk: few enough for its timeout.
_BATCH_SIZE = 1000


class MediaRoots:
    """Decides whether the gateway may read a path, and whether a file is unchanged.

    Symbolic links in ``paths`` are resolved once, when the object is created. A path is inside a
    root if its real path is, so neither ``..`` nor a link leads out of it. Users who may create
    links inside a root are trusted not to replace them between the check and the reading.

    :raises StorageUnavailable: from every method: the disk of a path does not answer. Calls to
        other disks are not delayed.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        given_paths = tuple(paths)
        self.paths = tuple(Path(os.path.realpath(path)) for path in given_paths)
        self.disks = tuple(Disk(path) for path in self.paths)
        #: By prefix. A path with another prefix may still lead into a root by a link.
        self._disk_by_prefix = [*zip(self.paths, self.disks, strict=True)]
        self._disk_by_prefix += zip(given_paths, self.disks, strict=True)
        self._other_disk = Disk(Path("/"))

    def resolve(self, path: str) -> Path:
        """The real path of an absolute path, which need not exist (a sequence's pattern does not).

        :raises OutsideMediaRoots: it is outside. The message is the same whether the file exists or
            not, so that nobody can probe for files outside the roots.
        """
        real = self._disk_of(path).run(lambda: self._resolve_inside(path))
        if real is not None:
            return real
        raise OutsideMediaRoots(
            "the gateway may not read this path",
            where=path,
            next_step="upload the pictures instead, or have their folder added to "
            "gateway.media_roots",
        )

    def is_readable(self, file: SourceFile) -> bool:
        """Whether the gateway can read the file, and it is as the client saw it."""
        return bool(self.readable_positions([file]))

    def readable_positions(self, files: Sequence[SourceFile]) -> list[int]:
        """The positions of the files that satisfy :meth:`is_readable`, ascending."""
        by_disk: dict[Disk, list[int]] = {}
        disk_of = functools.cache(self._disk_of)
        for position, file in enumerate(files):
            by_disk.setdefault(disk_of(os.path.split(file.path)[0]), []).append(position)
        readable: list[int] = []
        for disk, positions in by_disk.items():
            for first in range(0, len(positions), _BATCH_SIZE):
                batch = {i: files[i] for i in positions[first : first + _BATCH_SIZE]}
                readable += disk.run(functools.partial(self._readable_in_batch, batch))
        return sorted(readable)

    def _disk_of(self, path: str) -> Disk:
        for root, disk in self._disk_by_prefix:
            if Path(path).is_relative_to(root):
                return disk
        return self._other_disk

    def _resolve_inside(self, path: str) -> Path | None:
        try:
            if Path(path).is_absolute():
                real = Path(os.path.realpath(path))
                if any(real.is_relative_to(root) for root in self.paths):
                    return real
        except (OSError, ValueError):
            # Null characters, lone surrogates, loops of links.
            pass
        return None

    def _readable_in_batch(self, files: Mapping[int, SourceFile]) -> list[int]:
        # Frames share a folder. It is resolved once, since each of its parts is a system call.
        resolve_folder = functools.cache(self._resolve_inside)
        return [i for i, file in files.items() if self._is_readable(file, resolve_folder)]

    def _is_readable(self, file: SourceFile, resolve_folder: Callable[[str], Path | None]) -> bool:
        folder, name = os.path.split(file.path)
        real_folder = resolve_folder(folder)
        try:
            real: str | Path | None = None
            if real_folder is not None and name not in ("", os.curdir, os.pardir):
                real = f"{real_folder}{os.sep}{name}"
                file_stat = os.lstat(real)
            if real is None or stat.S_ISLNK(file_stat.st_mode):
                real = self._resolve_inside(file.path)
                if real is None:
                    return False
                file_stat = real.stat()
        except (OSError, ValueError):
            return False
        return (
            stat.S_ISREG(file_stat.st_mode)
            and file_stat.st_size == file.size
            and file_stat.st_mtime_ns == file.mtime_ns
            and os.access(real, os.R_OK)
        )
