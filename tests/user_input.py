"""Mouse and keyboard input for the widgets of this process: through a real X server, or without
one by Qt's test events."""

from __future__ import annotations

import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from virtual_screen import VirtualScreen, missing_reason


@contextmanager
def start_user_input(folder: Path) -> Iterator[UserInput]:
    """Start a virtual screen for this process, before its application is created.

    Without Xvfb and xdotool Qt draws off screen, and a message on standard error says so.
    """
    reason = missing_reason()
    if reason:
        print(f"no X server: {reason}", file=sys.stderr)
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        yield QtTestUserInput()
        return
    screen = VirtualScreen(folder)
    try:
        os.environ |= {"QT_QPA_PLATFORM": "xcb", "DISPLAY": screen.display}
        # Otherwise Qt would use the dialogs of the desktop that this was started from.
        for name in ("XDG_CURRENT_DESKTOP", "QT_QPA_PLATFORMTHEME"):
            os.environ.pop(name, None)
        yield X11UserInput(screen)
    finally:
        screen.close()


def wait_until(condition: Callable[[], object], what: str, seconds: float = 90) -> None:
    """Process the application's events until the condition is true.

    :raises AssertionError: it was not true in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        QTest.qWait(20)


class UserInput(ABC):
    """Clicks, drags and keys. Positions count from a widget's top left."""

    def click(self, widget: QWidget, position: QPoint | None = None, modifier: str = "") -> None:
        """Click the left button, by default in the middle; ``modifier``: ``Ctrl``, ``Shift``."""
        self.drag(widget, [QPointF(position or widget.rect().center())], modifier)

    def drag(self, widget: QWidget, path: list[QPointF], modifier: str = "") -> None:
        """Press the left button at the start of the path and release it at its end."""
        wait_until(
            lambda: widget.isVisible() and widget.isEnabled(), f"{widget} to be visible and enabled"
        )
        points = [point.toPoint() for point in path]
        window = widget.window()
        hit = window.childAt(widget.mapTo(window, points[0])) or window
        assert hit is widget or widget.isAncestorOf(hit), f"{hit} covers {widget}"
        self._drag(widget, points, modifier)
        QApplication.processEvents()

    @abstractmethod
    def _drag(self, widget: QWidget, points: list[QPoint], modifier: str) -> None: ...

    @abstractmethod
    def press_key(self, shortcut: str) -> None:
        """``shortcut`` as Qt writes it: ``Ctrl+K``, ``Home``."""

    @abstractmethod
    def type_text(self, text: str) -> None: ...


#: Keys that have another name in X than in Qt.
_X_KEY_NAMES = {"Space": "space", "PgUp": "Page_Up", "PgDown": "Page_Down"}


class X11UserInput(UserInput):
    """Events from xdotool, which Qt receives from the X server."""

    def __init__(self, screen: VirtualScreen) -> None:
        self._screen = screen

    def _drag(self, widget: QWidget, points: list[QPoint], modifier: str) -> None:
        first, *others = [widget.mapToGlobal(point) for point in points]
        key = modifier.lower()
        press, release = (("keydown", key), ("keyup", key)) if key else ((), ())
        self._xdotool("mousemove", str(first.x()), str(first.y()))
        self._xdotool(*press, "mousedown", "1")
        for point in others:  # one at a time, or Qt would take only the last
            self._xdotool("mousemove", str(point.x()), str(point.y()))
        self._xdotool("mouseup", "1", *release)

    def press_key(self, shortcut: str) -> None:
        self._focus()
        *modifiers, key = shortcut.split("+")
        x_key = _X_KEY_NAMES.get(key, key.lower() if len(key) == 1 else key)
        self._xdotool("key", "+".join([*(modifier.lower() for modifier in modifiers), x_key]))

    def type_text(self, text: str) -> None:
        self._focus()
        self._xdotool("type", "--delay", "5", text)

    def _focus(self) -> None:
        """Without a window manager, a new window does not get the focus by itself."""
        window = QApplication.activeModalWidget()
        if window is not None and not window.isActiveWindow():
            self._xdotool("windowfocus", "--sync", str(int(window.winId())))
            wait_until(window.isActiveWindow, "the dialog to have the focus")

    def _xdotool(self, *arguments: str) -> None:
        """Returns when the X server has received the events."""
        self._screen.run("xdotool", *arguments)
        QGuiApplication.sync()


_MODIFIERS = {
    "": Qt.KeyboardModifier.NoModifier,
    "Ctrl": Qt.KeyboardModifier.ControlModifier,
    "Shift": Qt.KeyboardModifier.ShiftModifier,
}


class QtTestUserInput(UserInput):
    """Qt's test events, which bypass the window system."""

    def _drag(self, widget: QWidget, points: list[QPoint], modifier: str) -> None:
        modifiers = _MODIFIERS[modifier]
        QTest.mouseMove(widget, points[0])
        QTest.mousePress(widget, Qt.MouseButton.LeftButton, modifiers, points[0])
        for point in points[1:]:
            QTest.mouseMove(widget, point)
        QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, modifiers, points[-1])

    def press_key(self, shortcut: str) -> None:
        key = QKeySequence(shortcut)[0]
        QTest.keyClick(self._focus_widget(), key.key(), key.keyboardModifiers())

    def type_text(self, text: str) -> None:
        QTest.keyClicks(self._focus_widget(), text)

    @staticmethod
    def _focus_widget() -> QWidget:
        widget = (
            QApplication.activePopupWidget()
            or QApplication.focusWidget()
            or QApplication.activeWindow()
        )
        assert widget is not None, "no window has the focus"
        return widget


@contextmanager
def menus_closed() -> Iterator[None]:
    """Close menus that stay open: with Qt 6.5, the event that opens a button's menu returns only
    when the menu has closed."""

    def close_menu() -> None:
        menu = QApplication.activePopupWidget()
        if menu is not None:
            menu.close()

    timer = QTimer()
    timer.timeout.connect(close_menu)
    timer.start(500)
    try:
        yield
    finally:
        timer.stop()
