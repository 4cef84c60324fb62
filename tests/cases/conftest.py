"""Small inputs, each for a class of faults, and a terminal to run commands with them.

The inputs are made by ``tests/case_inputs``. A module's tests share the gateway and the inputs, so
each test needs its own show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from case_inputs import (  # noqa: F401  (they register)
    movies,
    pictures,
    rates,
    timelines,
    versions_and_exports,
)
from case_inputs.builders import CASES
from terminal import Terminal


@pytest.fixture(scope="module")
def case_input(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder with a case's input, by the case's name; made once per module."""
    folders: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in folders:
            # The folder's name is part of the request, so it is the case's name.
            folders[name] = tmp_path_factory.mktemp("inputs") / name
            folders[name].mkdir()
            CASES[name](folders[name])
        return folders[name]

    return folder


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[Terminal]:
    """A terminal; its gateway is started by the first command."""
    folder = tmp_path_factory.mktemp("terminal")
    terminal = Terminal(folder, models_dir)
    terminal.plates.mkdir()
    yield terminal
    terminal.close()
