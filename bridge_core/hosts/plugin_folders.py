"""Where the plugins for the hosts are.

They are not in the wheel: a host loads its plugin from a search path of its own, and a folder
called ``nuke`` that Python could import would shadow Nuke's own module. So they are a folder of
files, found in this order:

1. ``SHOTBRIDGE_PLUGINS``, which the rez package sets;
2. ``plugins`` beside the client, in a checkout;
3. ``share/shotbridge/plugins`` under the Python environment, where the offline bundle puts them.

A variable and not a setting: hosts need the folder before any configuration can be read.
Standard library only, for the same reason.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import bridge_core
from bridge_core.errors import ConfigError

PLUGINS_VARIABLE = "SHOTBRIDGE_PLUGINS"
HOSTS = ("nuke", "blender", "resolve")


def plugins_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The folder that holds ``nuke``, ``blender`` and ``resolve``.

    :raises ConfigError: there is none, or the variable names another folder.
    """
    named = (os.environ if environ is None else environ).get(PLUGINS_VARIABLE)
    if named:
        folder = Path(named).expanduser()
        if not _holds_plugins(folder):
            raise ConfigError(
                f"{PLUGINS_VARIABLE} names a folder without plugins",
                where=named,
                next_step=f"let it name the folder that holds {', '.join(HOSTS)}",
            )
        return folder
    checkout = Path(bridge_core.__file__).resolve().parents[1] / "plugins"
    installed = Path(sys.prefix) / "share" / "shotbridge" / "plugins"
    for folder in (checkout, installed):
        if _holds_plugins(folder):
            return folder
    raise ConfigError(
        "the plugins for the hosts are not installed here: the wheel does not hold them",
        where=str(installed),
        next_step=f"copy the folder plugins of the checkout or the bundle there, or set {PLUGINS_VARIABLE}",
    )


def plugin_folder(host: str) -> Path:
    """A host's plugin, ready for its search path.

    :raises ConfigError: there is none.
    """
    folder = plugins_folder() / host
    if not (folder / f"bridge_{host}").is_dir():
        raise ConfigError(
            f"there is no plugin for {host}",
            where=str(folder),
            next_step=f"hosts with a plugin are {', '.join(HOSTS)}",
        )
    return folder


def _holds_plugins(folder: Path) -> bool:
    return any((folder / host / f"bridge_{host}").is_dir() for host in HOSTS)
