"""Checks of the installed hosts: their versions, and whether they find their plugin."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping

from bridge_core.doctor.check_result import CheckResult, CheckStatus
from bridge_core.doctor.plugin_checks import PLUGIN_CHECKS
from bridge_core.doctor.python_packages import version_numbers
from bridge_core.errors import ShotbridgeError
from bridge_core.hosts.installations import HostInstallation, find_installations
from bridge_core.hosts.plugin_folders import plugins_folder

SECTION = "Hosts"
HOST_TITLES = {"nuke": "Nuke", "blender": "Blender", "resolve": "Resolve"}
#: The oldest supported version of each host.
MIN_HOST_VERSIONS = {"nuke": "16.0", "blender": "4.2", "resolve": "18.5"}
_ESTIMATE_NOTE = "assumed from its version"


def check(environ: Mapping[str, str] | None = None) -> Iterator[CheckResult]:
    environ = os.environ if environ is None else environ
    try:
        yield CheckResult(SECTION, "plugins", CheckStatus.OK, str(plugins_folder(environ)))
    except ShotbridgeError as error:
        yield CheckResult.from_error(error, SECTION, "plugins", CheckStatus.INFO)
    for host, title in HOST_TITLES.items():
        programs = find_installations(host, environ=environ)
        if not programs:
            yield CheckResult(
                SECTION,
                title,
                CheckStatus.INFO,
                "not found in the usual folders or on the PATH",
                "if it is installed, add its folder to the PATH",
            )
            continue
        plugin_results = list(PLUGIN_CHECKS[host](SECTION, programs, environ))
        is_set_up = any(line.status is not CheckStatus.INFO for line in plugin_results)
        for program in programs:
            # An old installation is only a problem if this environment starts it.
            yield _check_installation(program, environ, needed=is_set_up and program.on_path)
        yield from plugin_results


def _check_installation(
    installation: HostInstallation, environ: Mapping[str, str], *, needed: bool
) -> CheckResult:
    title = HOST_TITLES[installation.host]
    name = f"{title} {installation.version}".rstrip()
    bundled = f"{_describe_python(installation, environ)}, {_describe_qt(installation)}"
    message = f"{installation.path}: {bundled}"
    problem, next_step = "", ""
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if not installation.version:
        message += "; version unknown"
    elif version_numbers(installation.version) < version_numbers(
        MIN_HOST_VERSIONS[installation.host]
    ):
        problem = "too old for Shotbridge"
        next_step = f"use {title} {MIN_HOST_VERSIONS[installation.host]} or newer"
    elif installation.host == "nuke" and installation.likely_python not in ("", python):
        # pydantic and OpenTimelineIO have compiled modules for one version of Python.
        problem = f"Shotbridge is installed here for Python {python}"
        next_step = f"install Shotbridge for Python {installation.likely_python} (docs/admin.md)"
    if not problem:
        return CheckResult(SECTION, name, CheckStatus.OK, message)
    status = CheckStatus.ERROR if needed else CheckStatus.INFO
    return CheckResult(SECTION, name, status, f"{message}; {problem}", next_step)


def _describe_python(installation: HostInstallation, environ: Mapping[str, str]) -> str:
    if installation.python:
        return f"Python {installation.python}"
    if installation.likely_python:
        return f"Python {installation.likely_python} ({_ESTIMATE_NOTE})"
    if installation.host != "resolve":
        return "Python unknown"
    python_home = environ.get("PYTHON3HOME")
    if python_home:
        return f"scripts run in the Python of PYTHON3HOME, {python_home}"
    return "scripts run in the system's Python (assumed; set PYTHON3HOME for another)"


def _describe_qt(installation: HostInstallation) -> str:
    if installation.host == "blender":
        return "Qt from the extension"
    if installation.host == "resolve":
        return "Qt from the Python of the panel"
    if installation.qt:
        return installation.qt
    return (
        f"{installation.likely_qt} ({_ESTIMATE_NOTE})" if installation.likely_qt else "Qt unknown"
    )
