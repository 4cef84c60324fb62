"""The Shots page."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from PySide6.QtCore import QBuffer, QByteArray, QItemSelectionModel, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImageReader, QKeyEvent, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QLineEdit, QWidget

from bridge_ui.core.observable import unwatch_all
from bridge_ui.core.translate import tr
from bridge_ui.shots.controller import ShotFilter, ShotRow, ShotsController, ShotsState
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import (
    ProblemText,
    chip,
    fill_background,
    hbox,
    label,
    show_text,
    vbox,
)
from bridge_ui.widgets.main_thread import call_later
from bridge_ui.widgets.rows import ROW_ROLE, RowContent, RowDelegate, RowsModel, RowsView

#: Milliseconds after scrolling until the visible thumbnails are requested.
_SCROLL_DELAY_MS = 60
#: Pixmaps, enough for several screens of rows; about 5 MB at 90 x 50 pixels.
_CACHE_SIZE = 300


class ShotsPage(QWidget):
    """Filter, search and the list of shots."""

    review_requested = Signal(str)
    """Key of the row to review."""
    row_clicked = Signal(str)
    """Key of the clicked row, even if it was selected before."""

    def __init__(self, shots: ShotsController, colours: ThemeColours) -> None:
        super().__init__()
        fill_background(self, "panel")
        self._shots = shots
        self._thumbnails = PixmapCache(shots.thumbnail)
        self._restoring = False
        self._selected_keys: tuple[str, ...] = ()
        """Keys of the rows that are selected in the view."""
        self._opened_cut = ""
        self._chips = {which: chip("") for which in ShotFilter}
        for which, filter_chip in self._chips.items():
            filter_chip.setObjectName(f"chip-{which.name.lower().replace('_', '-')}")
            filter_chip.clicked.connect(lambda _checked=False, which=which: shots.set_filter(which))
        hint = tr("Find a shot")
        self.search = QLineEdit(placeholderText=f"{hint}   /", clearButtonEnabled=True)
        self.search.setObjectName("search")
        self.search.setAccessibleName(hint)
        self.search.textChanged.connect(shots.search)
        self._problem = ProblemText(is_boxed=True)
        self._empty_label = label("", "dim", wrap=True)
        self._empty_label.setContentsMargins(14, 8, 14, 8)
        self.view = RowsView()
        self._prepare_view(colours)
        chips = hbox(*self._chips.values(), 1)
        head = vbox(chips, self.search, self._problem, margin=(10, 10, 10, 4), gap=8)
        self.setLayout(vbox(head, self._empty_label, self.view, gap=2, grows=2))
        self._scroll_timer = QTimer(self, singleShot=True, interval=_SCROLL_DELAY_MS)
        self._scroll_timer.timeout.connect(self._request_thumbnails)
        self.stop = unwatch_all(
            self._model.stop,
            self._scroll_timer.stop,
            shots.state.watch(self._show_state),
            shots.watch_thumbnails(self._thumbnail_loaded),
        )

    @property
    def current_key(self) -> str | None:
        """Key of the current row."""
        row = self.view.currentIndex().data(ROW_ROLE)
        return row.key if isinstance(row, ShotRow) else None

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
        self._selected_keys = tuple(
            self._shots.rows[index].key for index in self.view.selected_rows()
        )
        self._shots.select(self._selected_keys)

    def _restore_selection(self) -> None:
        """Keep the same shots selected after the rows changed."""
        self._select_rows(self._shots.state.value.selected)
        self._scroll_timer.start()

    def _select_rows(self, keys: tuple[str, ...]) -> None:
        """Select these rows in the view."""
        keys_to_select = set(keys)
        positions = [index for index, r in enumerate(self._shots.rows) if r.key in keys_to_select]
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
        texts = {
            ShotFilter.ALL: tr("All {n}", n=state.total),
            ShotFilter.CHANGED: tr("Changed {n}", n=state.changed_count),
            ShotFilter.NEEDS_ATTENTION: tr("Needs attention {n}", n=state.attention_count),
        }
        for which, filter_chip in self._chips.items():
            filter_chip.setText(texts[which])
            filter_chip.setChecked(state.shot_filter is which)
        self._chips[ShotFilter.CHANGED].setVisible(bool(state.compared_cut))
        if state.search != self.search.text():
            self.search.setText(state.search)
        self._problem.show_problem(state.problem, state.next_step)
        show_text(self._empty_label, self._empty_text(state))
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
    range_text, source, progress = shot_row.range_text, shot_row.source, shot_row.progress
    facts = f"{range_text} · {source}" if source else range_text
    return RowContent(
        shot_row.name, facts, shot_row.sign, progress=progress, badge=_badge(shot_row)
    )


def _badge(shot_row: ShotRow) -> str:
    if shot_row.is_changed:
        return tr("changed")
    in_use = shot_row.newest_version_id and shot_row.newest_version_id == shot_row.active_version_id
    return tr("in use") if in_use else ""


def _accessible_text(shot_row: ShotRow) -> str:
    parts = (shot_row.name, shot_row.range_text, shot_row.sign.text, shot_row.next_step)
    return ", ".join(part for part in parts if part)


class PixmapCache:
    """Thumbnails decoded at the size in which they are shown. ``fetch`` returns the JPEG of a key,
    or None if it is not loaded."""

    def __init__(self, fetch: Callable[[str], bytes | None]) -> None:
        self._fetch = fetch
        self._cache: OrderedDict[tuple[str, int, int], QPixmap] = OrderedDict()

    def get(self, key: str, size: QSize) -> QPixmap | None:
        """Scaled to fit into ``size``, in device pixels."""
        cache_key = (key, size.width(), size.height())
        if cache_key in self._cache:
            self._cache.move_to_end(cache_key)
            return self._cache[cache_key]
        jpeg = self._fetch(key)
        if jpeg is None:
            return None
        self._cache[cache_key] = _decode(jpeg, size)
        while len(self._cache) > _CACHE_SIZE:
            self._cache.popitem(last=False)
        return self._cache[cache_key]

    def discard(self, key: str) -> None:
        """Forget the pixmaps of a key whose JPEG changed."""
        for cache_key in [cached for cached in self._cache if cached[0] == key]:
            del self._cache[cache_key]


def _decode(jpeg: bytes, bounds: QSize) -> QPixmap:
    """Scale while decoding, which is faster than scaling afterwards."""
    buffer = QBuffer()
    buffer.setData(QByteArray(jpeg))
    reader = QImageReader(buffer)
    size = reader.size()
    if size.isValid():
        reader.setScaledSize(size.scaled(bounds, Qt.AspectRatioMode.KeepAspectRatio))
    return QPixmap.fromImage(reader.read())
