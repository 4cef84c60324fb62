"""What the built packages contain, and what they must not."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import bridge_core

REPO = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A wheel and an sdist, built from the files that git knows (no build leftovers)."""
    folder = tmp_path_factory.mktemp("dist")
    source = tmp_path_factory.mktemp("source") / "shotbridge"
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPO,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, files.split("\0")):
        if (REPO / name).is_file():
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((REPO / name).read_bytes())
    # --no-isolation: the build needs setuptools only, and tests never ask an index.
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source)],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def test_wheel_has_the_bridge_packages_only(distributions: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(distributions[0]) as wheel:
        tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {t for t in tops if not t.endswith(".dist-info")} == {
        "bridge_core",
        "bridge_ui",
        "bridge_gateway",
    }


def test_wheel_has_every_module_and_data_file(distributions: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(distributions[0]) as wheel:
        names = set(wheel.namelist())
    for package, folder in (
        ("bridge_core", REPO / "bridge_core"),
        ("bridge_ui", REPO / "ui" / "bridge_ui"),
        ("bridge_gateway", REPO / "gateway" / "bridge_gateway"),
    ):
        for path in folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                name = f"{package}/{path.relative_to(folder).as_posix()}"
                assert name in names, f"{name} is not in the wheel"


def test_sdist_has_what_its_build_needs(distributions: tuple[Path, Path]) -> None:
    with tarfile.open(distributions[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"setup.py", "pyproject.toml", "README.md", "LICENSE"} <= names
    assert "gateway/bridge_gateway/__init__.py" in names


def test_client_has_five_requirements(distributions: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(distributions[0]) as wheel:
        name = next(n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(wheel.read(name).decode())
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    names = sorted(line.split("<")[0].split(">")[0].split("!")[0].strip() for line in required)
    assert names == ["PySide6-Essentials", "PyYAML", "opentimelineio", "pydantic", "requests"]
    pyside = next(line for line in required if line.startswith("PySide6"))
    assert "!=6.12.0" in pyside.replace(" ", "")
    assert metadata["Version"] == bridge_core.__version__


def test_installed_wheel_can_be_imported(distributions: tuple[Path, Path], tmp_path: Path) -> None:
    """Outside the checkout, in a folder of its own."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *(
                "--disable-pip-version-check",
                "--target",
                str(tmp_path / "site"),
                str(distributions[0]),
            ),
        ],
        check=True,
        capture_output=True,
    )
    program = "import bridge_core, bridge_gateway, bridge_ui; print(bridge_core.__file__)"
    completed = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(completed.stdout.strip()).is_relative_to(tmp_path / "site")


def test_editable_install_adds_no_other_package() -> None:
    program = (
        "import importlib.util as u\n"
        "names = ('ui', 'plugins', 'gateway', 'nuke', 'blender', 'resolve', 'tests')\n"
        "print([n for n in names if u.find_spec(n)])"
    )
    completed = subprocess.run(
        [sys.executable, "-c", program], cwd="/", capture_output=True, text=True, check=True
    )
    assert completed.stdout.strip() == "[]"
