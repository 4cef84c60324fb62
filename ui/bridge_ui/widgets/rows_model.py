"""A controller's rows as a Qt model and its view: what changed is passed on row by row, nothing is
copied, and nothing is laid out anew that stays where it is."""

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
    """``spoken`` of a row is what screen readers say and what typing in the list finds.

    Qt's model of texts (all empty) does the counting. A view asks for the number of rows with
    each row that it lays out: asked in Python, 10,000 rows took 15 ms, and as long again for
    every other thread that wanted Python's lock in between.
    """

    def __init__(
        self, rows: ObservableList[T], accessible_text: Any, parent: QObject | None = None
    ) -> None:
        super().__init__([""] * len(rows), parent)
        self._rows = rows
        self._accessible_text = accessible_text
        self._inserting = range(0)
        """Rows that are there, and that views are just being told of."""
        self._unwatch = rows.watch(self._changed)

    def stop_watching(self) -> None:
        """Hear of nothing any more."""
        self._unwatch()

    def data(self, index: ModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        at = index.row()
        if self._inserting and at >= self._inserting.start and self.rowCount() < len(self._rows):
            at += len(self._inserting)  # views still count without them
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
        """These rows, ascending, for a selection model."""
        found = QItemSelection()
        for first, last in _runs(positions):
            found.select(self.index(first), self.index(last))
        return found


class RowsView(QListView):
    """A long list of rows of one height, scrolled by pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.setUniformItemSizes(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)

    def dataChanged(self, first: ModelIndex, last: ModelIndex, roles: Iterable[int] = ()) -> None:  # noqa: N802
        """Draw them anew. A list view would lay out all of its rows (18 ms with 10,000), though
        none has moved."""
        QAbstractItemView.dataChanged(self, first, last, list(roles))

    def selected_rows(self) -> list[int]:
        """Positions, ascending; asked of ranges, for there may be thousands."""
        found: list[int] = []
        for span in self.selectionModel().selection().toList():
            found.extend(range(span.top(), span.bottom() + 1))
        return sorted(found)


def _runs(positions: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbours together: a thousand changed rows are a few messages."""
    runs: list[tuple[int, int]] = []
    for at in positions:
        if runs and at == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], at)
        else:
            runs.append((at, at))
    return runs
