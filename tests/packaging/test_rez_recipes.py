"""The rez recipes ask for what setup.py asks for. ``make test-rez`` proves them with a real rez."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.requirements import Requirement
from setuptools import Distribution

from bridge_core import __version__

REPO = Path(__file__).parents[2]
INSTALLER = REPO / "packaging" / "rez" / "install.py"
RECIPES = sorted((REPO / "packaging" / "rez").glob("*/package.py"))


def _now() -> Callable[[Any], Any]:
    return lambda function: function


def _recipe(name: str, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A recipe with its early functions as rez would have called them, in its own folder."""
    folder = REPO / "packaging" / "rez" / name
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {"early": _now, "this": SimpleNamespace(version=__version__)}
    exec(compile((folder / "package.py").read_text(), str(folder / "package.py"), "exec"), names)
    return SimpleNamespace(**names)


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch) -> Distribution:
    from distutils.core import run_setup

    monkeypatch.chdir(REPO)
    return run_setup(str(REPO / "setup.py"), stop_after="init")


def test_rez_asks_for_the_same_libraries_as_pip(
    setup: Distribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _recipe("shotbridge", monkeypatch).requires()
    found += _recipe("shotbridge_qt_own", monkeypatch).requires()
    oldest = {}
    for text in found:
        match = re.match(r"([A-Za-z]\w*)-(\d+(?:\.\d+)*)\+", text)
        if match and not match[1].startswith("shotbridge"):
            oldest[match[1].replace("_", "-").lower()] = match[2]
    wanted = {}
    for requirement in map(Requirement, setup.install_requires):
        [least] = [s.version for s in requirement.specifier if s.operator == ">="]
        wanted[requirement.name.lower()] = least
    assert oldest == wanted


def test_no_qt_reaches_a_host_that_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own = _recipe("shotbridge_qt_own", monkeypatch)
    assert {"!nuke", "!blender"} <= set(own.requires())
    # 6.12.0 is in neither part.
    assert own.requires()[0] == "PySide6_Essentials-6.5+<6.12|6.12.1+"
    host = _recipe("shotbridge_qt_host", monkeypatch)
    assert not hasattr(host, "requires")
    # rez prefers the later name.
    assert (host.name, host.version()) < (own.name, own.version())


def test_a_studio_may_name_its_own_qt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOTBRIDGE_REZ_QT", "pyside6-6.5+")
    assert _recipe("shotbridge_qt_own", monkeypatch).requires()[0] == "pyside6-6.5+"


def test_each_version_has_a_choice_of_qt_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else an upgrade with another choice would change the environments of the version before."""
    made = {_recipe(f"shotbridge_qt_{whose}", monkeypatch).version() for whose in ("host", "own")}
    assert made == {f"host.{__version__}", f"own.{__version__}"}
    [asked] = [
        text
        for text in _recipe("shotbridge", monkeypatch).requires()
        if text.startswith("shotbridge_qt")
    ]
    assert asked == f"shotbridge_qt==host.{__version__}|==own.{__version__}"


def test_nuke_gets_no_python_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOTBRIDGE_REZ_PYTHONS", "3.11 3.13")
    assert _recipe("shotbridge", monkeypatch).variants() == [
        ["python-3.11"],
        ["python-3.13", "!nuke-16+<18"],
    ]


@pytest.mark.parametrize("recipe", [path.parent.name for path in RECIPES])
def test_versions_agree(recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    version = _recipe(recipe, monkeypatch).version()
    assert version.removeprefix("own.").removeprefix("host.") == __version__


@pytest.mark.parametrize(("switch", "expected"), [("1", True), ("0", False)])
def test_a_studio_with_a_central_gateway_gets_none(
    switch: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOTBRIDGE_REZ_GATEWAY", switch)
    required = _recipe("shotbridge", monkeypatch).requires()
    assert (f"shotbridge_gateway-{__version__}" in required) is expected


# --- the installer


def _called(program: str, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """``program`` with the installer imported as ``install``, in a process of its own."""
    start = f"import sys; sys.path.insert(0, {str(INSTALLER.parent)!r}); import install; "
    return subprocess.run(
        [sys.executable, "-c", start + program, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (f"shotbridge/{__version__}", ()),
        (f"shotbridge_gateway/{__version__}", ()),
        (f"shotbridge_models/{__version__}", ()),
        (f"shotbridge_qt/own.{__version__}", ("--qt", "pyside6-6.5+")),
    ],
)
def test_a_package_of_ours_that_is_there_stays(
    tmp_path: Path, there: str, words: tuple[str, ...]
) -> None:
    package = tmp_path / there / "package.py"
    package.parent.mkdir(parents=True)
    package.write_text("name = 'somebody works with it'\n")
    done = _called("install.main()", str(tmp_path), *words, folder=tmp_path)
    assert done.returncode == 1
    assert "not overwritten" in done.stderr
    assert f"rez rm --package {there.replace('/', '-')} {tmp_path}" in done.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [package]


def test_folders_are_those_of_whoever_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    words = ("repository", "--wheels", "wheels", "--models", "~/models", "--extensions", "blender")
    program = "a = install._arguments(None); print(a.packages, a.wheels, a.models, a.extensions)"
    done = _called(program, *words, folder=tmp_path)
    expected = [tmp_path / name for name in ("repository", "wheels", "home/models", "blender")]
    assert done.stdout.split() == [str(path) for path in expected]


def test_on_windows_it_is_refused_in_words(tmp_path: Path) -> None:
    done = _called("sys.platform = 'win32'; install.main()", "packages", folder=tmp_path)
    assert done.returncode == 1
    assert "On Windows install by pip" in done.stderr
    assert not list(tmp_path.iterdir())
