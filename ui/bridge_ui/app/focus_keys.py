"""Redirects playback keys from the focused widget to the player."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from shiboken6 import isValid

from bridge_ui.review.qt_shortcuts import PLAYBACK_ACTIONS, accepts_text, action_for_key
from bridge_ui.widgets.basic import is_costly

_KEYS = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
_RETURN = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class FocusKeyFilter(QObject):
    """Space and J, K, L control playback wherever the focus is, except in text fields.

    So Space does not press buttons. Return presses the focused button, once until the focus moves;
    costly buttons have their own shortcut.
    """

    def __init__(self, panel: QWidget, play: Callable[[str], None]) -> None:
        """``play`` is called with the name of the playback action."""
        super().__init__(panel)
        self._panel, self._play = panel, play
        self._watched: QWidget | None = None
        self._was_pressed = False
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._focus_moved)
        self._focus_moved(None, app.focusWidget())

    def _focus_moved(self, _old: QWidget | None, new: QWidget | None) -> None:
        if self._watched is not None and isValid(self._watched):
            self._watched.removeEventFilter(self)
        self._watched, self._was_pressed = None, False
        if new is not None and (new is self._panel or self._panel.isAncestorOf(new)):
            self._watched = new
            new.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() not in _KEYS or not isinstance(event, QKeyEvent):
            return False
        if not isinstance(watched, QWidget) or accepts_text(watched):
            return False
        action = action_for_key(event)
        if action in PLAYBACK_ACTIONS:
            if event.type() == QEvent.Type.KeyPress and not event.isAutoRepeat():
                self._play(action)
            event.accept()  # hosts use the same keys
            return True
        plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.key() in _RETURN and not plain and isinstance(watched, QAbstractButton):
            if event.type() == QEvent.Type.KeyPress and not event.isAutoRepeat():
                self._press(watched)
            event.accept()
            return True
        return False

    def _press(self, button: QAbstractButton) -> None:
        if is_costly(button) or (self._was_pressed and not button.isCheckable()):
            return
        self._was_pressed = True
        button.click()
