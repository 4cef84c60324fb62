"""Qt without a display, where Qt can be loaded at all; one application for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

# Before anything loads Qt. A run under Xvfb says QT_QPA_PLATFORM=xcb itself.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def _why_no_qt() -> str:
    try:
        import PySide6.QtSvg
        import PySide6.QtWidgets  # noqa: F401
    except ImportError as error:
        return f"Qt cannot be loaded here ({error}); `make system` says what it needs"
    return ""


_WHY_NO_QT = _why_no_qt()


@pytest.fixture(scope="session")
def qapp() -> Iterator[QApplication]:
    """The process's one application; everything that makes a widget asks for it."""
    if _WHY_NO_QT:
        pytest.skip(_WHY_NO_QT)
    from PySide6.QtWidgets import QApplication

    yield QApplication.instance() or QApplication(["shotbridge-tests"])  # type: ignore[misc]


def pytest_ignore_collect(collection_path: object) -> bool | None:
    """Tests of widgets import Qt at their top: without it they are passed over, and say why."""
    if _WHY_NO_QT and any(
        f"tests/ui/{folder}/" in str(collection_path).replace(os.sep, "/")
        for folder in ("panel", "review", "qt")
    ):
        print(f"\nleft out: {collection_path}: {_WHY_NO_QT}")
        return True
    return None
