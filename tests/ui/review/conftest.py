"""A viewer with two sources, each in one colour."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from bridge_core.models.frames import FrameRange
from bridge_ui.review.decisions.decision_widgets import VersionUnderReview
from bridge_ui.review.viewer_widget import ViewerWidget
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import apply_theme


def jpeg(colour: QColor, width: int = 64, height: int = 36) -> bytes:
    """A JPEG in one colour."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(colour)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    assert image.save(buffer, "JPG", 95)
    return buffer.data().data()


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        QTest.qWait(5)


@dataclass
class ColourFrameSource:
    """Frames in one colour. Clearing ``release`` blocks ``frame``; ``broken`` frames fail."""

    key: str
    picture: bytes
    frames: tuple[int, ...] = tuple(range(1001, 1025))
    broken: set[int] = field(default_factory=set)
    release: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.release.set()

    def frame(self, number: int, /) -> bytes:
        assert self.release.wait(30)
        if number in self.broken:
            raise OSError("the gateway does not answer")
        return self.picture


ALL, CUT = FrameRange.of(1001, 1024, 24), FrameRange.of(1005, 1020, 24)


@pytest.fixture
def red(qapp: QApplication) -> ColourFrameSource:
    return ColourFrameSource("plate", jpeg(QColor(200, 40, 40)))


@pytest.fixture
def blue(qapp: QApplication) -> ColourFrameSource:
    return ColourFrameSource("v3", jpeg(QColor(40, 40, 200)))


@pytest.fixture
def viewer(
    qapp: QApplication, red: ColourFrameSource, blue: ColourFrameSource
) -> Iterator[ViewerWidget]:
    new_viewer = ViewerWidget(ThemeColours())
    apply_theme(new_viewer, ThemeColours())
    new_viewer.resize(1000, 700)
    new_viewer.set_choices([("plate", "Plate"), ("v3", "Upscale v003")], "plate", "v3")
    new_viewer.open(ALL, CUT, {"A": red, "B": blue})
    new_viewer.set_version(VersionUnderReview("v3", "v003", "S_010"))
    new_viewer.show()
    new_viewer.activateWindow()
    wait_until(new_viewer.isActiveWindow)
    new_viewer.canvas.setFocus()
    wait_until(lambda: len(new_viewer.player.cache.cached_frames()) == 24)
    wait_until(lambda: all(new_viewer.canvas._pictures.values()))
    yield new_viewer
    new_viewer.stop()
    for one in (red, blue):
        one.release.set()
    assert new_viewer.player.cache.join(20)
    new_viewer.close()
    new_viewer.deleteLater()
    qapp.processEvents()
