"""Asking for files without stopping the host: dialogs are opened, never run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget


def ask_for_file(
    parent: QWidget, title: str, kinds: str, then: Callable[[str], object], folder: str = ""
) -> QFileDialog:
    """One file that exists; ``then`` is called with its path, or never."""
    dialog = QFileDialog(parent, title, folder, kinds)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    return _open(dialog, then)


def ask_for_files(
    parent: QWidget, title: str, kinds: str, then: Callable[[list[str]], object]
) -> QFileDialog:
    dialog = QFileDialog(parent, title, "", kinds)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    dialog.filesSelected.connect(then)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
    return dialog


def ask_for_target(
    parent: QWidget, title: str, name: str, kinds: str, then: Callable[[str], object]
) -> QFileDialog:
    """A file to write, which may be a new one; the dialog asks before replacing one. Of several
    ``kinds`` the one that is chosen gives the name its ending."""
    dialog = QFileDialog(parent, title, "", kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.selectFile(name)
    dialog.setDefaultSuffix(Path(name).suffix.removeprefix("."))

    def end_as(kind: str) -> None:
        ending = re.search(r"\*(\.\w+)", kind)
        if ending is not None:
            dialog.setDefaultSuffix(ending[1].removeprefix("."))
            for path in dialog.selectedFiles()[:1]:
                dialog.selectFile(Path(path).with_suffix(ending[1]).name)

    dialog.filterSelected.connect(end_as)
    return _open(dialog, then)


def _open(dialog: QFileDialog, then: Callable[[str], object]) -> QFileDialog:
    dialog.fileSelected.connect(then)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
    return dialog
