"""Reads the requirements locks."""

from __future__ import annotations

import re


def entries(lock: str) -> dict[str, str]:
    """The entries of a lock by the name of the package, each with its hashes, as they stand."""
    found: dict[str, str] = {}
    for entry in re.findall(r"^[a-z0-9].*?(?<!\\)\n", lock, flags=re.MULTILINE | re.DOTALL):
        found[re.match(r"[a-z0-9-]+", entry)[0]] = entry  # type: ignore[index]
    return found


def without(lock: str, *names: str) -> str:
    """A lock without some packages.

    :raises KeyError: one of them is not in it.
    """
    kept = entries(lock)
    for name in names:
        del kept[name]
    return "".join(kept.values())
