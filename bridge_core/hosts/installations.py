"""Finds installations of a host on this machine by their files; no host is started."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bridge_core.hosts.descriptor import HostDescriptor, HostInstallation, ProgramSearch


def find_installations(
    host: HostDescriptor,
    *,
    environ: Mapping[str, str] | None = None,
    system: str = sys.platform,
    search_folders: Sequence[Path] | None = None,
) -> list[HostInstallation]:
    """All installations of a host on the ``PATH`` and in the usual folders, each once, those on
    the ``PATH`` first. ``search_folders`` replace the usual folders."""
    search = host.search
    if search is None:
        return []
    environ = os.environ if environ is None else environ
    search_folders = _search_folders(environ, system) if search_folders is None else search_folders
    installations: dict[Path, HostInstallation] = {}
    for path in _executables_on_path(search, environ):
        if path.resolve() not in installations:
            runtime = search.inspect(path)
            if not runtime.version:
                # A wrapper of rez: use the version of its package.
                version = environ.get(f"REZ_{host.name.upper()}_VERSION", "")
                runtime = replace(runtime, version=version)
            installations[path.resolve()] = HostInstallation(path, runtime, on_path=True)
    for base in search_folders:
        for pattern in search.patterns.get(system, search.patterns.get("linux", ())):
            for path in sorted_glob(base, pattern):
                if path.resolve() not in installations and _is_executable(search, path):
                    installations[path.resolve()] = HostInstallation(path, search.inspect(path))
    return list(installations.values())


def version_numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: ``16.0v4`` is (16, 0, 4)."""
    leading = re.match(r"\d+(?:[.v]\d+)*", text)
    return tuple(int(part) for part in re.split(r"[.v]", leading[0])) if leading else ()


def install_folder(path: Path) -> Path:
    """The installation folder of an executable."""
    folder = path.resolve().parent
    return folder.parent if folder.name == "bin" else folder


def bundled_python(folder: Path) -> str:
    """The Python version from the names of its libraries in a folder; empty: unknown."""
    for library in sorted_glob(folder, "libpython3.*") + sorted_glob(folder, "python3*.dll"):
        if match := re.search(r"python3\.?(\d+)", library.name):
            return f"3.{match[1]}"
    return ""


def sorted_glob(base: Path, pattern: str) -> list[Path]:
    try:
        return sorted(base.glob(pattern))
    except OSError:  # no permission to list the folder
        return []


def _search_folders(environ: Mapping[str, str], system: str) -> list[Path]:
    home = Path(environ.get("HOME") or Path.home())
    if system == "win32":
        return [Path(environ.get("ProgramFiles", r"C:\Program Files"))]
    if system == "darwin":
        return [Path("/Applications"), home / "Applications"]
    return [Path("/usr/local"), Path("/opt"), home]


def _executables_on_path(search: ProgramSearch, environ: Mapping[str, str]) -> Iterator[Path]:
    for folder in filter(None, environ.get("PATH", "").split(os.pathsep)):
        for path in sorted_glob(Path(folder), "*"):
            if _is_executable(search, path) and search.is_host(path):
                yield path


def _is_executable(search: ProgramSearch, path: Path) -> bool:
    if path.suffix == ".app":
        return path.is_dir()
    is_named_so = search.executable.fullmatch(path.name) is not None
    return is_named_so and path.is_file() and os.access(path, os.X_OK)
