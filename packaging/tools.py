"""Virtual environments out of locks, and the programs that packaging needs, each in one of its own
under .cache/tools, so that they never mix with what Shotbridge itself is tested with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
CACHE = REPO / ".cache"

#: What their locks, ``requirements-NAME.lock``, are made for.
PINNED = {
    "uv": "uv==0.13.9",
    "rez": "rez==3.4.0",
    "cyclonedx": "cyclonedx-bom==7.5.0",
}
#: A copy of the lock that an environment was made from.
LOCKED = "locked.txt"


def tool_program(name: str, program: str = "") -> Path:
    """The path of a program (called as the tool, unless named); installed when it is not there."""
    folder = CACHE / "tools" / name
    environment(folder, REPO / "packaging" / f"requirements-{name}.lock")
    return environment_program(folder, program or name)


def environment(folder: Path, lock: Path, interpreter: str = sys.executable) -> Path:
    """The Python of a virtual environment with what a lock names and nothing else, not even pip.

    Made when it is not there, and anew when the lock has changed since.
    """
    python = environment_program(folder, "python")
    if not is_made_from(lock, folder):
        print(f"installing {lock.name} into {folder}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        run(interpreter, "-m", "venv", "--without-pip", str(folder))
        install(folder, lock)
        # Last, so that an interrupted installation is done anew.
        shutil.copyfile(lock, folder / LOCKED)
    return python


def is_made_from(lock: Path, folder: Path) -> bool:
    """Whether :func:`environment` has made this folder from this lock as it is now."""
    copy = folder / LOCKED
    return copy.exists() and copy.read_bytes() == lock.read_bytes()


def install(folder: Path, lock: Path) -> None:
    """Into a virtual environment what a lock names, by hash; nothing is built."""
    words = ("install", "--require-hashes", "--only-binary", ":all:", "--requirement", str(lock))
    pip(sys.executable, "--python", str(environment_program(folder, "python")), *words)


def environment_program(folder: Path, name: str) -> Path:
    """A program of a virtual environment."""
    if sys.platform == "win32":
        return folder / "Scripts" / f"{name}.exe"
    return folder / "bin" / name


def make_empty_folder(folder: Path) -> Path:
    """The folder without what an interrupted run left in it."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def pip(python: Path | str, *words: str) -> None:
    """Run pip in that Python, without its small talk."""
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_QUIET": "1"}
    run(str(python), "-m", "pip", *words, variables=quiet)


def run(*words: str, variables: Mapping[str, str] | None = None, folder: Path = REPO) -> None:
    """Run a command to its end, in this environment with ``variables`` on top.

    :raises SystemExit: it failed; its own words stand above.
    """
    done = subprocess.run(words, env={**os.environ, **(variables or {})}, cwd=folder, check=False)
    if done.returncode:
        sys.exit(f"{Path(words[0]).name} ended with code {done.returncode}: {' '.join(words)}")
