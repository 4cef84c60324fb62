"""Checks of the registered hosts: their versions, and whether they find their plugin."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace

from bridge_core.errors import ShotbridgeError
from bridge_core.hosts.check_result import CheckResult, CheckStatus
from bridge_core.hosts.descriptor import HostDescriptor, HostInstallation
from bridge_core.hosts.installations import find_installations, version_numbers
from bridge_core.hosts.plugin_folders import plugins_folder
from bridge_core.hosts.registry import registered_hosts

SECTION = "Hosts"
_ESTIMATE_NOTE = "assumed from its version"


def check(environ: Mapping[str, str] | None = None) -> Iterator[CheckResult]:
    environ = os.environ if environ is None else environ
    try:
        yield CheckResult.ok(SECTION, "plugins", str(plugins_folder(environ)))
    except ShotbridgeError as error:
        no_plugins = CheckResult.from_error(error, SECTION, "plugins")
        yield replace(no_plugins, status=CheckStatus.INFO)
    registered = registered_hosts(environ)
    for problem in registered.problems:
        yield CheckResult.from_error(problem, SECTION, "registration")
    for host in registered.hosts.values():
        try:
            yield from list(_check_host(host, environ))
        except Exception as error:
            message = f"its plugin cannot be checked: {type(error).__name__}: {error}"
            next_step = "update or uninstall the plugin, or ask who made it"
            yield CheckResult.error(SECTION, host.title, message, next_step)


def _check_host(host: HostDescriptor, environ: Mapping[str, str]) -> Iterator[CheckResult]:
    if host.search is None:
        yield CheckResult.ok(SECTION, host.title, f"plugin in {host.package_folder}")
        yield from host.check_plugin(SECTION, (), environ)
        return
    programs = find_installations(host, environ=environ)
    if not programs:
        message = "not found in the usual folders or on the PATH"
        next_step = "if it is installed, add its folder to the PATH"
        yield CheckResult.info(SECTION, host.title, message, next_step)
        return
    plugin_results = list(host.check_plugin(SECTION, programs, environ))
    is_set_up = any(line.status is not CheckStatus.INFO for line in plugin_results)
    for program in programs:
        # An old installation is only a problem if this environment starts it.
        yield _check_installation(host, program, environ, needed=is_set_up and program.on_path)
    yield from plugin_results


def _check_installation(
    host: HostDescriptor,
    installation: HostInstallation,
    environ: Mapping[str, str],
    *,
    needed: bool,
) -> CheckResult:
    version = installation.version
    name = f"{host.title} {version}".rstrip()
    runtime, known = installation.runtime, host.known_runtime(version)
    likely_python = runtime.python or known.python
    if runtime.python:
        python_text = f"Python {runtime.python}"
    elif known.python:
        python_text = f"Python {known.python} ({_ESTIMATE_NOTE})"
    else:
        python_text = host.unknown_python(environ)
    qt_text = host.qt_source or runtime.qt or "Qt unknown"
    if known.qt and not (host.qt_source or runtime.qt):
        qt_text = f"{known.qt} ({_ESTIMATE_NOTE})"
    message = f"{installation.path}: {python_text}, {qt_text}"
    problem, next_step = "", ""
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if not version:
        message += "; version unknown"
    elif version_numbers(version) < version_numbers(host.min_version):
        problem = "too old for Shotbridge"
        next_step = f"use {host.title} {host.min_version} or newer"
    elif host.needs_same_python and likely_python not in ("", python):
        # pydantic and OpenTimelineIO have compiled modules for one version of Python.
        problem = f"Shotbridge is installed here for Python {python}"
        next_step = f"install Shotbridge for Python {likely_python} (docs/admin.md)"
    if not problem:
        return CheckResult.ok(SECTION, name, message)
    status = CheckStatus.ERROR if needed else CheckStatus.INFO
    return CheckResult(SECTION, name, status, f"{message}; {problem}", next_step)
