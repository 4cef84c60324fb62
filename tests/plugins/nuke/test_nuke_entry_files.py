"""``init.py`` and ``menu.py`` in separate processes: working and broken installs, and a farm."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).parents[3]
PLUGIN = REPO / "plugins" / "nuke"

#: Starts the fake, runs the entry files as Nuke does, and prints the result.
_NUKE = """
import runpy, sys
sys.path.insert(0, {hosts!r})
sys.path.append({folder!r})
from nuke_fake import FakeNuke
with FakeNuke(gui={gui}) as nuke:
    runpy.run_path({folder!r} + "/init.py")
    if nuke.gui:
        runpy.run_path({folder!r} + "/menu.py")
    print(nuke.callbacks("KnobChanged"))
    print([item.name() for item in nuke.menu("Nuke").items()] if nuke.gui else [])
    print(sorted({{"PySide6", "pydantic", "requests", "yaml"}} & set(sys.modules)))
    {after}
"""


def run(
    folder: Path, *, gui: bool = True, after: str = "pass", **more: str
) -> tuple[list[str], list[str]]:
    """Lines of standard output and of standard error."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            _NUKE.format(
                hosts=str(REPO / "tests" / "hosts"), folder=str(folder), gui=gui, after=after
            ),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", **more},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr.splitlines()


def test_a_working_install_adds_menu_and_pane_without_heavy_imports() -> None:
    out, err = run(
        PLUGIN,
        after="""
    from bridge_nuke.host import NukeHost
    print(NukeHost(None).title, {"pydantic", "requests", "yaml"} & set(sys.modules))
    print(nuke.menu("Pane").findItem("Shotbridge").name())""",
    )
    assert err == []
    assert out == ["1", "['Shotbridge']", "[]", "Nuke 16.0v1 set()", "Shotbridge"]


def test_a_farm_gets_no_interface_and_the_client_is_last_on_the_path(tmp_path: Path) -> None:
    after = "print(sys.path[-1], sys.path.count(sys.path[-1]))"
    out, err = run(PLUGIN, gui=False, after=after, SHOTBRIDGE_SITE=str(tmp_path))
    assert err == []
    assert out == ["1", "[]", "[]", f"{tmp_path} 1"]


def test_a_broken_install_prints_one_line_and_nuke_starts(tmp_path: Path) -> None:
    for name in ("init.py", "menu.py"):
        shutil.copy(PLUGIN / name, tmp_path / name)
    out, err = run(tmp_path)
    assert out == ["0", "[]", "[]"]
    (line,) = err
    assert "Shotbridge is not available" in line
    assert "bridge_nuke" in line
    assert "Next:" in line


def test_a_menu_that_cannot_be_created_prints_one_line(tmp_path: Path) -> None:
    for name in ("init.py", "menu.py"):
        shutil.copy(PLUGIN / name, tmp_path / name)
    package = tmp_path / "bridge_nuke"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "startup.py").write_text(
        "def register_callbacks(): pass\n"
        "def register_interface(): raise RuntimeError('the menu is full')\n"
    )
    _, err = run(tmp_path)
    assert err == ["Shotbridge has no panel in this Nuke: the menu is full"]


def test_the_self_test_checks_are_documented() -> None:
    checks = re.findall(r'\.add\(\s*"([\w.]+)"', (PLUGIN / "bridge_nuke/selftest.py").read_text())
    assert len(checks) > 15
    document = (REPO / "docs" / "hosts-unproven.md").read_text()
    assert [check for check in checks if f"`{check}`" not in document] == []
