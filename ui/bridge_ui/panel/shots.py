"""The list of shots: what there is to send, and how each of them stands."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QLineEdit, QWidget

from bridge_ui.controllers.shots import ShotRow, ShotsController, ShotsState, Show
from bridge_ui.panel.pieces import box, chip, column, label, row
from bridge_ui.panel.row_painter import RowLook, RowPainter
from bridge_ui.panel.rows_model import ROW, RowsModel, RowsView
from bridge_ui.panel.thumbnails import Thumbnails
from bridge_ui.qt.bridge import soon
from bridge_ui.theme.sheet import look
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import tr

#: Milliseconds of quiet after scrolling until the pictures in sight are asked for.
_SETTLE = 60


class ShotsList(QWidget):
    """Chips, search and rows. :attr:`opened` names the row that somebody wants to review,
    :attr:`clicked` the one that somebody clicked, selected already or not."""

    opened = Signal(str)
    clicked = Signal(str)

    def __init__(self, shots: ShotsController, tones: Tones) -> None:
        super().__init__()
        look(self, "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._shots = shots
        self._pictures = Thumbnails(shots.thumbnail)
        self._restoring = False
        self._marked: tuple[str, ...] = ()
        """Keys of the rows that the view shows as selected."""
        self._opened = ""
        self._chips = {
            Show.ALL: chip(tr("All")),
            Show.CHANGED: chip(tr("Changed")),
            Show.NEEDS_YOU: chip(tr("Needs you")),
        }
        for which, one in self._chips.items():
            one.setObjectName(f"chip-{which.name.lower()}")
            one.clicked.connect(lambda _checked=False, which=which: shots.list_only(which))
        self.search = QLineEdit()
        self.search.setObjectName("search")
        self.search.setPlaceholderText(tr("Find a shot") + "   /")
        self.search.setAccessibleName(tr("Find a shot"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(shots.search)
        self._problem = label("", "bad", wrap=True)
        self._next = label("", "dim", wrap=True)
        self._trouble = box(column(self._problem, self._next, margin=10, gap=4), "warning")
        self._nothing = label("", "dim", wrap=True)
        self._nothing.setContentsMargins(14, 8, 14, 8)
        self.view = RowsView()
        self._prepare_view(tones)
        chips = row(*self._chips.values(), 1, gap=6)
        head = column(chips, self.search, self._trouble, gap=8)
        head.setContentsMargins(10, 10, 10, 4)
        self.setLayout(column(head, self._nothing, self.view, gap=2, grows=2))
        self._settle = QTimer(self, singleShot=True, interval=_SETTLE)
        self._settle.timeout.connect(self._ask_for_pictures)
        self._unwatch = [
            shots.state.watch(self._show_state),
            shots.watch_thumbnails(self._picture_came),
        ]

    def close_watches(self) -> None:
        self._model.close()
        self._settle.stop()
        for unwatch in self._unwatch:
            unwatch()

    @property
    def current(self) -> str | None:
        """Key of the row that has the cursor."""
        found = self.view.currentIndex().data(ROW)
        return found.key if isinstance(found, ShotRow) else None

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self._settle.start()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._settle.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.current:
            self.opened.emit(self.current)
        else:
            super().keyPressEvent(event)

    def _prepare_view(self, tones: Tones) -> None:
        view = self.view
        view.setObjectName("shots")
        view.setAccessibleName(tr("Shots"))
        self._model: RowsModel[ShotRow] = RowsModel(self._shots.rows, _spoken, self)
        view.setModel(self._model)
        view.setItemDelegate(RowPainter(view, tones, _describe, self._picture))
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.verticalScrollBar().valueChanged.connect(lambda _value: self._settle.start())
        view.clicked.connect(lambda index: self.clicked.emit(index.data(ROW).key))
        view.doubleClicked.connect(lambda index: self.opened.emit(index.data(ROW).key))
        view.selectionModel().selectionChanged.connect(lambda *_: self._selection_changed())
        self._model.modelReset.connect(self._restore_selection)

    def _picture(self, shown: ShotRow, room: QSize) -> QPixmap | None:
        return self._pictures.get(shown.key, room)

    def _picture_came(self, key: str) -> None:
        self._pictures.forget(key)
        self.view.viewport().update()

    def _ask_for_pictures(self) -> None:
        area = self.view.viewport().rect()
        first = self.view.indexAt(area.topLeft())
        if not first.isValid():
            return
        last = self.view.indexAt(area.bottomLeft())
        end = last.row() if last.isValid() else len(self._shots.rows) - 1
        rows = self._shots.rows[first.row() : end + 1]
        self._shots.want_thumbnails([shown.key for shown in rows])

    def _selection_changed(self) -> None:
        if self._restoring:
            return
        self._marked = tuple(self._shots.rows[at].key for at in self.view.selected_rows())
        self._shots.select(self._marked)

    def _restore_selection(self) -> None:
        """Rows came, went or moved: the same shots stay selected."""
        self._mark(self._shots.state.value.selected)
        self._settle.start()

    def _mark(self, keys: tuple[str, ...]) -> None:
        """Have the view show these rows as selected."""
        wanted = set(keys)
        positions = [at for at, one in enumerate(self._shots.rows) if one.key in wanted]
        flag = QItemSelectionModel.SelectionFlag
        self._marked = keys
        self._restoring = True
        try:
            model = self.view.selectionModel()
            model.select(self._model.selection(positions), flag.ClearAndSelect)
            if positions and not self.view.currentIndex().isValid():
                model.setCurrentIndex(self._model.index(positions[0]), flag.NoUpdate)
        finally:
            self._restoring = False

    def _show_state(self, state: ShotsState) -> None:
        for which, count in (
            (Show.ALL, state.total),
            (Show.CHANGED, state.changed),
            (Show.NEEDS_YOU, state.needs_you),
        ):
            words = {
                Show.ALL: tr("All {n}", n=count),
                Show.CHANGED: tr("Changed {n}", n=count),
                Show.NEEDS_YOU: tr("Needs you {n}", n=count),
            }[which]
            self._chips[which].setText(words)
            self._chips[which].setChecked(state.listed is which)
        self._chips[Show.CHANGED].setVisible(bool(state.compared_with))
        if state.search != self.search.text():
            self.search.setText(state.search)
        self._problem.setText(state.problem)
        self._next.setText(state.next_step)
        self._trouble.setVisible(bool(state.problem))
        self._nothing.setText(self._why_empty(state))
        self._nothing.setVisible(bool(self._nothing.text()))
        if state.selected != self._marked:
            self._mark(state.selected)
        if state.title != self._opened and state.total:
            self._opened = state.title
            # Afterwards: others have yet to be told what this call is about.
            soon(self, self._select_first)

    def _select_first(self) -> None:
        """Of a cut that was just opened: something is there to be looked at."""
        if len(self._shots.rows) and not self._shots.state.value.selected:
            self._shots.select([self._shots.rows[0].key])

    def _why_empty(self, state: ShotsState) -> str:
        if len(self._shots.rows) or state.problem:
            return ""
        if state.busy:
            return tr("Reading …")
        if state.search or state.listed is not Show.ALL:
            return tr("No shot fits. Clear the search or choose All.")
        if state.title:
            return tr("Nothing here can be sent.")
        return tr("No cut is open. Drop one here, or open it from the menu at the top.")


def _describe(shown: ShotRow) -> RowLook:
    facts = shown.ranges if not shown.source else f"{shown.ranges} · {shown.source}"
    return RowLook(
        shown.name,
        facts,
        shown.sign,
        progress=shown.fraction,
        badge=_badge(shown),
    )


def _badge(shown: ShotRow) -> str:
    if shown.changed:
        return tr("changed")
    return tr("in use") if shown.newest is not None and shown.newest == shown.in_use else ""


def _spoken(shown: ShotRow) -> str:
    parts = (shown.name, shown.ranges, shown.sign.words, shown.next_step)
    return ", ".join(part for part in parts if part)
