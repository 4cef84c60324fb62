"""Whether a host finds its plugin, and the plugin what it needs. Files only; no host is asked."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge_core import resolve_script
from bridge_core.doctor.installed import LIBRARIES
from bridge_core.doctor.line import Line, State
from bridge_core.doctor.programs import Program
from bridge_core.errors import ShotbridgeError
from bridge_core.plugins import plugin

_QT = "PySide6"
#: What Nuke's plugin imports that Nuke does not bring.
_FOR_NUKE = ("bridge_core", "bridge_ui", *(one.module for one in LIBRARIES if one.module != _QT))


def nuke(section: str, programs: Sequence[Program], environ: Mapping[str, str]) -> Iterator[Line]:
    name = "Nuke's plugin"
    found = [
        folder for folder in _folders(environ, "NUKE_PATH") if (folder / "bridge_nuke").is_dir()
    ]
    if not found:
        yield Line(section, name, State.NOTE, "not on NUKE_PATH", f"add {_named()} to NUKE_PATH")
        return
    first, last = _folders(environ, "PYTHONPATH"), _folders(environ, "SHOTBRIDGE_SITE")
    gone = [lib for lib in _FOR_NUKE if not any((one / lib).is_dir() for one in (*first, *last))]
    if gone:
        yield Line(
            section,
            name,
            State.WRONG,
            f"in {found[0]}, by NUKE_PATH; Nuke's Python would not find {', '.join(gone)}",
            "let SHOTBRIDGE_SITE name a folder with the client and its libraries (docs/admin.md)",
        )
        return
    yield Line(section, name, State.OK, f"in {found[0]}, by NUKE_PATH")
    for folder in first:
        if (folder / _QT).is_dir():
            # Only an environment that has Nuke is there to start it.
            meant = any(program.on_path for program in programs)
            yield Line(
                section,
                "Nuke's Qt",
                State.WRONG if meant else State.NOTE,
                f"PYTHONPATH puts the PySide6 in {folder} before Nuke's own, which ends Nuke",
                "start Nuke without it; by rez: rez env shotbridge nuke",
            )


@dataclass(frozen=True, slots=True)
class _Extension:
    """Blender's extension where it is installed: ``<repository>/shotbridge``."""

    folder: Path
    blender: str = ""
    """The version of Blender whose preferences it is in; empty: any."""

    @property
    def python(self) -> str:
        """The Python that its libraries are for, by the names of its wheels; empty: not told."""
        return self._told("pydantic_core-*.whl", r"-cp3(\d+)-", "3.")

    @property
    def qt(self) -> str:
        return self._told("[Pp]y[Ss]ide6_[Ee]ssentials-*.whl", r"-(?:0\+shotbridge\.)?([\d.]+)-")

    def _told(self, wheels: str, pattern: str, before: str = "") -> str:
        found = [re.search(pattern, one.name) for one in (self.folder / "wheels").glob(wheels)]
        return next((before + one[1] for one in found if one), "")

    def misfits(self, programs: Sequence[Program]) -> list[Program]:
        """Those that would load it with another Python than it is for."""
        return [
            program
            for program in programs
            if (program.version == self.blender if self.blender else program.on_path)
            and self.python
            and program.python not in ("", self.python)
        ]


def blender(
    section: str, programs: Sequence[Program], environ: Mapping[str, str]
) -> Iterator[Line]:
    name = "Blender's extension"
    found = list(_extensions(environ))
    for one in found:
        has = f"for Python {one.python or 'unknown'}, with {_QT} {one.qt or 'unknown'}"
        says = f"in {one.folder.parent}: {has}"
        misfits = one.misfits(programs)
        if misfits:
            brings = ", ".join(f"Blender {p.version} brings Python {p.python}" for p in misfits)
            step = f"take the extension for Python {misfits[0].python} (docs/admin.md)"
            yield Line(section, name, State.WRONG, f"{says}; {brings}", step)
        else:
            yield Line(section, name, State.OK, says)
    if not found:
        yield Line(
            section,
            name,
            State.NOTE,
            "not installed for this user, nor by BLENDER_SYSTEM_EXTENSIONS",
            "install its zip from Blender's preferences, or set the variable (docs/admin.md)",
        )


def _extensions(environ: Mapping[str, str]) -> Iterator[_Extension]:
    """That of the environment, and those of this user:
    ``<resources>/extensions/<repository>/shotbridge``."""
    system = environ.get("BLENDER_SYSTEM_EXTENSIONS")
    if system and (Path(system) / "system" / "shotbridge").is_dir():
        yield _Extension(Path(system) / "system" / "shotbridge")
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
    for base in bases:
        version = base.name if re.fullmatch(r"\d+\.\d+", base.name) else ""
        for folder in base.glob("extensions/*/shotbridge"):
            yield _Extension(folder, version)


def resolve(
    section: str, programs: Sequence[Program], environ: Mapping[str, str]
) -> Iterator[Line]:
    name, again = "Resolve's script", "shotbridge install resolve"
    folder = resolve_script.scripts_folder(environ)
    try:
        found = resolve_script.look(folder)
    except ShotbridgeError as error:
        yield Line.of(error, section, name)
        return
    target = folder / resolve_script.NAME
    match found:
        case resolve_script.Placing.PLACED:
            yield _placed(section, name, target, environ)
        case resolve_script.Placing.OUTDATED:
            yield Line(section, name, State.NOTE, f"{target} is of another installation", again)
        case resolve_script.Placing.FOREIGN:
            says = f"{target} is not ours"
            yield Line(section, name, State.WRONG, says, f"move it away, then {again}")
        case resolve_script.Placing.ABSENT:
            yield Line(section, name, State.NOTE, f"not in {folder}", again)


def _placed(section: str, name: str, target: Path, environ: Mapping[str, str]) -> Line:
    """The file takes Resolve's Python where that has Shotbridge, else starts this one."""
    python = environ.get("SHOTBRIDGE_PYTHON") or sys.executable
    if shutil.which(python, path=environ.get("PATH")) is None:
        says = f"{target}: the Python that SHOTBRIDGE_PYTHON names is not there: {python}"
        return Line(section, name, State.WRONG, says, "correct SHOTBRIDGE_PYTHON")
    says = f"{target}: opens a window with the Python and Qt of {python}"
    return Line(section, name, State.OK, f"{says}, unless Resolve's own Python has Shotbridge")


def _folders(environ: Mapping[str, str], variable: str) -> list[Path]:
    return [Path(text) for text in environ.get(variable, "").split(os.pathsep) if text]


def _named() -> str:
    try:
        return str(plugin("nuke"))
    except ShotbridgeError:
        return "the folder plugins/nuke"


Reach = Callable[[str, Sequence[Program], Mapping[str, str]], Iterator[Line]]

#: By host.
REACH: Mapping[str, Reach] = {"nuke": nuke, "blender": blender, "resolve": resolve}
