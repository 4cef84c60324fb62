"""The rez recipes require what setup.py requires. ``make test-rez`` tests them with a real rez."""

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
    """A recipe with its early functions, called in its folder as rez does."""
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


def test_rez_requires_the_same_libraries_as_pip(
    setup: Distribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    requires = _recipe("shotbridge", monkeypatch).requires()
    requires += _recipe("shotbridge_qt_own", monkeypatch).requires()
    oldest = {}
    for text in requires:
        match = re.match(r"([A-Za-z]\w*)-(\d+(?:\.\d+)*)\+", text)
        if match and not match[1].startswith("shotbridge"):
            oldest[match[1].replace("_", "-").lower()] = match[2]
    expected = {}
    for requirement in map(Requirement, setup.install_requires):
        [minimum] = [s.version for s in requirement.specifier if s.operator == ">="]
        expected[requirement.name.lower()] = minimum
    assert oldest == expected


def test_host_with_its_own_qt_gets_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    own = _recipe("shotbridge_qt_own", monkeypatch)
    assert {"!nuke", "!blender"} <= set(own.requires())
    # Neither range has 6.12.0.
    assert own.requires()[0] == "PySide6_Essentials-6.5.3+<6.12|6.12.1+"
    host = _recipe("shotbridge_qt_host", monkeypatch)
    assert not hasattr(host, "requires")
    # rez prefers the later name.
    assert (host.name, host.version()) < (own.name, own.version())


def test_studio_can_name_its_own_qt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOTBRIDGE_REZ_QT", "pyside6-6.5+")
    assert _recipe("shotbridge_qt_own", monkeypatch).requires()[0] == "pyside6-6.5+"


def test_each_version_has_its_own_qt_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise an upgrade would change the environments of the previous version."""
    versions = {_recipe(f"shotbridge_qt_{one}", monkeypatch).version() for one in ("host", "own")}
    assert versions == {f"host.{__version__}", f"own.{__version__}"}
    [required] = [
        text
        for text in _recipe("shotbridge", monkeypatch).requires()
        if text.startswith("shotbridge_qt")
    ]
    assert required == f"shotbridge_qt==host.{__version__}|==own.{__version__}"


def test_nuke_gets_its_own_python_only(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_studio_with_a_central_gateway_gets_none(
    switch: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOTBRIDGE_REZ_GATEWAY", switch)
    required = _recipe("shotbridge", monkeypatch).requires()
    assert (f"shotbridge_gateway-{__version__}" in required) is expected


# --- the installer


def _run_installer(program: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run ``program`` in a new process, with the installer imported as ``install``."""
    start = f"import sys; sys.path.insert(0, {str(INSTALLER.parent)!r}); import install; "
    return subprocess.run(
        [sys.executable, "-c", start + program, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("existing", "arguments"),
    [
        (f"shotbridge/{__version__}", ()),
        (f"shotbridge_gateway/{__version__}", ()),
        (f"shotbridge_models/{__version__}", ()),
        (f"shotbridge_qt/own.{__version__}", ("--qt", "pyside6-6.5+")),
    ],
)
def test_existing_package_is_not_overwritten(
    tmp_path: Path, existing: str, arguments: tuple[str, ...]
) -> None:
    package = tmp_path / existing / "package.py"
    package.parent.mkdir(parents=True)
    package.write_text("name = 'somebody works with it'\n")
    completed = _run_installer("install.main()", str(tmp_path), *arguments, folder=tmp_path)
    assert completed.returncode == 1
    assert "not overwritten" in completed.stderr
    assert f"rez rm --package {existing.replace('/', '-')} {tmp_path}" in completed.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [package]


def test_folders_are_relative_to_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    arguments = (
        "repository",
        "--wheels",
        "wheels",
        "--models",
        "~/models",
        "--extensions",
        "blender",
    )
    program = "a = install._arguments(None); print(a.packages, a.wheels, a.models, a.extensions)"
    completed = _run_installer(program, *arguments, folder=tmp_path)
    expected = [tmp_path / name for name in ("repository", "wheels", "home/models", "blender")]
    assert completed.stdout.split() == [str(path) for path in expected]


def test_on_windows_it_is_refused_with_advice(tmp_path: Path) -> None:
    completed = _run_installer(
        "sys.platform = 'win32'; install.main()", "packages", folder=tmp_path
    )
    assert completed.returncode == 1
    assert "On Windows install by pip" in completed.stderr
    assert not list(tmp_path.iterdir())
