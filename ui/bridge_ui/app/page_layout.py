"""Arranges the pages: in three columns if there is space, otherwise in tabs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QTabBar, QWidget

from bridge_ui.app.page_registry import PageSpec
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import fill_background, vbox

#: Minimum width of the wide layout in widths of the letter "x", so that it depends on the host's
#: font size.
_WIDE_LETTERS = 140


class PageSlot(QWidget):
    """The container of a page; empty until the page is created."""

    became_visible = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._layout = vbox(gap=0)
        self.setLayout(self._layout)

    def add(self, widget: QWidget, *, grows: bool) -> None:
        """Add a widget at the bottom; one that ``grows`` takes the remaining space."""
        self._layout.addWidget(widget, int(grows))
        if grows:
            self.setFocusProxy(widget)
            widget.show()  # immediately, so that it can get the focus

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self.became_visible.emit()


class PageLayout(QWidget):
    """Slots for pages by id, with a header and a footer."""

    page_requested = Signal(str)
    """Id of a page that became visible."""
    layout_changed = Signal(bool)
    """Whether the layout is now wide."""

    def __init__(self, pages: Sequence[PageSpec], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pages: tuple[PageSpec, ...] = ()
        self._wide: bool | None = None
        self._titles: dict[str, str] = {}
        self._column_ids = tuple(page.id for page in pages if page.has_column)
        self._tab_pages: tuple[str, ...] = ()
        self._tabs = QTabBar(drawBase=False, expanding=False, usesScrollButtons=True)
        self._tabs.setObjectName("tabs")
        self._tabs.currentChanged.connect(self._show_tab)
        self._stack = QStackedWidget()
        self._slots: dict[str, PageSlot] = {}
        self._add_slots(pages)
        side = QWidget()
        fill_background(side, "panel")
        side.setLayout(vbox(self._tabs, self._stack, gap=0))
        horizontal = Qt.Orientation.Horizontal
        self._columns = QSplitter(horizontal, handleWidth=1, childrenCollapsible=False)
        self._columns.addWidget(side)
        self._header: QWidget | None = None
        self._outer_layout = vbox(self._columns, gap=0, grows=0)
        self.setLayout(self._outer_layout)

    def add_pages(self, pages: Sequence[PageSpec]) -> None:
        """Add tabs after the existing ones, except for pages that are there already."""
        new = [page for page in pages if page.id not in self._slots]
        if new:
            self._add_slots(new)
            current = self.current_page
            self._fill_tabs()
            self.show_page(current)

    def _add_slots(self, pages: Sequence[PageSpec]) -> None:
        for page in pages:
            slot = self._slots[page.id] = PageSlot()
            slot.became_visible.connect(partial(self.page_requested.emit, page.id))
            self._stack.addWidget(slot)
            self._titles[page.id] = page.title()
        self.pages += tuple(pages)

    @property
    def shortcut_count(self) -> int:
        """Number of pages with a shortcut, ``Ctrl+1`` to at most ``Ctrl+9``."""
        return min(len(self.pages), 9)

    @property
    def wide(self) -> bool:
        return bool(self._wide)

    @property
    def current_page(self) -> str:
        """Id of the page of the current tab."""
        index = self._tabs.currentIndex()
        return self._tab_pages[index] if 0 <= index < len(self._tab_pages) else "shots"

    def show_page(self, name: str) -> None:
        if name in self._tab_pages:
            self._tabs.setCurrentIndex(self._tab_pages.index(name))
            self._stack.setCurrentWidget(self._slots[name])

    def go_to_tab(self, index: int) -> None:
        """Show a tab by index and move the focus there."""
        if index < len(self._tab_pages):
            self.show_page(self._tab_pages[index])
            self._slots[self._tab_pages[index]].setFocus()

    def set_pages_visible(self, shown: bool) -> None:
        """If hidden, the header takes all the space."""
        self._columns.setVisible(shown)

    def set_wide(self, wide: bool) -> None:
        """Three columns, or one with tabs; see :meth:`resizeEvent`."""
        if wide == self._wide:
            return
        page = self.current_page
        self._wide = wide
        if wide:
            for index, name in enumerate(self._column_ids):
                self._columns.insertWidget(index, self._slots[name])
                self._slots[name].show()
            letters = self.fontMetrics().horizontalAdvance("x")
            sides = (46 * letters, 46 * letters)
            self._columns.setSizes([sides[0], self.width() - sum(sides), sides[1]])
            self._columns.setStretchFactor(1, 1)
        else:
            order = list(self._slots)
            for name in self._column_ids:
                self._stack.insertWidget(order.index(name), self._slots[name])
        set_style_class(self._tabs, "wide" if wide else "narrow")
        self._fill_tabs()
        self.show_page(page if page in self._tab_pages else "send")
        self.layout_changed.emit(wide)

    def set_tab_titles(self, titles: Mapping[str, str]) -> None:
        self._titles.update(titles)
        for index, name in enumerate(self._tab_pages):
            self._tabs.setTabText(index, self._titles[name])

    def set_header(self, widget: QWidget) -> None:
        """Replace the header."""
        if self._header is not None:
            self._header.hide()
            self._header.deleteLater()
        self._header = widget
        self._outer_layout.insertWidget(0, widget)

    def set_footer(self, widget: QWidget) -> None:
        self._outer_layout.addWidget(widget)

    def add_to_page(self, name: str, widget: QWidget, *, grows: bool = True) -> None:
        self._slots[name].add(widget, grows=grows)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._update_width()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self._wide is not None:
            self._update_width()

    def _update_width(self) -> None:
        self.set_wide(self.width() >= self.fontMetrics().horizontalAdvance("x") * _WIDE_LETTERS)

    def _show_tab(self, index: int) -> None:
        self._stack.setCurrentWidget(self._slots[self._tab_pages[index]])

    def _fill_tabs(self) -> None:
        with QSignalBlocker(self._tabs):
            while self._tabs.count():
                self._tabs.removeTab(0)
            self._tab_pages = tuple(
                n for n in self._slots if not (self._wide and n in self._column_ids)
            )
            for name in self._tab_pages:
                self._tabs.addTab(self._titles[name])
