"""Icons in a given colour.

They are from Lucide 1.62.0 (https://lucide.dev; ISC, in parts MIT: see ``lucide/LICENSE``),
and include only those that are used.
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
    """An icon of ``size`` logical pixels for a screen with this ``scale``.

    :raises FileNotFoundError: there is no such icon.
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
    """An icon for buttons and menus, with ``gap`` logical pixels of padding at the right.

    :raises FileNotFoundError: there is no such icon.
    """
    result = QIcon()
    for scale in _scales():
        drawn = pixmap(name, colour, size, scale)
        result.addPixmap(_padded(drawn, gap, scale) if gap else drawn)
    return result


def _scales() -> list[int]:
    """Scales of all screens, rounded up: Qt scales pixmaps down well."""
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
