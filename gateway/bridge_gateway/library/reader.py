"""Reads the files of published results from the library."""

from __future__ import annotations

import os
from pathlib import Path

from bridge_core.errors import NotFound, OutsideMediaRoots
from bridge_core.models.media import frame_path
from bridge_core.models.versions import Lineage, Result, ResultFile
from bridge_core.system.files import hash_file
from bridge_gateway.library.paths import LINEAGE_NAME


def find_file(result: Result, path: str) -> Path:
    """A file of a result by its path relative to the result's folder.

    :raises OutsideMediaRoots: the path leads out of the folder, by ``..`` or by a link.
    :raises NotFound: there is no such file.
    """
    folder = Path(os.path.realpath(result.folder))
    try:
        real_path = Path(os.path.realpath(folder / path))
        is_inside = real_path.is_relative_to(folder)
        exists = is_inside and real_path.is_file()
    except (OSError, ValueError):
        # An impossible name: too long, with a null character or a lone surrogate.
        is_inside, exists = True, False
    if not is_inside:
        raise OutsideMediaRoots(
            "this path leads out of the result's folder",
            where=path,
            next_step="ask for the list of its files and use a path from it",
        )
    if not exists:
        raise NotFound(
            "the result has no such file",
            where=path,
            next_step="ask for the list of its files; if this one is in it, it was removed from "
            "the library: restore it from a backup",
        )
    return real_path


def find_proxy(result: Result, frame: int) -> Path:
    """The proxy of a frame.

    :raises NotFound: the result does not have this frame.
    """
    if frame not in result.frames or result.proxies is None:
        frames = f"{result.frames[0]}-{result.frames[-1]}" if result.proxies else "no pictures"
        raise NotFound(
            f"the result does not have frame {frame}",
            where=f"result {result.id}",
            next_step=f"it has {frames}",
        )
    return find_file(result, frame_path(result.proxies.pattern, frame))


def read_lineage(result: Result) -> Lineage:
    """The lineage that was written beside the result's files."""
    path = find_file(result, LINEAGE_NAME)
    return Lineage.parse(path.read_bytes(), where=str(path))


def list_files(result: Result) -> list[ResultFile]:
    """Every file of a result, the lineage last."""
    path = find_file(result, LINEAGE_NAME)
    lineage_file = ResultFile(path=LINEAGE_NAME, size=path.stat().st_size, sha256=hash_file(path))
    return [*read_lineage(result).outputs, lineage_file]
