"""What the scripts for screenshots share: import paths, the configuration, and waiting."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

REPO = Path(__file__).parents[1]
sys.path[:0] = [
    str(REPO / folder)
    for folder in ("tests", "tests/hosts", "tests/journeys", "plugins/nuke", "plugins/resolve")
]

from PySide6.QtGui import QFont  # noqa: E402
from user_input import wait_until  # noqa: E402  found by the lines above

from bridge_core.config import load_settings  # noqa: E402
from bridge_ui.app.window import create_application  # noqa: E402

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from bridge_core.models.settings import Settings

__all__ = ["create_screenshot_application", "demo_settings", "wait_until"]


@cache
def create_screenshot_application() -> QApplication:
    """The application, kept until the process ends, with a font that looks the same everywhere."""
    application = create_application()
    application.setFont(QFont("DejaVu Sans", 9))
    return application


def demo_settings(folder: Path, demo: Path) -> Settings:
    """Settings for a local gateway with the demo's plates, which keeps everything in ``folder``.
    They are set for this process, so that hosts load the same."""
    values = {
        "CLIENT__URL": "null",
        "CLIENT__STATE_DIR": f"{folder}/state",
        "CLIENT__USER": "Ada Lovelace",
        "GATEWAY__DATA_DIR": f"{folder}/data",
        "GATEWAY__LIBRARY_DIR": f"{folder}/library",
        "GATEWAY__MODELS_DIR": str(REPO / ".cache" / "models"),
        "GATEWAY__MEDIA_ROOTS": f'["{(demo / "plates").absolute()}"]',
        # The plates are finished pictures; a tone curve would darken them.
        "GATEWAY__COLOUR__VIEW": "Un-tone-mapped",
    }
    os.environ |= {f"SHOTBRIDGE__{key}": value for key, value in values.items()}
    return load_settings().settings
