"""A user at a terminal with a folder of their own; see ``tests/terminal.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import Terminal, write_cut, write_plate


@pytest.fixture
def terminal(tmp_path: Path, models_dir: Path) -> Iterator[Terminal]:
    # With spaces and letters outside ASCII, as artists' folders may have.
    folder = tmp_path / "Größe und Länge"
    folder.mkdir()
    new_terminal = Terminal(folder, models_dir)
    new_terminal.plates.mkdir()
    yield new_terminal
    new_terminal.close()


@pytest.fixture
def cut(terminal: Terminal) -> Path:
    """Two shots of 8 frames, 1001 to 1008; the cut shows 1003 to 1006."""
    frames = range(1001, 1009)
    shots = {
        name: write_plate(terminal.plates / name, name, frames) for name in ("AB_0010", "AB_0020")
    }
    return write_cut(terminal.folder / "reel 1.otio", shots, frames)
