"""``install``, ``uninstall``, ``selftest``: the registered hosts on this machine."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.errors import ConfigError

if TYPE_CHECKING:
    from bridge_core.cli.context import CommandContext
    from bridge_core.hosts.descriptor import HostDescriptor, HostInstaller, InstallReport


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    # No choices of hosts here: the plugins are only loaded for a command that needs them.
    for name, does, run in (
        ("install", "add the plugin to a host that needs files in its own folders", _install),
        ("uninstall", "remove these files again", _uninstall),
    ):
        command = commands.add_parser(name, parents=[common], help=does)
        command.add_argument("host", metavar="HOST")
        command.add_argument("--folder", type=Path, help="instead of the host's own folder")
        command.set_defaults(run=run)

    selftest = commands.add_parser(
        "selftest", parents=[common], help="check in a real host what only it can confirm"
    )
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
    selftest.set_defaults(run=_run_selftest)


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


def _install(context: CommandContext) -> int:
    report = _installer(context).install(_chosen_folder(context))
    message = f"{'installed' if report.changed else 'already installed'}: {report.file}"
    return _print_report(context, report, message)


def _uninstall(context: CommandContext) -> int:
    report = _installer(context).uninstall(_chosen_folder(context))
    message = f"{'removed' if report.changed else 'not installed'}: {report.file}"
    return _print_report(context, report, message)


def _print_report(context: CommandContext, report: InstallReport, message: str) -> int:
    context.output.print_result(
        {"file": str(report.file), "changed": report.changed}, "\n".join((message, *report.notes))
    )
    return 0


def _installer(context: CommandContext) -> HostInstaller:
    host = _chosen_host(context)
    if host.installer is None:
        raise ConfigError(
            f"nothing has to be installed in {host.title}'s folders",
            next_step="`shotbridge doctor` says how it finds its plugin",
        )
    return host.installer


def _chosen_host(context: CommandContext) -> HostDescriptor:
    from bridge_core.hosts.registry import get_host

    return get_host(context.arguments.host)


def _chosen_folder(context: CommandContext) -> Path | None:
    given: Path | None = context.arguments.folder
    return given.expanduser().absolute() if given else None


def _run_selftest(context: CommandContext) -> int:
    """Run the plugin's ``selftest.py`` as its descriptor says: in the host, or beside it.

    The report goes to ``--out``; the exit code is the program's.
    """
    from bridge_core.hosts.descriptor import SelfTestRequest

    host, given = _chosen_host(context), context.arguments
    if host.selftest is None or host.package_folder is None:
        raise ConfigError(
            f"{host.title} has no self-test",
            next_step="`shotbridge doctor` checks its installation",
        )
    command = host.selftest(
        SelfTestRequest(
            script=host.package_folder / "selftest.py",
            report_folder=given.out.expanduser().absolute(),
            plugin_folder=host.package_folder.parent,
            program=given.program.expanduser().absolute() if given.program else None,
            flags=given.flags,
            environment=dict(os.environ),
        )
    )
    context.output.print_message(f"running {' '.join(command.arguments)}")
    try:
        return subprocess.run(command.arguments, env=command.environment, check=False).returncode
    except OSError as error:
        raise ConfigError(
            f"the program cannot be started: {error.strerror or error}",
            where=command.arguments[0],
            next_step="give the program with --program",
        ) from error
