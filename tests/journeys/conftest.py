"""A user at a terminal with a folder of their own; see ``tests/terminal.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import Terminal, write_cut, write_plate


@pytest.fixture
def desk(tmp_path: Path, models_dir: Path) -> Iterator[Terminal]:
    # A space and letters beyond ASCII, as artists' folders have them.
    folder = tmp_path / "Größe und Länge"
    folder.mkdir()
    terminal = Terminal(folder, models_dir)
    terminal.plates.mkdir()
    yield terminal
    terminal.close()


@pytest.fixture
def cut(desk: Terminal) -> Path:
    """Two shots of 8 frames, 1001 to 1008; the cut shows 1003 to 1006."""
    frames = range(1001, 1009)
    shots = {name: write_plate(desk.plates / name, name, frames) for name in ("AB_0010", "AB_0020")}
    return write_cut(desk.folder / "reel 1.otio", shots, frames)
