"""The tests that run inside of a real Blender, with the built extension enabled."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from real_blender import BlenderInstallation

HERE = Path(__file__).parent
CONTRACT = HERE.parents[1] / "contracts" / "test_host_contract.py"


def _run(blender: BlenderInstallation, *tests: Path) -> int:
    """Run tests, which must pass; returns their number."""
    done = blender.run(HERE / "run_pytest_inside.py", *tests)
    found = re.search(r"(\d+) passed", done.stdout)
    assert found, done.stdout
    return int(found[1])


def test_it_passes_the_host_contract(blender: BlenderInstallation) -> None:
    assert _run(blender, CONTRACT) >= 15


@pytest.mark.parametrize("part", sorted(HERE.glob("inside_*.py")), ids=lambda part: part.stem)
def test_inside(blender: BlenderInstallation, part: Path) -> None:
    assert _run(blender, part)


def test_blender_starts_without_our_libraries(blender: BlenderInstallation) -> None:
    """They are imported with the panel, not at each start of Blender."""
    output = blender.run(
        "import sys; print(*({'pydantic', 'yaml', 'opentimelineio', 'PySide6'} & set(sys.modules)))"
    )
    assert output.stdout.splitlines()[-1].strip() == ""
