"""The button that shows the chosen service, and the popover to choose one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QPushButton, QWidget

from bridge_ui.core.status_sign import StatusSign, Tone
from bridge_ui.core.translate import tr
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import hbox, label, safe_painter, title, vbox
from bridge_ui.widgets.rows import RowContent, RowDelegate

if TYPE_CHECKING:
    from bridge_core.models.services import Service


class ServiceButton(QPushButton):
    """Shows the chosen service and its data locality."""

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
        self.setAutoDefault(False)
        set_style_class(self, "service")
        self._colours = colours
        self._locality = label("", "dim")
        self._name = title(tr("Choose a service"))
        for part in (self._name, self._locality):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setLayout(hbox(self._name, 1, self._locality, margin=(11, 0, 26, 0), gap=8))
        self.setMinimumHeight(self.fontMetrics().height() + 18)
        self.setAccessibleName(tr("Service"))
        self.setObjectName("service")

    def show_service(self, service: Service | None) -> None:
        self._name.setText(service.title if service else tr("Choose a service"))
        self._locality.setText(str(service.data_locality) if service else "")
        self.setToolTip(service.summary if service else "")
        self.setAccessibleDescription(service.title if service else "")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        super().paintEvent(event)
        with safe_painter(self) as painter:
            painter.setPen(QPen(QColor(self._colours.dim), 1.6))
            x, y = self.width() - 15, self.height() // 2
            painter.drawPolyline([QPoint(x - 4, y - 2), QPoint(x, y + 2), QPoint(x + 4, y - 2)])


class ServicePopover(QFrame):
    """A search field and the services that ``find`` returns; Return chooses, Escape closes."""

    service_chosen = Signal(str)

    def __init__(
        self, parent: QWidget, colours: ThemeColours, find: Callable[[str], Sequence[Service]]
    ) -> None:
        super().__init__(parent)
        set_style_class(self, "popover")
        self._find = find
        self._search = QLineEdit(placeholderText=tr("Search services"))
        self._search.setAccessibleName(tr("Find a service"))
        self._search.textChanged.connect(self._refill)
        self._search.installEventFilter(self)
        self._list = QListWidget()
        self._list.setMouseTracking(True)
        self._list.setAccessibleName(tr("Services"))
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setItemDelegate(RowDelegate(self._list, colours, _row_content))
        self._list.itemClicked.connect(self._choose)
        self.setLayout(vbox(self._search, self._list, margin=8))
        self.setFocusProxy(self._search)
        self.hide()

    def open(self, chosen: str | None) -> None:
        """Fill the list and select the chosen service; the caller shows the popover."""
        self._search.clear()
        self._refill("")
        for index in range(self._list.count()):
            if self._list.item(index).data(Qt.ItemDataRole.UserRole).id == chosen:
                self._list.setCurrentRow(index)
        self._list.setMinimumHeight(220)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.FocusOut and not self._list.underMouse():
            self.hide()
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        if step:
            index = max(0, min(self._list.count() - 1, self._list.currentRow() + step))
            self._list.setCurrentRow(index)
            return True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self._list.currentItem())
            return True
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
            return True
        return False

    def _refill(self, text: str) -> None:
        self._list.clear()
        for service in self._find(text):
            item = QListWidgetItem(service.title)
            item.setData(Qt.ItemDataRole.UserRole, service)
            item.setToolTip(service.summary)
            self._list.addItem(item)
        self._list.setCurrentRow(0)

    def _choose(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        self.hide()
        self.service_chosen.emit(item.data(Qt.ItemDataRole.UserRole).id)


def _row_content(service: Service) -> RowContent:
    if service.available:
        sign = StatusSign("✓", tr("ready"), Tone.SUCCESS)
    else:
        sign = StatusSign("⚠", service.unavailable_reason or tr("not available"), Tone.ERROR)
    return RowContent(service.title, service.summary, sign, badge=str(service.data_locality))
