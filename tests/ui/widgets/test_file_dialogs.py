"""The save dialog asks before it replaces a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton, QWidget

from bridge_ui.widgets.file_dialogs import save_file_dialog


@pytest.mark.parametrize(("button", "replaced"), [("Replace", True), ("Cancel", False)])
def test_replacing_a_file_needs_confirmation(
    qapp: QApplication, tmp_path: Path, button: str, replaced: bool
) -> None:
    """Including the suffix, which was not typed."""
    (tmp_path / "cut.otio").write_text("somebody's work")
    parent, chosen = QWidget(), list[Path]()
    parent.show()
    dialog = save_file_dialog(parent, "Write", "new.otio", "OTIO (*.otio)", chosen.append)
    dialog.setDirectory(str(tmp_path))
    dialog.selectFile("cut")
    dialog.accept()
    qapp.processEvents()
    (box,) = (one for one in parent.findChildren(QMessageBox) if one.isVisible())
    assert "cut.otio exists" in box.text()
    assert chosen == []
    named = {one.text().replace("&", ""): one for one in box.findChildren(QPushButton)}
    QTest.mouseClick(named[button], Qt.MouseButton.LeftButton)
    qapp.processEvents()
    assert chosen == ([tmp_path / "cut.otio"] if replaced else [])
    parent.close()


def test_a_new_file_needs_no_confirmation(qapp: QApplication, tmp_path: Path) -> None:
    parent, chosen = QWidget(), list[Path]()
    dialog = save_file_dialog(parent, "Write", "new.otio", "OTIO (*.otio)", chosen.append)
    dialog.setDirectory(str(tmp_path))
    dialog.selectFile("other")
    dialog.accept()
    qapp.processEvents()
    assert chosen == [tmp_path / "other.otio"]
    assert not parent.findChildren(QMessageBox)
