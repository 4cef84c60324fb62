"""``panel``: the panel as a window of its own. The client knows no Qt: it knows a command line."""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.cli.sources import add_cut_options, cut_rate
from bridge_core.errors import ConfigError

if TYPE_CHECKING:
    from bridge_core.cli.call import Call


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    panel = commands.add_parser(
        "panel", parents=[common], help="send and review in a window of its own"
    )
    panel.add_argument("cut", nargs="?", type=Path, help="an OTIO file, EDL, FCP XML or AAF")
    panel.add_argument(
        "--demo", type=Path, metavar="DIR", help="look at what `demo` made in that folder"
    )
    add_cut_options(panel)
    panel.set_defaults(run=_panel)


def _panel(call: Call) -> int:
    for name, package in (("bridge_ui", "shotbridge"), ("PySide6", "PySide6-Essentials")):
        if importlib.util.find_spec(name) is None:
            raise ConfigError(
                f"the panel needs {package}, which is not installed here",
                where=sys.executable,
                next_step=f"pip install '{package}'",
            )
    return subprocess.run([sys.executable, "-m", "bridge_ui", *words(call)], check=False).returncode


def words(call: Call) -> list[str]:
    """What was said to us, for the panel's own command line.

    :raises ConfigError: there is no demo in the folder that was named for one.
    :raises InvalidRequest: ``--rate`` is no rate.
    """
    said = call.arguments
    cut = said.cut
    if said.demo:
        from bridge_core.cli.demo import left_in

        made_from, settings = left_in(said.demo.expanduser().absolute())
        call.suggest(settings)
        cut = cut or made_from
    told = [str(cut)] if cut else []
    told += ["--show", said.show] if said.show else []
    told += ["--timeline", said.timeline] if said.timeline else []
    rate = cut_rate(call)
    told += ["--rate", str(rate)] if rate else []
    for key, value in call.overrides.items():
        told += ["--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
    return told
