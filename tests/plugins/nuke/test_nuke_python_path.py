"""SHOTBRIDGE_SITE adds the client's libraries to the end of Nuke's Python path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge_core.hosts.plugin_folders import plugin_folder

#: Runs an init.py as Nuke does, in a Python without Shotbridge. There is no nuke module, so it
#: stops where a broken installation does.
_PROGRAM = (
    "import runpy, sys; sys.path.append(sys.argv[1]); before = list(sys.path)\n"
    "runpy.run_path(sys.argv[1] + '/init.py'); runpy.run_path(sys.argv[1] + '/init.py')\n"
    "print(sys.path[: len(before)] == before, sys.path[len(before) :])\n"
)


@pytest.mark.parametrize("named", [["one"], ["one", "two"], []])
def test_folders_are_appended_once(tmp_path: Path, named: list[str]) -> None:
    folders = [str(tmp_path / name) for name in named]
    variables = {"SHOTBRIDGE_SITE": os.pathsep.join(folders)} if named else {}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, str(plugin_folder("nuke"))],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"True {folders}"
    assert "Traceback" not in done.stderr
