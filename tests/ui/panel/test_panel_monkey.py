"""Thousands of events that nobody means, the same ones every time."""

from __future__ import annotations

import gc
import random
import sys
from types import TracebackType

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QWidget
from shiboken6 import isValid

KEYS = (
    *(Qt.Key(code) for code in range(Qt.Key.Key_Space, Qt.Key.Key_AsciiTilde)),
    *(Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Tab, Qt.Key.Key_Backtab),
    *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down),
    *(Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown),
    *(Qt.Key.Key_Backspace, Qt.Key.Key_Delete),
)
MODIFIERS = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
SIZES = ((320, 700), (1400, 860), (700, 300), (2200, 1200))


@pytest.mark.parametrize("seed", [1, 20261122])
def test_nothing_breaks_and_nothing_is_left(
    make_panel, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    broken: list[BaseException] = []

    def hook(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
        broken.append(error)

    monkeypatch.setattr(sys, "excepthook", hook)
    dice = random.Random(seed)
    panel = make_panel(60)
    panel.activateWindow()
    for turn in range(1500):
        parts = [w for w in panel.findChildren(QWidget) if w.isVisible()]
        target = dice.choice(parts)
        spot = QPoint(
            dice.randrange(max(1, target.width())), dice.randrange(max(1, target.height()))
        )
        match dice.randrange(6):
            case 0 | 1:
                QTest.keyClick(target, dice.choice(KEYS), dice.choice(MODIFIERS))
            case 2 | 3:
                QTest.mouseClick(target, Qt.MouseButton.LeftButton, dice.choice(MODIFIERS), spot)
            case 4:
                QTest.mouseMove(target, spot)
            case _:
                QTest.mouseDClick(target, Qt.MouseButton.LeftButton, pos=spot)
        _put_away()
        if turn % 200 == 0:
            panel.resize(*dice.choice(SIZES))
            QApplication.processEvents()
        assert not broken, f"turn {turn}, {target}: {broken[0]!r}"
        assert isValid(panel)
    pages = ("notes", "send", "made_by", "jobs")
    for name in pages:
        panel.show_page(name)  # a page is made when it is first shown
    before = len(panel.findChildren(QWidget))
    for name in pages * 20:
        panel.show_page(name)
        panel.controllers.shots.reload()
        QApplication.processEvents()
    QTest.qWait(1)
    gc.collect()
    assert len(panel.findChildren(QWidget)) <= before + 5
    assert not broken


def _put_away() -> None:
    """Menus and dialogs would take all further events."""
    popup = QApplication.activePopupWidget()
    while popup is not None:
        popup.close()
        popup = QApplication.activePopupWidget()
    for window in QApplication.topLevelWidgets():
        if isinstance(window, QFileDialog | QMenu) and window.isVisible():
            window.close()
