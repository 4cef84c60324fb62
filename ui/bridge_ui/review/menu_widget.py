"""The viewer's menu: review reports and the size of the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QMenu, QToolButton

from bridge_ui.core.translate import tr
from bridge_ui.icons import icon
from bridge_ui.review.report.report_data import ReportScope
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import open_menu_on_click


class ViewerMenuButton(QToolButton):
    """Opens the menu. ``report_options`` returns the reports that can be written, with names."""

    report_requested = Signal(object)
    """A :class:`ReportScope`."""
    fit_requested = Signal()
    actual_size_requested = Signal()

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
        self.report_options: Callable[[], Sequence[tuple[ReportScope, str]]] = tuple
        self.setIcon(icon("ellipsis", colours.text))
        self.setIconSize(QSize(16, 16))
        name = tr("Review report, size of the picture")
        self.setToolTip(name)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setObjectName("viewer-menu")
        set_style_class(self, "quiet")
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self.rebuild_menu)
        open_menu_on_click(self, self._menu)

    def rebuild_menu(self) -> QMenu:
        """The menu with the current options."""
        self._menu.clear()
        for scope, text in self.report_options():
            action = self._menu.addAction(tr("Review report of {what} …", what=text))
            action.triggered.connect(
                lambda _on=False, scope=scope: self.report_requested.emit(scope)
            )
        if self._menu.actions():
            self._menu.addSeparator()
        self._menu.addAction(tr("Fit the picture (F)")).triggered.connect(self.fit_requested)
        self._menu.addAction(tr("100 % (0)")).triggered.connect(self.actual_size_requested)
        return self._menu
