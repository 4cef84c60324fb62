"""The review's shortcuts: those that editors expect, listed under ``?``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from PySide6.QtCore import QEvent, QKeyCombination, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)
from shiboken6 import isValid

from bridge_ui.core.translate import tr
from bridge_ui.widgets.basic import is_costly

#: Actions of :class:`bridge_ui.review.viewer_widget.ViewerActions` by key.
SHORTCUTS: dict[str, str] = {
    "Space": "toggle_playback",
    "J": "shuttle_back",
    "K": "stop",
    "L": "shuttle_forward",
    "Left": "step_back",
    "Right": "step_forward",
    ",": "step_back",
    ".": "step_forward",
    "Shift+Left": "skip_back",
    "Shift+Right": "skip_forward",
    "Home": "go_to_first",
    "End": "go_to_last",
    "Up": "previous_note",
    "Down": "next_note",
    "I": "mark_in",
    "O": "mark_out",
    "X": "clear_marks",
    "Ctrl+L": "loop",
    "1": "compare_a",
    "2": "compare_b",
    "3": "compare_wipe",
    "W": "compare_wipe",
    "4": "compare_difference",
    "5": "compare_overlay",
    "6": "compare_side_by_side",
    "S": "swap",
    "T": "switch_target",
    "PgUp": "newer_version",
    "PgDown": "older_version",
    "Alt+Left": "decrease_compare_value",
    "Alt+Right": "increase_compare_value",
    "[": "exposure_down",
    "]": "exposure_up",
    "{": "gamma_down",
    "}": "gamma_up",
    "Backspace": "reset_exposure",
    "F": "fit",
    "+": "zoom_in",
    "=": "zoom_in",
    "-": "zoom_out",
    "0": "actual_size",
    "D": "toggle_drawing",
    "N": "write_note",
    "Shift+A": "approve",
    "Shift+C": "request_changes",
    "Shift+R": "reject",
    "G": "go_to_frame",
    "Ctrl+Z": "undo",
    "Ctrl+Shift+Z": "redo",
    "Ctrl+Y": "redo",
    "Escape": "cancel",
}


_KEYS = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
_RETURN = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
#: Actions whose keys work wherever the focus is in the panel.
PLAYBACK_ACTIONS = ("toggle_playback", "shuttle_back", "stop", "shuttle_forward")


def shortcut_help() -> tuple[tuple[str, str], ...]:
    """Keys and what they do, for the overlay of all shortcuts."""
    return (
        (tr("Space"), tr("play, stop, anywhere except in a text field")),
        ("J K L", tr("back, stop, forward; again: 2×, 4×")),
        ("← → , .", tr("one frame back, forward")),
        ("Shift+← →", tr("ten frames back, forward")),
        ("Home End", tr("first, last frame")),
        ("↑ ↓", tr("previous, next note")),
        ("I O X", tr("set in point, out point, clear both")),
        ("Ctrl+L", tr("loop")),
        ("1 2", tr("A only, B only")),
        ("3 W", tr("wipe")),
        ("4 5 6", tr("difference, overlay, side by side")),
        ("Alt+← →", tr("move the wipe, gain or opacity")),
        ("S", tr("swap A and B")),
        ("T", tr("switch notes and decisions to the other version on the screen")),
        ("PgUp PgDn", tr("newer, older version")),
        ("[ ] { }", tr("exposure, gamma")),
        ("Backspace", tr("reset exposure and gamma")),
        ("F 0 + −", tr("fit, 100 %, zoom in, out")),
        ("D", tr("draw")),
        ("Ctrl+Z, Ctrl+Shift+Z", tr("undo, redo a stroke")),
        ("N", tr("write a note")),
        ("Shift+A, Shift+C, Shift+R", tr("approve, ask for changes, reject")),
        ("G", tr("go to a frame or timecode")),
        ("Esc", tr("stop drawing or typing")),
    )


class ShortcutFilter(QObject):
    """Runs actions for keys that are pressed in a widget or its children, unless the focused widget
    takes the keys itself."""

    def __init__(self, widget: QWidget, trigger: Callable[[str], object]) -> None:
        super().__init__(widget)
        self._trigger = trigger
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if not isinstance(event, QKeyEvent) or (action := action_for_key(event)) is None:
            return False
        typing = accepts_keys(QApplication.focusWidget())
        if event.type() == QEvent.Type.ShortcutOverride and not typing:
            event.accept()  # hosts have shortcuts on the same keys
            return True
        if event.type() == QEvent.Type.KeyPress and (action == "cancel" or not typing):
            self._trigger(action)
            event.accept()
            return True
        return False


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


def action_for_key(event: QKeyEvent) -> str | None:
    """The action of a pressed key; None if it has none."""
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    # Which characters need Shift depends on the keyboard layout; the character counts.
    text = event.text()
    if len(text) == 1 and text.isprintable() and not text.isalnum() and text != " ":
        modifiers &= ~Qt.KeyboardModifier.ShiftModifier
    return _actions_by_key().get(QKeyCombination(modifiers, Qt.Key(event.key())).toCombined())


@cache
def _actions_by_key() -> dict[int, str]:
    """Actions by key and modifiers, combined in one number as Qt does."""
    return {
        QKeySequence(text)[0].toCombined(): action  # type: ignore[index]  # not in Qt's types
        for text, action in SHORTCUTS.items()
    }


def accepts_text(widget: QWidget | None) -> bool:
    """Whether the widget takes typed text."""
    if isinstance(widget, QComboBox):
        return widget.isEditable()
    return isinstance(widget, QLineEdit | QAbstractSpinBox | QPlainTextEdit | QTextEdit)


def accepts_keys(widget: QWidget | None) -> bool:
    """Whether the widget takes typed text or selects list entries by key."""
    return accepts_text(widget) or isinstance(widget, QComboBox)
