"""Which PySide6 versions the panel accepts, and the bug in one of them."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtGui import QImage, QPainter

from bridge_core.errors import ConfigError
from bridge_ui.app.opening import check_qt


@pytest.mark.parametrize("version", ["6.5.0", "6.8.3", "6.10.2", "6.11.1", "6.11.3", "6.12.1"])
def test_accepted(version: str) -> None:
    check_qt(version)


@pytest.mark.parametrize(
    ("version", "reason"), [("6.4.3", "older"), ("5.15.2", "older"), ("6.12.0", "reference")]
)
def test_refused(version: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as excinfo:
        check_qt(version)
    assert "install" in excinfo.value.next_step


def test_calls_do_not_change_the_reference_count_of_none() -> None:
    """PySide6 6.12.0 loses a reference to None in each call on Python 3.10 and 3.11; after about
    5,000 calls the interpreter aborts."""
    picture = QImage(8, 8, QImage.Format.Format_RGB32)
    painter = QPainter(picture)
    try:
        before = sys.getrefcount(None)
        for _ in range(1_000):
            painter.setOpacity(0.5)
        after = sys.getrefcount(None)
    finally:
        painter.end()
    assert abs(after - before) < 100
