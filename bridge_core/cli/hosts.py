"""``install``, ``uninstall``, ``selftest``: the hosts on this machine."""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.errors import ConfigError, HostError

if TYPE_CHECKING:
    from bridge_core.cli.context import CommandContext

#: Hosts with a self-test.
_SELFTEST_HOSTS = ("nuke", "resolve")


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    for name, does, run in (
        ("install", "install the script that Resolve needs in its scripts folder", _install_script),
        ("uninstall", "remove that script again", _uninstall_script),
    ):
        command = commands.add_parser(name, parents=[common], help=does)
        command.add_argument("host", choices=("resolve",))
        command.add_argument("--folder", type=Path, help="instead of this user's scripts folder")
        command.set_defaults(run=run)

    selftest = commands.add_parser(
        "selftest", parents=[common], help="check in a real host what only it can confirm"
    )
    selftest.add_argument("host", choices=_SELFTEST_HOSTS)
    selftest.add_argument(
        "--program", type=Path, help="Nuke's program; default: that on the PATH, or the newest"
    )
    selftest.add_argument("--out", type=Path, default=Path(), help="folder of the report")
    # The rest of the line are values, dashes included, so this is the last option.
    selftest.add_argument(
        "--with",
        dest="flags",
        nargs=argparse.REMAINDER,
        default=[],
        metavar="FLAG",
        help="flags for Nuke, as the last option: --with -i takes an interactive Nuke licence",
    )
    selftest.set_defaults(run=_run_selftest)


def _install_script(context: CommandContext) -> int:
    from bridge_core.hosts import resolve_script

    folder = _chosen_folder(context) or resolve_script.existing_scripts_folder()
    changed = resolve_script.install_script(folder)
    target = folder / resolve_script.SCRIPT_NAME
    message = f"{'installed' if changed else 'already installed'}: {target}"
    if changed:
        message += "\nResolve lists it under Workspace > Scripts after the next start."
    if resolve_script.is_configured_by_rez():
        message += (
            "\nIt works in a Resolve that is started from an environment such as this one, by "
            "`rez env shotbridge -- ...`, and not in one that is started from its icon."
        )
    context.output.print_result({"file": str(target), "changed": changed}, message)
    return 0


def _uninstall_script(context: CommandContext) -> int:
    from bridge_core.hosts import resolve_script

    folder = _chosen_folder(context) or resolve_script.scripts_folder()
    changed = resolve_script.remove_script(folder)
    target = folder / resolve_script.SCRIPT_NAME
    message = f"{'removed' if changed else 'not installed'}: {target}"
    context.output.print_result({"file": str(target), "changed": changed}, message)
    return 0


def _chosen_folder(context: CommandContext) -> Path | None:
    given: Path | None = context.arguments.folder
    return given.expanduser().absolute() if given else None


def _run_selftest(context: CommandContext) -> int:
    """Run the plugin's ``selftest.py``: in Nuke without a window, or beside a running Resolve.

    The report goes to ``--out``; the exit code is the program's.
    """
    from bridge_core.hosts.plugin_folders import plugin_folder

    host: str = context.arguments.host
    out: Path = context.arguments.out.expanduser().absolute()
    folder = plugin_folder(host)
    program = folder / f"bridge_{host}" / "selftest.py"
    environment = dict(os.environ)
    if host == "nuke":
        command = [str(_find_nuke(context)), *context.arguments.flags, "-t", str(program), str(out)]
        environment["NUKE_PATH"] = _append_path(environment.get("NUKE_PATH"), folder)
        # Nuke's Python has none of our packages. PYTHONPATH would go before Nuke's own.
        environment.setdefault("SHOTBRIDGE_SITE", _python_folders())
    else:
        command = [sys.executable, str(program), str(out)]
        environment["PYTHONPATH"] = _append_path(environment.get("PYTHONPATH"), folder)
    context.output.print_message(f"running {' '.join(command)}")
    try:
        return subprocess.run(command, env=environment, check=False).returncode
    except OSError as error:
        raise ConfigError(
            f"the program cannot be started: {error.strerror or error}",
            where=command[0],
            next_step="give the program with --program",
        ) from error


def _append_path(path: str | None, folder: Path) -> str:
    return os.pathsep.join(filter(None, (path, str(folder))))


def _python_folders() -> str:
    """The folders of the client and its libraries: one if installed, several in a checkout."""
    specs = map(importlib.util.find_spec, ("bridge_core", "bridge_ui", "pydantic"))
    folders = (str(Path(one.origin).parents[1]) for one in specs if one and one.origin)
    return os.pathsep.join(dict.fromkeys(folders))


def _find_nuke(context: CommandContext) -> Path:
    from bridge_core.doctor.python_packages import version_numbers
    from bridge_core.hosts.installations import find_installations

    if context.arguments.program is not None:
        given: Path = context.arguments.program.expanduser().absolute()
        return given
    programs = find_installations("nuke")
    if not programs:
        raise HostError(
            "no Nuke was found on this machine",
            where="the usual installation folders and the PATH",
            next_step="give it: shotbridge selftest nuke --program /usr/local/Nuke16.0v4/Nuke16.0",
        )
    return max(
        programs, key=lambda program: (program.on_path, version_numbers(program.version))
    ).path
