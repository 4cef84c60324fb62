"""A page of the panel is one entry."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QTabBar

from bridge_ui.app.page_registry import PAGES, PageSpec


class ExamplePage(QLabel):
    is_watching = True

    def stop(self) -> None:
        self.is_watching = False


EXAMPLE = PageSpec(
    id="example",
    title=lambda: "Example",
    module="bridge_ui.app.page_registry",
    create=lambda panel: ExamplePage(panel.controllers.session.host.title),
    badge=lambda controllers: controllers.shots.state.value.total,
)


def test_a_new_page_is_one_entry(make_panel) -> None:
    panel = make_panel(pages=(*PAGES, EXAMPLE))
    tabs = panel.findChild(QTabBar, "tabs")
    assert tabs.tabText(tabs.count() - 1) == "Example 13"
    assert not panel.has_part("example")
    QTest.keyClick(panel.shots.view, Qt.Key.Key_5, Qt.KeyboardModifier.ControlModifier)
    assert panel.current_page == "example"
    page = panel.part("example")
    assert page.isVisible()
    assert page.text() == "a host"
    panel.resize(320, 700)
    assert panel.current_page == "example"
    assert tabs.count() == len(PAGES) + 1
    panel.stop(5.0)
    assert not page.is_watching


def test_page_ids_are_unique() -> None:
    ids = [part.id for page in PAGES for part in page.parts]
    assert len(set(ids)) == len(ids)
