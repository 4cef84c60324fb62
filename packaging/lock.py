"""``make lock``: writes the requirements locks, every version pinned, every file with its hash.

    requirements-dev.lock        everything in .venv: checks, tests and builds
    requirements-client.lock     the client and the panel: setup.py without extras
    requirements-host.lock       the same without PySide6, for a host that has its own
    requirements-gateway.lock    everything for one machine: with gateway and timelines
    requirements-build.lock      what builds Shotbridge itself, from pyproject.toml
    requirements-{uv,rez,cyclonedx}.lock    the tools in .cache/tools
    requirements-peers.lock      the packages that benchmarks/panel_opening.py compares with
    blender/bpy-VERSION.lock     a Blender without a window, and the tests that run inside
    blender/wheels.lock          the wheels in Blender's extension; with UPGRADE=1 only

Locked versions are kept and new requirements are added; ``make lock UPGRADE=1`` uses the newest
versions that setup.py allows. The client, gateway and build locks have the versions of the dev
lock, which the tests use. Only versions with wheels are locked, so that nobody needs a compiler. A
lock names no index: pip uses the one that is configured.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import setuptools  # noqa: F401  brings distutils, which Python 3.12 and newer lack
from pins import without_packages
from tools import PINNED, REPO, run, tool_program

PACKAGING = REPO / "packaging"
sys.path.append(str(PACKAGING / "blender"))

from distutils.core import run_setup  # noqa: E402

import bpy_environment  # noqa: E402  found by the line above
import wheels  # noqa: E402

DEV = PACKAGING / "requirements-dev.lock"
QT = ("pyside6-essentials", "shiboken6")
OLDEST_PYTHON = "3.11"
_HEAD = """\
# Shotbridge's requirements: {what}. For Python {python} and newer, on every system.
# Made by `make lock`; docs/admin.md says how it is used.
"""


@dataclass(frozen=True)
class Lock:
    name: str
    what: str
    requirements: tuple[str, ...]
    python: str = OLDEST_PYTHON
    #: Whether it has the versions of the dev lock.
    as_tested: bool = field(default=False, kw_only=True)

    @property
    def path(self) -> Path:
        return PACKAGING / self.name


def locks() -> tuple[Lock, ...]:
    """All locks except the host's, which is the client's without Qt."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))
    builders = tuple(project["build-system"]["requires"])
    everything = "client, panel, gateway and the readers of EDL, FCP XML and AAF"
    tested = (
        ("client", "the client and the panel", setup_requirements()),
        ("gateway", everything, setup_requirements("gateway", "timelines")),
        ("build", "what builds it", builders),
    )
    return (
        Lock(DEV.name, "everything for work on it", (*setup_requirements("dev"), *builders, "pip")),
        *(
            Lock(f"requirements-{name}.lock", what, requirements, as_tested=True)
            for name, what, requirements in tested
        ),
        *(
            Lock(f"requirements-{name}.lock", f"the tool {name}", (pin,))
            for name, pin in PINNED.items()
        ),
        Lock(
            "requirements-peers.lock",
            "what benchmarks compare with",
            # The newest Qt that deadline and the panel are compared with.
            ("ayon-python-api", "deadline", "PySide6-Essentials<6.11", "QtPy"),
        ),
        *(
            Lock(
                f"blender/bpy-{version}.lock",
                f"Blender {version} and its tests",
                bpy_environment.requirements(version),
                python=".".join(map(str, python)),
            )
            for version, python in bpy_environment.PYTHONS.items()
        ),
    )


def setup_requirements(*extras: str) -> tuple[str, ...]:
    """The requirements of setup.py with these extras."""
    setup = run_setup(str(REPO / "setup.py"), stop_after="init")
    wanted = [*setup.install_requires]
    for extra in extras:
        wanted += setup.extras_require[extra]
    return tuple(wanted)


def main() -> None:
    reader = argparse.ArgumentParser(description="Write the requirements locks.")
    reader.add_argument("--upgrade", action="store_true", help="use the newest versions allowed")
    upgrade: bool = reader.parse_args().upgrade
    for lock in locks():
        write(lock, upgrade=upgrade)
        print(f"packaging/{lock.name}", flush=True)
    client = (PACKAGING / "requirements-client.lock").read_text(encoding="utf-8")
    head = _HEAD.format(what="the client in a host that brings Qt", python=OLDEST_PYTHON)
    host = PACKAGING / "requirements-host.lock"
    host.write_text(head + without_packages(client, *QT), encoding="utf-8")
    print(f"packaging/{host.name}")
    if upgrade:
        wheels.lock()
        print(f"packaging/blender/{wheels.LOCK.name}")


def write(lock: Lock, *, upgrade: bool) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        compiled = Path(temporary) / "compiled.txt"
        if lock.path.exists():
            compiled.write_bytes(lock.path.read_bytes())  # uv keeps the versions in it
        compile_requirements(
            compiled,
            lock.requirements,
            *("--universal", "--python-version", lock.python, "--generate-hashes"),
            *(("--constraint", str(DEV)) if lock.as_tested else ()),
            *(("--upgrade",) if upgrade else ()),
        )
        pins = compiled.read_text(encoding="utf-8")
    head = _HEAD.format(what=lock.what, python=lock.python)
    lock.path.write_text(head + pins, encoding="utf-8")


def compile_requirements(target: Path, requirements: Iterable[str], *options: str) -> None:
    """Run ``uv pip compile`` into ``target``; versions that it already has are kept."""
    with tempfile.TemporaryDirectory() as temporary:
        wanted = Path(temporary) / "requirements.in"
        wanted.write_text("\n".join(requirements), encoding="utf-8")
        run(
            *(str(tool_program("uv")), "pip", "compile", str(wanted), "--output-file", str(target)),
            *("--only-binary", ":all:", "--no-python-downloads", "--quiet"),
            *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"),
            *options,
        )


if __name__ == "__main__":
    main()
