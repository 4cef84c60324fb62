"""``install``, ``uninstall``, ``selftest``: what concerns the hosts on this machine."""

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
    from bridge_core.cli.call import Call

#: Hosts with a self-test.
_TESTED = ("nuke", "resolve")


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    for name, does, run in (
        ("install", "put the one file that Resolve needs into its scripts folder", _install),
        ("uninstall", "take that file away again", _uninstall),
    ):
        command = commands.add_parser(name, parents=[common], help=does)
        command.add_argument("host", choices=("resolve",))
        command.add_argument("--folder", type=Path, help="instead of this user's scripts folder")
        command.set_defaults(run=run)

    selftest = commands.add_parser(
        "selftest", parents=[common], help="look in a real host at what only it can confirm"
    )
    selftest.add_argument("host", choices=_TESTED)
    selftest.add_argument(
        "--program", type=Path, help="Nuke's program; none: that on the PATH, or the newest"
    )
    selftest.add_argument("--out", type=Path, default=Path(), help="folder of the report")
    # What begins with a dash is a value here, so this is the last of the options.
    selftest.add_argument(
        "--with",
        dest="flags",
        nargs=argparse.REMAINDER,
        default=[],
        metavar="FLAG",
        help="flags for Nuke, as the last words: --with -i takes a licence of the interactive Nuke",
    )
    selftest.set_defaults(run=_selftest)


def _install(call: Call) -> int:
    from bridge_core import resolve_script

    folder = _given(call) or resolve_script.folder_to_place_in()
    changed = resolve_script.place(folder)
    target = folder / resolve_script.NAME
    words = f"{'placed' if changed else 'is there already'}: {target}"
    if changed:
        words += "\nIn Resolve it is listed under Workspace > Scripts after the next start."
    if resolve_script.told_by_environment():
        words += (
            "\nIt works in a Resolve that is started from such an environment as this one, by "
            "`rez env shotbridge -- ...`, and not in one that is started by its icon."
        )
    call.output.result({"file": str(target), "changed": changed}, words)
    return 0


def _uninstall(call: Call) -> int:
    from bridge_core import resolve_script

    folder = _given(call) or resolve_script.scripts_folder()
    changed = resolve_script.remove(folder)
    target = folder / resolve_script.NAME
    words = f"{'removed' if changed else 'was not there'}: {target}"
    call.output.result({"file": str(target), "changed": changed}, words)
    return 0


def _given(call: Call) -> Path | None:
    given: Path | None = call.arguments.folder
    return given.expanduser().absolute() if given else None


def _selftest(call: Call) -> int:
    """Start the plugin's ``selftest.py`` where it belongs: in Nuke without a window, or beside a
    Resolve that runs. The report stays in ``--out``; the exit code is the program's."""
    from bridge_core.plugins import plugin

    host: str = call.arguments.host
    out: Path = call.arguments.out.expanduser().absolute()
    folder = plugin(host)
    program = folder / f"bridge_{host}" / "selftest.py"
    environment = dict(os.environ)
    if host == "nuke":
        command = [str(_nuke(call)), *call.arguments.flags, "-t", str(program), str(out)]
        environment["NUKE_PATH"] = _with(environment.get("NUKE_PATH"), folder)
        # Nuke's own Python has nothing of ours. Not by PYTHONPATH, which goes before Nuke's own.
        environment.setdefault("SHOTBRIDGE_SITE", _site())
    else:
        command = [sys.executable, str(program), str(out)]
        environment["PYTHONPATH"] = _with(environment.get("PYTHONPATH"), folder)
    call.output.say(f"running {' '.join(command)}")
    try:
        return subprocess.run(command, env=environment, check=False).returncode
    except OSError as error:
        raise ConfigError(
            f"it cannot be started: {error.strerror or error}",
            where=command[0],
            next_step="name the program with --program",
        ) from error


def _with(path: str | None, folder: Path) -> str:
    return os.pathsep.join(filter(None, (path, str(folder))))


def _site() -> str:
    """The folders in which this Python finds the client and its libraries: one where they are
    installed, several in a checkout."""
    found = map(importlib.util.find_spec, ("bridge_core", "bridge_ui", "pydantic"))
    folders = (str(Path(one.origin).parents[1]) for one in found if one and one.origin)
    return os.pathsep.join(dict.fromkeys(folders))


def _nuke(call: Call) -> Path:
    from bridge_core.doctor.installed import numbers
    from bridge_core.doctor.programs import find

    if call.arguments.program is not None:
        given: Path = call.arguments.program.expanduser().absolute()
        return given
    found = find("nuke")
    if not found:
        raise HostError(
            "no Nuke was found on this machine",
            where="the folders where it usually lies, and the PATH",
            next_step="name it: shotbridge selftest nuke --program /usr/local/Nuke16.0v4/Nuke16.0",
        )
    return max(found, key=lambda program: (program.on_path, numbers(program.version))).path
