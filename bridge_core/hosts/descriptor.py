"""What a host tells the command line about itself; see docs/hosts.md.

A plugin has one in ``bridge_<name>/descriptor.py``, called ``HOST``. It is loaded outside the host,
by ``shotbridge`` only, so its module imports neither the host's API nor Qt, and nothing heavy.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

    from bridge_core.hosts.check_result import CheckResult

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HostRuntime:
    """Version of a host, and what it includes. Empty fields: unknown."""

    version: str = ""
    python: str = ""
    """``3.11``."""
    qt: str = ""
    """``PySide6``, with its version if known."""


@dataclass(frozen=True, slots=True)
class HostInstallation:
    """An installation of a host, with what its files say."""

    path: Path
    runtime: HostRuntime = HostRuntime()
    on_path: bool = False

    @property
    def version(self) -> str:
        return self.runtime.version


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSearch:
    """How a host's programs are found by their files; none is started."""

    executable: re.Pattern[str]
    """Matches the whole name of the executable."""
    patterns: Mapping[str, tuple[str, ...]]
    """Paths below the usual installation folders, by ``sys.platform``; those of ``linux`` count for
    every other system."""
    inspect: Callable[[Path], HostRuntime] = lambda path: HostRuntime()
    """Reads version, Python and Qt from the files of an installation."""
    is_host: Callable[[Path], bool] = lambda path: True
    """Whether an executable on the ``PATH`` is this host, if other programs have its name."""


@dataclass(frozen=True, slots=True)
class SelfTestRequest:
    """``shotbridge selftest``: ``script`` is the plugin's ``selftest.py``, which takes the folder
    of the report; ``program`` and ``flags`` are the user's."""

    script: Path
    report_folder: Path
    plugin_folder: Path
    program: Path | None = None
    flags: Sequence[str] = ()
    environment: Environment = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SelfTestCommand:
    arguments: Sequence[str]
    environment: Environment


@dataclass(frozen=True, slots=True)
class InstallReport:
    """What ``shotbridge install`` or ``uninstall`` did to a file; ``notes`` are for the user."""

    file: Path
    changed: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HostInstaller:
    """Adds the plugin to the host, and removes it, in the folder that the user names, or in the
    host's own."""

    install: Callable[[Path | None], InstallReport]
    uninstall: Callable[[Path | None], InstallReport]


#: Checks whether installations of the host find their plugin: section of the results,
#: installations, environment variables.
PluginCheck = Callable[[str, Sequence[HostInstallation], Environment], "Iterator[CheckResult]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDescriptor:
    name: str
    """``nuke``: the word on the command line, and the package ``bridge_nuke``."""
    title: str
    """``Nuke``."""
    min_version: str = ""
    """The oldest supported version; empty: any."""
    search: ProgramSearch | None = None
    """None: the host has no programs to look for."""
    known_runtime: Callable[[str], HostRuntime] = lambda version: HostRuntime()
    """What a version includes according to its vendor, where its files do not say."""
    unknown_python: Callable[[Environment], str] = lambda environ: "Python unknown"
    """Describes the Python that runs the plugin, if neither files nor version say."""
    qt_source: str = ""
    """Where the panel's Qt comes from, if not from the host: ``Qt from the extension``."""
    needs_same_python: bool = False
    """The client is loaded from this installation, so it has to be for the host's Python."""
    check_plugin: PluginCheck = lambda section, installations, environ: iter(())
    selftest: Callable[[SelfTestRequest], SelfTestCommand] | None = None
    installer: HostInstaller | None = None
    add_commands: Callable[[Any, argparse.ArgumentParser], None] | None = None
    """Adds commands to ``shotbridge``: its sub-parsers, and the parser of the common options."""
    package_folder: Path | None = None
    """Folder of the host's package; set by the registry."""


def selftest_in_python(request: SelfTestRequest) -> SelfTestCommand:
    """The self-test beside a running host, in this Python."""
    python_path = append_path(request.environment.get("PYTHONPATH"), request.plugin_folder)
    return SelfTestCommand(
        (sys.executable, str(request.script), str(request.report_folder)),
        {**request.environment, "PYTHONPATH": python_path},
    )


def append_path(path: str | None, folder: Path) -> str:
    """A search path such as ``PATH`` with a folder at its end."""
    return os.pathsep.join(filter(None, (path, str(folder))))


def path_folders(environ: Environment, variable: str) -> list[Path]:
    """The folders of a search path such as ``PATH``."""
    return [Path(text) for text in environ.get(variable, "").split(os.pathsep) if text]
