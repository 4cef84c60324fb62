"""``panel``: the panel as a window of its own. The client knows no Qt: it knows a command line."""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.errors import ConfigError

if TYPE_CHECKING:
    from bridge_core.cli.call import Call


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    panel = commands.add_parser(
        "panel", parents=[common], help="send and review in a window of its own"
    )
    panel.add_argument("cut", nargs="?", type=Path, help="an OTIO file, EDL, FCP XML or AAF")
    panel.set_defaults(run=_panel)


def _panel(call: Call) -> int:
    for name, package in (("bridge_ui", "shotbridge"), ("PySide6", "PySide6-Essentials")):
        if importlib.util.find_spec(name) is None:
            raise ConfigError(
                f"the panel needs {package}, which is not installed here",
                where=sys.executable,
                next_step=f"pip install '{package}'",
            )
    return subprocess.run(
        [sys.executable, "-m", "bridge_ui", *_words(call)], check=False
    ).returncode


def _words(call: Call) -> list[str]:
    """What was said to us, for the panel's own command line."""
    said = call.arguments
    words = [str(said.cut)] if said.cut else []
    words += ["--show", said.show] if said.show else []
    for text in (*(said.set_before or ()), *(said.set or ())):
        words += ["--set", text]
    return words
