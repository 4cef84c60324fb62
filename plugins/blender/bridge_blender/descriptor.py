"""Blender, for the command line: how it is found, and whether it has our extension, for its own
Python. Loaded outside Blender; everything is read from files."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bridge_core.hosts.check_result import CheckResult, CheckStatus
from bridge_core.hosts.descriptor import (
    Environment,
    HostDescriptor,
    HostInstallation,
    HostRuntime,
    ProgramSearch,
)
from bridge_core.hosts.installations import sorted_glob

_QT_PACKAGE = "PySide6"


def _inspect(path: Path) -> HostRuntime:
    """The version and Python from the folder that is named after the version, beside the
    executable. A Linux distribution's Blender has it in /usr/share and uses the system's Python."""
    home = path / "Contents" / "Resources" if path.suffix == ".app" else path.resolve().parent
    for folder in (home, home.parent / "share" / "blender"):
        folders = sorted_glob(folder, "[0-9]*.[0-9]*")
        for version in (inner for inner in folders if (inner / "scripts").is_dir()):
            pythons = sorted_glob(version, "python/lib/python3.*")
            pythons += sorted_glob(version, "python/bin/python3.*")
            match = re.search(r"python(3\.\d+)", pythons[0].name) if pythons else None
            return HostRuntime(version.name, match[1] if match else "")
    return HostRuntime()


@dataclass(frozen=True, slots=True)
class _BlenderExtension:
    """An installed extension of Blender: ``<repository>/shotbridge``."""

    folder: Path
    blender_version: str = ""
    """The Blender version that it is installed for; empty: any."""

    @property
    def python(self) -> str:
        """The Python version of its wheels; empty: unknown."""
        return self._wheel_tag("pydantic_core-*.whl", r"-cp3(\d+)-", "3.")

    @property
    def qt(self) -> str:
        pattern = r"-(?:0\+shotbridge\.)?([\d.]+)-"
        return self._wheel_tag("[Pp]y[Ss]ide6_[Ee]ssentials-*.whl", pattern)

    def _wheel_tag(self, wheels: str, pattern: str, prefix: str = "") -> str:
        files = (self.folder / "wheels").glob(wheels)
        matches = [re.search(pattern, file.name) for file in files]
        return next((prefix + match[1] for match in matches if match), "")

    def incompatible(self, installations: Sequence[HostInstallation]) -> list[HostInstallation]:
        """The installations that have another Python than its wheels are for."""
        version, fitting = self.blender_version, ("", self.python)
        its_own = [p for p in installations if (p.version == version if version else p.on_path)]
        return [p for p in its_own if self.python and p.runtime.python not in fitting]


def _check_extensions(
    section: str, installations: Sequence[HostInstallation], environ: Environment
) -> Iterator[CheckResult]:
    result = partial(CheckResult, section, "Blender's extension")
    extensions = list(_extensions(environ))
    for extension in extensions:
        python, qt = extension.python or "unknown", extension.qt or "unknown"
        message = f"in {extension.folder.parent}: for Python {python}, with {_QT_PACKAGE} {qt}"
        found = [(p.version, p.runtime.python) for p in extension.incompatible(installations)]
        if found:
            bundled = ", ".join(
                f"Blender {version} has Python {python}" for version, python in found
            )
            next_step = f"install the extension for Python {found[0][1]} (docs/admin.md)"
            yield result(CheckStatus.ERROR, f"{message}; {bundled}", next_step)
        else:
            yield result(CheckStatus.OK, message)
    if not extensions:
        message = "not installed for this user or in BLENDER_SYSTEM_EXTENSIONS"
        next_step = "install its zip in Blender's preferences, or set the variable (docs/admin.md)"
        yield result(CheckStatus.INFO, message, next_step)


def _extensions(environ: Environment) -> Iterator[_BlenderExtension]:
    """The system extension, and those of this user:
    ``<resources>/extensions/<repository>/shotbridge``."""
    system = environ.get("BLENDER_SYSTEM_EXTENSIONS")
    if system and (Path(system) / "system" / "shotbridge").is_dir():
        yield _BlenderExtension(Path(system) / "system" / "shotbridge")
    home = Path(environ.get("HOME") or Path.home())
    if environ.get("BLENDER_USER_RESOURCES"):
        bases = [Path(environ["BLENDER_USER_RESOURCES"])]
    elif sys.platform == "win32":
        roaming = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
        bases = sorted((roaming / "Blender Foundation" / "Blender").glob("[0-9]*"))
    elif sys.platform == "darwin":
        bases = sorted((home / "Library" / "Application Support" / "Blender").glob("[0-9]*"))
    else:
        config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
        bases = sorted((config / "blender").glob("[0-9]*"))
    for base in bases:
        version = base.name if re.fullmatch(r"\d+\.\d+", base.name) else ""
        for folder in base.glob("extensions/*/shotbridge"):
            yield _BlenderExtension(folder, version)


def _add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    from . import cli

    cli.add_commands(commands, common)


HOST = HostDescriptor(
    name="blender",
    title="Blender",
    min_version="4.2",
    search=ProgramSearch(
        executable=re.compile(r"(?i)blender(\.exe)?"),
        patterns={
            "linux": ("blender*/blender",),
            "darwin": ("Blender*.app",),
            "win32": ("Blender Foundation/Blender*/blender.exe",),
        },
        inspect=_inspect,
    ),
    qt_source="Qt from the extension",
    check_plugin=_check_extensions,
    add_commands=_add_commands,
)
