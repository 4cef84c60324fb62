"""A person's hands on the widgets of this process: through a real X server, as from a mouse and a
keyboard, or without one through Qt's own imitation of them."""

from __future__ import annotations

import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from virtual_screen import VirtualScreen, missing_reason


@contextmanager
def start_user_input(folder: Path) -> Iterator[UserInput]:
    """Before the application is made: a screen of its own for this process, where there is one.

    Else Qt draws without a screen, and that is said.
    """
    reason = missing_reason()
    if reason:
        print(f"not on a real screen: {reason}", file=sys.stderr)
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        yield QtTestUserInput()
        return
    screen = VirtualScreen(folder)
    try:
        os.environ |= {"QT_QPA_PLATFORM": "xcb", "DISPLAY": screen.display}
        # The desktop that this was started from would bring its own dialogs.
        for name in ("XDG_CURRENT_DESKTOP", "QT_QPA_PLATFORMTHEME"):
            os.environ.pop(name, None)
        yield X11UserInput(screen)
    finally:
        screen.close()


def wait_until(condition: Callable[[], object], what: str, seconds: float = 90) -> None:
    """Let the application go on until it is true.

    :raises AssertionError: it was not in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        QTest.qWait(20)


class UserInput(ABC):
    """Places count from a widget's top left; without one it is its middle."""

    def click(self, widget: QWidget, position: QPoint | None = None, modifier: str = "") -> None:
        """The left button; ``holding``: ``Ctrl``, ``Shift``."""
        self.drag(widget, [QPointF(position or widget.rect().center())], modifier)

    def drag(self, widget: QWidget, path: list[QPointF], modifier: str = "") -> None:
        """Press the left button where the way begins, release it where it ends."""
        wait_until(lambda: widget.isVisible() and widget.isEnabled(), f"{widget} to be there")
        points = [point.toPoint() for point in path]
        window = widget.window()
        hit = window.childAt(widget.mapTo(window, points[0])) or window
        assert hit is widget or widget.isAncestorOf(hit), f"{hit} lies above {widget}"
        self._drag(widget, points, modifier)
        QApplication.processEvents()

    @abstractmethod
    def _drag(self, widget: QWidget, points: list[QPoint], modifier: str) -> None: ...

    @abstractmethod
    def press_key(self, shortcut: str) -> None:
        """As Qt writes it: ``Ctrl+K``, ``Home``."""

    @abstractmethod
    def type_text(self, text: str) -> None: ...


#: Keys that X calls otherwise than Qt.
_X_KEY_NAMES = {"Space": "space", "PgUp": "Page_Up", "PgDown": "Page_Down"}


class X11UserInput(UserInput):
    """Every event comes to Qt from the X server, which has it from xdotool."""

    def __init__(self, screen: VirtualScreen) -> None:
        self._screen = screen

    def _drag(self, widget: QWidget, points: list[QPoint], modifier: str) -> None:
        first, *others = [widget.mapToGlobal(point) for point in points]
        held = modifier.lower()
        hold, leave = (("keydown", held), ("keyup", held)) if held else ((), ())
        self._xdotool("mousemove", str(first.x()), str(first.y()))
        self._xdotool(*hold, "mousedown", "1")
        for spot in others:  # one at a time, or Qt would take only the last
            self._xdotool("mousemove", str(spot.x()), str(spot.y()))
        self._xdotool("mouseup", "1", *leave)

    def press_key(self, shortcut: str) -> None:
        self._focus()
        *held, last = shortcut.split("+")
        named = _X_KEY_NAMES.get(last, last.lower() if len(last) == 1 else last)
        self._xdotool("key", "+".join([*(one.lower() for one in held), named]))

    def type_text(self, text: str) -> None:
        self._focus()
        self._xdotool("type", "--delay", "5", text)

    def _focus(self) -> None:
        """No window manager is there to give the keys to a window that was opened."""
        window = QApplication.activeModalWidget()
        if window is not None and not window.isActiveWindow():
            self._xdotool("windowfocus", "--sync", str(int(window.winId())))
            wait_until(window.isActiveWindow, "the dialog to have the keys")

    def _xdotool(self, *words: str) -> None:
        """xdotool ends when the X server has taken what it was given."""
        self._screen.run("xdotool", *words)
        QGuiApplication.sync()


_MODIFIERS = {
    "": Qt.KeyboardModifier.NoModifier,
    "Ctrl": Qt.KeyboardModifier.ControlModifier,
    "Shift": Qt.KeyboardModifier.ShiftModifier,
}


class QtTestUserInput(UserInput):
    """Qt's own test events, which come past the window system."""

    def _drag(self, widget: QWidget, points: list[QPoint], modifier: str) -> None:
        held = _MODIFIERS[modifier]
        QTest.mouseMove(widget, points[0])
        QTest.mousePress(widget, Qt.MouseButton.LeftButton, held, points[0])
        for point in points[1:]:
            QTest.mouseMove(widget, point)
        QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, held, points[-1])

    def press_key(self, shortcut: str) -> None:
        pressed = QKeySequence(shortcut)[0]
        QTest.keyClick(self._focus_widget(), pressed.key(), pressed.keyboardModifiers())

    def type_text(self, text: str) -> None:
        QTest.keyClicks(self._focus_widget(), text)

    @staticmethod
    def _focus_widget() -> QWidget:
        has = (
            QApplication.activePopupWidget()
            or QApplication.focusWidget()
            or QApplication.activeWindow()
        )
        assert has is not None, "no window has the keys"
        return has
