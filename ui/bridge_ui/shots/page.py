"""The Shots page."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QLineEdit, QWidget

from bridge_ui.core.translate import tr
from bridge_ui.shots.controller import ShotFilter, ShotRow, ShotsController, ShotsState
from bridge_ui.shots.qt_thumbnails import PixmapCache
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import set_style_class
from bridge_ui.widgets.basic import chip, column, framed, label, row
from bridge_ui.widgets.main_thread import call_later
from bridge_ui.widgets.row_delegate import RowContent, RowDelegate
from bridge_ui.widgets.rows_model import ROW_ROLE, RowsModel, RowsView

#: Milliseconds after scrolling until the visible thumbnails are requested.
_SCROLL_DELAY_MS = 60


class ShotsPage(QWidget):
    """Filter, search and the list of shots."""

    review_requested = Signal(str)
    """Key of the row to review."""
    row_clicked = Signal(str)
    """Key of the clicked row, even if it was selected before."""

    def __init__(self, shots: ShotsController, colours: ThemeColours) -> None:
        super().__init__()
        set_style_class(self, "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._shots = shots
        self._thumbnails = PixmapCache(shots.thumbnail)
        self._restoring = False
        self._selected_keys: tuple[str, ...] = ()
        """Keys of the rows that are selected in the view."""
        self._opened_cut = ""
        self._chips = {
            ShotFilter.ALL: chip(tr("All")),
            ShotFilter.CHANGED: chip(tr("Changed")),
            ShotFilter.NEEDS_ATTENTION: chip(tr("Needs attention")),
        }
        for which, one in self._chips.items():
            one.setObjectName(f"chip-{which.name.lower().replace('_', '-')}")
            one.clicked.connect(lambda _checked=False, which=which: shots.set_filter(which))
        self.search = QLineEdit()
        self.search.setObjectName("search")
        self.search.setPlaceholderText(tr("Find a shot") + "   /")
        self.search.setAccessibleName(tr("Find a shot"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(shots.search)
        self._problem = label("", "bad", wrap=True)
        self._next = label("", "dim", wrap=True)
        self._problem_box = framed(column(self._problem, self._next, margin=10, gap=4), "warning")
        self._empty_label = label("", "dim", wrap=True)
        self._empty_label.setContentsMargins(14, 8, 14, 8)
        self.view = RowsView()
        self._prepare_view(colours)
        chips = row(*self._chips.values(), 1, gap=6)
        head = column(chips, self.search, self._problem_box, gap=8)
        head.setContentsMargins(10, 10, 10, 4)
        self.setLayout(column(head, self._empty_label, self.view, gap=2, grows=2))
        self._scroll_timer = QTimer(self, singleShot=True, interval=_SCROLL_DELAY_MS)
        self._scroll_timer.timeout.connect(self._request_thumbnails)
        self._unwatch = [
            shots.state.watch(self._show_state),
            shots.watch_thumbnails(self._thumbnail_loaded),
        ]

    def stop_watching(self) -> None:
        self._model.stop_watching()
        self._scroll_timer.stop()
        for unwatch in self._unwatch:
            unwatch()

    @property
    def current_key(self) -> str | None:
        """Key of the current row."""
        found = self.view.currentIndex().data(ROW_ROLE)
        return found.key if isinstance(found, ShotRow) else None

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self._scroll_timer.start()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._scroll_timer.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.current_key:
            self.review_requested.emit(self.current_key)
        else:
            super().keyPressEvent(event)

    def _prepare_view(self, colours: ThemeColours) -> None:
        view = self.view
        view.setObjectName("shots")
        view.setAccessibleName(tr("Shots"))
        self._model: RowsModel[ShotRow] = RowsModel(self._shots.rows, _accessible_text, self)
        view.setModel(self._model)
        view.setItemDelegate(RowDelegate(view, colours, _row_content, self._thumbnail))
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.verticalScrollBar().valueChanged.connect(lambda _value: self._scroll_timer.start())
        view.clicked.connect(lambda index: self.row_clicked.emit(index.data(ROW_ROLE).key))
        view.doubleClicked.connect(
            lambda index: self.review_requested.emit(index.data(ROW_ROLE).key)
        )
        view.selectionModel().selectionChanged.connect(lambda *_: self._selection_changed())
        self._model.modelReset.connect(self._restore_selection)

    def _thumbnail(self, shot_row: ShotRow, size: QSize) -> QPixmap | None:
        return self._thumbnails.get(shot_row.key, size)

    def _thumbnail_loaded(self, key: str) -> None:
        self._thumbnails.discard(key)
        self.view.viewport().update()

    def _request_thumbnails(self) -> None:
        area = self.view.viewport().rect()
        first = self.view.indexAt(area.topLeft())
        if not first.isValid():
            return
        last = self.view.indexAt(area.bottomLeft())
        end = last.row() if last.isValid() else len(self._shots.rows) - 1
        rows = self._shots.rows[first.row() : end + 1]
        self._shots.request_thumbnails([shot_row.key for shot_row in rows])

    def _selection_changed(self) -> None:
        if self._restoring:
            return
        self._selected_keys = tuple(self._shots.rows[at].key for at in self.view.selected_rows())
        self._shots.select(self._selected_keys)

    def _restore_selection(self) -> None:
        """Keep the same shots selected after the rows changed."""
        self._select_rows(self._shots.state.value.selected)
        self._scroll_timer.start()

    def _select_rows(self, keys: tuple[str, ...]) -> None:
        """Select these rows in the view."""
        wanted = set(keys)
        positions = [at for at, one in enumerate(self._shots.rows) if one.key in wanted]
        flag = QItemSelectionModel.SelectionFlag
        self._selected_keys = keys
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
            (ShotFilter.ALL, state.total),
            (ShotFilter.CHANGED, state.changed_count),
            (ShotFilter.NEEDS_ATTENTION, state.attention_count),
        ):
            text = {
                ShotFilter.ALL: tr("All {n}", n=count),
                ShotFilter.CHANGED: tr("Changed {n}", n=count),
                ShotFilter.NEEDS_ATTENTION: tr("Needs attention {n}", n=count),
            }[which]
            self._chips[which].setText(text)
            self._chips[which].setChecked(state.shot_filter is which)
        self._chips[ShotFilter.CHANGED].setVisible(bool(state.compared_cut))
        if state.search != self.search.text():
            self.search.setText(state.search)
        self._problem.setText(state.problem)
        self._next.setText(state.next_step)
        self._problem_box.setVisible(bool(state.problem))
        self._empty_label.setText(self._empty_text(state))
        self._empty_label.setVisible(bool(self._empty_label.text()))
        if state.selected != self._selected_keys:
            self._select_rows(state.selected)
        if state.title != self._opened_cut and state.total:
            self._opened_cut = state.title
            # Later: other watchers have not been notified of this state yet.
            call_later(self, self._select_first)

    def _select_first(self) -> None:
        """Select the first shot of a cut that was just opened."""
        if len(self._shots.rows) and not self._shots.state.value.selected:
            self._shots.select([self._shots.rows[0].key])

    def _empty_text(self, state: ShotsState) -> str:
        if len(self._shots.rows) or state.problem:
            return ""
        if state.busy:
            return tr("Reading …")
        if state.search or state.shot_filter is not ShotFilter.ALL:
            return tr("No matching shots. Clear the search or choose All.")
        if state.title:
            return tr("There is nothing to send.")
        return tr("No cut is open. Drop one here, or open it from the Cut menu.")


def _row_content(shot_row: ShotRow) -> RowContent:
    facts = (
        shot_row.range_text if not shot_row.source else f"{shot_row.range_text} · {shot_row.source}"
    )
    return RowContent(
        shot_row.name,
        facts,
        shot_row.sign,
        progress=shot_row.progress,
        badge=_badge(shot_row),
    )


def _badge(shot_row: ShotRow) -> str:
    if shot_row.is_changed:
        return tr("changed")
    return (
        tr("in use")
        if shot_row.newest_version_id is not None
        and shot_row.newest_version_id == shot_row.active_version_id
        else ""
    )


def _accessible_text(shot_row: ShotRow) -> str:
    parts = (shot_row.name, shot_row.range_text, shot_row.sign.text, shot_row.next_step)
    return ", ".join(part for part in parts if part)
