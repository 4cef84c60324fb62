"""Opening a panel: first empty, the rest loaded on a thread, pages when first shown."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QWidget

from bridge_core.errors import ConfigError
from bridge_core.hosts.base import Host, HostCapability, HostScene
from bridge_core.models.settings import ClientSettings, Settings
from bridge_ui.app.loading_view import LoadingView
from bridge_ui.app.opening import open_panel
from bridge_ui.app.panel import Panel
from bridge_ui.jobs.page import JobsPage
from bridge_ui.review.review_widget import ReviewWidget
from bridge_ui.send.page import SendPage

OpenPanel = Callable[..., Panel]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    # Nothing listens there; the panel opens anyway.
    return Settings(client=ClientSettings(state_dir=tmp_path, url="http://127.0.0.1:9"))


@pytest.fixture
def opened(
    qapp: QApplication, settings: Settings, shots_host: Callable[[int], Host]
) -> Iterator[OpenPanel]:
    """Open and show panels; returns before anything is painted."""
    panels: list[Panel] = []

    def make(
        given: Settings | Callable[[], Settings] = settings,
        host: Host | None = None,
        width: int = 1400,
    ) -> Panel:
        panel = open_panel(given, host or shots_host(3))
        panels.append(panel)
        panel.resize(width, 800)
        panel.show()
        return panel

    yield make
    for panel in panels:
        panel.stop(5.0)
        panel.close()
        panel.deleteLater()
    qapp.processEvents()


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"waited for {what}"
        QTest.qWait(5)


def until_ready(panel: Panel) -> None:
    wait_until(lambda: panel.findChild(LoadingView) is None, "the panel to be ready")


def visible_text(panel: Panel) -> str:
    loading_view = panel.findChild(LoadingView)
    assert isinstance(loading_view, LoadingView)
    return " ".join(one.text() for one in loading_view.findChildren(QLabel) if one.isVisible())


def test_it_shows_that_it_opens_then_the_shots(opened: OpenPanel) -> None:
    panel = opened()
    assert "Opening" in visible_text(panel)
    until_ready(panel)
    assert panel.shots.isVisible()
    assert len(panel.controllers.shots.rows) == 4
    assert panel.findChild(QPushButton, "send").isVisible()
    assert panel.focusWidget() is panel.shots.view


def test_it_takes_no_focus_from_other_widgets(
    qapp: QApplication, settings: Settings, shots_host: Callable[[int], Host]
) -> None:
    window = QWidget()
    line = QLineEdit(window)
    panel = open_panel(settings, shots_host(1), window)
    panel.resize(1400, 800)
    window.resize(1400, 800)
    window.show()
    line.setFocus()
    until_ready(panel)
    assert window.focusWidget() is line
    panel.stop(5.0)
    window.deleteLater()


def test_nothing_is_loaded_before_it_is_shown(
    qapp: QApplication, settings: Settings, shots_host: Callable[[int], Host]
) -> None:
    calls = []
    panel = open_panel(lambda: calls.append(1) or settings, shots_host(1))
    for _ in range(20):
        qapp.processEvents()
    assert not calls
    panel.stop()
    panel.deleteLater()


def test_the_event_loop_runs_while_the_configuration_is_read(
    opened: OpenPanel, settings: Settings
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slowly() -> Settings:
        reading.set()
        assert go_on.wait(30)
        return settings

    panel = opened(slowly)
    wait_until(reading.is_set, "reading to start")
    turns = []
    timer = QTimer(interval=0)
    timer.timeout.connect(lambda: turns.append(1))
    timer.start()
    wait_until(lambda: len(turns) > 50, "the event loop")
    timer.stop()
    assert "Opening" in visible_text(panel)
    go_on.set()
    until_ready(panel)


def test_pages_are_created_when_first_shown(opened: OpenPanel) -> None:
    panel = opened()
    until_ready(panel)
    assert panel.findChild(SendPage) is not None
    assert panel.findChild(JobsPage) is None
    panel.show_page("jobs")
    assert panel.findChild(JobsPage) is panel.jobs
    assert panel.jobs.isVisible()


def test_a_narrow_panel_creates_the_review_last_for_test_frames(
    opened: OpenPanel,
) -> None:
    panel = opened(width=320)
    until_ready(panel)
    wait_until(lambda: panel.findChild(ReviewWidget), "the review")
    assert not panel.review.isVisible()
    assert panel.findChild(JobsPage) is None


def test_a_page_chosen_while_opening_is_shown(opened: OpenPanel) -> None:
    panel = opened(width=320)
    panel.show_page("jobs")
    until_ready(panel)
    assert panel.current_page == "jobs"
    assert panel.jobs.isVisible()


def test_controllers_are_available_while_opening(opened: OpenPanel) -> None:
    panel = opened()
    shots = panel.controllers.shots
    until_ready(panel)
    assert panel.controllers.shots is shots
    assert len(shots.rows) == 4


def test_an_error_is_shown_and_opening_can_be_retried(
    opened: OpenPanel, settings: Settings
) -> None:
    attempts = []

    def fails_once() -> Settings:
        attempts.append(1)
        if len(attempts) == 1:
            raise ConfigError("no such key", where="site.yaml:3", next_step="remove it")
        return settings

    panel = opened(fails_once)
    retry = panel.findChild(QPushButton, "try-again")
    wait_until(retry.isVisible, "the error")
    for part in ("no such key", "site.yaml:3", "remove it"):
        assert part in visible_text(panel)
    retry.click()
    until_ready(panel)
    assert panel.shots.isVisible()


def test_a_missing_package_is_shown(opened: OpenPanel) -> None:
    def missing() -> Settings:
        raise ModuleNotFoundError("No module named 'pydantic_core'")

    panel = opened(missing)
    wait_until(lambda: "pydantic_core" in visible_text(panel), "the error")
    assert "install Shotbridge" in visible_text(panel)


class FaultyHost(Host):
    """Fails unexpectedly."""

    @property
    def title(self) -> str:
        return "a host"

    @property
    def capabilities(self) -> frozenset[HostCapability]:
        raise OSError("the host is gone")

    def scene(self) -> HostScene:
        return HostScene("", "")


def test_an_error_while_building_is_shown(opened: OpenPanel) -> None:
    panel = opened(host=FaultyHost())
    wait_until(lambda: "the host is gone" in visible_text(panel), "the error")


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("shotbridge")]


@pytest.mark.parametrize("turns", [0, 1, 2, 5, 40])
def test_closing_while_opening_leaves_nothing(opened: OpenPanel, turns: int) -> None:
    before = threads()
    panel = opened()
    for _ in range(turns):
        QApplication.processEvents()
        time.sleep(0.002)
    panel.stop(5.0)
    wait_until(lambda: threads() == before, "its threads to end")
    QTest.qWait(20)
    was_built = panel.findChild(SendPage) is not None
    QTest.qWait(20)
    assert was_built == (panel.findChild(SendPage) is not None)


def test_closing_while_the_configuration_is_read_prevents_opening(
    opened: OpenPanel, settings: Settings
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slowly() -> Settings:
        reading.set()
        assert go_on.wait(30)
        return settings

    before = threads()
    panel = opened(slowly)
    wait_until(reading.is_set, "reading to start")
    panel.stop()
    go_on.set()
    wait_until(lambda: threads() == before, "its thread to end")
    QTest.qWait(20)
    assert "Opening" in visible_text(panel)


def test_two_panels_are_independent(opened: OpenPanel) -> None:
    one, other = opened(), opened(width=320)
    until_ready(one)
    until_ready(other)
    one.stop(5.0)
    assert len(other.controllers.shots.rows) == 4
    other.controllers.shots.search("S_00001")
    assert [row.key for row in other.controllers.shots.rows] == ["S_00001"]


def test_what_is_imported_when(tmp_path: Path) -> None:
    """No third-party library before the first paint; afterwards the main thread only imports Qt.
    What a ready panel does not need is loaded after it. Source code is not kept if it can be read
    again."""
    program = (
        "import json, linecache, sys, threading\n"
        "from pathlib import Path\n"
        "from PySide6.QtWidgets import QApplication\n"
        "app = QApplication([])\n"
        "from bridge_ui.app.opening import open_panel\n"
        "from bridge_ui.app.panel_loader import PanelLoader\n"
        "from bridge_ui.app.standalone_host import StandaloneHost\n"
        "def settings():\n"
        "    from bridge_core.config import load_settings\n"
        "    return load_settings({'client.url': 'http://127.0.0.1:9'}).settings\n"
        "modules = []\n"
        "panel = open_panel(settings, StandaloneHost(settings, Path('a.otio'), rate='25'))\n"
        "modules.append(set(sys.modules))\n"
        "loader = panel._controllers_source\n"
        "assert isinstance(loader, PanelLoader)\n"
        "loader._settings = loader._load()\n"
        "modules.append(set(sys.modules))\n"
        "for name in ('shots', 'send', 'review', 'placement', 'toolbar', 'status'):\n"
        "    getattr(panel, name)\n"
        "modules.append(set(sys.modules))\n"
        "linecache.cache['<console>'] = (6, None, ['1 / 0\\n'], '<console>')\n"
        "loader.load_rest()\n"
        "rest_is_loaded = threading.Event()\n"
        "loader._pool.run(lambda _: rest_is_loaded.set())\n"
        "assert rest_is_loaded.wait(60)\n"
        "modules.append(set(sys.modules))\n"
        "for name in modules[-1] - modules[0]:\n"
        "    assert getattr(sys.modules[name], '__file__', '') not in linecache.cache, name\n"
        "assert linecache.getline('<console>', 1) == '1 / 0\\n'\n"
        "for part in [part for page in panel.pages for part in page.parts]:\n"
        "    panel.part(part.id)\n"
        "for name in ('shortcuts', 'service_popover', '_connection_popover'):\n"
        "    getattr(panel, name)\n"
        "modules.append(set(sys.modules))\n"
        "panel.stop()\n"
        "print(json.dumps([sorted(one) for one in modules]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    opened, first, ready, rest, everything = map(set, json.loads(done.stdout))
    libraries = {"pydantic", "requests", "urllib3", "yaml", "opentimelineio"}

    def slow(names: set[str]) -> list[str]:
        return [n for n in names if n.split(".")[0] in libraries or n.startswith("bridge_core.")]

    assert not libraries.intersection(opened)
    assert not slow(ready - first)
    assert not slow(everything - rest)
    not_yet = {f"bridge_core.models.{name}" for name in ("jobs", "versions", "services", "gateway")}
    not_yet |= {"bridge_ui.jobs.page", "bridge_ui.review.report.pdf_report_painter"}
    assert not ready.intersection(not_yet | libraries - {"pydantic"})
    assert "requests" in rest
    assert everything.issuperset(not_yet - {"bridge_ui.review.report.pdf_report_painter"})
