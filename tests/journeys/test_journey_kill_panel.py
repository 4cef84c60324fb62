"""A host or the gateway is killed during a job: afterwards the panel shows the true state."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip(
    "PySide6.QtWidgets",
    reason="Qt cannot be loaded here; `make system` says what it needs",
    exc_type=ImportError,
)

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from bridge_core.config import load_settings
from bridge_core.models.jobs import JobState
from bridge_ui.app.opening import open_panel
from bridge_ui.app.standalone_host import StandaloneHost

if TYPE_CHECKING:
    from bridge_ui.app.panel import Panel

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="this platform has no SIGKILL"
)

#: A host's process: opens the panel, selects all shots, prints "ready", presses the button after a
#: line of input, then prints what the panel shows.
_HOST = """
import sys, threading
from pathlib import Path
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from bridge_core.config import load_settings
from bridge_ui.app.opening import open_panel
from bridge_ui.app.standalone_host import StandaloneHost

app = QApplication(sys.argv)
settings = load_settings().settings
panel = open_panel(settings, StandaloneHost(settings, Path(sys.argv[1])))
panel.resize(1440, 880)
panel.show()
press_requested, reported = threading.Event(), []

def report(state):
    if state not in reported:
        reported.append(state)
        print(state, flush=True)

def check():
    if not hasattr(panel, "controllers") or not panel.findChild(QPushButton, "send"):
        return
    on, button = panel.controllers, panel.findChild(QPushButton, "send")
    if "pressed" in reported:
        jobs = list(on.session.store.jobs.values())
        if len(on.session.outbox.value.waiting) == 2:
            report("accepted")
        if any(job.state == "running" for job in jobs) and len(jobs) == 2:
            report("running")
    elif "ready" in reported:
        if press_requested.is_set():
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)
            report("pressed")
    elif on.session.connection.value.is_connected and len(on.shots.rows) == 2:
        panel.shots.view.selectAll()
        on.send.choose_service(sys.argv[2])
        if button.isEnabled() and len(on.send.state.value.shots) == 2:
            report("ready")

timer = QTimer(interval=10)
timer.timeout.connect(check)
timer.start()

def read_input():
    sys.stdin.readline()
    press_requested.set()

threading.Thread(target=read_input, daemon=True).start()
app.exec()
"""


def wait_until(condition: Callable[[], object], what: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        QTest.qWait(20)


class HostProcess:
    """The process of ``_HOST``."""

    def __init__(self, terminal, cut: Path, service: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _HOST, str(cut), service],
            env={**terminal.environment, "QT_QPA_PLATFORM": "offscreen"},
            cwd=terminal.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.wait("ready")

    def wait(self, state: str) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == state:
                return
        raise AssertionError(f"the host ended before it was {state}")

    def press(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("press\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def reopened_panel(terminal, cut: Path) -> Iterator[Panel]:
    """The panel, opened in this process."""
    app = QApplication.instance() or QApplication(["shotbridge-tests"])
    settings = load_settings(environ=terminal.environment).settings
    panel = open_panel(settings, StandaloneHost(settings, cut))
    panel.resize(1440, 880)
    panel.show()
    wait_until(lambda: hasattr(panel, "controllers"), "the panel to open")
    yield panel
    panel.stop(10.0)
    panel.close()
    panel.deleteLater()
    app.processEvents()


def ended(panel: Panel) -> bool:
    jobs = panel.controllers.session.store.jobs.values()
    return len(jobs) >= 2 and all(job.state.ended for job in jobs)


def check_true_state(terminal, panel: Panel) -> None:
    """Both versions are shown, each was made once, and the outbox is empty."""
    on = panel.controllers
    wait_until(lambda: ended(panel), "both jobs to end")
    wait_until(
        lambda: all(row.newest_version_id for row in on.shots.rows), "the versions on their shots"
    )
    assert [job.state for job in on.session.store.jobs.values()] == [JobState.SUCCEEDED] * 2
    assert [row.sign.text for row in on.jobs.rows] == ["done", "done"]
    assert on.session.outbox.value.waiting == on.session.outbox.value.refused == ()
    jobs, versions = terminal.json("jobs"), terminal.json("versions")
    assert {row.id for row in on.jobs.rows} == {job["id"] for job in jobs}
    assert len(jobs) == len(versions) == 2, "nothing was sent twice"
    assert {row.newest_version_id for row in on.shots.rows} == {
        version["id"] for version in versions
    }
    assert {(v["shot"]["shot"], v["number"]) for v in versions} == {("AB_0010", 1), ("AB_0020", 1)}


def test_requests_of_a_killed_host_are_sent_by_the_next_panel(terminal, cut: Path) -> None:
    host = HostProcess(terminal, cut, "round_trip")
    gateway = terminal.gateway()
    gateway.suspend()
    try:
        host.press()
        host.wait("accepted")
        host.kill()
    finally:
        gateway.resume()
    assert terminal.json("jobs") == []
    with reopened_panel(terminal, cut) as panel:
        check_true_state(terminal, panel)


def test_jobs_of_a_killed_host_are_shown_by_the_next_panel(terminal, cut: Path) -> None:
    host = HostProcess(terminal, cut, "upscale")
    host.press()
    host.wait("running")
    host.kill()
    assert {job["state"] for job in terminal.json("jobs")} <= {"queued", "running", "succeeded"}
    with reopened_panel(terminal, cut) as panel:
        check_true_state(terminal, panel)


def test_a_killed_gateway_continues_its_jobs(terminal, cut: Path) -> None:
    with reopened_panel(terminal, cut) as panel:
        on = panel.controllers
        jobs = on.session.store.jobs
        wait_until(lambda: on.session.connection.value.is_connected, "the gateway")
        wait_until(lambda: len(on.shots.rows) == 2, "the cut")
        panel.shots.view.selectAll()
        on.send.choose_service("upscale")
        button = panel.findChild(QPushButton, "send")
        wait_until(lambda: button.isEnabled() and len(on.send.state.value.shots) == 2, "the button")
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        wait_until(lambda: len(jobs) == 2, "both jobs")
        wait_until(lambda: JobState.RUNNING in {job.state for job in jobs.values()}, "one to run")

        connection = panel.status.findChild(QPushButton, "connection")
        terminal.gateway().kill()
        wait_until(lambda: "does not answer" in connection.text(), "the panel to notice")
        states = [row.sign.text for row in on.jobs.rows]
        assert not {"failed", "cancelled"} & set(states), "the jobs' states are unknown"
        wait_until(lambda: connection.text() == "Gateway on this machine", "the gateway")
        check_true_state(terminal, panel)

        on.send.choose_service("round_trip")
        wait_until(button.isEnabled, "the button")
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        wait_until(lambda: len(jobs) == 4 and ended(panel), "two more")
        assert {job.state for job in jobs.values()} == {JobState.SUCCEEDED}
