"""Real Blenders without a window: virtual environments with ``bpy``, for building and testing.

::

    python packaging/blender/bpy_environment.py          the one for the everyday tests
    python packaging/blender/bpy_environment.py 4.2 5.2  those for the wider ones

They go into ``.cache/blender/bpy-VERSION``, about 1 GB each; a second call only looks whether
they are there. Also fetches the wheels that the extension carries, so that tests need no network.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import wheels
from targets import Target, target, this_platform

#: Blender's version and the Python that its wheel was built for.
PYTHONS = {"4.2": (3, 11), "4.5": (3, 11), "5.2": (3, 13)}
#: What the tests that run inside need besides.
_TESTS = ("pytest>=8", "pytest-timeout>=2.3")


def everyday() -> str | None:
    """The Blender that this Python can hold; None where there is none."""
    return {(3, 11): "4.5", (3, 13): "5.2"}.get(sys.version_info[:2])


def python_of(version: str) -> Path:
    """The environment's Python, once :func:`ensure` has made it."""
    inside = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    return wheels.CACHE / f"bpy-{version}" / inside


def target_of(version: str) -> Target:
    """What is built for it on this machine.

    :raises SystemExit: nothing is.
    """
    return target(f"{this_platform()}-cp{PYTHONS[version][0]}{PYTHONS[version][1]}")


def is_ready(version: str) -> bool:
    return _marker(version).exists()


def ensure(version: str) -> Path:
    """The environment's Python, which is made when it is not there.

    :raises SystemExit: there is no such Blender, no Python for it here, nothing for this machine,
        or it could not be fetched.
    """
    if version not in PYTHONS:
        raise SystemExit(f"no Blender {version} is tested; there are: {', '.join(PYTHONS)}")
    python, folder = python_of(version), wheels.CACHE / f"bpy-{version}"
    wheels.locked(target_of(version))
    if is_ready(version):
        return python
    shutil.rmtree(folder, ignore_errors=True)
    _run(_interpreter(PYTHONS[version]), "-m", "venv", folder)
    _run(python, "-m", "pip", "install", "--quiet", f"bpy~={version}.0", *_TESTS)
    _marker(version).touch()
    return python


def extension_tool() -> Path:
    """Blender's own program that builds and validates extensions.

    :raises SystemExit: no Blender is here.
    """
    for version in PYTHONS:
        if is_ready(version):
            return next((wheels.CACHE / f"bpy-{version}").rglob("bl_pkg/cli/blender_ext.py"))
    raise SystemExit("no Blender is here: run packaging/blender/bpy_environment.py")


def _marker(version: str) -> Path:
    return wheels.CACHE / f"bpy-{version}" / ".ready"


def _interpreter(wanted: tuple[int, int]) -> str:
    if sys.version_info[:2] == wanted:
        return sys.executable
    name = "python{}.{}".format(*wanted)
    found = shutil.which(name)
    if (
        found
        and subprocess.run([found, "-c", ""], check=False, capture_output=True).returncode == 0
    ):
        return found
    raise SystemExit(f"this Blender needs {name}, which is not on the PATH")


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def main() -> None:
    versions = sys.argv[1:]
    if not versions:
        usual = everyday()
        if usual is None:
            raise SystemExit("no Blender runs in this Python: 3.11 or 3.13 is needed")
        versions = [usual]
    for version in versions:
        print(f"Blender {version}: {ensure(version)}")


if __name__ == "__main__":
    main()
