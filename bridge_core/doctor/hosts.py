"""Which hosts are here, whether they fit, and whether they find their plugin."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping

from bridge_core.doctor.installed import numbers
from bridge_core.doctor.line import Line, State
from bridge_core.doctor.programs import Program, find
from bridge_core.doctor.reach import REACH
from bridge_core.errors import ShotbridgeError
from bridge_core.plugins import plugins_dir

SECTION = "Hosts"
TITLES = {"nuke": "Nuke", "blender": "Blender", "resolve": "Resolve"}
#: The oldest version that a plugin is written for.
OLDEST = {"nuke": "16.0", "blender": "4.2", "resolve": "18.5"}
_GUESSED = "guessed from its version"


def lines(environ: Mapping[str, str] | None = None) -> Iterator[Line]:
    environ = os.environ if environ is None else environ
    try:
        yield Line(SECTION, "plugins", State.OK, str(plugins_dir(environ)))
    except ShotbridgeError as error:
        yield Line.of(error, SECTION, "plugins", State.NOTE)
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
        reach = list(REACH[host](SECTION, programs, environ))
        reached = any(line.state is not State.NOTE for line in reach)
        for program in programs:
            # Of several on a machine one may be old; not the one that this environment starts.
            yield _program(program, environ, needed=reached and program.on_path)
        yield from reach


def _program(program: Program, environ: Mapping[str, str], *, needed: bool) -> Line:
    title = TITLES[program.host]
    name = f"{title} {program.version}".rstrip()
    says = f"{program.path}: {_python(program, environ)}, {_qt(program)}"
    misfit, step = "", ""
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if not program.version:
        says += "; version unknown"
    elif numbers(program.version) < numbers(OLDEST[program.host]):
        misfit = "too old for Shotbridge"
        step = f"use {title} {OLDEST[program.host]} or newer"
    elif program.host == "nuke" and program.likely_python not in ("", here):
        # pydantic and OpenTimelineIO hold compiled parts, which fit one Python.
        misfit = f"Shotbridge is installed here for Python {here}"
        step = f"give it an installation for Python {program.likely_python} (docs/admin.md)"
    if not misfit:
        return Line(SECTION, name, State.OK, says)
    state = State.WRONG if needed else State.NOTE
    return Line(SECTION, name, state, f"{says}; {misfit}", step)


def _python(program: Program, environ: Mapping[str, str]) -> str:
    if program.python:
        return f"Python {program.python}"
    if program.likely_python:
        return f"Python {program.likely_python} ({_GUESSED})"
    if program.host != "resolve":
        return "Python unknown"
    named = environ.get("PYTHON3HOME")
    if named:
        return f"scripts in the Python that PYTHON3HOME names, {named}"
    return "scripts in the system's Python (guessed; PYTHON3HOME would name another)"


def _qt(program: Program) -> str:
    if program.host == "blender":
        return "Qt by the extension"
    if program.host == "resolve":
        return "Qt by the script's window"
    if program.qt:
        return program.qt
    return f"{program.likely_qt} ({_GUESSED})" if program.likely_qt else "Qt unknown"
