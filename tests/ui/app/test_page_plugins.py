"""Pages of other packages: found by entry points, shown as tabs, their errors in their place."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTabBar

from bridge_core.hosts.base import Host
from bridge_core.models.settings import ClientSettings, Settings
from bridge_ui.app.loading_view import LoadingView, PageProblemView
from bridge_ui.app.opening import open_panel
from bridge_ui.app.page_plugins import load_pages
from bridge_ui.app.page_registry import PAGES
from bridge_ui.app.panel import Panel

_PAGE = """
import threading
from bridge_ui.app.page_registry import PageSpec
loaded_on = threading.current_thread().name

def create(panel):
    from PySide6.QtWidgets import QLabel
    label = QLabel(panel.controllers.session.host.title)
    label.stop = lambda: None
    return label

PAGE = PageSpec(
    id="counts",
    title=lambda: "Counts",
    module=__name__,
    create=create,
    badge=lambda controllers: controllers.shots.state.value.total,
)

def make_page():
    return PAGE
"""
#: A page each that fails in another place, and the message.
_BROKEN = {
    "loading": ("raise OSError('no licence')", "OSError: no licence"),
    "value": ("PAGE = 'a page'", "TypeError"),
    "factory": ("def PAGE(): return None", "gives no PageSpec"),
    "title": (_PAGE + "object.__setattr__(PAGE, 'title', lambda: 1 / 0)", "division by zero"),
    "module": (_PAGE + "object.__setattr__(PAGE, 'module', 'missing_module')", "missing_module"),
    "create": (_PAGE + "object.__setattr__(PAGE, 'create', lambda panel: 1 / 0)", "division"),
}


@pytest.fixture
def install_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Install a package with a page: its entry point's name and the text of its module."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    modules: list[str] = []

    def install(name: str, text: str, attribute: str = "PAGE") -> str:
        module = f"made_up_page_{name}"
        (site / f"{module}.py").write_text(text)
        metadata = site / f"studio_{name}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: studio-{name}\nVersion: 1.0\n"
        )
        (metadata / "entry_points.txt").write_text(
            f"[bridge_ui.pages]\n{name} = {module}:{attribute}\n"
        )
        modules.append(module)
        return module

    yield install
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def opened(
    qapp: QApplication, tmp_path: Path, shots_host: Callable[[int], Host]
) -> Iterator[Callable[[], Panel]]:
    """Open a panel and wait until it is ready."""
    panels: list[Panel] = []

    def make() -> Panel:
        settings = Settings(client=ClientSettings(state_dir=tmp_path, url="http://127.0.0.1:9"))
        panel = open_panel(settings, shots_host(3))
        panels.append(panel)
        panel.resize(1400, 800)
        panel.show()
        panel.activateWindow()
        deadline = time.monotonic() + 30
        while panel.findChild(LoadingView) is not None:
            assert time.monotonic() < deadline, "waited for the panel to be ready"
            QTest.qWait(5)
        return panel

    yield make
    for panel in panels:
        panel.stop(5.0)
        panel.close()
        panel.deleteLater()
    qapp.processEvents()


def _tab_texts(panel: Panel) -> list[str]:
    tabs = panel.findChild(QTabBar, "tabs")
    return [tabs.tabText(at) for at in range(tabs.count())]


def test_without_other_packages_the_panel_has_its_own_pages(opened: Callable[[], Panel]) -> None:
    assert load_pages() == ()
    assert opened().pages == PAGES


@pytest.mark.parametrize("attribute", ["PAGE", "make_page"])
def test_a_page_of_another_package_is_a_tab_with_a_shortcut(
    install_page: Callable[..., str], opened: Callable[[], Panel], attribute: str
) -> None:
    module = install_page("counts", _PAGE, attribute)
    panel = opened()
    assert _tab_texts(panel)[-1] == "Counts 4"
    page_id = panel.pages[-1].id
    assert not panel.has_part(page_id)
    # On the loading thread, not on the host's main thread.
    assert "shotbridge-opening" in sys.modules[module].loaded_on
    QTest.keyClick(panel.shots.view, Qt.Key.Key_5, Qt.KeyboardModifier.ControlModifier)
    assert panel.current_page == page_id
    assert panel.part(page_id).isVisible()
    assert panel.part(page_id).text() == "a host"
    panel.resize(320, 700)
    assert panel.current_page == page_id
    assert _tab_texts(panel)[-1] == "Counts 4"


def test_errors_of_pages_are_shown_in_their_place(
    install_page: Callable[..., str], opened: Callable[[], Panel], caplog: pytest.LogCaptureFixture
) -> None:
    for name, (text, _) in _BROKEN.items():
        install_page(name, text)
    install_page("working", _PAGE)
    caplog.set_level(logging.CRITICAL)
    panel = opened()
    assert len(panel.pages) == len(PAGES) + len(_BROKEN) + 1
    for page in panel.pages[len(PAGES) :]:
        name = page.id.rpartition(":")[2]
        panel.show_page(page.id)
        widget = panel.part(page.id)
        assert widget.isVisible()
        if name == "working":
            assert widget.text() == "a host"
        else:
            assert isinstance(widget, PageProblemView), name
            assert _BROKEN[name][1] in widget.text
    panel.show_page("jobs")
    assert panel.jobs.isVisible()


def test_a_page_that_fails_later_does_not_stop_the_panel(
    install_page: Callable[..., str], opened: Callable[[], Panel], caplog: pytest.LogCaptureFixture
) -> None:
    fails = "object.__setattr__(PAGE, '{}', lambda given: 1 / 0)\n"
    install_page("late", _PAGE + fails.format("badge") + fails.format("stop"))
    panel = opened()
    assert _tab_texts(panel)[-1] == "Counts"
    panel.show_page(panel.pages[-1].id)
    panel.stop(5.0)
    assert "cannot be stopped" in caplog.text


def test_a_page_that_could_not_be_created_is_not_closed(
    install_page: Callable[..., str], opened: Callable[[], Panel], caplog: pytest.LogCaptureFixture
) -> None:
    fails = "object.__setattr__(PAGE, '{}', lambda given: 1 / 0)\n"
    install_page("never", _PAGE + fails.format("create") + fails.format("stop"))
    panel = opened()
    panel.show_page(panel.pages[-1].id)
    assert isinstance(panel.part(panel.pages[-1].id), PageProblemView)
    assert "cannot be created" in caplog.text
    panel.stop(5.0)
    assert "cannot be stopped" not in caplog.text


def test_a_page_may_have_the_name_of_the_panels_own(
    install_page: Callable[..., str], opened: Callable[[], Panel]
) -> None:
    for name in ("shots", "toolbar"):
        install_page(name, _PAGE)
    panel = opened()
    assert panel.shots.isVisible() and panel.toolbar.parentWidget() is panel
    assert _tab_texts(panel)[-2:] == ["Counts 4", "Counts 4"]


def test_looking_for_pages_imports_nothing_that_the_panel_does_not_need() -> None:
    """pydantic has imported importlib.metadata, and read the same metadata."""
    program = (
        "import sys\nimport bridge_core.client, bridge_ui.app.controllers\n"
        "before = set(sys.modules)\n"
        "from bridge_ui.app.page_plugins import load_pages\nload_pages()\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    added = set(done.stdout.split())
    assert not [one for one in added if one.split(".")[0] in ("importlib", "email", "PySide6")]
