"""The requirements locks: they hold what setup.py asks for, everything that that needs, and the
hash of every file. ``make lock`` makes them."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from setuptools import Distribution

from bridge_core import __version__

REPO = Path(__file__).parents[2]
LOCKS = {"client": (), "gateway": ("gateway", "timelines")}


def _locked(name: str) -> dict[str, Requirement]:
    entries: dict[str, Requirement] = {}
    text = (REPO / "packaging" / f"requirements-{name}.lock").read_text()
    for entry in re.sub(r"\\\n", " ", text).splitlines():
        if not entry or entry.startswith("#"):
            continue
        words, *hashes = entry.split("--hash=")
        assert hashes, f"{words} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest.strip()) for digest in hashes)
        requirement = Requirement(words.strip())
        assert [clause.operator for clause in requirement.specifier] == ["=="], words
        entries[canonicalize_name(requirement.name)] = requirement
    return entries


def _version(pin: Requirement) -> Version:
    return Version(next(iter(pin.specifier)).version)


@pytest.fixture(scope="module")
def setup() -> Distribution:
    from distutils.core import run_setup

    return run_setup(str(REPO / "setup.py"), stop_after="init")


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_satisfies_setup_py(
    name: str, setup: Distribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPO)
    wanted = list(setup.install_requires)
    for extra in LOCKS[name]:
        wanted += setup.extras_require[extra]
    locked = _locked(name)
    for requirement in map(Requirement, wanted):
        pin = locked.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement} is not locked: make lock"
        assert _version(pin) in requirement.specifier, f"{pin} does not fit {requirement}"
    assert setup.get_version() == __version__


@pytest.mark.parametrize("name", LOCKS)
def test_nothing_that_is_needed_is_missing_from_the_lock(name: str) -> None:
    """Every package's own requirements on this machine are locked, too."""
    locked = _locked(name)
    for package in locked:
        try:
            needs = requires(package) or []
        except PackageNotFoundError:
            continue  # for other systems only
        for need in map(Requirement, needs):
            if need.marker is not None and not need.marker.evaluate({"extra": ""}):
                continue
            pin = locked.get(canonicalize_name(need.name))
            assert pin is not None, f"{package} needs {need}, which is not locked: make lock"
            assert _version(pin) in need.specifier, f"{package} needs {need}, locked is {pin}"


def test_the_client_gets_the_same_versions_with_and_without_a_gateway() -> None:
    client, gateway = _locked("client"), _locked("gateway")
    assert {name: str(pin) for name, pin in client.items()}.items() <= {
        name: str(pin) for name, pin in gateway.items()
    }.items()


def test_a_host_that_brings_qt_gets_the_clients_versions_without_it() -> None:
    client, host = _locked("client"), _locked("host")
    assert set(client) - set(host) == {"pyside6-essentials", "shiboken6"}
    assert {name: str(pin) for name, pin in host.items()} == {
        name: str(client[name]) for name in host
    }


def test_what_builds_shotbridge_is_locked_and_is_what_the_recipe_builds_with() -> None:
    locked = _locked("build")
    project = tomllib.loads((REPO / "pyproject.toml").read_text())
    for requirement in map(Requirement, project["build-system"]["requires"]):
        assert _version(locked[canonicalize_name(requirement.name)]) in requirement.specifier
    recipe = (REPO / "docs" / "admin.md").read_text()
    [own] = re.findall(r"^ +pip install .* \.$", recipe, re.MULTILINE)
    assert "--no-deps" in own and "--no-build-isolation" in own


def test_nobody_is_told_to_install_shotbridge_by_name() -> None:
    """No index has it: whoever takes the name there would be installed."""
    texts = [REPO / "README.md", *(REPO / "docs").rglob("*.md"), *(REPO / "packaging").glob("*")]
    for room in ("bridge_core", "ui", "gateway", "plugins"):
        texts += (REPO / room).rglob("*.py")
    by_name = re.compile(r"""pip install (?:-\S+ )*["']?shotbridge""")
    told = [path for path in texts if path.is_file() and by_name.search(path.read_text())]
    assert told == []


@pytest.mark.parametrize("name", [*LOCKS, "host", "build"])
def test_the_lock_names_no_index(name: str) -> None:
    text = (REPO / "packaging" / f"requirements-{name}.lock").read_text()
    assert "://" not in text
    assert "index" not in text
