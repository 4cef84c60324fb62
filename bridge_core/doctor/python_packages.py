"""Checks of Python and the client's libraries. Standard library only."""

from __future__ import annotations

import importlib.util
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import bridge_core
from bridge_core.hosts.check_result import CheckResult
from bridge_core.hosts.installations import version_numbers

SECTION = "Shotbridge"


@dataclass(frozen=True, slots=True)
class ClientLibrary:
    """A library of the client; a test compares it with the requirements in setup.py."""

    package: str
    module: str
    min_version: str
    broken_versions: tuple[str, ...] = ()
    broken_reason: str = ""


CLIENT_LIBRARIES = (
    ClientLibrary(
        "PySide6-Essentials",
        "PySide6",
        "6.5.3",
        broken_versions=("6.12.0",),
        broken_reason="has a reference counting bug that aborts the process",
    ),
    ClientLibrary("requests", "requests", "2.31"),
    ClientLibrary("pydantic", "pydantic", "2.10"),
    ClientLibrary("PyYAML", "yaml", "6.0"),
    ClientLibrary("opentimelineio", "opentimelineio", "0.18.1"),
)
MIN_PYTHON = (3, 11)


def check() -> Iterator[CheckResult]:
    versions = f"{bridge_core.__version__}, API {bridge_core.API_VERSION}"
    yield CheckResult.ok(SECTION, "version", versions)
    python = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info[:2] >= MIN_PYTHON:
        yield CheckResult.ok(SECTION, "Python", python)
    else:
        yield CheckResult.error(SECTION, "Python", python, "use Python 3.11 or newer")
    for library in CLIENT_LIBRARIES:
        yield _check_library(library, _installed_version(library), _is_installed(library))


def _check_library(
    library: ClientLibrary, installed_version: str, is_installed: bool
) -> CheckResult:
    name, requirement = library.package, f"{library.package}>={library.min_version}"
    install = f"pip install '{requirement}'"
    if not is_installed and library.module == "PySide6":
        # Hosts have their own, and a studio may install Shotbridge without it.
        message = "not installed; needed for the standalone panel, hosts have their own"
        return CheckResult.info(SECTION, name, message, f"{install}, if needed")
    if not is_installed:
        return CheckResult.error(SECTION, name, "not installed", install)
    if not installed_version:
        return CheckResult.info(SECTION, name, "installed, version unknown")
    if installed_version in library.broken_versions:
        requirements = ",!=".join([requirement, *library.broken_versions])
        next_step = f"install another version: pip install '{requirements}'"
        message = f"{installed_version} {library.broken_reason}"
        return CheckResult.error(SECTION, name, message, next_step)
    if version_numbers(installed_version) < version_numbers(library.min_version):
        return CheckResult.error(SECTION, name, f"{installed_version} is too old", install)
    return CheckResult.ok(SECTION, name, installed_version)


def _is_installed(library: ClientLibrary) -> bool:
    try:
        return importlib.util.find_spec(library.module) is not None
    except (ImportError, ValueError):
        return False


def _installed_version(library: ClientLibrary) -> str:
    for name in (library.package, library.module):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ""
