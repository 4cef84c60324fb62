"""Reads the requirements locks."""

from __future__ import annotations

import re


def lock_entries(lock: str) -> dict[str, str]:
    """The entries of a lock by package name, each with its hashes, unchanged.

    If a package has versions for several Pythons, its entry has all of them.
    """
    entries: dict[str, str] = {}
    for entry in re.findall(r"^[a-z0-9].*?(?<!\\)\n", lock, flags=re.MULTILINE | re.DOTALL):
        name = re.match(r"[a-z0-9-]+", entry)[0]  # type: ignore[index]
        entries[name] = entries.get(name, "") + entry
    return entries


def without_packages(lock: str, *names: str) -> str:
    """A lock without some packages.

    :raises KeyError: one of them is not in it.
    """
    kept = lock_entries(lock)
    for name in names:
        del kept[name]
    return "".join(kept.values())


def requirements(lock: str) -> list[str]:
    """The requirements of a lock, without hashes."""
    joined = lock.replace("\\\n", " ").splitlines()
    return [line.split("--hash=")[0].strip() for line in joined if line and line[0] != "#"]
