"""A running panel with a gateway of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtTest import QTest

from bridge_core import gateway_launcher
from bridge_core.config import load_settings
from bridge_ui.app.opening import open_panel

if TYPE_CHECKING:
    from bridge_core.hosts.base import Host
    from bridge_core.models.settings import Settings
    from bridge_ui.app.panel import Panel


@contextmanager
def gateway_settings(folder: Path) -> Iterator[Settings]:
    """Settings of a gateway of its own, which the first call starts."""
    settings = load_settings(
        {
            "client.state_dir": folder / "state",
            "client.user": "Ada Lovelace",
            "gateway.data_dir": folder / "data",
            "gateway.library_dir": folder / "library",
            "gateway.models_dir": folder / "models",
        },
        environ={"XDG_CONFIG_HOME": str(folder)},
    ).settings
    try:
        yield settings
    finally:
        gateway_launcher.stop_gateway(settings)


@contextmanager
def opened_panel(settings: Settings, host: Host) -> Iterator[Panel]:
    """A panel that is completely built; closed at the end."""
    panel = open_panel(settings, host)
    ready: list[bool] = []
    panel.ready.connect(lambda: ready.append(True))
    panel.resize(1440, 880)
    panel.show()
    deadline = time.monotonic() + 20
    while not ready:
        assert time.monotonic() < deadline, "the panel did not open"
        QTest.qWait(20)
    try:
        yield panel
    finally:
        panel.stop(10.0)
        panel.close()
        panel.deleteLater()
