"""Installs the examples as packages, into folders of their own and without an index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def install_example(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Install an example and return the folder for Python's path."""

    def install(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        # A copy, since setuptools builds beside the source.
        source = shutil.copytree(EXAMPLES / name, folder / "source")
        words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
        words += ["--no-build-isolation", "--disable-pip-version-check"]
        done = subprocess.run(
            [*words, "--target", str(folder / "site"), str(source)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return folder / "site"

    return install


@pytest.fixture
def run_python(tmp_path: Path) -> Run:
    """Run Python with an installed example: its folder, then the arguments."""

    def run(site: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PYTHONPATH": str(site),
            "QT_QPA_PLATFORM": "offscreen",
            "PATH": "",
        }
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run
