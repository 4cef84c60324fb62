"""``shotbridge selftest`` starts the plugin's script in its host."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge_core.cli.main import main

REPO = Path(__file__).parents[3]

#: A program that is called like Nuke, ``-t SCRIPT FOLDER``, and records its arguments.
_PROGRAM = """#!{python}
import json, os, sys
path = os.environ["NUKE_PATH"]
with open(sys.argv[3] + "/called.json", "w") as file:
    json.dump({{"words": sys.argv[1:], "NUKE_PATH": path}}, file)
sys.exit(1)
"""


@pytest.fixture
def import_copy(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """Copies the package of a host's plugin to the folder of plugins, where it is imported from
    then; the package's folder."""
    others = {name: module for name, module in sys.modules.items() if _is_of_plugin(name)}

    def copy(host: str) -> Path:
        package = plugins / host / f"bridge_{host}"
        ignored = shutil.ignore_patterns("__pycache__")
        source = REPO / "plugins" / host / package.name
        shutil.copytree(source, package, ignore=ignored, dirs_exist_ok=True)
        monkeypatch.syspath_prepend(package.parent)
        return package

    for name in others:
        del sys.modules[name]
    yield copy
    for name in [name for name in sys.modules if _is_of_plugin(name)]:
        del sys.modules[name]
    sys.modules.update(others)


def _is_of_plugin(module: str) -> bool:
    return module.split(".")[0] in ("bridge_nuke", "bridge_resolve")


def _program(folder: Path) -> Path:
    program = folder / "Nuke16.0"
    program.write_text(_PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    return program


def test_nuke_runs_in_terminal_mode(
    import_copy: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = import_copy("nuke")
    monkeypatch.setenv("NUKE_PATH", "/studio/nuke")
    program = _program(tmp_path)
    words = ["selftest", "nuke", "--program", str(program), "--out", str(tmp_path)]
    assert main(words) == 1
    called = json.loads((tmp_path / "called.json").read_text())
    assert called["words"] == ["-t", str(package / "selftest.py"), str(tmp_path)]
    assert called["NUKE_PATH"] == f"/studio/nuke:{package.parent}"


#: Starts like Nuke: a Python without Shotbridge, which runs the ``init.py`` of every folder on
#: NUKE_PATH, and then the given script.
_BARE_NUKE = """#!{python} -IS
import os, runpy, sys, types
nuke = sys.modules["nuke"] = types.ModuleType("nuke")
nuke.NUKE_VERSION_STRING, nuke.GUI = "16.0v1", False
nuke.addKnobChanged = lambda call, nodeClass: None
words = sys.argv[1:]
at = words.index("-t")
print("flags:", words[:at], flush=True)
for folder in os.environ["NUKE_PATH"].split(os.pathsep):
    sys.path.append(folder)
    runpy.run_path(folder + "/init.py")
sys.argv = words[at + 1 :]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_a_nuke_without_the_plugin_writes_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "Nuke16.0"
    program.write_text(_BARE_NUKE.format(python=sys.executable))
    program.chmod(0o755)
    for name in ("NUKE_PATH", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    report = tmp_path / "report"
    words = ["selftest", "nuke", "--program", str(program), "--out", str(report)]
    assert main([*words, "--with", "-i", "--nc"]) == 1
    assert "flags: ['-i', '--nc']" in capfd.readouterr().out
    read = json.loads((report / "shotbridge_selftest_nuke.json").read_text())
    results = {result["id"]: result for result in read["results"]}
    assert results["nuke.python"]["outcome"] == "confirmed"
    # The stub cannot render, but the plugin's modules and their libraries were found.
    assert "has no attribute" in results["nuke.render.frame"]["observed"]
    assert "ModuleNotFoundError" not in (report / "shotbridge_selftest_nuke.txt").read_text()


def test_the_default_is_the_newest_nuke(
    plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("9.0", "16.0", "15.1"):
        folder = tmp_path / f"Nuke{version}v1"
        folder.mkdir()
        (folder / f"Nuke{version}").write_text("#!/bin/sh\nexit 9\n")
        (folder / f"Nuke{version}").chmod(0o755)
    (tmp_path / "Nuke16.0v1" / "Nuke16.0").unlink()
    _program(tmp_path / "Nuke16.0v1")
    found = [str(path) for path in tmp_path.glob("Nuke*")]
    monkeypatch.setenv("PATH", os.pathsep.join(found))
    assert main(["selftest", "nuke", "--out", str(tmp_path)]) == 1
    assert (tmp_path / "called.json").exists()


def test_resolve_runs_in_a_separate_python(
    import_copy: Callable[[str], Path], tmp_path: Path
) -> None:
    package = import_copy("resolve")
    (package / "selftest.py").write_text(
        "import sys\nimport bridge_resolve\n"
        "from bridge_core.hosts.selftest import SelfTestCheck, main\n"
        "checks = [SelfTestCheck('resolve.one', 'One.', lambda: 'fine')]\n"
        "sys.exit(main('resolve', lambda: 'Resolve', checks, sys.argv[1:]))\n"
    )
    assert main(["selftest", "resolve", "--out", str(tmp_path / "report")]) == 0
    read = json.loads((tmp_path / "report" / "shotbridge_selftest_resolve.json").read_text())
    assert [result["outcome"] for result in read["results"]] == ["confirmed"]


def test_without_a_nuke_it_says_how_to_specify_one(
    plugins: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["selftest", "nuke"]) == 1
    assert "--program" in capsys.readouterr().err


def test_a_program_that_cannot_be_started_is_reported(
    plugins: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["selftest", "nuke", "--program", str(tmp_path / "none")]) == 3
    assert "cannot be started" in capsys.readouterr().err
