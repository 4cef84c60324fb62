"""Files chosen in dialogs, which never block the host as they are opened, not executed, or dropped
on a widget."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QDialog, QFileDialog, QMessageBox, QWidget

from bridge_ui.core.translate import tr

D = TypeVar("D", bound=QDialog)


def open_file_dialog(
    parent: QWidget, title: str, filters: str, on_chosen: Callable[[Path], object]
) -> QFileDialog:
    """Choose an existing file; ``on_chosen`` is called with its path."""
    dialog = QFileDialog(parent, title, "", filters)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.fileSelected.connect(lambda path: on_chosen(Path(path)))
    return _open(dialog)


def open_files_dialog(
    parent: QWidget, title: str, filters: str, on_chosen: Callable[[list[str]], object]
) -> QFileDialog:
    dialog = QFileDialog(parent, title, "", filters)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    dialog.filesSelected.connect(on_chosen)
    return _open(dialog)


def save_file_dialog(
    parent: QWidget, title: str, name: str, filters: str, on_chosen: Callable[[Path], object]
) -> QFileDialog:
    """Choose a file to write; asks before an existing one is replaced. The chosen filter sets the
    suffix."""
    dialog = QFileDialog(parent, title, "", filters)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    # Qt would ask in a nested event loop, and a native dialog before the suffix is set.
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
    dialog.selectFile(name)
    dialog.setDefaultSuffix(Path(name).suffix.removeprefix("."))

    def set_suffix(chosen_filter: str) -> None:
        suffix = re.search(r"\*(\.\w+)", chosen_filter)
        if suffix is not None:
            dialog.setDefaultSuffix(suffix[1].removeprefix("."))
            for path in dialog.selectedFiles()[:1]:
                dialog.selectFile(Path(path).with_suffix(suffix[1]).name)

    def chosen(file: str) -> None:
        path = Path(file)
        if path.exists():
            _confirm_replace(parent, title, path, on_chosen)
        else:
            on_chosen(path)

    dialog.filterSelected.connect(set_suffix)
    dialog.fileSelected.connect(chosen)
    return _open(dialog)


class FileDropArea(QWidget):
    """Files can be dropped on it."""

    files_dropped = Signal(list)
    """Their paths, at least one."""

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        urls = event.mimeData().urls()
        self.files_dropped.emit([url.toLocalFile() for url in urls if url.isLocalFile()])
        event.acceptProposedAction()


def _confirm_replace(
    parent: QWidget, title: str, path: Path, on_chosen: Callable[[Path], object]
) -> None:
    question = tr("{file} exists. Do you want to replace it?", file=path.name)
    box = QMessageBox(QMessageBox.Icon.Warning, title, question, parent=parent)
    box.setInformativeText(str(path.parent))
    replace = box.addButton(tr("Replace"), QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.buttonClicked.connect(lambda button: button is replace and on_chosen(path))
    _open(box)


def _open(dialog: D) -> D:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
    return dialog
