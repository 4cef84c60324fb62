"""The keys of the review room: what editors expect, listed under ``?``."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from bridge_ui.core.translate import tr

#: What a key does, by the name of the room's action; the same action may have several keys.
SHORTCUTS: dict[str, str] = {
    "Space": "toggle",
    "J": "back",
    "K": "stop",
    "L": "forward",
    "Left": "step_back",
    "Right": "step_forward",
    ",": "step_back",
    ".": "step_forward",
    "Shift+Left": "leap_back",
    "Shift+Right": "leap_forward",
    "Home": "first",
    "End": "last",
    "Up": "note_before",
    "Down": "note_after",
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
    "T": "other_target",
    "PgUp": "version_newer",
    "PgDown": "version_older",
    "Alt+Left": "adjust_less",
    "Alt+Right": "adjust_more",
    "[": "darker",
    "]": "brighter",
    "{": "gamma_down",
    "}": "gamma_up",
    "Backspace": "plain_look",
    "F": "fit",
    "+": "zoom_in",
    "=": "zoom_in",
    "-": "zoom_out",
    "0": "actual_size",
    "D": "draw",
    "N": "note",
    "Shift+A": "approve",
    "Shift+C": "ask_for_changes",
    "Shift+R": "reject",
    "G": "go_to_frame",
    "Ctrl+Z": "undo",
    "Ctrl+Shift+Z": "redo",
    "Ctrl+Y": "redo",
    "Escape": "leave",
}


#: Actions whose keys go to the player wherever the focus is.
PLAYBACK_ACTIONS = ("toggle", "back", "stop", "forward")


def shortcut_help() -> tuple[tuple[str, str], ...]:
    """Keys with what they do, for the sheet of all keys."""
    return (
        (tr("Space"), tr("play, stop, wherever you are but in a text field")),
        ("J K L", tr("back, stop, forward; again: 2×, 4×")),
        ("← → , .", tr("one frame back, forward")),
        ("Shift+← →", tr("ten frames")),
        ("Home End", tr("first, last frame")),
        ("↑ ↓", tr("note before, after")),
        ("I O X", tr("in point, out point, neither")),
        ("Ctrl+L", tr("loop")),
        ("1 2", tr("A alone, B alone")),
        ("3 W", tr("wipe")),
        ("4 5 6", tr("difference, overlay, side by side")),
        ("Alt+← →", tr("move the wipe, gain or opacity")),
        ("S", tr("A and B change places")),
        ("T", tr("note and decide about the other version on the screen")),
        ("PgUp PgDn", tr("newer, older version")),
        ("[ ] { }", tr("exposure, gamma")),
        ("Backspace", tr("exposure and gamma as they were")),
        ("F 0 + −", tr("fit, 100 %, zoom in, out")),
        ("D", tr("draw")),
        ("Ctrl+Z, Ctrl+Shift+Z", tr("undo, redo a stroke")),
        ("N", tr("write a note")),
        ("Shift+A, Shift+C, Shift+R", tr("approve, ask for changes, reject")),
        ("G", tr("go to a frame or timecode")),
        ("Esc", tr("stop drawing or writing")),
    )


def action_for_key(event: QKeyEvent) -> str | None:
    """The action of a key that was pressed; None: not ours."""
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    # Which keys need Shift for a sign depends on the keyboard; the sign counts.
    text = event.text()
    if len(text) == 1 and text.isprintable() and not text.isalnum() and text != " ":
        modifiers &= ~Qt.KeyboardModifier.ShiftModifier
    return _actions_by_key().get(QKeyCombination(modifiers, Qt.Key(event.key())).toCombined())


@cache
def _actions_by_key() -> dict[int, str]:
    """Actions by key and modifiers, as Qt combines them in one number."""
    return {
        QKeySequence(text)[0].toCombined(): action  # type: ignore[index]  # not in Qt's types
        for text, action in SHORTCUTS.items()
    }


def accepts_text(widget: QWidget | None) -> bool:
    """Whether keys pressed there type text."""
    if isinstance(widget, QComboBox):
        return widget.isEditable()
    return isinstance(widget, QLineEdit | QAbstractSpinBox | QPlainTextEdit | QTextEdit)


def accepts_keys(widget: QWidget | None) -> bool:
    """Whether keys pressed there type text or choose from a list."""
    return accepts_text(widget) or isinstance(widget, QComboBox)
