"""Ten thousand rows: nothing is copied, and only what is in sight is painted."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QAbstractItemModel, QSize
from PySide6.QtGui import QPixmap
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QListView

from bridge_ui.controllers.observable import Rows
from bridge_ui.controllers.signs import Sign, Tone
from bridge_ui.panel.row_painter import ICONS, RowLook, RowPainter
from bridge_ui.panel.rows_model import ROW, RowsModel
from bridge_ui.theme.tones import Tones


def _look(row: int) -> RowLook:
    return RowLook(f"SHOT_{row:05d}", "1001–1132", Sign("▸", "running", Tone.BUSY), 0.5, "changed")


@pytest.fixture
def rows() -> Rows[int]:
    made: Rows[int] = Rows()
    made.replace(range(10_000))
    return made


@pytest.fixture
def model(qapp: QApplication, rows: Rows[int]) -> RowsModel[int]:
    return RowsModel(rows, lambda row: f"shot {row}")


def test_the_model_keeps_the_rules_of_models(model: RowsModel[int], rows: Rows[int]) -> None:
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    rows.update({3: 30, 4: 40, 9: 90})
    rows.insert(3, [100, 101])
    assert (model.rowCount(), model.index(4).data(ROW)) == (10_002, 101)
    rows.replace(range(5))
    rows.replace([])
    assert model.rowCount() == 0
    assert isinstance(tester.model(), QAbstractItemModel)


def test_what_changed_is_told_in_runs(model: RowsModel[int], rows: Rows[int]) -> None:
    told: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda first, last: told.append((first.row(), last.row())))
    rows.update({3: -3, 4: -4, 5: -5, 900: -900})
    assert told == [(3, 5), (900, 900)]
    assert model.index(4).data(ROW) == -4


def test_a_closed_model_hears_nothing(model: RowsModel[int], rows: Rows[int]) -> None:
    model.close()
    rows.replace([1])
    assert model.rowCount() == 10_000


def test_only_rows_in_sight_are_painted(qapp: QApplication, model: RowsModel[int]) -> None:
    asked: set[int] = set()

    def picture(row: int, _room: QSize) -> QPixmap | None:
        asked.add(row)
        return None

    view = QListView()
    view.setModel(model)
    view.setUniformItemSizes(True)
    view.setItemDelegate(RowPainter(view, Tones(), _look, picture))
    view.resize(300, 600)
    view.show()
    QTest.qWaitForWindowExposed(view)
    view.grab()
    assert 5 < len(asked) < 20
    asked.clear()
    view.scrollTo(model.index(7_000))
    view.grab()
    assert asked
    assert min(asked) > 6_980
    view.close()


@pytest.mark.parametrize("width", [60, 170, 320, 900])
def test_rows_are_painted_at_every_width(
    qapp: QApplication, model: RowsModel[int], width: int
) -> None:
    view = QListView()
    view.setModel(model)
    view.setItemDelegate(RowPainter(view, Tones(), _look, lambda _row, _room: None))
    view.setCurrentIndex(model.index(1))
    view.resize(width, 200)
    view.show()
    picture = view.grab().toImage()
    colours = {picture.pixelColor(x, 30).name() for x in range(0, picture.width(), 2)}
    assert len(colours) > 1
    view.close()


def test_every_mark_of_a_state_has_a_sign() -> None:
    from bridge_core.models.versions import ReviewStatus
    from bridge_ui.controllers.words import review_sign

    assert {review_sign(status).mark for status in ReviewStatus} <= set(ICONS)
