"""A controller's rows as a Qt model, and the view for it. Changes are reported row by row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

from PySide6.QtCore import (
    QItemSelection,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QStringListModel,
    Qt,
)
from PySide6.QtWidgets import QAbstractItemView, QListView

from bridge_ui.core.observable import ListChange, ObservableList

T = TypeVar("T")
ModelIndex = QModelIndex | QPersistentModelIndex

#: The row itself, for delegates.
ROW_ROLE = Qt.ItemDataRole.UserRole


class RowsModel(QStringListModel, Generic[T]):
    """``accessible_text`` of a row is used by screen readers and by keyboard search.

    The base class, filled with empty strings, does the counting. A view asks for the row count
    with every row that it lays out; implemented in Python, 10,000 rows took 15 ms, and as long
    again for each thread that wanted the GIL in between.
    """

    def __init__(
        self, rows: ObservableList[T], accessible_text: Any, parent: QObject | None = None
    ) -> None:
        super().__init__([""] * len(rows), parent)
        self._rows = rows
        self._accessible_text = accessible_text
        self._inserting = range(0)
        """Rows that exist already while views are being notified of them."""
        self._unwatch = rows.watch(self._changed)

    def stop_watching(self) -> None:
        self._unwatch()

    def data(self, index: ModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        at = index.row()
        if self._inserting and at >= self._inserting.start and self.rowCount() < len(self._rows):
            at += len(self._inserting)  # views do not count them yet
        if not 0 <= at < len(self._rows):
            return None
        if role == ROW_ROLE:
            return self._rows[at]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._accessible_text(self._rows[at])
        return None

    def _changed(self, change: ListChange) -> None:
        if change.reset:
            self.setStringList([""] * len(self._rows))
        elif change.inserted:
            self._inserting = change.inserted
            self.insertRows(change.inserted.start, len(change.inserted))
            self._inserting = range(0)
        for first, last in _runs(change.positions):
            self.dataChanged.emit(self.index(first), self.index(last))

    def selection(self, positions: Sequence[int]) -> QItemSelection:
        """The selection of these rows, which must be in ascending order."""
        found = QItemSelection()
        for first, last in _runs(positions):
            found.select(self.index(first), self.index(last))
        return found


class RowsView(QListView):
    """A long list of rows of the same height."""

    def __init__(self) -> None:
        super().__init__()
        self.setUniformItemSizes(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)

    def dataChanged(self, first: ModelIndex, last: ModelIndex, roles: Iterable[int] = ()) -> None:  # noqa: N802
        """Only repaint: a list view would lay out all rows (18 ms with 10,000)."""
        QAbstractItemView.dataChanged(self, first, last, list(roles))

    def selected_rows(self) -> list[int]:
        """Positions in ascending order, read as ranges, as there may be thousands."""
        found: list[int] = []
        for span in self.selectionModel().selection().toList():
            found.extend(range(span.top(), span.bottom() + 1))
        return sorted(found)


def _runs(positions: Sequence[int]) -> list[tuple[int, int]]:
    """Group adjacent positions, to emit few signals for many rows."""
    runs: list[tuple[int, int]] = []
    for at in positions:
        if runs and at == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], at)
        else:
            runs.append((at, at))
    return runs
