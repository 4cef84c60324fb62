"""Ten thousand rows: nothing is copied, and only visible rows are painted."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QAbstractItemModel, QSize
from PySide6.QtGui import QPixmap
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QListView

from bridge_ui.core.observable import ObservableList
from bridge_ui.core.status_sign import StatusSign, Tone
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.rows import ICON_BY_SYMBOL, ROW_ROLE, RowContent, RowDelegate, RowsModel


def _row_content(row: int) -> RowContent:
    return RowContent(
        f"SHOT_{row:05d}", "1001–1132", StatusSign("▸", "running", Tone.BUSY), 0.5, "changed"
    )


@pytest.fixture
def rows() -> ObservableList[int]:
    observable_rows: ObservableList[int] = ObservableList()
    observable_rows.replace(range(10_000))
    return observable_rows


@pytest.fixture
def model(qapp: QApplication, rows: ObservableList[int]) -> RowsModel[int]:
    return RowsModel(rows, lambda row: f"shot {row}")


def test_the_model_passes_qts_model_tester(
    model: RowsModel[int], rows: ObservableList[int]
) -> None:
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    rows.update({3: 30, 4: 40, 9: 90})
    rows.insert(3, [100, 101])
    assert (model.rowCount(), model.index(4).data(ROW_ROLE)) == (10_002, 101)
    rows.replace(range(5))
    rows.replace([])
    assert model.rowCount() == 0
    assert isinstance(tester.model(), QAbstractItemModel)


def test_what_changed_is_reported_in_runs(model: RowsModel[int], rows: ObservableList[int]) -> None:
    runs: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda first, last: runs.append((first.row(), last.row())))
    rows.update({3: -3, 4: -4, 5: -5, 900: -900})
    assert runs == [(3, 5), (900, 900)]
    assert model.index(4).data(ROW_ROLE) == -4


def test_a_closed_model_receives_nothing(model: RowsModel[int], rows: ObservableList[int]) -> None:
    model.stop()
    rows.replace([1])
    assert model.rowCount() == 10_000


def test_only_visible_rows_are_painted(qapp: QApplication, model: RowsModel[int]) -> None:
    painted: set[int] = set()

    def thumbnail(row: int, _size: QSize) -> QPixmap | None:
        painted.add(row)
        return None

    view = QListView()
    view.setModel(model)
    view.setUniformItemSizes(True)
    view.setItemDelegate(RowDelegate(view, ThemeColours(), _row_content, thumbnail))
    view.resize(300, 600)
    view.show()
    QTest.qWaitForWindowExposed(view)
    view.grab()
    assert 5 < len(painted) < 20
    painted.clear()
    view.scrollTo(model.index(7_000))
    view.grab()
    assert painted
    assert min(painted) > 6_980
    view.close()


@pytest.mark.parametrize("width", [60, 170, 320, 900])
def test_rows_are_painted_at_every_width(
    qapp: QApplication, model: RowsModel[int], width: int
) -> None:
    view = QListView()
    view.setModel(model)
    view.setItemDelegate(RowDelegate(view, ThemeColours(), _row_content, lambda _row, _size: None))
    view.setCurrentIndex(model.index(1))
    view.resize(width, 200)
    view.show()
    picture = view.grab().toImage()
    colours = {picture.pixelColor(x, 30).name() for x in range(0, picture.width(), 2)}
    assert len(colours) > 1
    view.close()


def test_every_status_symbol_has_an_icon() -> None:
    from bridge_core.models.versions import ReviewStatus
    from bridge_ui.core.display_text import review_status_sign

    assert {review_status_sign(status).symbol for status in ReviewStatus} <= set(ICON_BY_SYMBOL)
