"""Python and the libraries here, and whether they fit. Standard library only."""

from __future__ import annotations

import importlib.util
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import bridge_core
from bridge_core.doctor.line import Line, State

SECTION = "Shotbridge"


@dataclass(frozen=True, slots=True)
class Library:
    """One of the client's libraries; ``oldest`` as setup.py says it, which a test compares."""

    package: str
    module: str
    oldest: str
    broken: tuple[str, ...] = ()
    why: str = ""


LIBRARIES = (
    Library(
        "PySide6-Essentials",
        "PySide6",
        "6.5",
        broken=("6.12.0",),
        why="loses references and aborts after a while",
    ),
    Library("requests", "requests", "2.31"),
    Library("pydantic", "pydantic", "2.10"),
    Library("PyYAML", "yaml", "6.0"),
    Library("opentimelineio", "opentimelineio", "0.17"),
)
OLDEST_PYTHON = (3, 11)


def lines() -> Iterator[Line]:
    yield Line(
        SECTION,
        "version",
        State.OK,
        f"{bridge_core.__version__}, API {bridge_core.API_VERSION}",
    )
    fits = sys.version_info[:2] >= OLDEST_PYTHON
    yield Line(
        SECTION,
        "Python",
        State.OK if fits else State.WRONG,
        f"{platform.python_version()} at {sys.executable}",
        "" if fits else "use Python 3.11 or newer",
    )
    for library in LIBRARIES:
        yield _library(library, _version(library), _is_there(library))


def _library(library: Library, found: str, there: bool) -> Line:
    name, wanted = library.package, f"{library.package}>={library.oldest}"
    if not there:
        if library.module == "PySide6":
            # Hosts bring theirs, and a studio may have chosen that Shotbridge brings none.
            return Line(
                SECTION,
                name,
                State.NOTE,
                "not here; hosts bring their own, a panel in a window of its own needs it",
                f"pip install '{wanted}', where that is wanted",
            )
        return Line(SECTION, name, State.WRONG, "not installed", f"pip install '{wanted}'")
    if not found:
        return Line(SECTION, name, State.NOTE, "there, of a version that it does not tell")
    if found in library.broken:
        instead = ",".join([wanted, *(f"!={one}" for one in library.broken)])
        step = f"install another version: pip install '{instead}'"
        return Line(SECTION, name, State.WRONG, f"{found} {library.why}", step)
    if numbers(found) < numbers(library.oldest):
        step = f"pip install '{wanted}'"
        return Line(SECTION, name, State.WRONG, f"{found} is too old", step)
    return Line(SECTION, name, State.OK, found)


def numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: ``16.0v4`` is (16, 0, 4)."""
    leading = re.match(r"\d+(?:[.v]\d+)*", text)
    return tuple(int(part) for part in re.split(r"[.v]", leading[0])) if leading else ()


def _is_there(library: Library) -> bool:
    try:
        return importlib.util.find_spec(library.module) is not None
    except (ImportError, ValueError):
        return False


def _version(library: Library) -> str:
    for name in (library.package, library.module):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ""
