"""A Blender with its window, for ``make test-blender-gui``; needs root, minutes and gigabytes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from blender_session import BlenderSession


@pytest.fixture(scope="session")
def workstation(models_dir: Path) -> Iterator[BlenderSession]:
    """A screen, a gateway, and the extension installed by Blender's own command."""
    package = os.environ.get("SHOTBRIDGE_TEST_BLENDER_GUI")
    if not package:
        pytest.skip("a Blender with its window takes minutes: make test-blender-gui")
    # Its name is visible in the pictures.
    with tempfile.TemporaryDirectory(prefix="bunny-") as folder:
        session = BlenderSession(Path(folder), models_dir, Path(package))
        yield session
        session.close()


@pytest.fixture
def session(workstation: BlenderSession) -> Iterator[BlenderSession]:
    """A Blender that was just opened; it must quit without a crash after the test."""
    workstation.open_blender()
    yield workstation
    workstation.end_blender()


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Folder for screenshots."""
    return Path(os.environ.get("SHOTBRIDGE_TEST_PICTURES", ".cache/blender/pictures")).absolute()
