"""Programs that packaging needs, each in a virtual environment of its own under .cache/tools, so
that they never mix with what Shotbridge itself is tested with. Versions are pinned here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
CACHE = REPO / ".cache"

PINNED = {
    "uv": "uv==0.13.9",
    "rez": "rez==3.4.0",
    "cyclonedx": "cyclonedx-bom==7.5.0",
}


def tool(name: str, program: str = "") -> Path:
    """The path of a program (called as the tool, unless named); installed when it is not there."""
    folder = CACHE / "tools" / name
    ready = folder / PINNED[name].replace("==", "-")
    if not ready.exists():
        print(f"installing {PINNED[name]} into .cache/tools", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        pip(script(folder, "python"), "install", PINNED[name])
        ready.touch()
    return script(folder, program or name)


def script(folder: Path, name: str) -> Path:
    """A program of a virtual environment."""
    if sys.platform == "win32":
        return folder / "Scripts" / f"{name}.exe"
    return folder / "bin" / name


def emptied(folder: Path) -> Path:
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
