"""Qt without a display, if it can be loaded, and one application for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

# Before Qt is loaded. Runs under Xvfb set QT_QPA_PLATFORM=xcb themselves.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def _qt_problem() -> str:
    try:
        import PySide6.QtSvg
        import PySide6.QtWidgets  # noqa: F401
    except ImportError as error:
        return f"Qt cannot be loaded here ({error}); see `make system`"
    return ""


_QT_PROBLEM = _qt_problem()


@pytest.fixture(scope="session")
def qapp() -> Iterator[QApplication]:
    """The application of the process; required by all tests with widgets."""
    if _QT_PROBLEM:
        pytest.skip(_QT_PROBLEM)
    from PySide6.QtWidgets import QApplication

    yield QApplication.instance() or QApplication(["shotbridge-tests"])  # type: ignore[misc]


def pytest_ignore_collect(collection_path: object) -> bool | None:
    """Skip modules that import Qt if it cannot be loaded, and print why."""
    if _QT_PROBLEM and any(
        f"tests/ui/{folder}/" in str(collection_path).replace(os.sep, "/")
        for folder in ("app", "review", "widgets", "theme")
    ):
        print(f"\nskipped: {collection_path}: {_QT_PROBLEM}")
        return True
    return None
