"""Installs and removes the script in Resolve's scripts folder.

Resolve has no environment variable for its search path: Workspace > Scripts lists the files in its
own folders. So one file, ``Shotbridge.py``, is installed there, and nothing else is changed. Its
first lines identify it; another file with that name, or a link, is left alone.

The script contains the paths of this Python and of the plugins. In a rez environment it does not,
because the environment that Resolve is started in provides them, and fixed paths would go stale.
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
#: In the first lines of the file, to identify it.
MARKER = "installed by shotbridge install resolve"
_MARKER_LINES = 3


class ScriptStatus(StrEnum):
    """The state of the script in Resolve's folder."""

    INSTALLED = "installed"
    OUTDATED = "outdated"
    """Ours, of another version or installation."""
    FOREIGN = "foreign"
    """Another file with that name."""
    ABSENT = "absent"


def scripts_folder(environ: Mapping[str, str] | None = None, *, system: str = sys.platform) -> Path:
    """This user's folder for Workspace > Scripts. Confirmed by users on Windows; on macOS and Linux
    from documentation and other installers."""
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


def existing_scripts_folder() -> Path:
    """This user's scripts folder, if Resolve has created its folders. Otherwise Resolve may not
    use it, so nothing should be installed there.

    :raises HostError: Resolve has not created a folder for this user.
    """
    folder = scripts_folder()
    support_folder = folder.parents[2]
    if not support_folder.is_dir():
        message = "Resolve has no folder for this user: it is not installed, or was never started"
        next_step = "start Resolve once, or give its scripts folder with --folder"
        raise HostError(message, where=str(support_folder), next_step=next_step)
    return folder


def is_configured_by_rez() -> bool:
    """Whether a rez environment provides the paths of Python and the plugins."""
    return "REZ_SHOTBRIDGE_ROOT" in os.environ


def install_script(folder: Path) -> bool:
    """Install the script, or update an older one, and return whether anything changed.

    :raises HostError: there is another file with that name.
    :raises NotWritable: the folder cannot be written.
    :raises ConfigError: the plugin is not installed.
    """
    text = script_text()
    target = folder / SCRIPT_NAME
    if _own_script_status(folder) is ScriptStatus.INSTALLED:
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
    """Remove the script and return whether there was one. Folders are kept.

    :raises HostError: there is another file with that name.
    :raises NotWritable: the folder cannot be written.
    """
    if _own_script_status(folder) is ScriptStatus.ABSENT:
        return False
    try:
        (folder / SCRIPT_NAME).unlink()
    except OSError as error:
        raise _unusable_folder(error, folder) from error
    return True


def script_status(folder: Path) -> ScriptStatus:
    """The state of the script in ``folder``. It is outdated if there is no plugin to compare with.

    :raises NotWritable: the folder or the file cannot be read.
    """
    target = folder / SCRIPT_NAME
    try:
        if not target.exists() and not target.is_symlink():
            return ScriptStatus.ABSENT
        if target.is_symlink() or not target.is_file():
            return ScriptStatus.FOREIGN
        text = target.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise _unusable_folder(error, folder) from error
    if not _has_marker(text):
        return ScriptStatus.FOREIGN
    try:
        return ScriptStatus.INSTALLED if text == script_text() else ScriptStatus.OUTDATED
    except ConfigError:
        return ScriptStatus.OUTDATED


def script_text() -> str:
    """The text of the script: the plugin's file with ``PYTHON`` and ``PLUGINS`` filled in.

    :raises ConfigError: the plugin is not installed, or its file lacks these lines.
    """
    source = plugin_folder("resolve") / "Utility" / SCRIPT_NAME
    try:
        text = source.read_text(encoding="utf-8")
    except OSError as error:
        reason = f"the script of the plugin for Resolve cannot be read: {error.strerror or error}"
        raise _broken_plugin(reason, source) from error
    values = {"PYTHON": sys.executable, "PLUGINS": str(source.parents[2])}
    for name, value in values.items():
        match = re.search(rf"^{name} = (?:''|\"\")", text, flags=re.MULTILINE)
        if match is None:
            raise _broken_plugin(f"the plugin's file has no line {name} = ''", source)
        value = "" if is_configured_by_rez() else value
        text = f"{text[: match.start()]}{name} = {value!r}{text[match.end() :]}"
    if not _has_marker(text):
        reason = f"the plugin's file does not contain {MARKER!r} in its first lines"
        raise _broken_plugin(reason, source)
    return text


def _has_marker(text: str) -> bool:
    return MARKER in "\n".join(text.splitlines()[:_MARKER_LINES])


def _own_script_status(folder: Path) -> ScriptStatus:
    """:raises HostError: there is another file with the script's name."""
    status = script_status(folder)
    if status is ScriptStatus.FOREIGN:
        message = f"there is a {SCRIPT_NAME} that Shotbridge did not install, or a link"
        next_step = "check the file, move or rename it, and try again"
        where = str(folder / SCRIPT_NAME)
        raise HostError(f"{message}; it is not changed", where=where, next_step=next_step)
    return status


def _broken_plugin(reason: str, source: Path) -> ConfigError:
    return ConfigError(reason, where=str(source), next_step="install Shotbridge again")


def _unusable_folder(error: OSError, folder: Path) -> NotWritable:
    message = f"Resolve's scripts folder cannot be used: {error.strerror or error}"
    next_step = "change its permissions, or give another folder with --folder"
    return NotWritable(message, where=str(error.filename or folder), next_step=next_step)
