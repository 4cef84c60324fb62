"""A bundle's libraries reach Nuke's own Python by SHOTBRIDGE_SITE, last on its path."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bridge_core.plugins import plugin

#: What Nuke does with an init.py, in a Python that has nothing of ours; no nuke, so it goes no
#: further than a broken installation does.
_PROGRAM = (
    "import runpy, sys; before = list(sys.path)\n"
    "runpy.run_path(sys.argv[1]); runpy.run_path(sys.argv[1])\n"
    "print(sys.path[: len(before)] == before, sys.path[len(before) :])\n"
)


@pytest.mark.parametrize("named", [True, False])
def test_the_folder_is_put_last_and_once(tmp_path: Path, named: bool) -> None:
    variables = {"SHOTBRIDGE_SITE": str(tmp_path)} if named else {}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, str(plugin("nuke") / "init.py")],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"True {[str(tmp_path)] if named else []}"
    assert "Traceback" not in done.stderr
