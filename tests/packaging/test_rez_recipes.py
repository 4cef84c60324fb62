"""The rez recipes ask for what setup.py asks for. ``make test-rez`` proves them with a real rez."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.requirements import Requirement
from setuptools import Distribution

from bridge_core import __version__

REPO = Path(__file__).parents[2]
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
    assert (host.name, host.version) < (own.name, own.version)


def test_a_studio_may_name_its_own_qt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOTBRIDGE_REZ_QT", "pyside6-6.5+")
    assert _recipe("shotbridge_qt_own", monkeypatch).requires()[0] == "pyside6-6.5+"


def test_nuke_gets_no_python_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOTBRIDGE_REZ_PYTHONS", "3.11 3.13")
    assert _recipe("shotbridge", monkeypatch).variants() == [
        ["python-3.11"],
        ["python-3.13", "!nuke-16+<18"],
    ]


@pytest.mark.parametrize("recipe", [path.parent.name for path in RECIPES])
def test_versions_agree(recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    version = _recipe(recipe, monkeypatch).version
    assert version in ("own", "host") or version() == __version__


@pytest.mark.parametrize(("switch", "expected"), [("1", True), ("0", False)])
def test_a_studio_with_a_central_gateway_gets_none(
    switch: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOTBRIDGE_REZ_GATEWAY", switch)
    required = _recipe("shotbridge", monkeypatch).requires()
    assert (f"shotbridge_gateway-{__version__}" in required) is expected
