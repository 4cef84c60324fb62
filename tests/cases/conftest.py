"""Small inputs that each stand for a class of faults, and a user at a terminal to try them on.

The inputs are made by ``tests/case_inputs``. Gateway and inputs are shared by a module's tests:
give each test a show of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from case_inputs import exchange, movies, pictures, rates, timelines  # noqa: F401  (they register)
from case_inputs.builders import CASES
from terminal import Terminal


@pytest.fixture(scope="module")
def case_input(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder with a case's input, by the case's name; made once for a module."""
    folders: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in folders:
            # The folder's name becomes part of what is sent, so it is the case's.
            folders[name] = tmp_path_factory.mktemp("inputs") / name
            folders[name].mkdir()
            CASES[name](folders[name])
        return folders[name]

    return folder


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[Terminal]:
    """A terminal whose gateway may read every input; it is started by the first command."""
    folder = tmp_path_factory.mktemp("terminal")
    terminal = Terminal(folder, models_dir)
    terminal.plates.mkdir()
    yield terminal
    terminal.close()
