"""Draws on the canvas: from pen events to strokes in the sketch, and a field for text."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit

from bridge_core.models.enumerations import StrokeTool
from bridge_ui.core.translate import tr
from bridge_ui.review.annotations.drawing_widgets import ERASER, DrawingToolbar
from bridge_ui.review.annotations.sketch import TEXT_HEIGHT, Sketch
from bridge_ui.review.canvas.canvas_widget import ViewerCanvas


class PenInput:
    """Adds the canvas's strokes to the sketch, with the toolbar's tool and style."""

    def __init__(self, canvas: ViewerCanvas, toolbar: DrawingToolbar, sketch: Sketch) -> None:
        self._canvas, self._toolbar, self._sketch = canvas, toolbar, sketch
        self.frame = 0
        """The frame that is drawn on; the viewer sets it."""
        self.on_change = _do_nothing
        """Called after each change of the sketch."""
        self._text_field: _TextField | None = None
        canvas.pen_down.connect(self._down)
        canvas.pen_moved.connect(self._moved)
        canvas.pen_up.connect(self._up)
        toolbar.undo_requested.connect(self.undo)
        toolbar.redo_requested.connect(self.redo)

    def set_sketch(self, sketch: Sketch) -> None:
        """Draw into another sketch; text that is being typed goes to the previous one."""
        if self._text_field is not None:
            self._text_field.finish()
        self._sketch.cancel()
        self._sketch = sketch

    def undo(self) -> int | None:
        return self._notify_change(self._sketch.undo())

    def redo(self) -> int | None:
        return self._notify_change(self._sketch.redo())

    def cancel(self) -> None:
        """Discard the unfinished stroke or text."""
        self._sketch.cancel()
        if self._text_field is not None:
            self._text_field.cancel()
        self.on_change()

    def _notify_change(self, frame: int | None) -> int | None:
        self.on_change()
        return frame

    def _down(self, x: float, y: float) -> None:
        tool = self._toolbar.tool
        if tool == ERASER:
            self._erase(x, y)
        elif tool == StrokeTool.TEXT:
            self._add_text((x, y))
        else:
            self._sketch.begin(
                self.frame,
                StrokeTool(tool),
                (x, y),
                colour=self._toolbar.colour,
                width=self._toolbar.stroke_width,
            )
            self.on_change()

    def _moved(self, x: float, y: float) -> None:
        if self._toolbar.tool == ERASER:
            self._erase(x, y)
        else:
            self._sketch.move((x, y))
            self.on_change()

    def _up(self) -> None:
        self._sketch.end()
        self.on_change()

    def _erase(self, x: float, y: float) -> None:
        size = self._canvas.transform.picture_size
        if self._sketch.erase(self.frame, (x, y), size.width() / size.height()):
            self.on_change()

    def _add_text(self, point: tuple[float, float]) -> None:
        if self._text_field is not None:
            self._text_field.finish()
        frame, colour = self.frame, self._toolbar.colour
        rect = self._canvas.picture_rect()

        def on_done(text: str) -> None:
            self._text_field = None
            if self._sketch.add_text(frame, point, text, colour=colour):
                self.on_change()
            self._canvas.setFocus()

        self._text_field = _TextField(self._canvas, colour, on_done)
        self._text_field.open(
            QPointF(rect.left() + point[0] * rect.width(), rect.top() + point[1] * rect.height()),
            max(12, round(TEXT_HEIGHT * rect.width())),
        )


class _TextField(QLineEdit):
    """Takes text for the picture: Return keeps it, Escape discards it."""

    def __init__(self, parent: ViewerCanvas, colour: str, on_done: Callable[[str], None]) -> None:
        super().__init__(parent)
        self._canvas = parent
        self._on_done = on_done
        self._is_open = True
        self.setAccessibleName(tr("Text on the picture"))
        self.setPlaceholderText(tr("Type, then press Return"))
        self.setStyleSheet(
            f"QLineEdit {{ color: {colour}; background: #0e0f10; border: 1px solid {colour};"
            " border-radius: 4px; padding: 2px 6px; }"
        )
        self.returnPressed.connect(self.finish)

    def open(self, position: QPointF, height: int) -> None:
        font = self.font()
        font.setPixelSize(height)
        self.setFont(font)
        size = QSize(max(180, height * 10), self.sizeHint().height())
        canvas_size = self._canvas.size()
        self.resize(min(size.width(), canvas_size.width()), size.height())
        self.move(
            int(max(0, min(position.x(), canvas_size.width() - self.width()))),
            int(max(0, min(position.y(), canvas_size.height() - self.height()))),
        )
        self.show()
        self.setFocus()

    def finish(self) -> None:
        self._finish(self.text())

    def cancel(self) -> None:
        self._finish("")

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Escape:
            self.cancel()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: object) -> None:  # noqa: N802
        super().focusOutEvent(event)  # type: ignore[arg-type]
        self.finish()

    def _finish(self, text: str) -> None:
        if self._is_open:
            self._is_open = False
            self.hide()
            self.deleteLater()
            self._on_done(text)


def _do_nothing() -> None: ...
