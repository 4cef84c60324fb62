"""Checks by files whether Blender has our extension, and whether it is for Blender's Python."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge_core.hosts.check_result import CheckResult, CheckStatus
from bridge_core.hosts.descriptor import HostInstallation

_QT_PACKAGE = "PySide6"


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
        return self._wheel_tag(
            "[Pp]y[Ss]ide6_[Ee]ssentials-*.whl", r"-(?:0\+shotbridge\.)?([\d.]+)-"
        )

    def _wheel_tag(self, wheels: str, pattern: str, prefix: str = "") -> str:
        matches = [re.search(pattern, one.name) for one in (self.folder / "wheels").glob(wheels)]
        return next((prefix + one[1] for one in matches if one), "")

    def incompatible(self, installations: Sequence[HostInstallation]) -> list[HostInstallation]:
        """The installations that have another Python than its wheels are for."""
        return [
            program
            for program in installations
            if (
                program.version == self.blender_version if self.blender_version else program.on_path
            )
            and self.python
            and program.runtime.python not in ("", self.python)
        ]


def check_extensions(
    section: str, installations: Sequence[HostInstallation], environ: Mapping[str, str]
) -> Iterator[CheckResult]:
    name = "Blender's extension"
    extensions = list(_extensions(environ))
    for one in extensions:
        contents = f"for Python {one.python or 'unknown'}, with {_QT_PACKAGE} {one.qt or 'unknown'}"
        message = f"in {one.folder.parent}: {contents}"
        incompatible = one.incompatible(installations)
        if incompatible:
            bundled = ", ".join(
                f"Blender {p.version} has Python {p.runtime.python}" for p in incompatible
            )
            next_step = (
                f"install the extension for Python {incompatible[0].runtime.python} (docs/admin.md)"
            )
            yield CheckResult(section, name, CheckStatus.ERROR, f"{message}; {bundled}", next_step)
        else:
            yield CheckResult(section, name, CheckStatus.OK, message)
    if not extensions:
        yield CheckResult(
            section,
            name,
            CheckStatus.INFO,
            "not installed for this user or in BLENDER_SYSTEM_EXTENSIONS",
            "install its zip in Blender's preferences, or set the variable (docs/admin.md)",
        )


def _extensions(environ: Mapping[str, str]) -> Iterator[_BlenderExtension]:
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
