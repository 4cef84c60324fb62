"""Finds the hosts on this machine by their files; none is ever started.

Where they lie and what their folders hold is taken from their makers' documents and from
installations that people describe. Blender's was seen; Nuke's and Resolve's were not. What cannot
be known from files stays unknown; only of Nuke it is known what each version brings.
"""

from __future__ import annotations

import os
import plistlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: What a version of Nuke brings, as its makers say: Python, Qt's binding.
_NUKE_BUNDLES = {
    13: ("3.7", "PySide2"),
    14: ("3.9", "PySide2"),
    15: ("3.10", "PySide2"),
    16: ("3.11", "PySide6"),
    17: ("3.11", "PySide6"),
}
#: Programs below the folders where programs lie, per system.
_SEARCH_PATTERNS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "linux": {
        "nuke": ("Nuke*/Nuke[0-9]*", "[Ff]oundry/Nuke*/Nuke[0-9]*"),
        "blender": ("blender*/blender",),
        "resolve": ("resolve/bin/resolve",),
    },
    "darwin": {
        "nuke": ("Nuke*/Nuke[0-9]*.app",),
        "blender": ("Blender*.app",),
        "resolve": ("DaVinci Resolve/DaVinci Resolve.app",),
    },
    "win32": {
        "nuke": ("Nuke*/Nuke[0-9]*.exe",),
        "blender": ("Blender Foundation/Blender*/blender.exe",),
        "resolve": ("Blackmagic Design/DaVinci Resolve/Resolve.exe",),
    },
}
#: Names on the PATH.
_EXECUTABLE_NAMES = {
    "nuke": re.compile(r"(?i)nuke(x|\d+\.\d+)?(\.exe)?"),
    "blender": re.compile(r"(?i)blender(\.exe)?"),
    "resolve": re.compile(r"(?i)resolve(\.exe)?"),
}
#: Files beside the program that only it has: ``resolve`` is also the name of other programs.
_RESOLVE_MARKER = "libs/Fusion"


@dataclass(frozen=True, slots=True)
class HostInstallation:
    """A host's program. Empty: its files do not tell."""

    host: str
    path: Path
    version: str = ""
    python: str = ""
    """``3.11``."""
    qt: str = ""
    """``PySide6``, with its version where a file tells it."""
    on_path: bool = False

    @property
    def likely_python(self) -> str:
        """As seen, or else what its maker says that the version brings."""
        return self.python or self._known_bundle[0]

    @property
    def likely_qt(self) -> str:
        return self.qt or self._known_bundle[1]

    @property
    def _known_bundle(self) -> tuple[str, str]:
        major = re.match(r"\d+", self.version)
        if self.host != "nuke" or major is None:
            return "", ""
        return _NUKE_BUNDLES.get(int(major[0]), ("", ""))


def find_installations(
    host: str,
    *,
    environ: Mapping[str, str] | None = None,
    system: str = sys.platform,
    search_folders: Sequence[Path] | None = None,
) -> list[HostInstallation]:
    """Every installation of a host that lies where they usually do or on ``PATH``, each once,
    those on the ``PATH`` first. ``bases`` stand for the folders where programs lie."""
    environ = os.environ if environ is None else environ
    search_folders = _search_folders(environ, system) if search_folders is None else search_folders
    installations: dict[Path, HostInstallation] = {}
    for path in _executables_on_path(host, environ):
        installations.setdefault(path.resolve(), _inspect(host, path, environ, on_path=True))
    for base in search_folders:
        for pattern in _SEARCH_PATTERNS.get(system, _SEARCH_PATTERNS["linux"])[host]:
            for path in _glob(base, pattern):
                if _is_executable(path):
                    installations.setdefault(
                        path.resolve(), _inspect(host, path, environ, on_path=False)
                    )
    return list(installations.values())


def _search_folders(environ: Mapping[str, str], system: str) -> list[Path]:
    home = Path(environ.get("HOME") or Path.home())
    if system == "win32":
        return [Path(environ.get("ProgramFiles", r"C:\Program Files"))]
    if system == "darwin":
        return [Path("/Applications"), home / "Applications"]
    return [Path("/usr/local"), Path("/opt"), home]


def _glob(base: Path, pattern: str) -> list[Path]:
    try:
        return sorted(base.glob(pattern))
    except OSError:  # a folder that may not be looked into
        return []


def _executables_on_path(host: str, environ: Mapping[str, str]) -> Iterator[Path]:
    for folder in filter(None, environ.get("PATH", "").split(os.pathsep)):
        for path in _glob(Path(folder), "*"):
            if _EXECUTABLE_NAMES[host].fullmatch(path.name) and _is_executable(path):
                if host == "resolve" and not (_install_folder(path) / _RESOLVE_MARKER).is_dir():
                    continue
                yield path


def _is_executable(path: Path) -> bool:
    if path.suffix == ".app":
        return path.is_dir()
    # Nuke's folder holds libraries and scripts whose names begin as the program's does.
    has_program_name = (
        path.suffix in ("", ".exe") or re.fullmatch(r"Nuke\d+\.\d+", path.name) is not None
    )
    return has_program_name and path.is_file() and os.access(path, os.X_OK)


def _install_folder(path: Path) -> Path:
    """The folder of the installation that a program belongs to."""
    folder = path.resolve().parent
    return folder.parent if folder.name == "bin" else folder


def _inspect(
    host: str, path: Path, environ: Mapping[str, str], *, on_path: bool
) -> HostInstallation:
    inspect_host = {
        "nuke": _inspect_nuke,
        "blender": _inspect_blender,
        "resolve": _inspect_resolve,
    }[host]
    version, python, qt = inspect_host(path)
    if on_path and not version:
        # A wrapper of rez: its package says what it starts.
        version = environ.get(f"REZ_{host.upper()}_VERSION", "")
    return HostInstallation(host, path, version, python, qt, on_path)


def _inspect_nuke(path: Path) -> tuple[str, str, str]:
    match = re.search(r"Nuke(\d+\.\d+v\d+)", str(path.resolve()))
    match = match or re.search(r"Nuke(\d+\.\d+)", path.resolve().name)
    version, qt = match[1] if match else "", ""
    folder = _install_folder(path)
    python = _bundled_python(folder)
    for package in _glob(folder, "pythonextensions/site-packages/PySide[26]/__init__.py"):
        qt = f"{package.parent.name} {_package_version(package)}".rstrip()
    return version, python, qt


def _bundled_python(folder: Path) -> str:
    """By the names of Python's libraries in a folder."""
    for library in _glob(folder, "libpython3.*") + _glob(folder, "python3*.dll"):
        if match := re.search(r"python3\.?(\d+)", library.name):
            return f"3.{match[1]}"
    return ""


def _inspect_blender(path: Path) -> tuple[str, str, str]:
    """A folder named for the version lies beside the program, and Blender's Python in it; a
    distribution's Blender keeps it in /usr/share and uses the system's Python."""
    home = path / "Contents" / "Resources" if path.suffix == ".app" else path.resolve().parent
    for folder in (home, home.parent / "share" / "blender"):
        versions = [one for one in _glob(folder, "[0-9]*.[0-9]*") if (one / "scripts").is_dir()]
        for one in versions:
            pythons = _glob(one, "python/lib/python3.*") + _glob(one, "python/bin/python3.*")
            match = re.search(r"python(3\.\d+)", pythons[0].name) if pythons else None
            return one.name, match[1] if match else "", ""
    return "", "", ""


def _inspect_resolve(path: Path) -> tuple[str, str, str]:
    """Only macOS's Resolve tells its version in a file. It uses a Python of the system's; from 21.1
    on one was seen on Linux that it brings."""
    python = _bundled_python(_install_folder(path) / "ResolvePython" / "lib")
    try:
        info = plistlib.loads((path / "Contents" / "Info.plist").read_bytes())
    except (OSError, ValueError, plistlib.InvalidFileException):
        return "", python, ""
    return str(info.get("CFBundleShortVersionString", "")), python, ""


def _package_version(package: Path) -> str:
    try:
        match = re.search(r"__version__\s*=\s*\"([\d.]+)\"", package.read_text(errors="replace"))
    except OSError:
        return ""
    return match[1] if match else ""
