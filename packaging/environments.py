"""Compares installed packages with the locks; the last step of ``.ci/run``.

Checks the environment that runs this, whose lock is ``requirements-dev.lock``, and those that
:func:`tools.environment` created under ``.cache``. Prints a line for each package that is missing,
has another version or is in no lock, and then exits with 1.
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
from tools import CACHE, LOCKED, PYTHON, REPO

#: The package that is installed from the checkout.
OWN = "shotbridge"


def differences(lock: str, installed: Mapping[str, str], python: str) -> list[str]:
    """The differences between the installed packages and the lock, a line each.

    ``installed`` has versions by normalized name; ``python`` is a version such as 3.11.
    """
    named = {**default_environment(), "python_version": python, "python_full_version": python}
    wanted = {}
    for entry in map(Requirement, pins.requirements(lock)):
        if entry.marker is None or entry.marker.evaluate(named):
            [pin] = entry.specifier  # a lock has one version, by ==
            wanted[canonicalize_name(entry.name)] = pin.version
    lines = []
    for name in sorted({*wanted, *installed} - {OWN}):
        if name not in wanted:
            lines.append(f"{name} {installed[name]} is installed, and the lock does not name it")
        elif name not in installed:
            lines.append(f"{name} {wanted[name]} is locked and not installed")
        elif installed[name] != wanted[name]:
            lines.append(f"{name} {installed[name]} is installed, and {wanted[name]} is locked")
    return lines


def environments() -> Iterator[tuple[Path, Path]]:
    """Folders of virtual environments, each with its lock."""
    yield Path(sys.prefix), REPO / "packaging" / "requirements-dev.lock"
    for pattern in ("*", "*/*"):
        for lock in sorted(CACHE.glob(f"{pattern}/{LOCKED}")):
            yield lock.parent, lock


def main() -> None:
    wrong = False
    for folder, lock in environments():
        # On Windows, Lib/site-packages has no version: it is that of the running Python.
        for packages in (*folder.glob("lib/python3*/site-packages"), folder / "Lib/site-packages"):
            version = re.search(r"python(3\.\d+)$", str(packages.parent))
            python = version[1] if version else PYTHON
            if not packages.exists():
                continue
            found = distributions(path=[str(packages)])
            installed = {canonicalize_name(one.name): one.version for one in found}
            for line in differences(lock.read_text(encoding="utf-8"), installed, python):
                wrong = True
                print(f"{folder}: {line}")
    if wrong:
        sys.exit("environments differ from their locks: remove them and create them again")


if __name__ == "__main__":
    main()
