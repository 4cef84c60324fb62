"""The panel as a program of its own, with no host around it."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import ShotbridgeError

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from bridge_core.models.settings import Settings


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m bridge_ui [cut]``; ends when the window is closed, with 0, or with the exit
    code of what could not be done."""
    arguments = _parser().parse_args(argv)
    try:
        return _run(arguments)
    except ShotbridgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    from bridge_core.cli.sources import add_cut_options

    parser = argparse.ArgumentParser(
        prog="shotbridge panel", description="Send shots and review what comes back."
    )
    parser.add_argument("cut", nargs="?", type=Path, help="an OTIO file, EDL, FCP XML or AAF")
    add_cut_options(parser)
    parser.add_argument("--show", help="the show, whose configuration is read too")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    from bridge_core.cli.call import pair
    from bridge_ui.panel.opening import open_panel
    from bridge_ui.standalone_host import StandaloneHost

    said = dict(pair(text) for text in arguments.set)

    def settings() -> Settings:
        from bridge_core.config import load

        return load(said, show=arguments.show).settings

    app = application()
    cut = arguments.cut.expanduser().absolute() if arguments.cut else None
    host = StandaloneHost(settings, cut, timeline=arguments.timeline, rate=arguments.rate)
    panel = open_panel(settings, host)
    refused: list[ShotbridgeError] = []
    panel.refused.connect(refused.append)
    # For who started it from a terminal; the window says it as well.
    panel.refused.connect(lambda error: print(error, file=sys.stderr, flush=True))
    panel.ready.connect(refused.clear)
    panel.resize(1440, 880)
    panel.show()
    code = work(app)
    panel.close_down(timeout=2.0)
    return refused[-1].exit_code if refused else code


def application() -> QApplication:
    """The application of a window of ours: its looks may be chosen; a host's never are."""
    from PySide6.QtWidgets import QApplication

    app = QApplication(sys.argv[:1])
    app.setStyle("Fusion")
    app.setApplicationName("Shotbridge")
    return app


def work(app: QApplication) -> int:
    """Run the application until its windows are closed, or somebody presses Ctrl+C."""
    from PySide6.QtCore import QTimer

    signal.signal(signal.SIGINT, lambda *_: app.quit())
    # Python hears of a signal only when it gets its turn.
    turn = QTimer(interval=200)
    turn.timeout.connect(lambda: None)
    turn.start()
    return app.exec()
