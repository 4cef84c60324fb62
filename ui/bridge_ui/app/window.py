"""The standalone panel."""

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


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m bridge_ui [cut]``: runs until the window is closed; returns the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return _run(arguments)
    except ShotbridgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    from bridge_core.cli.sources import add_cut_options

    parser = argparse.ArgumentParser(
        prog="shotbridge panel", description="Send shots and review versions."
    )
    parser.add_argument("cut", nargs="?", type=Path, help="an OTIO file, EDL, FCP XML or AAF")
    add_cut_options(parser)
    parser.add_argument("--show", help="the show, to read its configuration")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    from bridge_core.cli.context import parse_key_value
    from bridge_ui.app.opening import open_panel, settings_reader
    from bridge_ui.app.standalone_host import StandaloneHost

    overrides = dict(parse_key_value(text) for text in arguments.set)
    settings = settings_reader(overrides, show=arguments.show)
    app = create_application()
    cut = arguments.cut.expanduser().absolute() if arguments.cut else None
    host = StandaloneHost(settings, cut, timeline=arguments.timeline, rate=arguments.rate)
    panel = open_panel(settings, host)
    errors: list[ShotbridgeError] = []
    panel.open_failed.connect(errors.append)
    # In addition to the window, for the terminal.
    panel.open_failed.connect(lambda error: print(error, file=sys.stderr, flush=True))
    panel.ready.connect(errors.clear)
    panel.resize(1440, 880)
    panel.show()
    code = run_event_loop(app)
    panel.stop(timeout=2.0)
    return errors[-1].exit_code if errors else code


def create_application() -> QApplication:
    """Create the application of the standalone window."""
    from PySide6.QtWidgets import QApplication

    app = QApplication(sys.argv[:1])
    app.setStyle("Fusion")
    app.setApplicationName("Shotbridge")
    return app


def run_event_loop(app: QApplication) -> int:
    """Run the application until its windows are closed or Ctrl+C is pressed."""
    from PySide6.QtCore import QTimer

    signal.signal(signal.SIGINT, lambda *_: app.quit())
    # Python handles signals only when it runs.
    timer = QTimer(interval=200)
    timer.timeout.connect(lambda: None)
    timer.start()
    return app.exec()
