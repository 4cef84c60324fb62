"""Reference pictures of a request."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QImage, QImageReader, QPixmap
from PySide6.QtWidgets import QPushButton
from shiboken6 import isValid

from bridge_ui.core.session import Session
from bridge_ui.core.translate import tr
from bridge_ui.icons import icon
from bridge_ui.send.controller import SendController
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import button, clear_layout, hbox, label, vbox
from bridge_ui.widgets.file_dialogs import FileDropArea, open_files_dialog

_SIZE = QSize(62, 36)
_FILE_PATTERNS = "*.png *.jpg *.jpeg *.tif *.tiff *.exr *.webp"


class ReferencesWidget(FileDropArea):
    """A row of pictures; clicking one removes it. The last button adds more."""

    def __init__(self, session: Session, send: SendController, colours: ThemeColours) -> None:
        super().__init__()
        self._pool = session.picture_pool
        self._send = send
        self._colours = colours
        self._shown: tuple[str, ...] = ()
        self.files_dropped.connect(send.add_references)
        self._row = hbox(gap=8)
        add = button(
            "",
            icon_name="plus",
            colour=colours.dim,
            tip=tr("Add reference pictures; they can also be dropped here"),
            on_click=self._choose_files,
            name="add-reference",
        )
        self.setLayout(vbox(label(tr("References"), "dim"), hbox(self._row, add, 1, gap=8), gap=5))

    def show_paths(self, paths: tuple[str, ...]) -> None:
        if paths == self._shown:
            return
        self._shown = paths
        clear_layout(self._row)
        for path in paths:
            self._row.addWidget(self._make_picture_button(path))

    def _choose_files(self) -> None:
        filters = tr("Pictures") + f" ({_FILE_PATTERNS})"
        open_files_dialog(self, tr("References"), filters, self._send.add_references)

    def _make_picture_button(self, path: str) -> QPushButton:
        name = Path(path).name
        widget = button("", tip=tr("{name}: click to remove it", name=name))
        widget.setIconSize(_SIZE)
        widget.setIcon(icon("layers", self._colours.dim))
        widget.clicked.connect(lambda _checked=False: self._send.remove_reference(path))

        def show(picture: QImage) -> None:
            if not picture.isNull() and isValid(widget):
                widget.setIcon(QIcon(QPixmap.fromImage(picture)))

        self._pool.run(lambda _task: _read_thumbnail(path), show)
        return widget


def _read_thumbnail(path: str) -> QImage:
    """Scale while decoding, in a worker; null for formats that Qt cannot read (EXR)."""
    reader = QImageReader(path)
    size = reader.size()
    if not size.isValid() or size.width() * size.height() > 50_000_000:
        return QImage()
    reader.setScaledSize(size.scaled(_SIZE * 2, Qt.AspectRatioMode.KeepAspectRatio))
    return reader.read()
