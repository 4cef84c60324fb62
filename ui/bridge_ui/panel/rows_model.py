"""A controller's rows as a Qt model: what changed is passed on row by row, nothing is copied."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from bridge_ui.controllers.observable import Rows, RowsChanged

T = TypeVar("T")
Index = QModelIndex | QPersistentModelIndex

#: The row itself, for delegates.
ROW = Qt.ItemDataRole.UserRole


class RowsModel(QAbstractListModel, Generic[T]):
    """``spoken`` of a row is what screen readers say and what typing in the list finds."""

    def __init__(self, rows: Rows[T], spoken: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows = rows
        self._spoken = spoken
        self._count = len(rows)
        self._unwatch = rows.watch(self._changed)

    def close(self) -> None:
        """Hear of nothing any more."""
        self._unwatch()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else self._count

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        if role == ROW:
            return self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._spoken(self._rows[index.row()])
        return None

    def _changed(self, change: RowsChanged) -> None:
        if change.reset:
            self.beginResetModel()
            self._count = len(self._rows)
            self.endResetModel()
            return
        for first, last in _runs(change.positions):
            self.dataChanged.emit(self.index(first), self.index(last))


def _runs(positions: tuple[int, ...]) -> list[tuple[int, int]]:
    """Neighbours together: a thousand changed rows are a few messages."""
    runs: list[tuple[int, int]] = []
    for at in positions:
        if runs and at == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], at)
        else:
            runs.append((at, at))
    return runs
