"""A real Blender without a window, with the built extension installed in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).parents[3]
sys.path.append(str(REPO / "packaging" / "blender"))  # programs beside each other, no package

import bpy_environment  # noqa: E402
import build_extension  # noqa: E402

#: Started first in each process: it enables the extension.
RUN_INSIDE = Path(__file__).with_name("run_inside.py")


@dataclass(frozen=True)
class BlenderInstallation:
    """A Blender with the extension in it."""

    python: Path
    """The Python that has ``bpy``."""
    resources: Path
    """``BLENDER_USER_RESOURCES``: preferences and extensions, in a temporary folder."""
    package: Path
    """The zip that was installed."""

    @property
    def environment(self) -> dict[str, str]:
        """Variables for processes of this Blender."""
        return {
            **os.environ,
            "BLENDER_USER_RESOURCES": str(self.resources),
            "QT_QPA_PLATFORM": "offscreen",
            # Blender's own output comes before the last line of a program.
            "PYTHONUNBUFFERED": "1",
        }

    def run(
        self,
        program: str | Path,
        *arguments: str | Path,
        timeout: float = 120,
        more: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program (text or file) inside Blender with the extension enabled. The test fails if
        the program fails."""
        what = ["-c", program] if isinstance(program, str) else [program]
        done = subprocess.run(
            [self.python, RUN_INSIDE, *what, *arguments],
            env={**self.environment, **(more or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"inside Blender:\n{done.stdout}\n{done.stderr}"
        return done


def version_wanted() -> str | None:
    """The default version or that of ``SHOTBRIDGE_TEST_BLENDER``; None if this Python has none."""
    return os.environ.get("SHOTBRIDGE_TEST_BLENDER") or bpy_environment.default_version()


def is_available(version: str) -> bool:
    return bpy_environment.is_ready(version)


def install(version: str, folder: Path) -> BlenderInstallation:
    """Build the zip for this machine and install it in a Blender with new preferences in
    ``folder``."""
    python = bpy_environment.python_of(version)
    [package] = build_extension.build([bpy_environment.target_of(version)], folder / "built")
    blender = BlenderInstallation(python, folder / "resources", package)
    done = subprocess.run(
        [python, Path(__file__).with_name("install_extension.py"), package],
        env=blender.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return blender
