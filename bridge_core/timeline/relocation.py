"""Media that was moved as a whole: the same folders under another root are the same media."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

#: ``v002``, ``exr_v002``, ``v002_fix``: another version is never the same media.
_VERSION_FOLDER = re.compile(r"(?:^|[._-])v\d+(?:$|[._-])", re.IGNORECASE)


class Relocation(NamedTuple):
    """Leading folders, and what stands in their place in another cut."""

    old_root: str = ""
    new_root: str = ""

    def relocate(self, path: str) -> str:
        """Where a path of the old cut is looked for in the new one."""
        return (
            self.new_root + path[len(self.old_root) :] if _is_below(path, self.old_root) else path
        )


def find_relocation(paths: Iterable[tuple[str, str]]) -> Relocation:
    """The root that was moved, of media of the same names: paths in an old cut and in a new one.

    It is one where it can be replaced in all of them, however many of them changed below it as
    well. A folder that carries a version, or stands below one that does, is none.
    """
    pairs = set(paths)
    differing_roots = {_strip_common_end(old, new) for old, new in pairs}
    # What was relinked below a moved root differs further down.
    old, new = min(differing_roots, key=lambda top: (len(top[0]), top), default=("", ""))
    if old == new or any(_VERSION_FOLDER.search(folder) for folder in _differing_folders(old, new)):
        return Relocation()
    if not all(_is_below(one, old) and _is_below(two, new) for one, two in pairs):
        return Relocation()
    return Relocation(old, new)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder) and path[len(folder) : len(folder) + 1] in ("", "/")


def _strip_common_end(old: str, new: str) -> tuple[str, str]:
    """Both paths without the folders and the name at their ends that are equal."""
    if old == new:
        return "", ""
    one, two = old.split("/"), new.split("/")
    while one and two and one[-1] == two[-1]:
        one.pop()
        two.pop()
    return "/".join(one), "/".join(two)


def _differing_folders(old: str, new: str) -> Iterator[str]:
    """The folders of both after those at their beginnings that are equal."""
    one, two = old.split("/"), new.split("/")
    while one and two and one[0] == two[0]:
        del one[0], two[0]
    yield from one
    yield from two
