"""Relocated media: the same folders under another root are the same media."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

#: ``v002``, ``exr_v002``, ``v002_fix``: other versions are other media.
_VERSION_FOLDER = re.compile(r"(?:^|[._-])v\d+(?:$|[._-])", re.IGNORECASE)


class Relocation(NamedTuple):
    """A root folder of one cut, and the one that replaces it in another."""

    old_root: str = ""
    new_root: str = ""

    def relocate(self, path: str) -> str:
        """The path in the new cut of a path in the old one."""
        return (
            self.new_root + path[len(self.old_root) :] if _is_below(path, self.old_root) else path
        )


def find_relocation(paths: Iterable[tuple[str, str]]) -> Relocation:
    """The root that was relocated, from pairs of old and new paths of media with equal names.

    A root counts as relocated if it can be replaced in all pairs, even if some of them changed
    below it as well. A version folder, or a folder below one, never does.
    """
    pairs = set(paths)
    differing_roots = {_strip_common_end(old, new) for old, new in pairs}
    # Media that was relinked below a relocated root differs further down.
    old, new = min(differing_roots, key=lambda top: (len(top[0]), top), default=("", ""))
    if old == new or any(_VERSION_FOLDER.search(folder) for folder in _differing_folders(old, new)):
        return Relocation()
    if not all(_is_below(one, old) and _is_below(two, new) for one, two in pairs):
        return Relocation()
    return Relocation(old, new)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder) and path[len(folder) : len(folder) + 1] in ("", "/")


def _strip_common_end(old: str, new: str) -> tuple[str, str]:
    """Both paths without their common last parts."""
    if old == new:
        return "", ""
    one, two = old.split("/"), new.split("/")
    while one and two and one[-1] == two[-1]:
        one.pop()
        two.pop()
    return "/".join(one), "/".join(two)


def _differing_folders(old: str, new: str) -> Iterator[str]:
    """The folders of both paths without their common first parts."""
    one, two = old.split("/"), new.split("/")
    while one and two and one[0] == two[0]:
        del one[0], two[0]
    yield from one
    yield from two
