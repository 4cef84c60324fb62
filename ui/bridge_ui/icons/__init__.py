"""Icons, drawn in the colour of the text beside them.

The pictures are Lucide 1.62.0 (https://lucide.dev; ISC, in parts MIT: see ``lucide/LICENSE``),
only those that are used.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPixmap

if TYPE_CHECKING:
    from PySide6.QtSvg import QSvgRenderer

_FOLDER = Path(__file__).parent / "lucide"
#: Logical size of an icon.
SIZE = 16


def pixmap(name: str, colour: QColor | str, size: int = SIZE, scale: float = 1.0) -> QPixmap:
    """An icon as a picture of ``size`` logical pixels on a screen of that ``scale``.

    :raises FileNotFoundError: no icon has this name.
    """
    side = round(size * scale)
    picture = QPixmap(side, side)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    try:
        _renderer(name, QColor(colour).name()).render(painter, QRectF(0, 0, side, side))
    finally:
        painter.end()
    picture.setDevicePixelRatio(scale)
    return picture


def icon(name: str, colour: QColor | str, size: int = SIZE, gap: int = 0) -> QIcon:
    """An icon for buttons and menus, with ``gap`` empty logical pixels at its right.

    :raises FileNotFoundError: no icon has this name.
    """
    result = QIcon()
    for scale in _scales():
        drawn = pixmap(name, colour, size, scale)
        result.addPixmap(_padded(drawn, gap, scale) if gap else drawn)
    return result


def _scales() -> list[int]:
    """Of the screens that are there, each rounded up: Qt draws a larger picture smaller well."""
    return sorted({ceil(screen.devicePixelRatio()) for screen in QGuiApplication.screens()})


def _padded(drawn: QPixmap, gap: int, scale: int) -> QPixmap:
    padded = QPixmap(drawn.width() + gap * scale, drawn.height())
    padded.setDevicePixelRatio(scale)
    padded.fill(Qt.GlobalColor.transparent)
    painter = QPainter(padded)
    try:
        painter.drawPixmap(0, 0, drawn)
    finally:
        painter.end()
    return padded


@lru_cache(maxsize=256)
def _renderer(name: str, colour: str) -> QSvgRenderer:
    from PySide6.QtSvg import QSvgRenderer

    drawing = (_FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    return QSvgRenderer(QByteArray(drawing.replace("currentColor", colour).encode()))
