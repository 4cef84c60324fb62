"""Checks by files whether a host finds its plugin, and the plugin its requirements."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge_core.doctor.check_result import CheckResult, CheckStatus
from bridge_core.doctor.python_packages import CLIENT_LIBRARIES
from bridge_core.errors import ShotbridgeError
from bridge_core.hosts import resolve_script
from bridge_core.hosts.installations import HostInstallation
from bridge_core.hosts.plugin_folders import plugin_folder

_QT_PACKAGE = "PySide6"
#: Packages that Nuke's plugin needs and that Nuke does not include.
_NUKE_REQUIREMENTS = (
    "bridge_core",
    "bridge_ui",
    *(one.module for one in CLIENT_LIBRARIES if one.module != _QT_PACKAGE),
)


def check_nuke(
    section: str, installations: Sequence[HostInstallation], environ: Mapping[str, str]
) -> Iterator[CheckResult]:
    name = "Nuke's plugin"
    plugin_folders = [
        folder for folder in _folders(environ, "NUKE_PATH") if (folder / "bridge_nuke").is_dir()
    ]
    if not plugin_folders:
        yield CheckResult(
            section,
            name,
            CheckStatus.INFO,
            "not on NUKE_PATH",
            f"add {_nuke_plugin_path()} to NUKE_PATH",
        )
        return
    python_path, site_path = _folders(environ, "PYTHONPATH"), _folders(environ, "SHOTBRIDGE_SITE")
    missing = [
        lib
        for lib in _NUKE_REQUIREMENTS
        if not any((one / lib).is_dir() for one in (*python_path, *site_path))
    ]
    if missing:
        yield CheckResult(
            section,
            name,
            CheckStatus.ERROR,
            f"in {plugin_folders[0]}; Nuke's Python does not find {', '.join(missing)}",
            "set SHOTBRIDGE_SITE to a folder with the client and its libraries (docs/admin.md)",
        )
        return
    yield CheckResult(section, name, CheckStatus.OK, f"in {plugin_folders[0]}")
    for folder in python_path:
        if (folder / _QT_PACKAGE).is_dir():
            # Only a problem in an environment that starts Nuke.
            is_needed = any(program.on_path for program in installations)
            yield CheckResult(
                section,
                "Nuke's Qt",
                CheckStatus.ERROR if is_needed else CheckStatus.INFO,
                f"the PySide6 in {folder}, on PYTHONPATH, overrides Nuke's own and crashes Nuke",
                "start Nuke without it; with rez: rez env shotbridge nuke",
            )


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
            and program.python not in ("", self.python)
        ]


def check_blender(
    section: str, installations: Sequence[HostInstallation], environ: Mapping[str, str]
) -> Iterator[CheckResult]:
    name = "Blender's extension"
    extensions = list(_extensions(environ))
    for one in extensions:
        contents = f"for Python {one.python or 'unknown'}, with {_QT_PACKAGE} {one.qt or 'unknown'}"
        message = f"in {one.folder.parent}: {contents}"
        incompatible = one.incompatible(installations)
        if incompatible:
            bundled = ", ".join(f"Blender {p.version} has Python {p.python}" for p in incompatible)
            next_step = f"install the extension for Python {incompatible[0].python} (docs/admin.md)"
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


def check_resolve(
    section: str, installations: Sequence[HostInstallation], environ: Mapping[str, str]
) -> Iterator[CheckResult]:
    name, install_command = "Resolve's script", "shotbridge install resolve"
    folder = resolve_script.scripts_folder(environ)
    try:
        status = resolve_script.script_status(folder)
    except ShotbridgeError as error:
        yield CheckResult.from_error(error, section, name)
        return
    target = folder / resolve_script.SCRIPT_NAME
    match status:
        case resolve_script.ScriptStatus.INSTALLED:
            yield _check_script_python(section, name, target, environ)
        case resolve_script.ScriptStatus.OUTDATED:
            yield CheckResult(
                section,
                name,
                CheckStatus.INFO,
                f"{target} is from another version or installation",
                install_command,
            )
        case resolve_script.ScriptStatus.FOREIGN:
            message = f"{target} is not from Shotbridge"
            yield CheckResult(
                section, name, CheckStatus.ERROR, message, f"move it away, then {install_command}"
            )
        case resolve_script.ScriptStatus.ABSENT:
            yield CheckResult(section, name, CheckStatus.INFO, f"not in {folder}", install_command)


def _check_script_python(
    section: str, name: str, target: Path, environ: Mapping[str, str]
) -> CheckResult:
    """The script uses Resolve's Python if Shotbridge is installed in it, else this Python."""
    python = environ.get("SHOTBRIDGE_PYTHON") or sys.executable
    if shutil.which(python, path=environ.get("PATH")) is None:
        message = f"{target}: the Python of SHOTBRIDGE_PYTHON does not exist: {python}"
        return CheckResult(section, name, CheckStatus.ERROR, message, "correct SHOTBRIDGE_PYTHON")
    message = f"{target}: opens the panel in {python}"
    return CheckResult(
        section,
        name,
        CheckStatus.OK,
        f"{message}, unless Shotbridge is installed in Resolve's Python",
    )


def _folders(environ: Mapping[str, str], variable: str) -> list[Path]:
    return [Path(text) for text in environ.get(variable, "").split(os.pathsep) if text]


def _nuke_plugin_path() -> str:
    try:
        return str(plugin_folder("nuke"))
    except ShotbridgeError:
        return "the folder plugins/nuke"


PluginCheck = Callable[[str, Sequence[HostInstallation], Mapping[str, str]], Iterator[CheckResult]]

#: The check of each host's plugin.
PLUGIN_CHECKS: Mapping[str, PluginCheck] = {
    "nuke": check_nuke,
    "blender": check_blender,
    "resolve": check_resolve,
}
