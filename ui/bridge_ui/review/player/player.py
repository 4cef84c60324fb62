"""Plays frames of A and B: the playback clock and the frame cache, driven by a Qt timer."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Hashable

from PySide6.QtCore import QByteArray, QDataStream, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QImageReader

from bridge_core.errors import UnreadableMedia
from bridge_core.models.frames import FrameRange
from bridge_ui.core.translate import tr
from bridge_ui.review.player.frame_cache import FrameCache, PlaybackPosition
from bridge_ui.review.player.frame_sources import FrameSource
from bridge_ui.review.player.playback_clock import PlaybackClock

_MILLISECOND = 1_000_000


class Player(QObject):
    """Position, speed and pictures of a shot under review. Used in the main thread.

    ``sides`` are those whose pictures playback waits for: ``A``, ``B`` or both.
    """

    frame_changed = Signal(int)
    """Paint this frame now; emitted again when its picture arrives late."""
    state_changed = Signal()
    """Playback, speed, loop, in or out point have changed."""
    cache_changed = Signal()
    _frame_arrived = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.clock = PlaybackClock(FrameRange.of(1, 1))
        self._clocks: dict[tuple[Hashable, FrameRange], PlaybackClock] = {}
        self.sides: tuple[str, ...] = ("A", "B")
        self._frame_arrived.connect(self._on_frame_arrived, Qt.ConnectionType.QueuedConnection)
        self.cache: FrameCache[QImage] = FrameCache(
            decode_jpeg, QImage.sizeInBytes, self._notify_arrival
        )
        self._timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def open(
        self,
        frames: FrameRange,
        sources: dict[str, FrameSource],
        start_frame: int,
        position_key: Hashable = None,
    ) -> None:
        """Show other sources over ``frames``. Position and marks are kept for each
        ``position_key``; a new one begins at ``start_frame``."""
        clock = self._clocks.get((position_key, frames))
        if clock is None:
            clock = self._clocks[position_key, frames] = PlaybackClock(frames)
            clock.seek(start_frame)
        if clock is not self.clock:
            self.clock.play(0, _now())
            clock.loop = self.clock.loop
            self.clock = clock
        self.cache.set_sources(sources)
        self.seek(clock.frame)
        self.state_changed.emit()
        self.cache_changed.emit()

    def refresh(self) -> None:
        """A source has more frames, or answers again."""
        self.cache.refresh()
        self.frame_changed.emit(self.clock.frame)
        self.cache_changed.emit()

    def close(self) -> None:
        """Stop for good, without waiting."""
        self._timer.stop()
        self.cache.close()

    def picture(self, side: str) -> QImage | None:
        """The picture of the current frame; None while it is not loaded."""
        return self.cache.get(side, self.clock.frame)

    def missing_reason(self, side: str) -> str:
        """Why the current frame has no picture; empty if it has one, or the side has no source."""
        frame = self.clock.frame
        if self.picture(side) is not None or not self.cache.has_source(side):
            return ""
        if not self.cache.has_frame(side, frame):
            return tr("{side} has no frame {frame}", side=side, frame=frame)
        problem = self.cache.error(side, frame)
        return str(problem) if problem else tr("Loading frame {frame}", frame=frame)

    def seek(self, frame: int) -> None:
        self.clock.seek(frame, _now())
        self._position_changed()

    def go_to(self, frame: int) -> None:
        """Stop, and show a frame."""
        self.stop()
        self.seek(frame)

    def step(self, frames: int) -> None:
        self.clock.step(frames)
        self._position_changed()

    def toggle(self) -> None:
        self.clock.toggle(_now())
        self._position_changed()

    def stop(self) -> None:
        self.clock.play(0, _now())
        self._position_changed()

    def shuttle(self, direction: int) -> None:
        self.clock.shuttle(direction, _now())
        self._position_changed()

    def set_loop(self, on: bool) -> None:
        self.clock.loop = on
        self.state_changed.emit()

    def mark_in(self) -> None:
        self.clock.mark_in(self.clock.frame, _now())
        self._position_changed()

    def mark_out(self) -> None:
        self.clock.mark_out(self.clock.frame, _now())
        self._position_changed()

    def clear_marks(self) -> None:
        self.clock.clear_marks(_now())
        self._position_changed()

    def _position_changed(self) -> None:
        self._update_cache()
        self._schedule_tick()
        self.frame_changed.emit(self.clock.frame)
        self.state_changed.emit()

    def _update_cache(self) -> None:
        clock = self.clock
        self.cache.set_position(
            PlaybackPosition(clock.frame, clock.speed or 1, clock.in_point, clock.out_point)
        )

    def _schedule_tick(self) -> None:
        if self.clock.is_playing:
            # Rounded down: too early costs another tick, too late costs a frame.
            self._timer.start(max(1, self.clock.time_to_next_frame(_now()) // _MILLISECOND))
        else:
            self._timer.stop()

    def _tick(self) -> None:
        clock, now = self.clock, _now()
        frame = clock.due_frame(now)
        if frame is None:
            if not clock.is_playing:
                self.state_changed.emit()
            self._schedule_tick()
            return
        if not self._is_ready(frame):
            # Behind schedule: show the next frame as soon as it is loaded, so that a slow source
            # plays slower instead of not at all.
            next_frame = clock.next_frame()
            if next_frame is None or not self._is_ready(next_frame):
                return  # _on_frame_arrived continues
            frame = next_frame
        clock.set_shown_frame(frame, now)
        self._update_cache()
        self._schedule_tick()
        self.frame_changed.emit(frame)

    def _is_ready(self, frame: int) -> bool:
        return all(self.cache.is_settled(side, frame) for side in self.sides)

    def _on_frame_arrived(self, frame: int) -> None:
        self.cache_changed.emit()
        if frame == self.clock.frame:
            self.frame_changed.emit(frame)
        if self.clock.is_playing and not self._timer.isActive():
            self._tick()

    def _notify_arrival(self, frame: int) -> None:
        """Called in the cache's threads."""
        # The panel may be deleted at this moment.
        with contextlib.suppress(RuntimeError):
            self._frame_arrived.emit(frame)


def decode_jpeg(data: bytes) -> QImage:
    """A JPEG as ``Format_RGB32``. Safe in any thread.

    :raises UnreadableMedia: not a picture, or truncated.
    """
    # QImageReader.read releases the GIL while it decodes; QImage.fromData and loadFromData keep it
    # and block the main thread (12 ms for each frame of 1080p, PySide6 6.11.3). The device has to
    # be Qt's own, such as a data stream's: a QBuffer made here takes the GIL with every read,
    # inside Qt's locks, and two threads then deadlock.
    stream = QDataStream(QByteArray(data))
    reader = QImageReader(stream.device(), QByteArray(b"jpeg"))
    reader.setAutoDetectImageFormat(False)
    picture = reader.read()
    if picture.isNull():
        raise UnreadableMedia(
            f"a frame could not be decoded: {reader.errorString()}",
            next_step="send the job again; the gateway then makes the frame again",
        )
    if picture.format() != QImage.Format.Format_RGB32:
        picture = picture.convertToFormat(QImage.Format.Format_RGB32)
    return picture


def _now() -> int:
    return time.perf_counter_ns()
