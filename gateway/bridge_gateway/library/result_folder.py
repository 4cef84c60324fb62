"""The folder of a finished result, and its way into the library, where nothing is ever
overwritten.

The files go to the work folder's ``result/`` under their final names, the lineage is written beside
them, all are made read-only, and one rename moves the folder into the library. Each function may be
called again after a kill.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from bridge_core.errors import CheckFailed
from bridge_core.models.versions import Lineage, ResultFile
from bridge_core.system.files import atomic_write_bytes, storage_error
from bridge_gateway.library.paths import LINEAGE_NAME
from bridge_gateway.library.work_dir import WorkDir

_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def is_in_place(final: Path, job_id: str) -> bool:
    """Whether an earlier attempt of the job has already moved its folder to ``final``."""
    try:
        lineage = Lineage.parse(
            (final / LINEAGE_NAME).read_bytes(), where=str(final / LINEAGE_NAME)
        )
    except FileNotFoundError:
        return False
    return lineage.job_id == job_id


def move_into_result(
    work_dir: WorkDir, names: Mapping[str, str], files: Iterable[ResultFile]
) -> None:
    """Move ``files`` from the provider's folder to ``result/``, read-only. ``names`` has the final
    name of each file that gets a new one.

    :raises CheckFailed: a file is in neither folder.
    """
    for file in files:
        old = work_dir.pictures / file.path
        new = work_dir.result / names.get(file.path, file.path)
        if old.exists():
            new.parent.mkdir(parents=True, exist_ok=True)
            old.rename(new)
            _make_read_only(new)
        elif not new.exists():
            raise CheckFailed(
                "a finished file is missing from the work folder",
                where=str(old),
                next_step="find out what removes files under .work in the library, and send the "
                "job again",
            )


def move_back(work_dir: WorkDir, names: Mapping[str, str], files: Iterable[ResultFile]) -> None:
    """Undo :func:`move_into_result`."""
    for file in files:
        new = work_dir.result / names.get(file.path, file.path)
        if new.exists():
            old = work_dir.pictures / file.path
            old.parent.mkdir(parents=True, exist_ok=True)
            new.rename(old)


def write_lineage(work_dir: WorkDir, lineage: Lineage) -> None:
    """Write the lineage beside the files of ``result/``.

    :raises StorageError: it cannot be written.
    """
    path = work_dir.result / LINEAGE_NAME
    atomic_write_bytes(path, lineage.model_dump_json(indent=1).encode())
    _make_read_only(path)


def rename_into_library(result: Path, final: Path) -> bool:
    """Rename the finished folder to its final path; False where that exists.

    :raises StorageError: the parent folder cannot be written.
    """
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(final):
            return False
        # A rename replaces an empty folder at most, so of two gateways one fails here.
        result.rename(final)
    except OSError as error:
        if os.path.lexists(final):
            return False
        raise storage_error(error, final) from error
    return True


def _make_read_only(path: Path) -> None:
    path.chmod(path.stat().st_mode & ~_WRITABLE)
