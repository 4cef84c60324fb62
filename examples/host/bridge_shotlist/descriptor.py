"""What ``shotbridge`` has to know about this host. Imports neither Qt nor the host's API."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.hosts.descriptor import HostDescriptor, selftest_in_python

if TYPE_CHECKING:
    from bridge_core.cli.context import CommandContext


def _add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    command = commands.add_parser(
        "shotlist", parents=[common], help="open the panel on a list of shots"
    )
    command.add_argument("file", type=Path, metavar="SHOTS.json")
    command.set_defaults(run=_open_panel)


def _open_panel(context: CommandContext) -> int:
    from bridge_shotlist.host import ShotListHost
    from bridge_ui.app.opening import open_panel
    from bridge_ui.app.window import create_application, run_event_loop

    app = create_application()
    panel = open_panel(
        lambda: context.config.settings, ShotListHost(context.arguments.file.absolute())
    )
    panel.resize(1440, 880)
    panel.show()
    code = run_event_loop(app)
    panel.stop(timeout=2.0)
    return code


HOST = HostDescriptor(
    name="shotlist",
    title="Shot list",
    selftest=selftest_in_python,
    add_commands=_add_commands,
)
