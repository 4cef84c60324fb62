"""Measures the cost of opening the panel in a host that already runs a Qt application.

    python -m benchmarks.panel_opening [--repeats 9] [--json]

Each case is measured in fresh processes, alternating with the others, after Qt's widgets have been
imported and the application created; medians are printed:

- plain widgets: a window with the kinds of widgets that a panel consists of and nothing behind
  them, defined below, until it is first painted;
- the panel, wide and as a dock: imported, created, shown and first painted, with its arguments (a
  configuration that has not been read yet, a cut of 12 clips);
- the panel when ready: all visible parts are created, the cut is read, its shots are painted;
  memory after it has also tried to reach its gateway, which does not respond. The longest block is
  the longest time between two iterations of the event loop after the first paint, during which the
  host cannot react;
- importing only the libraries of the panel, as a lower bound;
- importing the submit dialog of `deadline`, and importing `ayon_api`, each from its own environment
  (`python packaging/benchmark_peers.py`), without creating or showing anything.

Processor time is of all threads; with other work on the machine it is more reliable than time.
Memory is the process's unique memory (USS) beyond that of Qt and the application. Bytecode is
compiled before the measurement, as in an installed package.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import REPO, json_parser
from benchmarks._report import report

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication, QWidget

    from bridge_core.models.settings import Settings

NAME = "panel_opening"
PEERS = Path(os.environ.get("SHOTBRIDGE_BENCHMARK_PEERS") or REPO / ".cache" / "benchmark_peers")
DIALOG = "deadline.client.ui.dialogs.submit_job_to_deadline_dialog"
LIBRARIES = ("pydantic.main", "requests", "yaml", "opentimelineio", "PySide6.QtSvg")
#: Goal for the ready panel: milliseconds and megabytes over the plain widgets, and the share of the
#: dialog's import.
GOAL_MS, GOAL_MB, GOAL_SHARE = 165, 25.5, 0.5
CLIPS = 12
#: Seconds to wait for the first paint.
_PAINT_TIMEOUT = 60


# The cases, each in its own process


def measure_plain_widgets(app: QApplication, _cut: Path) -> dict[str, float]:
    usage_meter = ProcessUsage()
    window = _plain_window()
    window.resize(1440, 880)
    window.show()
    return _until_painted(app, window, usage_meter)


def measure_panel(app: QApplication, cut: Path, width: int = 1440) -> dict[str, float]:
    usage_meter = ProcessUsage()
    from bridge_ui.app.opening import open_panel
    from bridge_ui.app.standalone_host import StandaloneHost

    widget = open_panel(_settings, StandaloneHost(_settings, cut))
    widget.resize(width, 880)
    widget.show()
    usage = _until_painted(app, widget, usage_meter)
    ready = False

    def on_ready() -> None:
        nonlocal ready
        ready = True

    widget.ready.connect(on_ready)
    connection_failed, longest, last = False, 0.0, time.perf_counter()
    while not (connection_failed and "ready_ms" in usage):
        app.processEvents()
        if "ready_ms" not in usage and ready and len(widget.controllers.shots.rows) == CLIPS:
            widget.shots.view.repaint()
            usage |= {f"ready_{key}": value for key, value in usage_meter.current.items()}
        connection_failed = (
            ready and widget.controllers.session.connection.value.state != "connecting"
        )
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
        time.sleep(0.0005)
    usage |= {"ready_mb": usage_meter.mb, "block_ms": longest * 1000}
    widget.stop(2.0)
    return usage


def measure_imports(*modules: str) -> dict[str, float]:
    usage_meter = ProcessUsage()
    for module in modules:
        importlib.import_module(module)
    return usage_meter.current


CASES: dict[str, Callable[[QApplication, Path], dict[str, float]]] = {
    "plain": measure_plain_widgets,
    "panel": measure_panel,
    "dock": lambda app, cut: measure_panel(app, cut, 360),
    "libraries": lambda _app, _cut: measure_imports(*LIBRARIES),
    "deadline": lambda _app, _cut: measure_imports(DIALOG),
    "ayon": lambda _app, _cut: measure_imports("ayon_api"),
}
_PEERS_CASES = ("deadline", "ayon")


class ProcessUsage:
    """What the process has used since this object was created."""

    def __init__(self) -> None:
        self._memory = _own_memory()
        self._cpu_started = time.process_time()
        self._started = time.perf_counter()

    @property
    def current(self) -> dict[str, float]:
        """Milliseconds, milliseconds of processor time, megabytes."""
        ms = (time.perf_counter() - self._started) * 1000
        cpu = (time.process_time() - self._cpu_started) * 1000
        return {"ms": ms, "cpu": cpu, "mb": self.mb}

    @property
    def mb(self) -> float:
        return (_own_memory() - self._memory) / 1e6


def _own_memory() -> int:
    """Bytes."""
    import psutil

    return int(psutil.Process().memory_full_info().uss)


def _until_painted(
    app: QApplication, window: QWidget, usage_meter: ProcessUsage
) -> dict[str, float]:
    """Usage until the event loop's first iteration after the first paint."""
    from PySide6.QtCore import QEvent, QObject, QTimer

    usage: dict[str, float] = {}

    class PaintFilter(QObject):
        def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802
            if event.type() == QEvent.Type.Paint:
                window.removeEventFilter(self)
                QTimer.singleShot(0, lambda: usage.update(usage_meter.current))
            return False

    paint_filter = PaintFilter()
    window.installEventFilter(paint_filter)
    deadline = time.monotonic() + _PAINT_TIMEOUT
    while not usage:
        app.processEvents()
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing was painted within {_PAINT_TIMEOUT} s")
    return usage


def _plain_window() -> QWidget:
    """A list next to tabs with a form and buttons; at least one widget of each kind."""
    from PySide6.QtCore import QStringListModel, Qt
    from PySide6.QtWidgets import (
        QComboBox,
        QFormLayout,
        QLabel,
        QLineEdit,
        QListView,
        QPlainTextEdit,
        QPushButton,
        QScrollArea,
        QSlider,
        QSpinBox,
        QSplitter,
        QTabWidget,
        QVBoxLayout,
        QWidget,
    )

    window = QWidget()
    shots = QListView()
    shots.setModel(QStringListModel([f"shot {number}" for number in range(CLIPS)], shots))
    values = QWidget()
    form = QFormLayout(values)
    form.addRow("Name", QLineEdit())
    form.addRow("Kind", QComboBox())
    form.addRow("Amount", QSlider(Qt.Orientation.Horizontal))
    form.addRow("Count", QSpinBox())
    form.addRow("Note", QPlainTextEdit())
    scrolled = QScrollArea()
    scrolled.setWidget(values)
    scrolled.setWidgetResizable(True)
    page = QWidget()
    column = QVBoxLayout(page)
    for widget in (scrolled, QPushButton("Test frame"), QPushButton("Send")):
        column.addWidget(widget)
    tabs = QTabWidget()
    tabs.addTab(page, "Send")
    for name in ("Jobs", "Notes", "Lineage"):
        tabs.addTab(QWidget(), name)
    sides = QSplitter()
    for widget in (shots, QLabel("picture"), tabs):
        sides.addWidget(widget)
    whole = QVBoxLayout(window)
    for widget in (QPushButton("Menu"), sides, QLabel("status")):
        whole.addWidget(widget)
    return window


@functools.cache
def _settings() -> Settings:
    from bridge_core.config import load_settings

    # Nothing listens on this port.
    return load_settings({"client.url": "http://127.0.0.1:9"}).settings


# Running the cases


def _measure(case: str, cut: Path, bytecode: Path) -> dict[str, float] | None:
    """The usage of a case; None if its environment is not installed."""
    python = Path(sys.executable)
    if case in _PEERS_CASES:
        folder = "Scripts" if os.name == "nt" else "bin"
        python = PEERS / folder / "python"
        if not python.exists():
            return None
    environment = {
        **os.environ,
        "PYTHONPYCACHEPREFIX": str(bytecode),
        "SHOTBRIDGE__CLIENT__STATE_DIR": str(cut.parent / "state"),
        "SHOTBRIDGE__CLIENT__TOKEN_FILE": str(cut.with_name("token")),
        # The dialog's package sends telemetry.
        "DEADLINE_CLOUD_TELEMETRY_OPT_OUT": "true",
        "HOME": str(cut.parent),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [str(python), "-m", "benchmarks.panel_opening", "--case", case, "--cut", str(cut)],
        cwd=REPO,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{case} failed:\n{done.stderr}")
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _run_case(case: str, cut: Path) -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    print(json.dumps(CASES[case](QApplication(["benchmark"]), cut)))


def _write_cut(path: Path) -> None:
    import opentimelineio as otio

    timeline = otio.schema.Timeline("cut")
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    for number in range(CLIPS):
        media = otio.schema.ImageSequenceReference(
            target_url_base=f"/plates/shot_{number:03d}/",
            name_prefix="plate.",
            name_suffix=".exr",
            start_frame=1001,
            frame_zero_padding=4,
            rate=24,
            available_range=_span(0, 148),
        )
        track.append(otio.schema.Clip(f"shot_{number:03d}", media, _span(8, 132)))
    otio.adapters.write_to_file(timeline, str(path))


def _span(first: int, count: int) -> Any:
    import opentimelineio as otio

    time_of = otio.opentime.RationalTime
    return otio.opentime.TimeRange(time_of(first, 24), time_of(count, 24))


def measure(repeats: int) -> dict[str, Any]:
    """Medians by case."""
    with tempfile.TemporaryDirectory() as folder:
        cut, bytecode = Path(folder) / "cut.otio", Path(folder) / "bytecode"
        _write_cut(cut)
        cut.with_name("token").touch(0o600)
        cut.with_name("token").write_text("an unused token")
        runs: dict[str, list[dict[str, float]]] = {}
        for round_number in range(repeats + 1):
            for case in CASES:
                usage = _measure(case, cut, bytecode)
                if usage is not None and round_number:  # the first round compiles
                    runs.setdefault(case, []).append(usage)
    return {
        case: {key: statistics.median(run[key] for run in usages) for key in usages[0]}
        for case, usages in runs.items()
    }


def main() -> None:
    parser = json_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--cut", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        _run_case(arguments.case, arguments.cut)
        return
    results = measure(arguments.repeats)
    if arguments.json:
        print(json.dumps({"load": os.getloadavg()[0], **results}, indent=2))
        return
    _print_results(results)


def _print_results(results: dict[str, Any]) -> None:
    base, dialog = results["plain"], results.get("deadline")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'':34}{'time':>9}{'processor':>12}{'memory':>11}")
    _print_line("plain widgets, painted", base)
    for case, name in (("panel", "panel"), ("dock", "panel as a dock")):
        usage = results[case]
        ready = {key: usage[f"ready_{key}"] for key in base}
        _print_line(f"{name}, painted", usage, base, dialog)
        _print_line(f"{name}, ready", ready, base, dialog)
        print(f"{'  longest block until then':34}{usage['block_ms']:6.0f} ms")
        over = ready["ms"] - base["ms"]
        if dialog:
            report(
                NAME, f"{name}, ready", over, dialog["ms"], "the dialog's import", goal=GOAL_SHARE
            )
        over, libraries = ready["mb"] - base["mb"], results["libraries"]["mb"]
        report(NAME, f"{name}, memory", over, libraries, "its libraries", unit="MB")
    for case, name in (
        ("libraries", "importing its libraries only"),
        ("deadline", "importing deadline's dialog"),
        ("ayon", "importing ayon_api"),
    ):
        if case in results:
            _print_line(name, results[case])
    if dialog is None:
        print("deadline and ayon_api are not installed: run python packaging/benchmark_peers.py")
    print(
        f"goal: {GOAL_MS} ms and {GOAL_MB} MB over the plain widgets,"
        f" and {GOAL_SHARE:g} of the dialog's import"
    )


def _print_line(
    name: str,
    usage: dict[str, float],
    base: dict[str, float] | None = None,
    dialog: dict[str, float] | None = None,
) -> None:
    line = f"{name:34}{usage['ms']:6.0f} ms{usage['cpu']:9.0f} ms{usage['mb']:8.1f} MB"
    if base:
        over = usage["ms"] - base["ms"]
        line += f"   {over:+.0f} ms and {usage['mb'] - base['mb']:+.1f} MB over the plain widgets"
        if dialog:
            line += f", {over / dialog['ms']:.2f} of the dialog"
    print(line)


if __name__ == "__main__":
    main()
