"""The one file that Resolve needs in its scripts folder, placed and removed.

Resolve has no search path that a variable could lengthen: what Workspace > Scripts lists lies in
its own folder. So one file is put there, ``Shotbridge.py``, and nothing else is ever touched. It
is known as ours by a line that says who placed it; a file of that name that is not ours, and a
link, stays as it is.

The file is told where this Python and the plugins are. In a rez environment it is not: there the
environment that Resolve was started in says so, and a path of today would go stale.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from bridge_core.errors import ConfigError, HostError, NotWritable
from bridge_core.hosts.plugin_folders import plugin_folder

SCRIPT_NAME = "Shotbridge.py"
#: Stands in the first lines of the file, and tells it from anybody else's.
MARKER = "installed by shotbridge install resolve"
_MARKER_LINES = 3


class ScriptStatus(StrEnum):
    """How the file in Resolve's folder stands."""

    INSTALLED = "installed"
    OUTDATED = "outdated"
    """Ours, of another version or from another place."""
    FOREIGN = "foreign"
    """Of that name, and not ours."""
    ABSENT = "absent"


def scripts_folder(environ: Mapping[str, str] | None = None, *, system: str = sys.platform) -> Path:
    """This user's folder of what Workspace > Scripts lists. Windows: seen by many; macOS and
    Linux: read in documentation and others' installers, not seen."""
    environ = os.environ if environ is None else environ
    home = Path(environ.get("HOME") or Path.home())
    if system == "win32":
        roaming = Path(environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
        base = roaming / "Blackmagic Design" / "DaVinci Resolve" / "Support"
    elif system == "darwin":
        support = home / "Library" / "Application Support"
        base = support / "Blackmagic Design" / "DaVinci Resolve"
    else:
        base = home / ".local" / "share" / "DaVinciResolve"
    return base / "Fusion" / "Scripts" / "Utility"


def existing_scripts_folder(environ: Mapping[str, str] | None = None) -> Path:
    """This user's folder of scripts, where Resolve has made its own folders already: where it has
    not, nothing is known to look there, and nothing of ours is to be left there.

    :raises HostError: Resolve has no folder of this user's.
    """
    folder = scripts_folder(environ)
    support_folder = folder.parents[2]
    if not support_folder.is_dir():
        raise HostError(
            "Resolve has no folder of this user's: it is not installed, or was never started",
            where=str(support_folder),
            next_step="start Resolve once, or name its scripts folder with --folder",
        )
    return folder


def is_configured_by_rez(environ: Mapping[str, str] | None = None) -> bool:
    """Whether the file is told by an environment of rez where Python and plugins are."""
    return "REZ_SHOTBRIDGE_ROOT" in (os.environ if environ is None else environ)


def install_script(folder: Path) -> bool:
    """Put the file there, or the current one in the place of an older one of ours; whether
    anything changed.

    :raises HostError: a file of that name is there that is not ours.
    :raises NotWritable: the folder cannot be written.
    :raises ConfigError: the plugin is not installed here.
    """
    text = script_text()
    target = folder / SCRIPT_NAME
    status = script_status(folder)
    if status is ScriptStatus.FOREIGN:
        raise _foreign_script(target)
    if status is ScriptStatus.INSTALLED:
        return False
    partial = folder / f".{SCRIPT_NAME}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise _unusable_folder(error, folder) from error
    return True


def remove_script(folder: Path) -> bool:
    """Take the file away; whether there was one. Folders stay.

    :raises HostError: the file of that name is not ours.
    :raises NotWritable: the folder cannot be written.
    """
    target = folder / SCRIPT_NAME
    status = script_status(folder)
    if status is ScriptStatus.FOREIGN:
        raise _foreign_script(target)
    if status is ScriptStatus.ABSENT:
        return False
    try:
        target.unlink()
    except OSError as error:
        raise _unusable_folder(error, folder) from error
    return True


def script_status(folder: Path) -> ScriptStatus:
    """How the file stands there. Without a plugin here to compare with, ours is outdated.

    :raises NotWritable: the folder or the file cannot be read.
    """
    target = folder / SCRIPT_NAME
    try:
        if target.is_symlink():
            return ScriptStatus.FOREIGN
        if not target.exists():
            return ScriptStatus.ABSENT
        if not target.is_file():
            return ScriptStatus.FOREIGN
        text = target.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise _unusable_folder(error, folder) from error
    if MARKER not in "\n".join(text.splitlines()[:_MARKER_LINES]):
        return ScriptStatus.FOREIGN
    try:
        return ScriptStatus.INSTALLED if text == script_text() else ScriptStatus.OUTDATED
    except ConfigError:
        return ScriptStatus.OUTDATED


def script_text(environ: Mapping[str, str] | None = None) -> str:
    """What the file holds: the plugin's own, with the lines ``PYTHON = ""`` and ``PLUGINS = ""``
    filled in.

    :raises ConfigError: the plugin is not installed here, or its file lacks these lines.
    """
    environ = os.environ if environ is None else environ
    source = plugin_folder("resolve") / "Utility" / SCRIPT_NAME
    try:
        text = source.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"the plugin for Resolve lacks its file: {error.strerror or error}",
            where=str(source),
            next_step="install Shotbridge again",
        ) from error
    by_rez = is_configured_by_rez(environ)
    values = {
        "PYTHON": "" if by_rez else sys.executable,
        "PLUGINS": "" if by_rez else str(source.parents[2]),
    }
    for name, value in values.items():
        text = _set_constant(text, name, value, source)
    if MARKER not in "\n".join(text.splitlines()[:_MARKER_LINES]):
        raise ConfigError(
            f"the plugin's file does not say {MARKER!r} in its first lines",
            where=str(source),
            next_step="install Shotbridge again",
        )
    return text


def _set_constant(text: str, name: str, value: str, source: Path) -> str:
    match = re.search(rf"^{name} = (?:''|\"\")", text, flags=re.MULTILINE)
    if match is None:
        raise ConfigError(
            f"the plugin's file has no line {name} = ''",
            where=str(source),
            next_step="install Shotbridge again",
        )
    return f"{text[: match.start()]}{name} = {value!r}{text[match.end() :]}"


def _foreign_script(target: Path) -> HostError:
    return HostError(
        f"there is a {SCRIPT_NAME} that Shotbridge did not place, or a link; it stays as it is",
        where=str(target),
        next_step="look at it, move it away or rename it, and try again",
    )


def _unusable_folder(error: OSError, folder: Path) -> NotWritable:
    return NotWritable(
        f"Resolve's scripts folder cannot be used: {error.strerror or error}",
        where=str(error.filename or folder),
        next_step="have its permissions changed, or name another folder with --folder",
    )
