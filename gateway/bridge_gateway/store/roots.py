"""The folders that plates may be read from where they lie."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from bridge_core.errors import OutsideRoots
from bridge_core.models.media import SourceFile


class Roots:
    """Answers for a path that somebody named: may this gateway read it, and is it still the same.

    ``paths`` are followed through their own symbolic links once, when the object is made. A path
    counts as inside by where it really leads, so neither ``..`` nor a link out of a root gets
    anywhere. Whoever may create links inside a root is trusted not to swap them between this
    check and the reading.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = tuple(Path(os.path.realpath(path)) for path in paths)

    def resolve(self, path: str) -> Path:
        """Where an absolute path leads; it need not exist (a sequence's pattern does not).

        :raises OutsideRoots: anywhere else. The words are the same whether something is there or
            not, so nobody can feel for files outside the roots.
        """
        try:
            if Path(path).is_absolute():
                real = Path(os.path.realpath(path))
                if any(real.is_relative_to(root) for root in self.paths):
                    return real
        except (OSError, ValueError):
            # Null characters, lone surrogates, loops of links: names that lead nowhere.
            pass
        raise OutsideRoots(
            "the gateway may not read this path",
            where=path,
            next_step="send the pictures instead, or have their folder added to "
            "gateway.media_roots",
        )

    def readable(self, file: SourceFile) -> bool:
        """Whether the gateway can read the file itself and finds it as the client saw it."""
        try:
            path = self.resolve(file.path)
            found = path.stat()
        except (OutsideRoots, OSError):
            return False
        return (
            stat.S_ISREG(found.st_mode)
            and found.st_size == file.size
            and found.st_mtime_ns == file.mtime_ns
            and os.access(path, os.R_OK)
        )
