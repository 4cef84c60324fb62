"""The standalone panel: ``shotbridge panel`` and ``python -m bridge_ui``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge_core.cli.main import main


def _environment(tmp_path: Path) -> dict[str, str]:
    own = {
        "SHOTBRIDGE__CLIENT__STATE_DIR": str(tmp_path / "state"),
        # Nothing listens there; the window opens anyway and says so.
        "SHOTBRIDGE__CLIENT__URL": "http://127.0.0.1:9",
        "QT_QPA_PLATFORM": "offscreen",
    }
    return {**os.environ, **own}


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to another process on Windows")
def test_it_opens_without_a_gateway_and_ends_on_interrupt(tmp_path: Path) -> None:
    # Printed once the event loop runs, when the signal handler is installed.
    ready = (
        "import bridge_ui.app.window as w, bridge_ui.app.opening as o; f = o.open_panel\n"
        "from PySide6.QtCore import QTimer\n"
        "def report(*a):\n"
        "    QTimer.singleShot(0, lambda: print('open', flush=True))\n"
        "    return f(*a)\n"
        "o.open_panel = report\n"
        "raise SystemExit(w.main([]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", ready],
        env=_environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "open"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to another process on Windows")
def test_a_configuration_that_cannot_be_read_is_reported_in_the_terminal_too(
    tmp_path: Path,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bridge_ui", "--set", "client.nonsense=1"],
        env=_environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        output = ""
        while "client.nonsense" not in output:
            line = process.stderr.readline()
            assert line, output
            output += line
        # The window stays open, to retry after a correction.
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "Traceback" not in output + rest


def test_the_command_line_passes_everything_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 7)

    monkeypatch.setattr(subprocess, "run", run)
    code = main(["--set", "a.b=1", "panel", "--show", "bbb", "--set", "c.d=2", "reel.otio"])
    assert code == 7
    [command] = ran
    assert command[1:3] == ["-m", "bridge_ui"]
    assert command[3:] == ["reel.otio", "--show", "bbb", "--set", "a.b=1", "--set", "c.d=2"]
