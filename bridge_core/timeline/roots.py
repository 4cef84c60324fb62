"""Media that was moved as a whole: the same folders under another root are the same media."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

#: ``v002``, ``exr_v002``, ``v002_fix``: another version is never the same media.
_VERSION = re.compile(r"(?:^|[._-])v\d+(?:$|[._-])", re.IGNORECASE)


class Root(NamedTuple):
    """Leading folders, and what stands in their place in another cut."""

    old: str = ""
    new: str = ""

    def moved(self, path: str) -> str:
        """Where a path of the old cut is looked for in the new one."""
        return self.new + path[len(self.old) :] if _is_below(path, self.old) else path


def moved_root(paths: Iterable[tuple[str, str]]) -> Root:
    """The root that was moved, of media of the same names: paths in an old cut and in a new one.

    It is one where it can be replaced in all of them, however many of them changed below it as
    well. A folder that carries a version, or stands below one that does, is none.
    """
    known = set(paths)
    tops = {_different(old, new) for old, new in known}
    # What was relinked below a moved root differs further down.
    old, new = min(tops, key=lambda top: (len(top[0]), top), default=("", ""))
    if old == new or any(_VERSION.search(folder) for folder in _apart(old, new)):
        return Root()
    if not all(_is_below(one, old) and _is_below(two, new) for one, two in known):
        return Root()
    return Root(old, new)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder) and path[len(folder) : len(folder) + 1] in ("", "/")


def _different(old: str, new: str) -> tuple[str, str]:
    """Both paths without the folders and the name at their ends that are equal."""
    if old == new:
        return "", ""
    one, two = old.split("/"), new.split("/")
    while one and two and one[-1] == two[-1]:
        one.pop()
        two.pop()
    return "/".join(one), "/".join(two)


def _apart(old: str, new: str) -> Iterator[str]:
    """The folders of both after those at their beginnings that are equal."""
    one, two = old.split("/"), new.split("/")
    while one and two and one[0] == two[0]:
        del one[0], two[0]
    yield from one
    yield from two
