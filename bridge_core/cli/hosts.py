"""``install``, ``uninstall``, ``selftest``: the registered hosts on this machine."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.cli.context import add_command
from bridge_core.errors import ConfigError

if TYPE_CHECKING:
    from bridge_core.cli.context import CommandContext


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    # No choices of hosts here: the plugins are only loaded for a command that needs them.
    add = partial(add_command, commands, common)
    for name, help_text in (
        ("install", "add the plugin to a host that needs files in its own folders"),
        ("uninstall", "remove these files again"),
    ):
        command = add(name, _run_installer, help_text)
        command.add_argument("host", metavar="HOST")
        command.add_argument("--folder", type=Path, help="instead of the host's own folder")

    selftest = add("selftest", _run_selftest, "check in a real host what only it can confirm")
    selftest.add_argument("host", metavar="HOST")
    selftest.add_argument(
        "--program", type=Path, help="the host's program; default: that on the PATH, or the newest"
    )
    selftest.add_argument("--out", type=Path, default=Path(), help="folder of the report")
    # The rest of the line are values, dashes included, so this is the last option.
    selftest.add_argument(
        "--with",
        dest="flags",
        nargs=argparse.REMAINDER,
        default=[],
        metavar="FLAG",
        help="flags for the host, as the last option",
    )


def add_host_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands that the hosts bring. A host whose commands fail stops no other command."""
    from bridge_core.hosts.registry import registered_hosts

    for host in registered_hosts().hosts.values():
        if host.add_commands is None:
            continue
        try:
            host.add_commands(commands, common)
        except Exception as error:
            print(f"no commands of {host.title}: {error}", file=sys.stderr)


def _run_installer(context: CommandContext) -> int:
    from bridge_core.hosts.registry import get_host

    host, given = get_host(context.arguments.host), context.arguments.folder
    if host.installer is None:
        message = f"nothing has to be installed in {host.title}'s folders"
        raise ConfigError(message, next_step="`shotbridge doctor` says how it finds its plugin")
    folder = given.expanduser().absolute() if given else None
    if context.arguments.command == "install":
        report = host.installer.install(folder)
        outcome = "installed" if report.changed else "already installed"
    else:
        report = host.installer.uninstall(folder)
        outcome = "removed" if report.changed else "not installed"
    text = "\n".join((f"{outcome}: {report.file}", *report.notes))
    context.output.print_result({"file": report.file, "changed": report.changed}, text)
    return 0


def _run_selftest(context: CommandContext) -> int:
    """Run the plugin's ``selftest.py`` as its descriptor says: in the host, or beside it.

    The report goes to ``--out``; the exit code is the program's.
    """
    from bridge_core.hosts.descriptor import SelfTestRequest
    from bridge_core.hosts.registry import get_host

    given = context.arguments
    host = get_host(given.host)
    if host.selftest is None or host.package_folder is None:
        next_step = "`shotbridge doctor` checks its installation"
        raise ConfigError(f"{host.title} has no self-test", next_step=next_step)
    request = SelfTestRequest(
        script=host.package_folder / "selftest.py",
        report_folder=given.out.expanduser().absolute(),
        plugin_folder=host.package_folder.parent,
        program=given.program.expanduser().absolute() if given.program else None,
        flags=given.flags,
        environment=dict(os.environ),
    )
    command = host.selftest(request)
    context.output.print_message(f"running {' '.join(command.arguments)}")
    try:
        return subprocess.run(command.arguments, env=command.environment, check=False).returncode
    except OSError as error:
        message = f"the program cannot be started: {error.strerror or error}"
        next_step = "give the program with --program"
        raise ConfigError(message, where=command.arguments[0], next_step=next_step) from error
