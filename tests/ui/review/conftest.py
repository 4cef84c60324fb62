"""A stage with pictures that say where they come from: grey, brighter with each frame."""

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
from bridge_ui.review.decisions import UnderReview
from bridge_ui.review.stage import Stage
from bridge_ui.theme.sheet import dress
from bridge_ui.theme.tones import Tones


def jpeg(colour: QColor, width: int = 64, height: int = 36) -> bytes:
    """Made on the calling thread; sources hand out what is made already."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(colour)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    assert image.save(buffer, "JPG", 95)
    return buffer.data().data()


def until(true: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited too long"
        QTest.qWait(5)


@dataclass
class Flat:
    """A source of frames in one colour."""

    key: str
    picture: bytes
    frames: tuple[int, ...] = tuple(range(1001, 1025))
    broken: set[int] = field(default_factory=set)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def frame(self, number: int, /) -> bytes:
        assert self.gate.wait(30)
        if number in self.broken:
            raise OSError("the gateway does not answer")
        return self.picture


ALL, CUT = FrameRange.of(1001, 1024, 24), FrameRange.of(1005, 1020, 24)


@pytest.fixture
def red(qapp: QApplication) -> Flat:
    return Flat("plate", jpeg(QColor(200, 40, 40)))


@pytest.fixture
def blue(qapp: QApplication) -> Flat:
    return Flat("v3", jpeg(QColor(40, 40, 200)))


@pytest.fixture
def stage(qapp: QApplication, red: Flat, blue: Flat) -> Iterator[Stage]:
    made = Stage(Tones())
    dress(made, Tones())
    made.resize(1000, 700)
    made.set_choices([("plate", "Plate"), ("v3", "Upscale v003")], "plate", "v3")
    made.open(ALL, CUT, {"A": red, "B": blue})
    made.set_version(UnderReview("v3", "v003", "S_010"))
    made.show()
    made.activateWindow()
    until(made.isActiveWindow)
    made.canvas.setFocus()
    until(lambda: len(made.player.cache.cached()) == 24)
    until(lambda: all(made.canvas._pictures.values()))
    yield made
    made.close_down()
    for one in (red, blue):
        one.gate.set()
    assert made.player.cache.join(20)
    made.close()
    made.deleteLater()
    qapp.processEvents()
