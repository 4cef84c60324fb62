"""The client's libraries reach Nuke's own Python by SHOTBRIDGE_SITE, last on its path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge_core.hosts.plugin_folders import plugin_folder

#: What Nuke does with an init.py, in a Python that has nothing of ours; no nuke, so it goes no
#: further than a broken installation does.
_PROGRAM = (
    "import runpy, sys; sys.path.append(sys.argv[1]); before = list(sys.path)\n"
    "runpy.run_path(sys.argv[1] + '/init.py'); runpy.run_path(sys.argv[1] + '/init.py')\n"
    "print(sys.path[: len(before)] == before, sys.path[len(before) :])\n"
)


@pytest.mark.parametrize("named", [["one"], ["one", "two"], []])
def test_folders_are_put_last_and_once(tmp_path: Path, named: list[str]) -> None:
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
