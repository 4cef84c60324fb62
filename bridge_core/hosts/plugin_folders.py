"""Finds the plugins for the hosts.

They are not in the wheel: a host loads its plugin from its own search path, and a folder called
``nuke`` on Python's path would shadow Nuke's own module. The folder of plugins is found in this
order:

1. ``SHOTBRIDGE_PLUGINS``, which the rez package sets;
2. ``plugins`` beside the client, in a checkout;
3. ``share/shotbridge/plugins`` in the Python environment, where the offline bundle installs them.

It is a variable and not a setting, because hosts need it before they can read any configuration.
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


def plugins_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The folder with a folder for each host: ``nuke`` with the package ``bridge_nuke``.

    :raises ConfigError: there is none, or the variable is wrong.
    """
    named = (os.environ if environ is None else environ).get(PLUGINS_VARIABLE)
    if named:
        folder = Path(named).expanduser()
        if not plugin_names(folder):
            message = f"{PLUGINS_VARIABLE} is set to a folder without plugins"
            next_step = "set it to the folder plugins of the checkout or the bundle"
            raise ConfigError(message, where=named, next_step=next_step)
        return folder
    checkout = Path(bridge_core.__file__).resolve().parents[1] / "plugins"
    installed = Path(sys.prefix) / "share" / "shotbridge" / "plugins"
    for folder in (checkout, installed):
        if plugin_names(folder):
            return folder
    raise ConfigError(
        "the plugins for the hosts are not installed; they are not part of the wheel",
        where=str(installed),
        next_step="copy the folder plugins of the checkout or the bundle there, or set "
        f"{PLUGINS_VARIABLE}",
    )


def plugin_folder(host: str) -> Path:
    """The folder of a host's plugin, for the host's search path.

    :raises ConfigError: there is none.
    """
    folder = plugins_folder()
    names = plugin_names(folder)
    if host not in names:
        message = f"there is no plugin for {host}"
        next_step = f"the hosts with a plugin are {', '.join(names)}"
        raise ConfigError(message, where=str(folder / host), next_step=next_step)
    return folder / host


def plugin_names(folder: Path) -> list[str]:
    """The hosts that have a plugin in a folder of plugins, in alphabetical order."""
    hosts = (host.name for host in folder.glob("*"))
    return sorted(name for name in hosts if (folder / name / f"bridge_{name}").is_dir())
