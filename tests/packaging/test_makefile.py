"""Each target in the Makefile's list works as the first command that is typed in a fresh clone.

``make -n`` says what would be run there, and runs nothing of it.
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
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What make looks at of a clone in which nothing was made yet."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("Makefile", "setup.py", "pyproject.toml", "packaging/requirements-dev.lock"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPO / name, folder / name)
    return folder


def dry(folder: Path, words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-n", *words.split()], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_list_names_every_target() -> None:
    phony = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    targets = {target for line in phony for target in line.split()}
    # Weights and footage come with whatever needs them.
    assert {words.split()[0] for words in LISTED} == targets - {"models"}


@pytest.mark.parametrize("words", LISTED)
def test_a_target_makes_first_what_it_needs(fresh: Path, words: str) -> None:
    done = dry(fresh, words)
    assert done.returncode == 0, done.stderr
    assert "is up to date" not in done.stdout
    # Everything of ours that is named is there, and no program is used before it is installed.
    for path in re.findall(r"(?<![\w./-])(?:packaging|docs|tests)/[\w./-]+", done.stdout):
        assert (REPO / path).exists(), path
    used, installed = done.stdout.find(".venv/bin/"), done.stdout.find("-m venv --clear .venv")
    assert used == -1 or -1 < installed < used
    if "TEST_MODELS" in done.stdout or " demo " in done.stdout:
        assert "models install" in done.stdout


def test_pictures_of_the_panel_take_the_demo_first(fresh: Path) -> None:
    output = dry(fresh, "screenshots").stdout
    assert -1 < output.find('demo --out "demo_out"') < output.find("docs/screenshots.py")


def test_a_language_is_asked_for(fresh: Path) -> None:
    done = dry(fresh, "translations")
    assert done.returncode != 0
    assert "make translations LANGUAGE=de" in done.stderr
