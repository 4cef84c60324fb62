"""What opening the panel costs a host that has Qt and an application already.

    python -m benchmarks.panel_opening [--repeats 9] [--json]

Each line is measured in fresh processes, in turn with the others, from the moment in which Qt's
widgets are imported and an application is there; medians are printed:

- bare widgets: a window with the kinds of widgets that a panel is made of and nothing behind them,
  defined below, until it is painted for the first time;
- our panel, wide and as a dock: imported, made, shown and painted for the first time, with what it
  is given (a configuration that nobody has read yet, a cut of 12 clips);
- the same panel at work: everything in sight is there, the cut is read, its shots are painted;
  memory when it has also asked for its gateway, which does not answer. The longest block is the
  longest time between two turns of the event loop from the first paint on: that long a host cannot
  react;
- importing the libraries that the panel at work is built on, alone, as nothing below that is to be
  had with them;
- importing the submit dialog of `deadline`, and importing `ayon_api`, each from an environment of
  its own (`python packaging/benchmark_peers.py`) and without being made or shown.

Processor time is that of all threads; where other work runs beside, it tells more than time does.
Memory is what the process has to itself (USS) beyond what Qt and the application took. Bytecode is
compiled before anything is measured, as in an installed package.
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

from benchmarks import REPO

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication, QWidget

    from bridge_core.models.settings import Settings

PEERS = Path(os.environ.get("SHOTBRIDGE_BENCHMARK_PEERS") or REPO / ".cache" / "benchmark_peers")
DIALOG = "deadline.client.ui.dialogs.submit_job_to_deadline_dialog"
LIBRARIES = ("pydantic.main", "requests", "yaml", "opentimelineio", "PySide6.QtSvg")
#: Milliseconds and megabytes over the bare widgets that we aim at, and the part of the dialog.
AIM_MS, AIM_MB, AIM_PART = 60, 12, 0.1
CLIPS = 12
#: Seconds after which a window that was not painted never will be.
_TOO_LONG = 60


# The cases, each in a process of its own


def measure_bare_widgets(app: QApplication, _cut: Path) -> dict[str, float]:
    usage_meter = ProcessUsage()
    window = _bare_window()
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

    def at_work() -> None:
        nonlocal ready
        ready = True

    widget.ready.connect(at_work)
    asked, longest, last = False, 0.0, time.perf_counter()
    while not (asked and "work_ms" in usage):
        app.processEvents()
        if "work_ms" not in usage and ready and len(widget.controllers.shots.rows) == CLIPS:
            widget.shots.view.repaint()
            usage |= {f"work_{key}": value for key, value in usage_meter.current.items()}
        asked = ready and widget.controllers.session.connection.value.state != "connecting"
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
        time.sleep(0.0005)
    usage |= {"work_mb": usage_meter.mb, "block_ms": longest * 1000}
    widget.close_down(2.0)
    return usage


def measure_imports(*modules: str) -> dict[str, float]:
    usage_meter = ProcessUsage()
    for module in modules:
        importlib.import_module(module)
    return usage_meter.current


CASES: dict[str, Callable[[QApplication, Path], dict[str, float]]] = {
    "bare": measure_bare_widgets,
    "panel": measure_panel,
    "dock": lambda app, cut: measure_panel(app, cut, 360),
    "libraries": lambda _app, _cut: measure_imports(*LIBRARIES),
    "deadline": lambda _app, _cut: measure_imports(DIALOG),
    "ayon": lambda _app, _cut: measure_imports("ayon_api"),
}
_PEERS_CASES = ("deadline", "ayon")


class ProcessUsage:
    """What a process has used since it was made."""

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
    """What was used until the event loop's first turn after the first frame."""
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
    until = time.monotonic() + _TOO_LONG
    while not usage:
        app.processEvents()
        if time.monotonic() > until:
            raise SystemExit(f"nothing was painted within {_TOO_LONG} s")
    return usage


def _bare_window() -> QWidget:
    """A list beside tabs with a form below which are buttons; one widget of each kind at least."""
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
    for widget in (scrolled, QPushButton("Try"), QPushButton("Send")):
        column.addWidget(widget)
    tabs = QTabWidget()
    tabs.addTab(page, "Send")
    for name in ("Jobs", "Notes", "Made by"):
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

    # Nobody listens there.
    return load_settings({"client.url": "http://127.0.0.1:9"}).settings


# Running them


def _measure(case: str, cut: Path, bytecode: Path) -> dict[str, float] | None:
    """None: it cannot be run here."""
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
        # The dialog's package reports uses of it; nothing may leave this machine.
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

    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(first, 24), otio.opentime.RationalTime(count, 24)
    )


def measure(repeats: int) -> dict[str, Any]:
    """Medians by case."""
    with tempfile.TemporaryDirectory() as folder:
        cut, bytecode = Path(folder) / "cut.otio", Path(folder) / "bytecode"
        _write_cut(cut)
        cut.with_name("token").touch(0o600)
        cut.with_name("token").write_text("a token that nobody asks for")
        runs: dict[str, list[dict[str, float]]] = {}
        for turn in range(repeats + 1):
            for case in CASES:
                usage = _measure(case, cut, bytecode)
                if usage is not None and turn:  # the first turn compiles
                    runs.setdefault(case, []).append(usage)
    return {
        case: {key: statistics.median(run[key] for run in found) for key in found[0]}
        for case, found in runs.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", action="store_true")
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
    base, dialog = results["bare"], results.get("deadline")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'':34}{'time':>9}{'processor':>12}{'memory':>11}")
    _print_line("bare widgets, painted", base)
    for case, name in (("panel", "our panel"), ("dock", "our panel as a dock")):
        one = results[case]
        work = {key: one[f"work_{key}"] for key in base}
        _print_line(f"{name}, painted", one, base, dialog)
        _print_line(f"{name}, at work", work, base, dialog)
        print(f"{'  longest block on the way there':34}{one['block_ms']:6.0f} ms")
    for case, name in (
        ("libraries", "importing its libraries alone"),
        ("deadline", "importing deadline's dialog"),
        ("ayon", "importing ayon_api"),
    ):
        if case in results:
            _print_line(name, results[case])
    if dialog is None:
        print(
            "deadline and ayon_api are not here: python packaging/benchmark_peers.py installs them"
        )
    print(
        f"the aim: {AIM_MS} ms and {AIM_MB} MB over the bare widgets,"
        f" and {AIM_PART:g} of the dialog's import"
    )


def _print_line(
    name: str,
    one: dict[str, float],
    base: dict[str, float] | None = None,
    dialog: dict[str, float] | None = None,
) -> None:
    line = f"{name:34}{one['ms']:6.0f} ms{one['cpu']:9.0f} ms{one['mb']:8.1f} MB"
    if base:
        over = one["ms"] - base["ms"]
        line += f"   {over:+.0f} ms and {one['mb'] - base['mb']:+.1f} MB over the bare widgets"
        if dialog:
            line += f", {over / dialog['ms']:.2f} of the dialog"
    print(line)


if __name__ == "__main__":
    main()
