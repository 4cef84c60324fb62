"""The requirements locks: they have every requirement, what it requires in turn, and the hash of
every file; environments have what the locks name. ``make lock`` writes them.

No test here resolves versions or asks an index, so that new releases change nothing.
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import environments
import lock
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from setuptools import Distribution

from bridge_core import __version__

REPO = Path(__file__).parents[2]
PACKAGING = REPO / "packaging"
LOCKS = {"dev": ("dev",), "client": (), "gateway": ("gateway", "timelines")}
ALL = sorted(path for path in PACKAGING.rglob("*.lock") if path.name != "wheels.lock")


def _pins(path: Path) -> list[Requirement]:
    pins = []
    for entry in re.sub(r"\\\n", " ", path.read_text()).splitlines():
        if not entry or entry.startswith("#"):
            continue
        pin, *hashes = entry.split("--hash=")
        assert hashes, f"{pin} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest.strip()) for digest in hashes)
        requirement = Requirement(pin.strip())
        assert [clause.operator for clause in requirement.specifier] == ["=="], pin
        pins.append(requirement)
    return pins


def _locked(name: str) -> dict[str, Requirement]:
    """Pins by name, of a lock that has one version of each package for every Python."""
    pins = _pins(PACKAGING / f"requirements-{name}.lock")
    entries = {canonicalize_name(pin.name): pin for pin in pins}
    assert len(entries) == len(pins), name
    return entries


def _version(pin: Requirement) -> Version:
    return Version(next(iter(pin.specifier)).version)


@pytest.fixture(scope="module")
def setup() -> Distribution:
    from distutils.core import run_setup

    return run_setup(str(REPO / "setup.py"), stop_after="init")


@pytest.mark.parametrize("name", LOCKS)
def test_lock_satisfies_setup_py(
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
def test_lock_has_the_requirements_of_its_packages(name: str) -> None:
    """For each package whose locked version is installed in this environment."""
    locked = _locked(name)
    for package, pin in locked.items():
        try:
            installed = distribution(package)
        except PackageNotFoundError:
            continue  # for other systems only
        if Version(installed.version) != _version(pin):
            continue
        for requirement in map(Requirement, installed.requires or []):
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
                continue
            required = locked.get(canonicalize_name(requirement.name))
            assert required is not None, f"{requirement} of {package} is not locked: make lock"
            assert _version(required) in requirement.specifier, (
                f"{package}: {requirement}, {required}"
            )


@pytest.mark.parametrize("one", lock.locks(), ids=lambda one: one.name)
def test_each_lock_satisfies_its_requirements(one: lock.Lock) -> None:
    pins: dict[str, list[Version]] = {}
    for pin in _pins(one.path):
        pins.setdefault(canonicalize_name(pin.name), []).append(_version(pin))
    for requirement in map(Requirement, one.requirements):
        versions = pins.get(canonicalize_name(requirement.name))
        assert versions, f"{requirement} is not locked: make lock"
        assert all(version in requirement.specifier for version in versions), requirement


def test_every_lock_is_written_by_make_lock() -> None:
    written = {one.path for one in lock.locks()} | {PACKAGING / "requirements-host.lock"}
    assert set(ALL) == written


@pytest.mark.parametrize("name", ["client", "gateway", "build"])
def test_other_locks_have_the_versions_of_the_tests(name: str) -> None:
    dev = {package: str(pin) for package, pin in _locked("dev").items()}
    assert {package: str(pin) for package, pin in _locked(name).items()}.items() <= dev.items()


LOCK = """\
# A head.
colorama==0.4.6 ; sys_platform == 'none' \\
    --hash=sha256:00
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:01
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:02
typing-extensions==4.16.0 \\
    --hash=sha256:03 \\
    --hash=sha256:04
"""


@pytest.mark.parametrize(
    ("installed", "python", "expected"),
    [
        ({"numpy": "2.4.6", "typing-extensions": "4.16.0"}, "3.11", []),
        ({"numpy": "2.5.5", "typing-extensions": "4.16.0", "shotbridge": "0.1.0"}, "3.13", []),
        (
            {"numpy": "2.5.5", "ipython": "9.0"},
            "3.11",
            [
                "ipython 9.0 is installed, and the lock does not name it",
                "numpy 2.5.5 is installed, and 2.4.6 is locked",
                "typing-extensions 4.16.0 is locked and not installed",
            ],
        ),
    ],
    ids=["as locked", "a newer python", "different"],
)
def test_differences_between_lock_and_environment_are_listed(
    installed: dict[str, str], python: str, expected: list[str]
) -> None:
    assert environments.differences(LOCK, installed, python) == expected


def test_client_has_the_same_versions_with_and_without_a_gateway() -> None:
    client, gateway = _locked("client"), _locked("gateway")
    assert {name: str(pin) for name, pin in client.items()}.items() <= {
        name: str(pin) for name, pin in gateway.items()
    }.items()


def test_host_with_its_own_qt_gets_the_clients_versions_without_qt() -> None:
    client, host = _locked("client"), _locked("host")
    assert set(client) - set(host) == {"pyside6-essentials", "shiboken6"}
    assert {name: str(pin) for name, pin in host.items()} == {
        name: str(client[name]) for name in host
    }


def test_build_requirements_are_locked_and_in_the_recipe() -> None:
    locked = _locked("build")
    project = tomllib.loads((REPO / "pyproject.toml").read_text())
    for requirement in map(Requirement, project["build-system"]["requires"]):
        assert _version(locked[canonicalize_name(requirement.name)]) in requirement.specifier
    recipe = (REPO / "docs" / "admin.md").read_text()
    [command] = re.findall(r"^ +pip install .* \.$", recipe, re.MULTILINE)
    assert "--no-deps" in command and "--no-build-isolation" in command


def test_no_document_says_to_install_shotbridge_by_name() -> None:
    """No index has Shotbridge: somebody else could take the name there."""
    texts = [REPO / "README.md", *(REPO / "docs").rglob("*.md"), *(REPO / "packaging").glob("*")]
    for source_folder in ("bridge_core", "ui", "gateway", "plugins"):
        texts += (REPO / source_folder).rglob("*.py")
    by_name = re.compile(r"""pip install (?:-\S+ )*["']?shotbridge""")
    offenders = [path for path in texts if path.is_file() and by_name.search(path.read_text())]
    assert offenders == []


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_lock_names_no_index(path: Path) -> None:
    text = path.read_text()
    assert "://" not in text
    assert "index" not in text
