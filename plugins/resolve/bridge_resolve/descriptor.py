"""DaVinci Resolve, for the command line: how it is found, checked, set up and tested.

Install locations are from the vendor's documentation and descriptions of users.
"""

from __future__ import annotations

import plistlib
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from bridge_core.errors import ShotbridgeError
from bridge_core.hosts.check_result import CheckResult, CheckStatus
from bridge_core.hosts.descriptor import (
    Environment,
    HostDescriptor,
    HostInstallation,
    HostInstaller,
    HostRuntime,
    InstallReport,
    ProgramSearch,
    selftest_in_python,
)
from bridge_core.hosts.installations import bundled_python, install_folder
from bridge_resolve import script_installer

#: A folder that identifies Resolve: other programs are called ``resolve`` too.
_MARKER = "libs/Fusion"


def _inspect(path: Path) -> HostRuntime:
    """Only the macOS version has its version in a file. Resolve uses a Python of the system; on
    Linux, 21.1 and newer include one."""
    python = bundled_python(install_folder(path) / "ResolvePython" / "lib")
    try:
        info = plistlib.loads((path / "Contents" / "Info.plist").read_bytes())
    except (OSError, ValueError, plistlib.InvalidFileException):
        return HostRuntime("", python)
    return HostRuntime(str(info.get("CFBundleShortVersionString", "")), python)


def _unknown_python(environ: Environment) -> str:
    python_home = environ.get("PYTHON3HOME")
    if python_home:
        return f"scripts run in the Python of PYTHON3HOME, {python_home}"
    return "scripts run in the system's Python (assumed; set PYTHON3HOME for another)"


def _check_plugin(
    section: str, installations: Sequence[HostInstallation], environ: Environment
) -> Iterator[CheckResult]:
    name, install_command = "Resolve's script", "shotbridge install resolve"
    folder = script_installer.scripts_folder(environ)
    try:
        status = script_installer.script_status(folder)
    except ShotbridgeError as error:
        yield CheckResult.from_error(error, section, name)
        return
    target, result = folder / script_installer.SCRIPT_NAME, partial(CheckResult, section, name)
    # The script uses Resolve's Python if Shotbridge is installed in it, else this one.
    python = environ.get("SHOTBRIDGE_PYTHON") or sys.executable
    match status:
        case script_installer.ScriptStatus.ABSENT:
            yield result(CheckStatus.INFO, f"not in {folder}", install_command)
        case script_installer.ScriptStatus.OUTDATED:
            message = f"{target} is from another version or installation"
            yield result(CheckStatus.INFO, message, install_command)
        case script_installer.ScriptStatus.FOREIGN:
            message = f"{target} is not from Shotbridge"
            yield result(CheckStatus.ERROR, message, f"move it away, then {install_command}")
        case _ if shutil.which(python, path=environ.get("PATH")) is None:
            message = f"{target}: the Python of SHOTBRIDGE_PYTHON does not exist: {python}"
            yield result(CheckStatus.ERROR, message, "correct SHOTBRIDGE_PYTHON")
        case _:
            condition = "unless Shotbridge is installed in Resolve's Python"
            yield result(CheckStatus.OK, f"{target}: opens the panel in {python}, {condition}")


def _install(folder: Path | None) -> InstallReport:
    folder = folder or script_installer.existing_scripts_folder()
    changed = script_installer.install_script(folder)
    notes = []
    if changed:
        notes.append("Resolve lists it under Workspace > Scripts after the next start.")
    if script_installer.is_configured_by_rez():
        notes.append(
            "It works in a Resolve that is started from an environment such as this one, by "
            "`rez env shotbridge -- ...`, and not in one that is started from its icon."
        )
    return InstallReport(folder / script_installer.SCRIPT_NAME, changed, tuple(notes))


def _uninstall(folder: Path | None) -> InstallReport:
    folder = folder or script_installer.scripts_folder()
    changed = script_installer.remove_script(folder)
    return InstallReport(folder / script_installer.SCRIPT_NAME, changed)


HOST = HostDescriptor(
    name="resolve",
    title="Resolve",
    min_version="18.5",
    search=ProgramSearch(
        executable=re.compile(r"(?i)resolve(\.exe)?"),
        patterns={
            "linux": ("resolve/bin/resolve",),
            "darwin": ("DaVinci Resolve/DaVinci Resolve.app",),
            "win32": ("Blackmagic Design/DaVinci Resolve/Resolve.exe",),
        },
        inspect=_inspect,
        is_host=lambda path: (install_folder(path) / _MARKER).is_dir(),
    ),
    unknown_python=_unknown_python,
    qt_source="Qt from the Python of the panel",
    check_plugin=_check_plugin,
    selftest=selftest_in_python,
    installer=HostInstaller(_install, _uninstall),
)
