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
_NUKE_BRINGS = {
    13: ("3.7", "PySide2"),
    14: ("3.9", "PySide2"),
    15: ("3.10", "PySide2"),
    16: ("3.11", "PySide6"),
    17: ("3.11", "PySide6"),
}
#: Programs below the folders where programs lie, per system.
_BELOW: Mapping[str, Mapping[str, tuple[str, ...]]] = {
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
_CALLED = {
    "nuke": re.compile(r"(?i)nuke(x|\d+\.\d+)?(\.exe)?"),
    "blender": re.compile(r"(?i)blender(\.exe)?"),
    "resolve": re.compile(r"(?i)resolve(\.exe)?"),
}
#: Files beside the program that only it has: ``resolve`` is also the name of other programs.
_RESOLVE_BESIDE = "libs/Fusion"


@dataclass(frozen=True, slots=True)
class Program:
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
        return self.python or self._brings[0]

    @property
    def likely_qt(self) -> str:
        return self.qt or self._brings[1]

    @property
    def _brings(self) -> tuple[str, str]:
        major = re.match(r"\d+", self.version)
        if self.host != "nuke" or major is None:
            return "", ""
        return _NUKE_BRINGS.get(int(major[0]), ("", ""))


def find(
    host: str,
    *,
    environ: Mapping[str, str] | None = None,
    system: str = sys.platform,
    bases: Sequence[Path] | None = None,
) -> list[Program]:
    """Every installation of a host that lies where they usually do or on ``PATH``, each once,
    those on the ``PATH`` first. ``bases`` stand for the folders where programs lie."""
    environ = os.environ if environ is None else environ
    bases = _bases(environ, system) if bases is None else bases
    found: dict[Path, Program] = {}
    for path in _on_path(host, environ):
        found.setdefault(path.resolve(), _look(host, path, environ, on_path=True))
    for base in bases:
        for pattern in _BELOW.get(system, _BELOW["linux"])[host]:
            for path in _glob(base, pattern):
                if _is_program(path):
                    found.setdefault(path.resolve(), _look(host, path, environ, on_path=False))
    return list(found.values())


def _bases(environ: Mapping[str, str], system: str) -> list[Path]:
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


def _on_path(host: str, environ: Mapping[str, str]) -> Iterator[Path]:
    for folder in filter(None, environ.get("PATH", "").split(os.pathsep)):
        for path in _glob(Path(folder), "*"):
            if _CALLED[host].fullmatch(path.name) and _is_program(path):
                if host == "resolve" and not (_home(path) / _RESOLVE_BESIDE).is_dir():
                    continue
                yield path


def _is_program(path: Path) -> bool:
    if path.suffix == ".app":
        return path.is_dir()
    # Nuke's folder holds libraries and scripts whose names begin as the program's does.
    named = path.suffix in ("", ".exe") or re.fullmatch(r"Nuke\d+\.\d+", path.name) is not None
    return named and path.is_file() and os.access(path, os.X_OK)


def _home(path: Path) -> Path:
    """The folder of the installation that a program belongs to."""
    folder = path.resolve().parent
    return folder.parent if folder.name == "bin" else folder


def _look(host: str, path: Path, environ: Mapping[str, str], *, on_path: bool) -> Program:
    look = {"nuke": _nuke, "blender": _blender, "resolve": _resolve}[host]
    version, python, qt = look(path)
    if on_path and not version:
        # A wrapper of rez: its package says what it starts.
        version = environ.get(f"REZ_{host.upper()}_VERSION", "")
    return Program(host, path, version, python, qt, on_path)


def _nuke(path: Path) -> tuple[str, str, str]:
    told = re.search(r"Nuke(\d+\.\d+v\d+)", str(path.resolve()))
    told = told or re.search(r"Nuke(\d+\.\d+)", path.resolve().name)
    version, qt = told[1] if told else "", ""
    home = _home(path)
    python = _bundled_python(home)
    for package in _glob(home, "pythonextensions/site-packages/PySide[26]/__init__.py"):
        qt = f"{package.parent.name} {_python_version(package)}".rstrip()
    return version, python, qt


def _bundled_python(folder: Path) -> str:
    """By the names of Python's libraries in a folder."""
    for library in _glob(folder, "libpython3.*") + _glob(folder, "python3*.dll"):
        if seen := re.search(r"python3\.?(\d+)", library.name):
            return f"3.{seen[1]}"
    return ""


def _blender(path: Path) -> tuple[str, str, str]:
    """A folder named for the version lies beside the program, and Blender's Python in it; a
    distribution's Blender keeps it in /usr/share and uses the system's Python."""
    home = path / "Contents" / "Resources" if path.suffix == ".app" else path.resolve().parent
    for folder in (home, home.parent / "share" / "blender"):
        versions = [one for one in _glob(folder, "[0-9]*.[0-9]*") if (one / "scripts").is_dir()]
        for one in versions:
            pythons = _glob(one, "python/lib/python3.*") + _glob(one, "python/bin/python3.*")
            told = re.search(r"python(3\.\d+)", pythons[0].name) if pythons else None
            return one.name, told[1] if told else "", ""
    return "", "", ""


def _resolve(path: Path) -> tuple[str, str, str]:
    """Only macOS's Resolve tells its version in a file. It uses a Python of the system's; from 21.1
    on one was seen on Linux that it brings."""
    python = _bundled_python(_home(path) / "ResolvePython" / "lib")
    try:
        about = plistlib.loads((path / "Contents" / "Info.plist").read_bytes())
    except (OSError, ValueError, plistlib.InvalidFileException):
        return "", python, ""
    return str(about.get("CFBundleShortVersionString", "")), python, ""


def _python_version(package: Path) -> str:
    try:
        told = re.search(r"__version__\s*=\s*\"([\d.]+)\"", package.read_text(errors="replace"))
    except OSError:
        return ""
    return told[1] if told else ""
