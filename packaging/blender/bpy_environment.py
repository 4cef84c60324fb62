"""Blenders without a window: virtual environments with ``bpy``, for building and testing.

::

    python packaging/blender/bpy_environment.py          the one for the usual tests
    python packaging/blender/bpy_environment.py 4.2 5.2  others

They go into ``.cache/blender/bpy-VERSION``, about 1 GB each, unless they exist. The wheels of the
extension are downloaded, too, so that tests need no network.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import tools
import wheels
from targets import Target, target, this_platform

#: Blender versions and the Python of their wheels.
PYTHONS = {"4.2": (3, 11), "4.5": (3, 11), "5.2": (3, 13)}
#: Requirements of the tests that run inside.
_TESTS = ("pytest>=8", "pytest-timeout>=2.3")


def default_version() -> str | None:
    """The version of Blender that runs in this Python; None if there is none."""
    return {(3, 11): "4.5", (3, 13): "5.2"}.get(sys.version_info[:2])


def requirements(version: str) -> tuple[str, ...]:
    """The requirements of its lock, ``bpy-VERSION.lock``."""
    return (f"bpy~={version}.0", *_TESTS)


def python_of(version: str) -> Path:
    """The environment's Python, after :func:`ensure`."""
    return tools.environment_program(_folder(version), "python")


def target_of(version: str) -> Target:
    """The extension's target for it on this machine.

    :raises SystemExit: there is none.
    """
    return target(f"{this_platform()}-cp{PYTHONS[version][0]}{PYTHONS[version][1]}")


def is_ready(version: str) -> bool:
    return tools.is_made_from(_lock(version), _folder(version))


def ensure(version: str) -> Path:
    """The environment's Python; the environment is created if it is missing.

    :raises SystemExit: this Blender is not supported, its Python is not installed, there is no
        target for this machine, or the download failed.
    """
    if version not in PYTHONS:
        raise SystemExit(f"Blender {version} is not among the tested ones: {', '.join(PYTHONS)}")
    wheels.locked(target_of(version))
    if is_ready(version):
        return python_of(version)
    return tools.environment(_folder(version), _lock(version), _interpreter(PYTHONS[version]))


def extension_tool() -> Path:
    """Blender's program that builds and validates extensions.

    :raises SystemExit: no Blender is installed.
    """
    for version in PYTHONS:
        if is_ready(version):
            return next(_folder(version).rglob("bl_pkg/cli/blender_ext.py"))
    raise SystemExit("no Blender is installed: run packaging/blender/bpy_environment.py")


def _folder(version: str) -> Path:
    return wheels.CACHE / f"bpy-{version}"


def _lock(version: str) -> Path:
    return wheels.HERE / f"bpy-{version}.lock"


def _interpreter(wanted: tuple[int, int]) -> str:
    if sys.version_info[:2] == wanted:
        return sys.executable
    name = "python{}.{}".format(*wanted)
    found = shutil.which(name)
    if found and tools.captured(found, "-c", "").returncode == 0:
        return found
    raise SystemExit(f"this Blender requires {name}, which is not on the PATH")


def main() -> None:
    versions = sys.argv[1:]
    if not versions:
        version = default_version()
        if version is None:
            raise SystemExit("no Blender runs in this Python: 3.11 or 3.13 is required")
        versions = [version]
    for version in versions:
        print(f"Blender {version}: {ensure(version)}")


if __name__ == "__main__":
    main()
