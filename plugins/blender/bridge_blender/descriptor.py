"""Blender, for the command line: how it is found and checked. Loaded outside Blender."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from bridge_core.hosts.descriptor import HostDescriptor, HostRuntime, ProgramSearch
from bridge_core.hosts.installations import sorted_glob

from . import extension_check


def _inspect(path: Path) -> HostRuntime:
    """The version and Python from the folder that is named after the version, beside the
    executable. A Linux distribution's Blender has it in /usr/share and uses the system's Python."""
    home = path / "Contents" / "Resources" if path.suffix == ".app" else path.resolve().parent
    for folder in (home, home.parent / "share" / "blender"):
        versions = [
            one for one in sorted_glob(folder, "[0-9]*.[0-9]*") if (one / "scripts").is_dir()
        ]
        for one in versions:
            pythons = sorted_glob(one, "python/lib/python3.*")
            pythons += sorted_glob(one, "python/bin/python3.*")
            match = re.search(r"python(3\.\d+)", pythons[0].name) if pythons else None
            return HostRuntime(one.name, match[1] if match else "")
    return HostRuntime()


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
    check_plugin=extension_check.check_extensions,
    add_commands=_add_commands,
)
