"""Plays what the cache holds: the clock's time, on Qt's timer, with pictures for A and B."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Hashable

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QImage

from bridge_core.models.frames import FrameRange
from bridge_ui.review.cache import MEMORY, FrameCache, Playhead
from bridge_ui.review.clock import PlaybackClock
from bridge_ui.review.pictures import decode, size_of
from bridge_ui.review.sources import FrameSource
from bridge_ui.translate import tr

_MILLISECOND = 1_000_000


class Player(QObject):
    """Position, speed and pictures of a shot under review. Lives on the main thread.

    ``sides`` names what has to be there before a frame is shown: ``A``, ``B`` or both.
    """

    frame_changed = Signal(int)
    """This frame is to be painted now; also sent when its picture comes late."""
    state_changed = Signal()
    """Playing or not, speed, loop, in or out point."""
    cached_changed = Signal()
    _arrived = Signal(int)

    def __init__(self, parent: QObject | None = None, *, memory: int = MEMORY) -> None:
        super().__init__(parent)
        self.clock = PlaybackClock(FrameRange.of(1, 1))
        self._clocks: dict[tuple[Hashable, FrameRange], PlaybackClock] = {}
        self.sides: tuple[str, ...] = ("A", "B")
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)
        self.cache: FrameCache[QImage] = FrameCache(decode, size_of, self._tell, memory=memory)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._tick)

    def open(
        self, frames: FrameRange, sources: dict[str, FrameSource], begin: int, of: Hashable = None
    ) -> None:
        """Look at other sources, over ``frames``. Position and marks are kept for each shot
        (``of``) and come back with it; one that was not looked at yet begins at ``begin``."""
        clock = self._clocks.get((of, frames))
        if clock is None:
            clock = self._clocks[of, frames] = PlaybackClock(frames)
            clock.seek(begin)
        if clock is not self.clock:
            self.clock.play(0, _now())
            clock.loop = self.clock.loop
            self.clock = clock
        self.cache.open(sources)
        self.seek(clock.frame)
        self.state_changed.emit()
        self.cached_changed.emit()

    def refresh(self) -> None:
        """A source has more frames than before, or what gives them answers again."""
        self.cache.refresh()
        self.frame_changed.emit(self.clock.frame)
        self.cached_changed.emit()

    def close(self) -> None:
        """Stop for good; nothing is waited for."""
        self._timer.stop()
        self.cache.close()

    def picture(self, side: str) -> QImage | None:
        """Of the frame on the screen; None while it is not there."""
        return self.cache.get(side, self.clock.frame)

    def why_none(self, side: str) -> str:
        """In words, why there is no picture of the frame on the screen; empty: there is one, or
        nothing stands on that side."""
        frame = self.clock.frame
        if self.picture(side) is not None or not self.cache.has(side):
            return ""
        if not self.cache.exists(side, frame):
            return tr("{side} has no frame {frame}", side=side, frame=frame)
        problem = self.cache.failure(side, frame)
        return str(problem) if problem else tr("Frame {frame} is on its way", frame=frame)

    def seek(self, frame: int) -> None:
        self.clock.seek(frame, _now())
        self._moved()

    def step(self, frames: int) -> None:
        self.clock.step(frames)
        self._moved()

    def toggle(self) -> None:
        self.clock.toggle(_now())
        self._moved()

    def stop(self) -> None:
        self.clock.play(0, _now())
        self._moved()

    def shuttle(self, direction: int) -> None:
        self.clock.shuttle(direction, _now())
        self._moved()

    def set_loop(self, on: bool) -> None:
        self.clock.loop = on
        self.state_changed.emit()

    def mark_in(self) -> None:
        self.clock.mark_in(self.clock.frame, _now())
        self._moved()

    def mark_out(self) -> None:
        self.clock.mark_out(self.clock.frame, _now())
        self._moved()

    def clear_marks(self) -> None:
        self.clock.clear_marks(_now())
        self._moved()

    def _moved(self) -> None:
        self._aim()
        self._wait()
        self.frame_changed.emit(self.clock.frame)
        self.state_changed.emit()

    def _aim(self) -> None:
        clock = self.clock
        self.cache.aim(Playhead(clock.frame, clock.speed or 1, clock.in_point, clock.out_point))

    def _wait(self) -> None:
        if self.clock.playing:
            # Rounded down: early costs another look, late costs a picture.
            self._timer.start(max(1, self.clock.wait(_now()) // _MILLISECOND))
        else:
            self._timer.stop()

    def _tick(self) -> None:
        clock, now = self.clock, _now()
        frame = clock.due(now)
        if frame is None:
            if not clock.playing:
                self.state_changed.emit()
            self._wait()
            return
        if not self._ready(frame):
            # Fallen behind: the next frame in line, as soon as it is there, so that a slow source
            # plays slower instead of never.
            following = clock.following()
            if following is None or not self._ready(following):
                return  # _on_arrived goes on from here
            frame = following
        clock.show(frame, now)
        self._aim()
        self._wait()
        self.frame_changed.emit(frame)

    def _ready(self, frame: int) -> bool:
        return all(self.cache.settled(side, frame) for side in self.sides)

    def _on_arrived(self, frame: int) -> None:
        self.cached_changed.emit()
        if frame == self.clock.frame:
            self.frame_changed.emit(frame)
        if self.clock.playing and not self._timer.isActive():
            self._tick()

    def _tell(self, frame: int) -> None:
        """Called on the cache's threads."""
        # The panel may go away in this moment; then nobody wants the picture.
        with contextlib.suppress(RuntimeError):
            self._arrived.emit(frame)


def _now() -> int:
    return time.perf_counter_ns()
