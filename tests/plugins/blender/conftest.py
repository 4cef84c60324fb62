"""A real Blender with the built extension, for the tests in here.

Each ``blender.run`` is a process of its own, in which the extension is enabled as a person
enables it::

    def test_something(blender: Blender) -> None:
        assert "4." in blender.run("import bpy; print(bpy.app.version_string)").stdout
"""

from __future__ import annotations

from pathlib import Path

import pytest
import real_blender


@pytest.fixture(scope="session")
def blender(tmp_path_factory: pytest.TempPathFactory) -> real_blender.BlenderInstallation:
    """``SHOTBRIDGE_TEST_BLENDER`` selects another version than the default: 4.2, 5.2."""
    version = real_blender.version_wanted()
    if version is None:
        pytest.skip("no Blender runs in this Python: 3.11 or 3.13 is needed")
    if not real_blender.is_available(version):
        pytest.skip(
            f"no Blender {version}: run python packaging/blender/bpy_environment.py {version}"
        )
    return real_blender.install(version, tmp_path_factory.mktemp("blender"))


@pytest.fixture(scope="session")
def blender_python(blender: real_blender.BlenderInstallation) -> Path:
    """The Python that has ``bpy``; run it with ``blender.environment``."""
    return blender.python
