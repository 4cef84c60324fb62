"""``panel``: the panel in a window of its own, as a process; the client imports no Qt."""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.cli.context import add_command
from bridge_core.cli.sources import add_cut_options, cut_rate
from bridge_core.errors import ConfigError

if TYPE_CHECKING:
    from bridge_core.cli.context import CommandContext


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    help_text = "send and review in a window of its own"
    panel = add_command(commands, common, "panel", _run_panel, help_text)
    panel.add_argument("cut", nargs="?", type=Path, help="an OTIO file, EDL, FCP XML or AAF")
    panel.add_argument(
        "--demo", type=Path, metavar="DIR", help="open the results of `demo` in that folder"
    )
    add_cut_options(panel)


def _run_panel(context: CommandContext) -> int:
    install_hints = {
        # On no package index.
        "bridge_ui": "in a checkout of Shotbridge: pip install .",
        "PySide6": "pip install PySide6-Essentials",
    }
    for name, next_step in install_hints.items():
        if importlib.util.find_spec(name) is None:
            message = f"the panel needs {name}, which is not installed here"
            raise ConfigError(message, where=sys.executable, next_step=next_step)
    command = [sys.executable, "-m", "bridge_ui", *panel_arguments(context)]
    return subprocess.run(command, check=False).returncode


def panel_arguments(context: CommandContext) -> list[str]:
    """The command's options for the panel's own command line.

    :raises ConfigError: the folder given with ``--demo`` holds no finished demo.
    :raises InvalidRequest: ``--rate`` is not a rate.
    """
    options = context.arguments
    cut, timeline = options.cut, options.timeline
    given_rate = cut_rate(context)
    rate = str(given_rate) if given_rate else None
    if options.demo:
        from bridge_core.cli.demo import read_demo

        demo = read_demo(options.demo.expanduser().absolute())
        context.set_defaults(demo.settings)
        if cut is None:
            cut, timeline, rate = demo.cut, timeline or demo.timeline, rate or demo.rate
    arguments = [str(cut)] if cut else []
    arguments += ["--show", options.show] if options.show else []
    arguments += ["--timeline", timeline] if timeline else []
    arguments += ["--rate", rate] if rate else []
    for key, value in context.overrides.items():
        arguments += ["--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
    return arguments
