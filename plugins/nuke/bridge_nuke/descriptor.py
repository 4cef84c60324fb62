"""Nuke, for the command line: how it is found, checked and tested. Loaded outside Nuke.

Install locations and file layouts are from Foundry's documentation and descriptions of users.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bridge_core.doctor.python_packages import CLIENT_LIBRARIES
from bridge_core.errors import HostError, ShotbridgeError
from bridge_core.hosts.check_result import CheckResult, CheckStatus
from bridge_core.hosts.descriptor import (
    Environment,
    HostDescriptor,
    HostInstallation,
    HostRuntime,
    ProgramSearch,
    SelfTestCommand,
    SelfTestRequest,
    append_path,
    path_folders,
)
from bridge_core.hosts.installations import (
    bundled_python,
    find_installations,
    install_folder,
    sorted_glob,
    version_numbers,
)
from bridge_core.hosts.plugin_folders import plugin_folder

#: Python and Qt binding that a major version includes, as documented by Foundry.
_BUNDLES = {
    13: ("3.7", "PySide2"),
    14: ("3.9", "PySide2"),
    15: ("3.10", "PySide2"),
    16: ("3.11", "PySide6"),
    17: ("3.11", "PySide6"),
}
_QT_PACKAGE = "PySide6"
#: Packages that the plugin needs and that Nuke does not include.
_REQUIREMENTS = (
    "bridge_core",
    "bridge_ui",
    *(one.module for one in CLIENT_LIBRARIES if one.module != _QT_PACKAGE),
)


def _inspect(path: Path) -> HostRuntime:
    match = re.search(r"Nuke(\d+\.\d+v\d+)", str(path.resolve()))
    match = match or re.search(r"Nuke(\d+\.\d+)", path.resolve().name)
    folder = install_folder(path)
    qt = ""
    for package in sorted_glob(folder, "pythonextensions/site-packages/PySide[26]/__init__.py"):
        qt = f"{package.parent.name} {_package_version(package)}".rstrip()
    return HostRuntime(match[1] if match else "", bundled_python(folder), qt)


def _package_version(package: Path) -> str:
    try:
        match = re.search(r"__version__\s*=\s*\"([\d.]+)\"", package.read_text(errors="replace"))
    except OSError:
        return ""
    return match[1] if match else ""


def _known_runtime(version: str) -> HostRuntime:
    python, qt = _BUNDLES.get(next(iter(version_numbers(version)), 0), ("", ""))
    return HostRuntime(version, python, qt)


def _check_plugin(
    section: str, installations: Sequence[HostInstallation], environ: Environment
) -> Iterator[CheckResult]:
    name = "Nuke's plugin"
    plugin_folders = [
        one for one in path_folders(environ, "NUKE_PATH") if (one / "bridge_nuke").is_dir()
    ]
    if not plugin_folders:
        next_step = f"add {_own_folder()} to NUKE_PATH"
        yield CheckResult(section, name, CheckStatus.INFO, "not on NUKE_PATH", next_step)
        return
    python_path = path_folders(environ, "PYTHONPATH")
    site_path = path_folders(environ, "SHOTBRIDGE_SITE")
    missing = [
        package
        for package in _REQUIREMENTS
        if not any((one / package).is_dir() for one in (*python_path, *site_path))
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


def _own_folder() -> str:
    try:
        return str(plugin_folder("nuke"))
    except ShotbridgeError:
        return "the folder plugins/nuke"


def _selftest(request: SelfTestRequest) -> SelfTestCommand:
    """In Nuke's terminal mode, by default in the Nuke on the PATH, or else the newest."""
    program = request.program or _newest_program()
    script, report_folder = str(request.script), str(request.report_folder)
    environment = {
        # Nuke's Python has none of our packages. PYTHONPATH would go before Nuke's own.
        "SHOTBRIDGE_SITE": _python_folders(),
        **request.environment,
        "NUKE_PATH": append_path(request.environment.get("NUKE_PATH"), request.plugin_folder),
    }
    return SelfTestCommand((str(program), *request.flags, "-t", script, report_folder), environment)


def _newest_program() -> Path:
    programs = find_installations(HOST)
    if not programs:
        raise HostError(
            "no Nuke was found on this machine",
            where="the usual installation folders and the PATH",
            next_step="give it: shotbridge selftest nuke --program /usr/local/Nuke16.0v4/Nuke16.0",
        )
    return max(programs, key=lambda one: (one.on_path, version_numbers(one.version))).path


def _python_folders() -> str:
    """The folders of the client and its libraries: one if installed, several in a checkout."""
    specs = map(importlib.util.find_spec, ("bridge_core", "bridge_ui", "pydantic"))
    folders = (str(Path(one.origin).parents[1]) for one in specs if one and one.origin)
    return os.pathsep.join(dict.fromkeys(folders))


HOST = HostDescriptor(
    name="nuke",
    title="Nuke",
    min_version="16.0",
    search=ProgramSearch(
        executable=re.compile(r"(?i)nuke(x|\d+\.\d+)?(\.exe)?"),
        patterns={
            "linux": ("Nuke*/Nuke[0-9]*", "[Ff]oundry/Nuke*/Nuke[0-9]*"),
            "darwin": ("Nuke*/Nuke[0-9]*.app",),
            "win32": ("Nuke*/Nuke[0-9]*.exe",),
        },
        inspect=_inspect,
    ),
    known_runtime=_known_runtime,
    needs_same_python=True,
    check_plugin=_check_plugin,
    selftest=_selftest,
)
