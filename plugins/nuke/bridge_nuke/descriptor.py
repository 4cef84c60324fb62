"""Nuke, for the command line: how it is found, checked and tested. Loaded outside Nuke.

Install locations and file layouts are from Foundry's documentation and descriptions of users.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator, Sequence
from functools import partial
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
    *(library.module for library in CLIENT_LIBRARIES if library.module != _QT_PACKAGE),
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
    result = partial(CheckResult, section, "Nuke's plugin")
    nuke_path = path_folders(environ, "NUKE_PATH")
    plugin = next((folder for folder in nuke_path if (folder / "bridge_nuke").is_dir()), None)
    if plugin is None:
        next_step = f"add {_own_folder()} to NUKE_PATH"
        yield result(CheckStatus.INFO, "not on NUKE_PATH", next_step)
        return
    python_path = path_folders(environ, "PYTHONPATH")
    folders = (*python_path, *path_folders(environ, "SHOTBRIDGE_SITE"))
    missing = [name for name in _REQUIREMENTS if not any((at / name).is_dir() for at in folders)]
    if missing:
        message = f"in {plugin}; Nuke's Python does not find {', '.join(missing)}"
        next_step = "set SHOTBRIDGE_SITE to a folder with the client and its libraries"
        yield result(CheckStatus.ERROR, message, f"{next_step} (docs/admin.md)")
        return
    yield result(CheckStatus.OK, f"in {plugin}")
    # Only a problem in an environment that starts Nuke.
    is_started_here = any(program.on_path for program in installations)
    status = CheckStatus.ERROR if is_started_here else CheckStatus.INFO
    for folder in python_path:
        if (folder / _QT_PACKAGE).is_dir():
            problem = "overrides Nuke's own and crashes Nuke"
            message = f"the PySide6 in {folder}, on PYTHONPATH, {problem}"
            next_step = "start Nuke without it; with rez: rez env shotbridge nuke"
            yield CheckResult(section, "Nuke's Qt", status, message, next_step)


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
        where = "the usual installation folders and the PATH"
        next_step = "give it: shotbridge selftest nuke --program /usr/local/Nuke16.0v4/Nuke16.0"
        raise HostError("no Nuke was found on this machine", where=where, next_step=next_step)
    return max(programs, key=lambda found: (found.on_path, version_numbers(found.version))).path


def _python_folders() -> str:
    """The folders of the client and its libraries: one if installed, several in a checkout."""
    specs = map(importlib.util.find_spec, ("bridge_core", "bridge_ui", "pydantic"))
    folders = (str(Path(spec.origin).parents[1]) for spec in specs if spec and spec.origin)
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
