"""Where the panel's pages stand: beside each other where there is room, behind tabs where not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QTabBar, QWidget

from bridge_ui.panel.pieces import column
from bridge_ui.theme.sheet import look

PAGES = ("shots", "send", "jobs", "review", "notes", "made_by")
#: Those that stand beside the tabs where there is room, from the left.
_BESIDE = ("shots", "review")
#: Widths of a text's letter "x" from which there is room for three columns; letters, not pixels,
#: so that a larger font of the host's counts.
_WIDE = 140


class Place(QWidget):
    """Where one page stands; empty until it is wanted."""

    shown = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._column = column(gap=0)
        self.setLayout(self._column)

    def put(self, widget: QWidget, *, grows: bool) -> None:
        """Below what stands here already; one that ``grows`` takes the room that is left."""
        self._column.addWidget(widget, int(grows))
        if grows:
            self.setFocusProxy(widget)
            widget.show()  # at once, so that it can have the focus

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self.shown.emit()


class Frame(QWidget):
    """Places for pages by name, a line above them and one below."""

    wanted = Signal(str)
    """Somebody looks at this page's place."""
    arranged = Signal(bool)
    """Anew: wide, or not."""

    def __init__(self, names: Mapping[str, str], parent: QWidget | None = None) -> None:
        """``names``: what the tab of each page is called."""
        super().__init__(parent)
        self._wide: bool | None = None
        self._names = dict(names)
        self._tab_pages: tuple[str, ...] = ()
        self._tabs = QTabBar()
        self._tabs.setObjectName("tabs")
        self._tabs.setExpanding(False)
        self._tabs.setUsesScrollButtons(True)
        self._tabs.setDrawBase(False)
        self._tabs.currentChanged.connect(self._show_tab)
        self._stack = QStackedWidget()
        self._pages = {name: Place() for name in PAGES}
        for name, place in self._pages.items():
            place.shown.connect(partial(self.wanted.emit, name))
            self._stack.addWidget(place)
        side = QWidget()
        look(side, "panel")
        side.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        side.setLayout(column(self._tabs, self._stack, gap=0))
        self._columns = QSplitter(Qt.Orientation.Horizontal)
        self._columns.setHandleWidth(1)
        self._columns.setChildrenCollapsible(False)
        self._columns.addWidget(side)
        self._head: QWidget | None = None
        self._rows = column(self._columns, gap=0, grows=0)
        self.setLayout(self._rows)

    @property
    def wide(self) -> bool:
        return bool(self._wide)

    @property
    def page(self) -> str:
        """Name of the tab that is shown."""
        at = self._tabs.currentIndex()
        return self._tab_pages[at] if 0 <= at < len(self._tab_pages) else "shots"

    def show_page(self, name: str) -> None:
        if name in self._tab_pages:
            self._tabs.setCurrentIndex(self._tab_pages.index(name))
            self._stack.setCurrentWidget(self._pages[name])

    def go_to_tab(self, at: int) -> None:
        """Counted from 0; the keys go there as well."""
        if at < len(self._tab_pages):
            self.show_page(self._tab_pages[at])
            self._pages[self._tab_pages[at]].setFocus()

    def show_pages(self, shown: bool) -> None:
        """Without them the line above has all the room."""
        self._columns.setVisible(shown)

    def set_wide(self, wide: bool) -> None:
        """Three columns, or one with tabs; the width decides, see :meth:`resizeEvent`."""
        if wide == self._wide:
            return
        page = self.page
        self._wide = wide
        if wide:
            for at, name in enumerate(_BESIDE):
                self._columns.insertWidget(at, self._pages[name])
                self._pages[name].show()
            letters = self.fontMetrics().horizontalAdvance("x")
            sides = (43 * letters, 49 * letters)
            self._columns.setSizes([sides[0], self.width() - sum(sides), sides[1]])
            self._columns.setStretchFactor(1, 1)
        else:
            for name in _BESIDE:
                self._stack.insertWidget(PAGES.index(name), self._pages[name])
        look(self._tabs, "roomy" if wide else "tight")
        self._fill_tabs()
        self.show_page(page if page in self._tab_pages else "send")
        self.arranged.emit(wide)

    def name_tabs(self, names: Mapping[str, str]) -> None:
        self._names.update(names)
        for at, name in enumerate(self._tab_pages):
            self._tabs.setTabText(at, self._names[name])

    def set_head(self, widget: QWidget) -> None:
        """The line above; what was there goes."""
        if self._head is not None:
            self._head.hide()
            self._head.deleteLater()
        self._head = widget
        self._rows.insertWidget(0, widget)

    def set_foot(self, widget: QWidget) -> None:
        """The line below."""
        self._rows.addWidget(widget)

    def put(self, name: str, widget: QWidget, *, grows: bool = True) -> None:
        """Into a page's place, below what stands there already."""
        self._pages[name].put(widget, grows=grows)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._measure()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self._wide is not None:
            self._measure()

    def _measure(self) -> None:
        self.set_wide(self.width() >= self.fontMetrics().horizontalAdvance("x") * _WIDE)

    def _show_tab(self, at: int) -> None:
        self._stack.setCurrentWidget(self._pages[self._tab_pages[at]])

    def _fill_tabs(self) -> None:
        blocked = self._tabs.blockSignals(True)
        while self._tabs.count():
            self._tabs.removeTab(0)
        self._tab_pages = tuple(n for n in PAGES if not (self._wide and n in _BESIDE))
        for name in self._tab_pages:
            self._tabs.addTab(self._names[name])
        self._tabs.blockSignals(blocked)
