"""Input widgets with custom painting that style sheets cannot do."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
)

from bridge_ui.theme.colours import ThemeColours
from bridge_ui.widgets.basic import safe_painter


class ToggleSwitch(QAbstractButton):
    """A switch; when on, it also shows a check mark, as colour alone is not enough."""

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
        self._colours = colours
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:  # noqa: N802
        height = max(18, round(self.fontMetrics().height() * 1.15))
        return QSize(round(height * 1.8), height)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        with safe_painter(self) as painter:
            hint = self.sizeHint()
            top = (self.height() - hint.height()) / 2
            body = QRectF(1, top + 1, hint.width() - 2, hint.height() - 2)
            on = self.isChecked()
            edge = self._colours.accent if self.hasFocus() else self._colours.line
            painter.setPen(QPen(QColor(edge), 1))
            painter.setBrush(QColor(self._colours.button_fill if on else self._colours.field))
            painter.drawRoundedRect(body, body.height() / 2, body.height() / 2)
            side = body.height() - 6
            knob = QRectF(
                body.right() - 3 - side if on else body.left() + 3, body.top() + 3, side, side
            )
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor("white" if on else self._colours.dim))
            painter.drawEllipse(knob)
            if on:
                pen = QPen(QColor("white"), 1.6)
                pen.setCapStyle(Qt.PenCapStyle.RoundCap)
                painter.setPen(pen)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                x, y = body.left() + body.width() * 0.27, body.center().y()
                tip = QPointF(x - 0.5, y + 2.5)
                painter.drawPolyline([QPointF(x - 3, y), tip, QPointF(x + 4, y - 3)])


class ComboBox(QComboBox):
    """A combo box that elides in the middle, with an arrow in a theme colour."""

    def __init__(self, colours: ThemeColours) -> None:
        super().__init__()
        self._colours = colours
        self._choices: tuple[tuple[str, str], ...] = ()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        # The wheel scrolls the form and must not change values.
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def set_choices(self, choices: Iterable[tuple[str, str]], chosen: str) -> None:
        """Set ids and texts; an unknown ``chosen`` id selects nothing. The list is only filled if
        they changed, as it may be open."""
        new = tuple(choices)
        if new != self._choices:
            self._choices = new
            self.clear()
            for choice_id, text in new:
                self.addItem(text, choice_id)
        self.setCurrentIndex(self.findData(chosen))

    def wheelEvent(self, event: object) -> None:  # noqa: N802
        event.ignore()  # type: ignore[attr-defined]

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        painter = QStylePainter(self)
        try:
            option = QStyleOptionComboBox()
            self.initStyleOption(option)
            # Version names differ at both ends; a style would cut off the end.
            control, field = (
                QStyle.ComplexControl.CC_ComboBox,
                QStyle.SubControl.SC_ComboBoxEditField,
            )
            width = self.style().subControlRect(control, option, field, self).width() - 2
            option.currentText = self.fontMetrics().elidedText(
                option.currentText, Qt.TextElideMode.ElideMiddle, width
            )
            painter.drawComplexControl(control, option)
            painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            pen = QPen(QColor(self._colours.dim), 1.6)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            x, y = self.width() - 13.0, self.height() / 2
            painter.drawPolyline([QPointF(x - 4, y - 2), QPointF(x, y + 2), QPointF(x + 4, y - 2)])
        finally:
            painter.end()
