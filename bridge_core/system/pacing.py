"""Long computations in a background thread let the interface's thread run in between.

Python's interpreter passes the GIL on after 5 ms, and within a call of a C library not at all. A
thread that handles an event of an interface asks for the GIL many times, and waits as long each
time. So a computation of hundreds of milliseconds goes through its items one by one, and sleeps
for a moment about every millisecond. In the main thread nothing sleeps.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")

_WORK_SECONDS = 0.001
#: Long enough for another thread to take the GIL.
_PAUSE_SECONDS = 0.0001


def paced(items: Iterable[T]) -> Iterable[T]:
    """The items, with pauses between them in any thread but the main one."""
    pause = make_pause()
    return items if pause is None else map(pause, items)


def make_pause() -> Callable[[Any], Any] | None:
    """A function to call after every piece of work, such as json's ``object_hook``: it sleeps for a
    moment about once a millisecond, and returns its argument. None in the main thread."""
    if threading.current_thread() is threading.main_thread():
        return None
    due = time.monotonic() + _WORK_SECONDS

    def pause(item: Any) -> Any:
        nonlocal due
        if time.monotonic() > due:
            time.sleep(_PAUSE_SECONDS)
            due = time.monotonic() + _WORK_SECONDS
        return item

    return pause
