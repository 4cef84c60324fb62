"""The companion window: on Resolve, or on files where no Resolve lets scripts in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip(
    "PySide6.QtWidgets",
    reason="Qt cannot be loaded here; `make system` says what it needs",
    exc_type=ImportError,
)

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from resolve_fake import Resolve, scripting_module
from user_input import wait_until

from bridge_core.errors import ConfigError, HostError
from bridge_core.models.settings import Settings
from bridge_resolve import connection
from bridge_resolve.connection import find_resolve
from bridge_resolve.window import CompanionWindow

#: Opens a companion window that finds Resolve this way.
Open = Callable[[Callable[[], Any]], CompanionWindow]

REPO = Path(__file__).parents[3]
ENTRY = REPO / "plugins" / "resolve" / "Utility" / "Shotbridge.py"


@pytest.fixture
def qapp_or_new() -> QApplication:
    return QApplication.instance() or QApplication(["shotbridge-tests"])  # type: ignore[return-value]


@pytest.fixture
def opened(
    qapp_or_new: QApplication, tmp_path: Path
) -> Iterator[Callable[[Callable[[], Any]], CompanionWindow]]:
    windows: list[CompanionWindow] = []
    # A gateway that is nowhere: what is looked at here needs none.
    settings = Settings.model_validate(
        {"client": {"state_dir": tmp_path / "state", "url": "http://127.0.0.1:9"}}
    )

    def open_(find: Callable[[], Any]) -> CompanionWindow:
        window = CompanionWindow(lambda: settings, find)
        windows.append(window)
        window.resize(900, 600)
        window.show()
        window.search()
        return window

    yield open_
    for window in windows:
        window.close()
        window.deleteLater()
    qapp_or_new.processEvents()


def status_text(window: CompanionWindow) -> str:
    label = window.findChild(QLabel, "connection-status")
    assert label is not None
    return label.text()


def retry_button(window: CompanionWindow) -> QPushButton:
    button = window.findChild(QPushButton, "retry")
    assert button is not None
    return button


def test_it_works_with_resolve(sample, opened) -> None:
    window = opened(lambda: sample.app)
    assert "Connecting to" in status_text(window)
    wait_until(lambda: window.panel is not None, "the panel")
    assert "DaVinci Resolve Studio 21.0.0" in status_text(window)
    assert "cannot dock" in status_text(window)
    assert not retry_button(window).isVisible()
    assert window.host is not None
    assert len(window.host.scene().shots) == 3
    host = window.host
    window.close()
    with pytest.raises(HostError, match="closed"):
        host.scene()


def test_the_free_edition_works_with_files(opened) -> None:
    found: list[Any] = [Resolve(studio=False)]
    window = opened(lambda: find_resolve({"resolve": found[0]}))
    wait_until(lambda: window.panel is not None, "the panel")
    assert "free edition" in status_text(window)
    assert "File > Export > Timeline" in status_text(window)
    assert window.host is None
    found[0] = Resolve()
    QTest.mouseClick(retry_button(window), Qt.MouseButton.LeftButton)
    wait_until(lambda: window.host is not None, "Resolve Studio, started meanwhile")


def test_any_error_of_resolves_library_is_reported(opened) -> None:
    def broken() -> Any:
        raise SystemError("fusionscript: bad magic number")

    window = opened(broken)
    wait_until(lambda: window.panel is not None, "the panel")
    assert "bad magic number" in status_text(window)
    assert window.host is None


def test_a_window_that_is_closed_while_connecting(sample, opened) -> None:
    window = opened(lambda: time.sleep(0.2) or sample.app)
    window.close()
    QTest.qWait(400)
    assert window.panel is None
    assert window.host is None


# Finding Resolve


def test_objects_passed_by_resolve_are_used_first() -> None:
    app = Resolve()
    refused = SimpleNamespace(GetResolve=lambda: None)
    assert find_resolve({"resolve": app, "app": None, "bmd": None}) is app
    assert find_resolve({"app": SimpleNamespace(GetResolve=lambda: app)}) is app
    assert find_resolve({"app": refused, "bmd": scripting_module(app)}) is app


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Resolve's Developer/Scripting folder, with a module that answers with what ``APP`` holds."""
    folder = tmp_path / "Scripting"
    (folder / "Modules").mkdir(parents=True)
    (folder / "Modules" / "DaVinciResolveScript.py").write_text(
        "from resolve_fake import Resolve, scripting_module\n"
        "APP = Resolve()\n"
        "def scriptapp(name):\n"
        "    return scripting_module(APP).scriptapp(name)\n"
    )
    monkeypatch.setenv("RESOLVE_SCRIPT_API", str(folder))
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield folder
    sys.modules.pop("DaVinciResolveScript", None)


def test_outside_of_resolve_the_scripting_module_is_used(module: Path) -> None:
    assert find_resolve().GetProductName() == "DaVinci Resolve Studio"
    sys.modules["DaVinciResolveScript"].APP = None  # type: ignore[attr-defined]
    with pytest.raises(HostError, match="accepts this script") as excinfo:
        find_resolve()
    assert "External scripting" in excinfo.value.next_step
    with pytest.raises(HostError, match="free edition"):
        find_resolve(product="DaVinci Resolve")


def test_without_resolve_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESOLVE_SCRIPT_API", raising=False)
    monkeypatch.setitem(connection._SCRIPTING_FOLDERS, "linux", "/nowhere")
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(HostError, match="cannot be loaded") as excinfo:
        find_resolve()
    assert "RESOLVE_SCRIPT_API" in excinfo.value.next_step


# The file in Resolve's scripts folder


def entry(folder: Path, **filled: str) -> Path:
    """The file as `shotbridge install resolve` installs it."""
    text = ENTRY.read_text()
    for name, value in filled.items():
        text = text.replace(f'{name} = ""', f"{name} = {value!r}")
    made = folder / "Shotbridge.py"
    made.write_text(text)
    return made


def run_entry(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SHOTBRIDGE_")}
    return subprocess.run(
        [sys.executable, "-S", "-E", str(path)],  # a Python without any of our packages
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("filled", "message"),
    [
        ({}, "installed from a rez environment, and Resolve was not started in one"),
        ({"PLUGINS": "/gone"}, "its plugins are not in '/gone'"),
        ({"PLUGINS": str(REPO / "plugins"), "PYTHON": "/gone"}, "is not at '/gone'"),
        ({"PLUGINS": str(REPO / "plugins")}, "is not at ''"),
    ],
)
def test_a_broken_install_prints_one_line(
    tmp_path: Path, filled: dict[str, str], message: str
) -> None:
    done = run_entry(entry(tmp_path, **filled))
    assert done.returncode == 0
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    assert line.startswith("Shotbridge cannot be opened: ")
    assert message in line
    assert "shotbridge install resolve" in line


@pytest.mark.parametrize("named", ["python", "its path"])
def test_it_starts_the_python_that_has_shotbridge(tmp_path: Path, named: str) -> None:
    """Resolve's Python has none of our packages. Environment variables override the installed
    values, and the other Python runs the module with the plugin on its path. SHOTBRIDGE_PYTHON may
    name a program on the PATH, as in rez."""
    record = tmp_path / "seen.txt"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$PYTHONPATH $PYTHONHOME$QT_PLUGIN_PATH $@" > "{record}"\n')
    python.chmod(0o755)
    path = entry(tmp_path, PYTHON="/gone", PLUGINS="/gone")
    plugins = str(REPO / "plugins")
    done = run_entry(
        path,
        SHOTBRIDGE_PYTHON=named if named == "python" else str(python),
        PATH=os.pathsep.join([str(tmp_path), os.environ["PATH"]]),
        SHOTBRIDGE_PLUGINS=plugins,
        PYTHONPATH="/rez/shotbridge",
        PYTHONHOME="/resolve/python",
        QT_PLUGIN_PATH="/resolve/qt",
    )
    assert (done.stdout, done.stderr) == ("", "")
    wait_until(record.exists, "the other Python")
    wait_until(record.read_text, "its arguments")
    assert record.read_text().split() == [
        f"{plugins}/resolve:/rez/shotbridge",
        *("-m", "bridge_resolve", "--product"),
    ]


def test_libraries_of_another_python_are_ignored(tmp_path: Path) -> None:
    """They are on the path, but cannot be loaded."""
    broken = tmp_path / "broken"
    for name in ("bridge_core", "bridge_ui", "PySide6"):
        (broken / name).mkdir(parents=True)
        (broken / name / "__init__.py").write_text("raise ImportError('another Python')")
    done = subprocess.run(
        [sys.executable, "-S", str(entry(tmp_path, PLUGINS=str(REPO / "plugins"), PYTHON="/gone"))],
        env={"PYTHONPATH": str(broken)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "the Python that has it is not at '/gone'" in done.stdout
    assert done.stderr == ""


def test_the_entry_works_with_every_python_3() -> None:
    import ast

    ast.parse(ENTRY.read_text(), feature_version=(3, 6))
    assert "installed by shotbridge install resolve" in "\n".join(ENTRY.read_text().split("\n")[:3])


def test_a_broken_configuration_is_reported_in_the_window(qapp_or_new, tmp_path: Path) -> None:
    def settings() -> Settings:
        raise ConfigError("client is no section", where="shotbridge.yaml", next_step="correct it")

    window = CompanionWindow(settings, Resolve)
    window.show()
    window.search()
    wait_until(lambda: "Correct it" in status_text(window), "the reason")
    assert window.panel is None
    assert retry_button(window).isVisible()
    window.close()


PROJECT_CODE = """
import sys
from pathlib import Path
from resolve_sample_project import sample_project
app, timeline, items = sample_project(Path(sys.argv[1]))
"""

START_CODE = {
    # Workspace > Scripts with a Python that has Shotbridge: Resolve's object is used.
    "inside": PROJECT_CODE
    + "import runpy; runpy.run_path(sys.argv[2], init_globals={'resolve': app},"
    " run_name='__main__')",
    # In a separate process, with the scripting module.
    "outside": PROJECT_CODE + "import types, runpy; from resolve_fake import scripting_module\n"
    "sys.modules['DaVinciResolveScript'] = scripting_module(app)\n"
    "sys.modules['DaVinciResolveScript'].__spec__ = types.SimpleNamespace()\n"
    "sys.argv = ['bridge_resolve']; runpy.run_module('bridge_resolve', run_name='__main__')",
}


@pytest.mark.parametrize("start", START_CODE)
def test_the_whole_program_reads_the_open_timeline(tmp_path: Path, start: str) -> None:
    path = [str(REPO / "tests" / "hosts"), str(REPO / "plugins" / "resolve")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path),
        "SHOTBRIDGE_PLUGINS": str(REPO / "plugins"),
        "SHOTBRIDGE__CLIENT__STATE_DIR": str(tmp_path / "state"),
        "SHOTBRIDGE__CLIENT__URL": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-c", START_CODE[start], str(tmp_path / "plates"), str(ENTRY)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as program:
        try:
            wait_until(
                lambda: list(tmp_path.glob("state/resolve/*.otio")) or program.poll() is not None,
                "the cut of the open timeline",
            )
        finally:
            program.send_signal(signal.SIGINT)
        output, _ = program.communicate(timeout=60)
    assert list(tmp_path.glob("state/resolve/*.otio")), output
    assert program.returncode == 0, output
