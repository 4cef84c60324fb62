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
from screen import Screen, missing


@contextmanager
def at_a_screen(folder: Path) -> Iterator[Hands]:
    """Before the application is made: a screen of its own for this process, where there is one.

    Else Qt draws without a screen, and that is said.
    """
    why = missing()
    if why:
        print(f"not on a real screen: {why}", file=sys.stderr)
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        yield ImitatedHands()
        return
    screen = Screen(folder)
    try:
        os.environ |= {"QT_QPA_PLATFORM": "xcb", "DISPLAY": screen.display}
        # The desktop that this was started from would bring its own dialogs.
        for name in ("XDG_CURRENT_DESKTOP", "QT_QPA_PLATFORMTHEME"):
            os.environ.pop(name, None)
        yield RealHands(screen)
    finally:
        screen.close()


def until(true: Callable[[], object], what: str, seconds: float = 90) -> None:
    """Let the application go on until it is true.

    :raises AssertionError: it was not in time.
    """
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        QTest.qWait(20)


class Hands(ABC):
    """Places count from a widget's top left; without one it is its middle."""

    def click(self, widget: QWidget, at: QPoint | None = None, holding: str = "") -> None:
        """The left button; ``holding``: ``Ctrl``, ``Shift``."""
        self.drag(widget, [QPointF(at or widget.rect().center())], holding)

    def drag(self, widget: QWidget, way: list[QPointF], holding: str = "") -> None:
        """Press the left button where the way begins, release it where it ends."""
        until(lambda: widget.isVisible() and widget.isEnabled(), f"{widget} to be there")
        places = [place.toPoint() for place in way]
        window = widget.window()
        seen = window.childAt(widget.mapTo(window, places[0])) or window
        assert seen is widget or widget.isAncestorOf(seen), f"{seen} lies above {widget}"
        self._drag(widget, places, holding)
        QApplication.processEvents()

    @abstractmethod
    def _drag(self, widget: QWidget, places: list[QPoint], holding: str) -> None: ...

    @abstractmethod
    def key(self, words: str) -> None:
        """As Qt writes it: ``Ctrl+K``, ``Home``."""

    @abstractmethod
    def type(self, text: str) -> None: ...


#: Keys that X calls otherwise than Qt.
_IN_X = {"Space": "space", "PgUp": "Page_Up", "PgDown": "Page_Down"}


class RealHands(Hands):
    """Every event comes to Qt from the X server, which has it from xdotool."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def _drag(self, widget: QWidget, places: list[QPoint], holding: str) -> None:
        first, *others = [widget.mapToGlobal(place) for place in places]
        held = holding.lower()
        hold, leave = (("keydown", held), ("keyup", held)) if held else ((), ())
        self._do("mousemove", str(first.x()), str(first.y()))
        self._do(*hold, "mousedown", "1")
        for spot in others:  # one at a time, or Qt would take only the last
            self._do("mousemove", str(spot.x()), str(spot.y()))
        self._do("mouseup", "1", *leave)

    def key(self, words: str) -> None:
        self._focus()
        *held, last = words.split("+")
        named = _IN_X.get(last, last.lower() if len(last) == 1 else last)
        self._do("key", "+".join([*(one.lower() for one in held), named]))

    def type(self, text: str) -> None:
        self._focus()
        self._do("type", "--delay", "5", text)

    def _focus(self) -> None:
        """No window manager is there to give the keys to a window that was opened."""
        window = QApplication.activeModalWidget()
        if window is not None and not window.isActiveWindow():
            self._do("windowfocus", "--sync", str(int(window.winId())))
            until(window.isActiveWindow, "the dialog to have the keys")

    def _do(self, *words: str) -> None:
        """xdotool ends when the X server has taken what it was given."""
        self._screen.run("xdotool", *words)
        QGuiApplication.sync()


_MODIFIERS = {
    "": Qt.KeyboardModifier.NoModifier,
    "Ctrl": Qt.KeyboardModifier.ControlModifier,
    "Shift": Qt.KeyboardModifier.ShiftModifier,
}


class ImitatedHands(Hands):
    """Qt's own test events, which come past the window system."""

    def _drag(self, widget: QWidget, places: list[QPoint], holding: str) -> None:
        held = _MODIFIERS[holding]
        QTest.mouseMove(widget, places[0])
        QTest.mousePress(widget, Qt.MouseButton.LeftButton, held, places[0])
        for place in places[1:]:
            QTest.mouseMove(widget, place)
        QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, held, places[-1])

    def key(self, words: str) -> None:
        pressed = QKeySequence(words)[0]
        QTest.keyClick(self._keyboard(), pressed.key(), pressed.keyboardModifiers())

    def type(self, text: str) -> None:
        QTest.keyClicks(self._keyboard(), text)

    @staticmethod
    def _keyboard() -> QWidget:
        has = (
            QApplication.activePopupWidget()
            or QApplication.focusWidget()
            or QApplication.activeWindow()
        )
        assert has is not None, "no window has the keys"
        return has
