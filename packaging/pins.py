"""Reads the requirements locks."""

from __future__ import annotations

import re


def lock_entries(lock: str) -> dict[str, str]:
    """The entries of a lock by the name of the package, each with its hashes, as they stand.

    A package with a version for each of several Pythons has all of them in its entry.
    """
    found: dict[str, str] = {}
    for entry in re.findall(r"^[a-z0-9].*?(?<!\\)\n", lock, flags=re.MULTILINE | re.DOTALL):
        name = re.match(r"[a-z0-9-]+", entry)[0]  # type: ignore[index]
        found[name] = found.get(name, "") + entry
    return found


def without_packages(lock: str, *names: str) -> str:
    """A lock without some packages.

    :raises KeyError: one of them is not in it.
    """
    kept = lock_entries(lock)
    for name in names:
        del kept[name]
    return "".join(kept.values())


def requirements(lock: str) -> list[str]:
    """What is required, in a line each, without hashes."""
    joined = lock.replace("\\\n", " ").splitlines()
    return [line.split("--hash=")[0].strip() for line in joined if line and line[0] != "#"]
