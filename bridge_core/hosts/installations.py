"""Finds installations of the hosts on this machine by their files; no host is started.

Install locations and file layouts are taken from the vendors' documentation and from descriptions
of users. Those of Blender were verified, those of Nuke and Resolve were not.
"""

from __future__ import annotations

import os
import plistlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Python and Qt binding that a major version of Nuke includes, as documented by Foundry.
_NUKE_BUNDLES = {
    13: ("3.7", "PySide2"),
    14: ("3.9", "PySide2"),
    15: ("3.10", "PySide2"),
    16: ("3.11", "PySide6"),
    17: ("3.11", "PySide6"),
}
#: Paths of the executables below the search folders, by operating system.
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
#: Names of the executables on the PATH.
_EXECUTABLE_NAMES = {
    "nuke": re.compile(r"(?i)nuke(x|\d+\.\d+)?(\.exe)?"),
    "blender": re.compile(r"(?i)blender(\.exe)?"),
    "resolve": re.compile(r"(?i)resolve(\.exe)?"),
}
#: A folder that identifies Resolve: other programs are called ``resolve`` too.
_RESOLVE_MARKER = "libs/Fusion"


@dataclass(frozen=True, slots=True)
class HostInstallation:
    """An installation of a host. Empty fields: not known from its files."""

    host: str
    path: Path
    version: str = ""
    python: str = ""
    """``3.11``."""
    qt: str = ""
    """``PySide6``, with its version if known."""
    on_path: bool = False

    @property
    def likely_python(self) -> str:
        """The Python found, or else the documented one of the version."""
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
    """All installations of a host on the ``PATH`` and in the usual folders, each once, those on
    the ``PATH`` first. ``search_folders`` replace the usual folders."""
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
    except OSError:  # no permission to list the folder
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
    # Nuke's folder has libraries and scripts whose names start like the executable's.
    has_program_name = (
        path.suffix in ("", ".exe") or re.fullmatch(r"Nuke\d+\.\d+", path.name) is not None
    )
    return has_program_name and path.is_file() and os.access(path, os.X_OK)


def _install_folder(path: Path) -> Path:
    """The installation folder of an executable."""
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
        # A wrapper of rez: use the version of its package.
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
    """The Python version from the names of its libraries in a folder."""
    for library in _glob(folder, "libpython3.*") + _glob(folder, "python3*.dll"):
        if match := re.search(r"python3\.?(\d+)", library.name):
            return f"3.{match[1]}"
    return ""


def _inspect_blender(path: Path) -> tuple[str, str, str]:
    """The version and Python from the folder that is named after the version, beside the
    executable. A Linux distribution's Blender has it in /usr/share and uses the system's Python."""
    home = path / "Contents" / "Resources" if path.suffix == ".app" else path.resolve().parent
    for folder in (home, home.parent / "share" / "blender"):
        versions = [one for one in _glob(folder, "[0-9]*.[0-9]*") if (one / "scripts").is_dir()]
        for one in versions:
            pythons = _glob(one, "python/lib/python3.*") + _glob(one, "python/bin/python3.*")
            match = re.search(r"python(3\.\d+)", pythons[0].name) if pythons else None
            return one.name, match[1] if match else "", ""
    return "", "", ""


def _inspect_resolve(path: Path) -> tuple[str, str, str]:
    """Only the macOS version of Resolve has its version in a file. Resolve uses a Python of the
    system; on Linux, 21.1 and newer include one."""
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
