"""Popovers of the panel."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize
from PySide6.QtWidgets import QWidget


def show_popover(popover: QWidget, anchor: QWidget) -> None:
    """Show a popover at its anchor, within its parent."""
    parent = popover.parentWidget()
    assert parent is not None  # popovers lie over the panel
    width = min(380, parent.width() - 16)
    popover.setFixedWidth(width)
    inner = popover.layout()
    height = popover.sizeHint().height()
    if inner is not None and inner.hasHeightForWidth():
        height = max(inner.heightForWidth(width), popover.minimumHeight())
    size = QSize(width, height).boundedTo(parent.size() - QSize(16, 16))
    popover.resize(size)
    position = anchor.mapTo(parent, QPoint(0, anchor.height() + 4))
    if position.y() + size.height() > parent.height() - 8:
        position.setY(max(8, anchor.mapTo(parent, QPoint(0, 0)).y() - size.height() - 4))
    position.setX(max(8, min(position.x(), parent.width() - size.width() - 8)))
    popover.move(position)
    popover.show()
    popover.raise_()
    popover.setFocus()
