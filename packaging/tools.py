"""Virtual environments from locks, and the tools of packaging, each in its own environment under
``.cache/tools``, separate from the libraries that Shotbridge is tested with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
CACHE = REPO / ".cache"

#: The requirements of their locks, ``requirements-NAME.lock``.
PINNED = {
    "uv": "uv==0.13.9",
    "rez": "rez==3.4.0",
    "cyclonedx": "cyclonedx-bom==7.5.0",
}
#: The version of this Python: ``3.11``.
PYTHON = "{}.{}".format(*sys.version_info)
#: A copy of the lock that an environment was created from.
LOCKED = "locked.txt"


def tool_program(name: str, program: str = "") -> Path:
    """The path of a tool's program, by default of the tool's name; installed if missing."""
    folder = CACHE / "tools" / name
    environment(folder, REPO / "packaging" / f"requirements-{name}.lock")
    return environment_program(folder, program or name)


def environment(folder: Path, lock: Path, interpreter: str = sys.executable) -> Path:
    """The Python of a virtual environment that has the packages of a lock only, without pip.

    It is created if it is missing or the lock has changed.
    """
    python = environment_program(folder, "python")
    if not is_made_from(lock, folder):
        print(f"installing {lock.name} into {folder}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        run(interpreter, "-m", "venv", "--without-pip", str(folder))
        install(folder, lock)
        # Last, so that an interrupted installation is repeated.
        shutil.copyfile(lock, folder / LOCKED)
    return python


def is_made_from(lock: Path, folder: Path) -> bool:
    """Whether :func:`environment` created this folder from the current lock."""
    copy = folder / LOCKED
    return copy.exists() and copy.read_bytes() == lock.read_bytes()


def install(folder: Path, lock: Path) -> None:
    """Install the packages of a lock into a virtual environment, by hash; nothing is built."""
    python = str(environment_program(folder, "python"))
    arguments = ("--require-hashes", "--only-binary", ":all:", "--requirement", str(lock))
    pip(sys.executable, "--python", python, "install", *arguments)


def environment_program(folder: Path, name: str) -> Path:
    """A program of a virtual environment."""
    if sys.platform == "win32":
        return folder / "Scripts" / f"{name}.exe"
    return folder / "bin" / name


def make_empty_folder(folder: Path) -> Path:
    """Create the folder, without anything that an interrupted run left in it."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def copy_sources(source: Path, target: Path) -> None:
    """Copy a folder without what Python compiled in it."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))


def copy_models(installed: Path, target: Path) -> None:
    """Copy the weights and footage that ``shotbridge models install`` installed.

    :raises SystemExit: there are none.
    """
    folders = sorted(record.parent for record in installed.glob("*/installed.json"))
    if not folders:
        sys.exit(f"no weights in {installed}: run `make models`, or set SHOTBRIDGE_MODELS")
    for folder in folders:
        shutil.copytree(folder, target / folder.name)


def write_program(path: Path, text: str) -> None:
    """Write a shell script that can be run; its folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def pip(python: Path | str, *arguments: str) -> None:
    """Run pip in that Python, quietly."""
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_QUIET": "1"}
    run(str(python), "-m", "pip", *arguments, variables=quiet)


def captured(
    *command: str | Path, variables: Mapping[str, str] | None = None, folder: Path = REPO
) -> subprocess.CompletedProcess[str]:
    """Run a command, whatever its exit code, and capture its output. ``variables`` replace those of
    this environment."""
    return subprocess.run(
        command, env=variables, cwd=folder, capture_output=True, text=True, check=False
    )


def run(*command: str, variables: Mapping[str, str] | None = None, folder: Path = REPO) -> None:
    """Run a command in this environment, with ``variables`` added.

    :raises SystemExit: it failed; its own messages are above.
    """
    variables = {**os.environ, **(variables or {})}
    code = subprocess.run(command, env=variables, cwd=folder, check=False).returncode
    if code:
        sys.exit(f"{Path(command[0]).name} exited with {code}: {' '.join(command)}")
