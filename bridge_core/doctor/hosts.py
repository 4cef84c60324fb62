"""Which hosts are here, whether they fit, and whether they find their plugin."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from bridge_core import resolve_script
from bridge_core.doctor.installed import numbers
from bridge_core.doctor.line import Line, State
from bridge_core.doctor.programs import Program, find
from bridge_core.errors import ShotbridgeError
from bridge_core.plugins import plugin, plugins_dir

SECTION = "Hosts"
TITLES = {"nuke": "Nuke", "blender": "Blender", "resolve": "Resolve"}
#: The oldest version that a plugin is written for.
OLDEST = {"nuke": "16.0", "blender": "4.2", "resolve": "18.5"}


def lines(environ: Mapping[str, str] | None = None) -> Iterator[Line]:
    environ = os.environ if environ is None else environ
    try:
        yield Line(SECTION, "plugins", State.OK, str(plugins_dir(environ)))
    except ShotbridgeError as error:
        yield Line(SECTION, "plugins", State.NOTE, error.what, error.next_step)
    for host, title in TITLES.items():
        programs = find(host, environ=environ)
        if not programs:
            yield Line(
                SECTION,
                title,
                State.NOTE,
                "not found where it usually lies, nor on the PATH",
                "where this machine has it, put its folder on the PATH",
            )
            continue
        for program in programs:
            yield _program(program, title)
        yield from _REACH[host](environ)


def _program(program: Program, title: str) -> Line:
    name = f"{title} {program.version}".rstrip()
    brings = [f"Python {program.python}" if program.python else "Python unknown"]
    if program.host == "resolve":
        brings = ["uses a Python of the system's"]
    elif program.host == "nuke":
        brings.append(program.qt or "Qt unknown")
    else:
        brings.append("Qt comes with the extension")
    says = f"{program.path}: {', '.join(brings)}"
    if not program.version:
        says += "; version unknown"
    elif numbers(program.version) < numbers(OLDEST[program.host]):
        return Line(
            SECTION,
            name,
            State.NOTE,
            f"{says}; too old for Shotbridge",
            f"use {title} {OLDEST[program.host]} or newer",
        )
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if program.host == "nuke" and program.python not in ("", here):
        # pydantic and OpenTimelineIO hold compiled parts, which fit one Python.
        return Line(
            SECTION,
            name,
            State.NOTE,
            f"{says}; Shotbridge is installed here for Python {here}",
            f"give it an installation for Python {program.python} (docs/admin.md)",
        )
    return Line(SECTION, name, State.OK, says)


def _nuke(environ: Mapping[str, str]) -> Iterator[Line]:
    folders = [Path(text) for text in environ.get("NUKE_PATH", "").split(os.pathsep) if text]
    found = [folder for folder in folders if (folder / "bridge_nuke").is_dir()]
    yield _reached("Nuke's plugin", found, "NUKE_PATH", _named("nuke"))


def _blender(environ: Mapping[str, str]) -> Iterator[Line]:
    system = environ.get("BLENDER_SYSTEM_EXTENSIONS")
    found = [Path(system)] if system else []
    found = [folder for folder in found if (folder / "system" / "shotbridge").is_dir()]
    if found:
        yield Line(SECTION, "Blender's extension", State.OK, f"in {found[0]}")
        return
    users = [folder.parents[1] for folder in _users_extensions(environ)]
    if users:
        yield Line(SECTION, "Blender's extension", State.OK, f"in {', '.join(map(str, users))}")
        return
    yield Line(
        SECTION,
        "Blender's extension",
        State.NOTE,
        "not installed for this user, nor by BLENDER_SYSTEM_EXTENSIONS",
        "install its zip from Blender's preferences, or set the variable (docs/admin.md)",
    )


def _users_extensions(environ: Mapping[str, str]) -> list[Path]:
    """Folders ``<resources>/extensions/<repository>/shotbridge`` of this user."""
    home = Path(environ.get("HOME") or Path.home())
    if environ.get("BLENDER_USER_RESOURCES"):
        bases = [Path(environ["BLENDER_USER_RESOURCES"])]
    elif sys.platform == "win32":
        roaming = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
        bases = sorted((roaming / "Blender Foundation" / "Blender").glob("[0-9]*"))
    elif sys.platform == "darwin":
        bases = sorted((home / "Library" / "Application Support" / "Blender").glob("[0-9]*"))
    else:
        config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
        bases = sorted((config / "blender").glob("[0-9]*"))
    return [path for base in bases for path in base.glob("extensions/*/shotbridge")]


def _resolve(environ: Mapping[str, str]) -> Iterator[Line]:
    folder = resolve_script.scripts_folder(environ)
    name, again = "Resolve's script", "shotbridge install resolve"
    try:
        found = resolve_script.look(folder)
    except ShotbridgeError as error:
        yield Line(SECTION, name, State.WRONG, f"{error.what}: {error.where}", error.next_step)
        return
    target = folder / resolve_script.NAME
    match found:
        case resolve_script.Placing.PLACED:
            yield Line(SECTION, name, State.OK, str(target))
        case resolve_script.Placing.OUTDATED:
            yield Line(SECTION, name, State.NOTE, f"{target} is of another installation", again)
        case resolve_script.Placing.FOREIGN:
            says = f"{target} is not ours"
            yield Line(SECTION, name, State.WRONG, says, f"move it away, then {again}")
        case resolve_script.Placing.ABSENT:
            yield Line(SECTION, name, State.NOTE, f"not in {folder}", again)


_REACH = {"nuke": _nuke, "blender": _blender, "resolve": _resolve}


def _reached(name: str, found: list[Path], variable: str, folder: str) -> Line:
    if found:
        return Line(SECTION, name, State.OK, f"in {found[0]}, by {variable}")
    return Line(SECTION, name, State.NOTE, f"not on {variable}", f"add {folder} to {variable}")


def _named(host: str) -> str:
    try:
        return str(plugin(host))
    except ShotbridgeError:
        return f"the folder plugins/{host}"
