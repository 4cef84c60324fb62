"""A Blender with its window, for ``make test-blender-gui``; needs root, minutes and gigabytes."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from blender_session import BlenderSession

_spec = importlib.util.spec_from_file_location(
    "blender_session", Path(__file__).with_name("blender_session.py")
)
assert _spec is not None and _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
sys.modules["blender_session"] = _module
_spec.loader.exec_module(_module)


@pytest.fixture(scope="session")
def workstation(models_dir: Path) -> Iterator[BlenderSession]:
    """A screen, a gateway, and the extension installed by Blender's own command."""
    package = os.environ.get("SHOTBRIDGE_TEST_BLENDER_GUI")
    if not package:
        pytest.skip("a Blender with its window takes minutes: make test-blender-gui")
    with tempfile.TemporaryDirectory(
        prefix="bunny-"
    ) as folder:  # its name is visible in the pictures
        session = sys.modules["blender_session"].BlenderSession(
            Path(folder), models_dir, Path(package)
        )
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
