"""Folders as a TD has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge_core.hosts.resolve_script import MARKER

SCRIPT = f'"""Shotbridge, {MARKER}."""\n\nPYTHON = ""\nPLUGINS = ""\n\nprint("started")\n'


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of plugins that the environment names, with Resolve's file in it."""
    folder = tmp_path / "plugins of the studio"
    for host in ("nuke", "blender", "resolve"):
        (folder / host / f"bridge_{host}").mkdir(parents=True)
    (folder / "resolve" / "Utility").mkdir()
    (folder / "resolve" / "Utility" / "Shotbridge.py").write_text(SCRIPT)
    monkeypatch.setenv("SHOTBRIDGE_PLUGINS", str(folder))
    monkeypatch.delenv("REZ_SHOTBRIDGE_ROOT", raising=False)
    return folder
