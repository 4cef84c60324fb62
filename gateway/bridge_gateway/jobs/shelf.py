"""Reading what stands in the library: the files of published results."""

from __future__ import annotations

import os
from pathlib import Path

from bridge_core.errors import NotFound, OutsideRoots
from bridge_core.models.media import frame_path
from bridge_core.models.versions import Lineage, Result, ResultFile
from bridge_gateway.jobs.inputs import sha256_of
from bridge_gateway.jobs.naming import LINEAGE, THUMBNAIL


def file(result: Result, path: str) -> Path:
    """A file of a result by its path relative to the result's folder.

    :raises OutsideRoots: the path leads out of the folder, by ``..`` or by a link.
    :raises NotFound: there is no such file.
    """
    folder = Path(os.path.realpath(result.folder))
    try:
        real = Path(os.path.realpath(folder / path))
        inside = real.is_relative_to(folder)
        found = inside and real.is_file()
    except (OSError, ValueError):
        # A name that no file system takes: too long, a null character, half a letter.
        inside, found = True, False
    if not inside:
        raise OutsideRoots(
            "this path leads out of the result's folder",
            where=path,
            next_step="ask for the list of its files and use a path from it",
        )
    if not found:
        raise NotFound(
            "the result has no such file",
            where=path,
            next_step="ask for the list of its files; if it names this one, somebody removed it "
            "from the library: restore it from a backup",
        )
    return real


def proxy(result: Result, frame: int) -> Path:
    """The proxy of a plate frame.

    :raises NotFound: the result does not hold this frame.
    """
    if frame not in result.frames:
        raise NotFound(
            f"the result does not hold frame {frame}",
            where=f"result {result.id}",
            next_step=f"it holds {result.frames[0]}-{result.frames[-1]}",
        )
    return file(result, frame_path(result.proxies.pattern, frame))


def thumbnail(result: Result) -> Path:
    return file(result, THUMBNAIL)


def lineage(result: Result) -> Lineage:
    """How the result was made, as it was written beside its files."""
    path = file(result, LINEAGE)
    return Lineage.load(path.read_bytes(), where=str(path))


def files(result: Result) -> list[ResultFile]:
    """Every file of a result, the lineage itself last."""
    path = file(result, LINEAGE)
    own = ResultFile(path=LINEAGE, size=path.stat().st_size, sha256=sha256_of(path))
    return [*lineage(result).outputs, own]
