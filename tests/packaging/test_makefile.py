"""Each target in the Makefile's list works as the first command in a fresh clone.

``make -n`` prints the commands of a target and runs none of them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
MAKEFILE = (REPO / "Makefile").read_text()
LISTED = re.findall(r"^#   make (.+?)(?:  |$)", MAKEFILE, re.MULTILINE)

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture(scope="module")
def fresh_clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that make reads, in a clone in which nothing was built yet."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("Makefile", "setup.py", "pyproject.toml", "packaging/requirements-dev.lock"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPO / name, folder / name)
    return folder


def dry_run(folder: Path, arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-n", *arguments.split()], cwd=folder, capture_output=True, text=True, check=False
    )


def test_list_names_every_target() -> None:
    phony = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    targets = {target for line in phony for target in line.split()}
    # `models` is not in the list: other targets need it.
    assert {arguments.split()[0] for arguments in LISTED} == targets - {"models"}


@pytest.mark.parametrize("arguments", LISTED)
def test_target_makes_what_it_needs_first(fresh_clone: Path, arguments: str) -> None:
    completed = dry_run(fresh_clone, arguments)
    assert completed.returncode == 0, completed.stderr
    assert "is up to date" not in completed.stdout
    # Each of our files exists, and no program is used before it is installed.
    for path in re.findall(r"(?<![\w./-])(?:packaging|docs|tests)/[\w./-]+", completed.stdout):
        assert (REPO / path).exists(), path
    used_at, installed_at = (
        completed.stdout.find(".venv/bin/"),
        completed.stdout.find("-m venv --clear .venv"),
    )
    assert used_at == -1 or -1 < installed_at < used_at
    if "TEST_MODELS" in completed.stdout or " demo " in completed.stdout:
        assert "models install" in completed.stdout


def test_screenshots_run_the_demo_first(fresh_clone: Path) -> None:
    output = dry_run(fresh_clone, "screenshots").stdout
    assert -1 < output.find('demo --out "demo_out"') < output.find("docs/screenshots.py")


def test_translations_require_a_language(fresh_clone: Path) -> None:
    completed = dry_run(fresh_clone, "translations")
    assert completed.returncode != 0
    assert "make translations LANGUAGE=de" in completed.stderr
