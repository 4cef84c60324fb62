"""Opening a panel: its shell first, the rest from a thread, pages when somebody goes there."""

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
from bridge_core.hosts.base import Capability, Host, HostScene
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
    # Nobody listens there: the panel opens all the same.
    return Settings(client=ClientSettings(state_dir=tmp_path, url="http://127.0.0.1:9"))


@pytest.fixture
def opened(
    qapp: QApplication, settings: Settings, shots_host: Callable[[int], Host]
) -> Iterator[OpenPanel]:
    """Opens and shows panels; gives them back before anything was painted."""
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
        panel.close_down(5.0)
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


def words(panel: Panel) -> str:
    loading_view = panel.findChild(LoadingView)
    assert isinstance(loading_view, LoadingView)
    return " ".join(one.text() for one in loading_view.findChildren(QLabel) if one.isVisible())


def test_it_says_that_it_opens_then_shows_the_shots(opened: OpenPanel) -> None:
    panel = opened()
    assert "Opening" in words(panel)
    until_ready(panel)
    assert panel.shots.isVisible()
    assert len(panel.controllers.shots.rows) == 4
    assert panel.findChild(QPushButton, "send").isVisible()
    assert panel.focusWidget() is panel.shots.view


def test_it_takes_the_focus_from_nothing_else_in_its_window(
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
    panel.close_down(5.0)
    window.deleteLater()


def test_nothing_is_loaded_before_it_is_seen(
    qapp: QApplication, settings: Settings, shots_host: Callable[[int], Host]
) -> None:
    asked = []
    panel = open_panel(lambda: asked.append(1) or settings, shots_host(1))
    for _ in range(20):
        qapp.processEvents()
    assert not asked
    panel.close_down()
    panel.deleteLater()


def test_the_event_loop_turns_while_the_configuration_is_read(
    opened: OpenPanel, settings: Settings
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slowly() -> Settings:
        reading.set()
        assert go_on.wait(30)
        return settings

    panel = opened(slowly)
    wait_until(reading.is_set, "somebody to read")
    turns = []
    timer = QTimer(interval=0)
    timer.timeout.connect(lambda: turns.append(1))
    timer.start()
    wait_until(lambda: len(turns) > 50, "the event loop")
    timer.stop()
    assert "Opening" in words(panel)
    go_on.set()
    until_ready(panel)


def test_pages_are_made_when_somebody_goes_there(opened: OpenPanel) -> None:
    panel = opened()
    until_ready(panel)
    assert panel.findChild(SendPage) is not None
    assert panel.findChild(JobsPage) is None
    panel.show_page("jobs")
    assert panel.findChild(JobsPage) is panel.jobs
    assert panel.jobs.isVisible()


def test_a_narrow_one_makes_the_review_last_because_the_form_makes_its_test_frame(
    opened: OpenPanel,
) -> None:
    panel = opened(width=320)
    until_ready(panel)
    wait_until(lambda: panel.findChild(ReviewWidget), "the review room")
    assert not panel.review.isVisible()
    assert panel.findChild(JobsPage) is None


def test_a_page_that_is_chosen_while_it_opens_is_the_one_that_is_shown(opened: OpenPanel) -> None:
    panel = opened(width=320)
    panel.show_page("jobs")
    until_ready(panel)
    assert panel.current_page == "jobs"
    assert panel.jobs.isVisible()


def test_who_cannot_wait_for_the_controllers_gets_them_at_once(opened: OpenPanel) -> None:
    panel = opened()
    shots = panel.controllers.shots
    until_ready(panel)
    assert panel.controllers.shots is shots
    assert len(shots.rows) == 4


def test_what_is_wrong_is_described_and_can_be_retried(
    opened: OpenPanel, settings: Settings
) -> None:
    tries = []

    def mended_later() -> Settings:
        tries.append(1)
        if len(tries) == 1:
            raise ConfigError("no such key", where="site.yaml:3", next_step="take it out")
        return settings

    panel = opened(mended_later)
    again = panel.findChild(QPushButton, "try-again")
    wait_until(again.isVisible, "the words")
    for part in ("no such key", "site.yaml:3", "take it out"):
        assert part in words(panel)
    again.click()
    until_ready(panel)
    assert panel.shots.isVisible()


def test_a_package_that_is_missing_is_described(opened: OpenPanel) -> None:
    def missing() -> Settings:
        raise ModuleNotFoundError("No module named 'pydantic_core'")

    panel = opened(missing)
    wait_until(lambda: "pydantic_core" in words(panel), "the words")
    assert "install Shotbridge" in words(panel)


class FaultyHost(Host):
    """Fails where nobody expects it."""

    @property
    def title(self) -> str:
        return "a host"

    @property
    def capabilities(self) -> frozenset[Capability]:
        raise OSError("the host is gone")

    def scene(self) -> HostScene:
        return HostScene("", "")


def test_what_fails_while_it_is_put_together_is_described(opened: OpenPanel) -> None:
    panel = opened(host=FaultyHost())
    wait_until(lambda: "the host is gone" in words(panel), "the words")


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("shotbridge")]


@pytest.mark.parametrize("turns", [0, 1, 2, 5, 40])
def test_closed_while_it_opens_it_leaves_nothing(opened: OpenPanel, turns: int) -> None:
    before = threads()
    panel = opened()
    for _ in range(turns):
        QApplication.processEvents()
        time.sleep(0.002)
    panel.close_down(5.0)
    wait_until(lambda: threads() == before, "its threads to end")
    QTest.qWait(20)
    was_built = panel.findChild(SendPage) is not None
    QTest.qWait(20)
    assert was_built == (panel.findChild(SendPage) is not None)


def test_closed_while_the_configuration_is_read_it_never_opens(
    opened: OpenPanel, settings: Settings
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slowly() -> Settings:
        reading.set()
        assert go_on.wait(30)
        return settings

    before = threads()
    panel = opened(slowly)
    wait_until(reading.is_set, "somebody to read")
    panel.close_down()
    go_on.set()
    wait_until(lambda: threads() == before, "its thread to end")
    QTest.qWait(20)
    assert "Opening" in words(panel)


def test_two_at_a_time_open_and_close_without_each_other(opened: OpenPanel) -> None:
    one, other = opened(), opened(width=320)
    until_ready(one)
    until_ready(other)
    one.close_down(5.0)
    assert len(other.controllers.shots.rows) == 4
    other.controllers.shots.search("S_00001")
    assert [row.key for row in other.controllers.shots.rows] == ["S_00001"]


def test_the_main_thread_imports_nothing_that_takes_long(tmp_path: Path) -> None:
    """Before the first paint no library of ours; afterwards what is Qt's, and nothing else."""
    program = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from PySide6.QtWidgets import QApplication\n"
        "app = QApplication([])\n"
        "from bridge_ui.app.opening import open_panel\n"
        "from bridge_ui.app.panel_loader import Loading\n"
        "from bridge_ui.app.standalone_host import StandaloneHost\n"
        "def settings():\n"
        "    from bridge_core.config import load\n"
        "    return load().settings\n"
        "panel = open_panel(settings, StandaloneHost(settings))\n"
        "at_first = sorted(sys.modules)\n"
        "loading = panel._source\n"
        "loading._settings = loading._load()\n"
        "loaded = set(sys.modules)\n"
        "for part in ('shots', 'send', 'jobs', 'room', 'place', 'host_notes', 'notes', 'made_by',\n"
        "             'top', 'status', 'keys', 'services', '_connection'):\n"
        "    getattr(panel, part)\n"
        "late = sorted(set(sys.modules) - loaded)\n"
        "panel.close_down()\n"
        "print(json.dumps([at_first, late]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    at_first, late = json.loads(done.stdout)
    heavy = {"pydantic", "requests", "urllib3", "yaml", "opentimelineio"}
    assert not heavy.intersection(name.split(".")[0] for name in at_first)
    assert not [n for n in late if n.split(".")[0] in heavy or n.startswith("bridge_core.")]
