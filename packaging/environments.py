"""Compares what is installed with the locks: ``.ci/run`` ends with it.

Looks at the environment that runs this, whose lock is ``requirements-dev.lock``, and at those that
:func:`tools.environment` made under ``.cache``. Each package that no lock
names, that is missing or has another version is a line of its own, and makes the exit code 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path

import pins
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tools import CACHE, LOCKED, REPO

#: What is installed from the checkout itself.
OWN = "shotbridge"


def differences(lock: str, installed: Mapping[str, str], python: str) -> list[str]:
    """How what is installed differs from the lock, in words; empty where it does not.

    ``installed`` has versions by normalized name, ``python`` is a version such as 3.11.
    """
    named = {**default_environment(), "python_version": python, "python_full_version": python}
    wanted = {}
    for entry in map(Requirement, pins.requirements(lock)):
        if entry.marker is None or entry.marker.evaluate(named):
            [pin] = entry.specifier  # a lock has one version, by ==
            wanted[canonicalize_name(entry.name)] = pin.version
    found = []
    for name in sorted({*wanted, *installed} - {OWN}):
        if name not in wanted:
            found.append(f"{name} {installed[name]} is installed, and the lock does not name it")
        elif name not in installed:
            found.append(f"{name} {wanted[name]} is locked and not installed")
        elif installed[name] != wanted[name]:
            found.append(f"{name} {installed[name]} is installed, and {wanted[name]} is locked")
    return found


def environments() -> Iterator[tuple[Path, Path]]:
    """Folders of virtual environments, each with its lock."""
    yield Path(sys.prefix), REPO / "packaging" / "requirements-dev.lock"
    for pattern in ("*", "*/*"):
        for lock in sorted(CACHE.glob(f"{pattern}/{LOCKED}")):
            yield lock.parent, lock


def main() -> None:
    wrong = False
    for folder, lock in environments():
        # Windows has Lib/site-packages, which does not tell the Python: it is the one that runs.
        for packages in (*folder.glob("lib/python3*/site-packages"), folder / "Lib/site-packages"):
            version = re.search(r"python(3\.\d+)$", str(packages.parent))
            python = version[1] if version else "{}.{}".format(*sys.version_info)
            installed = {
                canonicalize_name(one.name): one.version
                for one in distributions(path=[str(packages)])
            }
            if not packages.exists():
                continue
            for line in differences(lock.read_text(encoding="utf-8"), installed, python):
                wrong = True
                print(f"{folder}: {line}")
    if wrong:
        sys.exit("environments differ from their locks: remove them and make them again")


if __name__ == "__main__":
    main()
