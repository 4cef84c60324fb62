"""``make lock``: writes the requirements locks, every version pinned, every file with its hash.

    packaging/requirements-client.lock    the client and the panel: setup.py without extras
    packaging/requirements-host.lock      the same without PySide6, for a host that brings its own
    packaging/requirements-gateway.lock   everything for one machine: with gateway and timelines
    packaging/requirements-build.lock     what builds Shotbridge itself, out of pyproject.toml

The versions are those that this environment was tested with, so run it with the Python of .venv;
``uv`` adds what other systems and newer Pythons need. A lock names no index: pip uses the one that
the studio has configured.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from pins import without
from tools import REPO, run, tool

LOCKS = {
    "requirements-client.lock": ((), "the client and the panel"),
    "requirements-gateway.lock": (
        ("gateway", "timelines"),
        "client, panel, gateway and the readers of EDL, FCP XML and AAF",
    ),
}
QT = ("pyside6-essentials", "shiboken6")
OLDEST_PYTHON = "3.11"
_HEAD = """\
# Shotbridge's requirements: {what}. For Python {python} and newer, on every system.
# Made by `make lock`; docs/admin.md says how it is used.
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        tested = Path(temporary) / "tested.txt"
        tested.write_text("".join(f"{pin}\n" for pin in _tested()), encoding="utf-8")
        for name, (extras, what) in LOCKS.items():
            _write(name, what, _compiled("setup.py", tested, *extras))
        build = Path(temporary) / "build.txt"
        build.write_text("\n".join(_builders()), encoding="utf-8")
        _write("requirements-build.lock", "what builds it", _compiled(str(build), tested))
    client = (REPO / "packaging" / "requirements-client.lock").read_text(encoding="utf-8")
    _write("requirements-host.lock", "the client in a host that brings Qt", without(client, *QT))


def _compiled(source: str, tested: Path, *extras: str) -> str:
    """Everything that ``source`` needs, with hashes, in the ``tested`` versions where it can be."""
    made = tested.with_name("made.txt")
    made.unlink(missing_ok=True)  # what stands there already, uv keeps
    run(
        *(str(tool("uv")), "pip", "compile", source, "--quiet"),
        *(word for extra in extras for word in ("--extra", extra)),
        *("--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes"),
        *("--constraint", str(tested), "--output-file", str(made)),
        *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"),
    )
    return made.read_text(encoding="utf-8")


def _builders() -> list[str]:
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))
    requires: list[str] = project["build-system"]["requires"]
    return requires


def _write(name: str, what: str, pins: str) -> None:
    head = _HEAD.format(what=what, python=OLDEST_PYTHON)
    (REPO / "packaging" / name).write_text(head + pins, encoding="utf-8")
    print(f"packaging/{name}")


def _tested() -> list[str]:
    """``name==version`` of everything installed here, but for Shotbridge itself."""
    found = {re.sub(r"[-_.]+", "-", dist.name).lower(): dist.version for dist in distributions()}
    return sorted(f"{name}=={version}" for name, version in found.items() if name != "shotbridge")


if __name__ == "__main__":
    main()
