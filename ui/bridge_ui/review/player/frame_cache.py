"""Decodes frames ahead of the playhead in its own threads, within a memory limit.

Frames are decoded in the order in which playback needs them: ahead of the playhead, around the
loop, and a few behind it for stepping back. Those needed last are evicted first. There is no Qt
here; ``decode`` and ``size_of`` define what a picture is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from bridge_ui.review.player.frame_sources import FrameSource, has_frame

P = TypeVar("P")
FrameKey = tuple[str, int]
"""Key of a source, and frame."""

_LOG = logging.getLogger(__name__)

#: Bytes of decoded pictures: 60 frames of 1080p.
MEMORY_LIMIT = 512 * 2**20
#: Seconds until a failed frame is requested again; doubled each time, up to a minute.
_RETRY_DELAY, _MAX_RETRY_DELAY = 2.0, 60.0
#: Frames to prefetch until the size of a picture is known.
_INITIAL_PREFETCH = 4
_BEHIND_DIVISOR = 8  # one in eight cached frames lies behind the playhead


@dataclass(frozen=True)
class PlaybackPosition:
    """Where playback is and where it is going."""

    frame: int
    step: int
    """Frames from one picture to the next, negative backwards."""
    first: int
    last: int
    """In and out point, between which playback loops."""


@dataclass
class _FrameFailure:
    error: Exception
    retry_at: float
    delay: float


class FrameCache(Generic[P]):
    """Decoded pictures of the sources on the sides ``A`` and ``B``, by frame.

    Pictures are stored by their source's key, so that they are found again after a swap of sides
    or a change back. ``on_change(frame)`` is called in a worker thread whenever a picture was
    loaded or failed. :meth:`close` ends the threads without waiting: one that is blocked in a
    source ends when the source returns, and its picture is discarded.
    """

    def __init__(
        self,
        decode: Callable[[bytes], P],
        size_of: Callable[[P], int],
        on_change: Callable[[int], None],
        *,
        memory_limit: int = MEMORY_LIMIT,
        threads: int = 2,
    ) -> None:
        self._decode, self._size_of, self._on_change = decode, size_of, on_change
        self._memory_limit = memory_limit
        self._lock = threading.Condition()
        self._sources: dict[str, FrameSource] = {}
        self._pictures: dict[FrameKey, P] = {}
        self._failures: dict[FrameKey, _FrameFailure] = {}
        self._decoding: set[FrameKey] = set()
        self.memory_used = 0
        """Bytes of all cached pictures."""
        self._largest = 0
        self._position: PlaybackPosition | None = None
        self._closed = False
        self._threads = [
            threading.Thread(target=self._run_worker, name=f"shotbridge-frames-{n}", daemon=True)
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def set_sources(self, sources: Mapping[str, FrameSource]) -> None:
        """Set the sources by side."""
        with self._lock:
            self._sources = dict(sources)
            keys = {source.key for source in sources.values()}
            failures = self._failures.items()
            self._failures = {key: failure for key, failure in failures if key[0] in keys}
            self._lock.notify_all()

    def set_position(self, position: PlaybackPosition) -> None:
        """Set the position to decode for."""
        with self._lock:
            self._position = position
            self._lock.notify_all()

    def get(self, side: str, frame: int) -> P | None:
        source = self._sources.get(side)
        return self._pictures.get((source.key, frame)) if source else None

    def error(self, side: str, frame: int) -> Exception | None:
        """Why the last request for a frame failed; None if it did not."""
        source = self._sources.get(side)
        failure = self._failures.get((source.key, frame)) if source else None
        return failure.error if failure else None

    def has_source(self, side: str) -> bool:
        """Whether there is a source on this side."""
        return side in self._sources

    def has_frame(self, side: str, frame: int) -> bool:
        source = self._sources.get(side)
        return source is not None and has_frame(source, frame)

    def is_settled(self, side: str, frame: int) -> bool:
        """Whether there is nothing to wait for: the frame was loaded, failed, or does not exist."""
        source = self._sources.get(side)
        if source is None or not has_frame(source, frame):
            return True
        key = (source.key, frame)
        return key in self._pictures or key in self._failures

    def cached_frames(self) -> set[int]:
        """Frames that are loaded on every side that has them."""
        with self._lock:
            sources = list(self._sources.values())
            frames = {frame for key, frame in self._pictures if any(key == s.key for s in sources)}
            return {
                frame
                for frame in frames
                if all((s.key, frame) in self._pictures or not has_frame(s, frame) for s in sources)
            }

    def refresh(self) -> None:
        """Request failed frames again, and frames that a source has gained."""
        with self._lock:
            self._failures.clear()
            self._lock.notify_all()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._sources = {}
            self._pictures.clear()
            self._failures.clear()
            self.memory_used = 0
            self._lock.notify_all()

    def join(self, timeout: float) -> bool:
        """Wait for the threads to end; whether they did. Not for a host's main thread."""
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    # In the worker threads

    def _run_worker(self) -> None:
        while (job := self._next_request()) is not None:
            key, source = job
            picture: P | None = None
            error: Exception | None = None
            try:
                picture = self._decode(source.frame(key[1]))
            except Exception as problem:
                _LOG.debug("frame %s of %s: %s", key[1], key[0], problem)
                error = problem
            if self._store(key, picture, error):
                self._on_change(key[1])
            del picture  # or this thread would keep it alive while it waits

    def _next_request(self) -> tuple[FrameKey, FrameSource] | None:
        with self._lock:
            while not self._closed:
                now = time.monotonic()
                delays: list[float] = []
                for key, source in self._prefetch_order():
                    if key in self._pictures or key in self._decoding:
                        continue
                    failed = self._failures.get(key)
                    if failed and failed.retry_at > now:
                        delays.append(failed.retry_at - now)
                        continue
                    self._decoding.add(key)
                    return key, source
                # Only failures within the prefetch range are retried.
                self._lock.wait(min(delays, default=None))
            return None

    def _store(self, key: FrameKey, picture: P | None, error: Exception | None) -> bool:
        with self._lock:
            if self._closed:
                return False
            self._decoding.discard(key)
            if picture is None:
                assert error is not None
                previous = self._failures.get(key)
                delay = min(previous.delay * 2, _MAX_RETRY_DELAY) if previous else _RETRY_DELAY
                self._failures[key] = _FrameFailure(error, time.monotonic() + delay, delay)
            else:
                self._failures.pop(key, None)
                size = self._size_of(picture)
                self._largest = max(self._largest, size)
                self._evict(size)
                self._pictures[key] = picture
                self.memory_used += size
            self._lock.notify_all()
            return True

    # With the lock held

    def _prefetch_order(self) -> Iterator[tuple[FrameKey, FrameSource]]:
        """What should be in memory, the most urgent first."""
        for frame in self._prefetch_frames():
            for source in self._sources.values():
                if has_frame(source, frame):
                    yield (source.key, frame), source

    def _prefetch_frames(self) -> Iterator[int]:
        position = self._position
        if position is None or not self._sources:
            return
        budget = _INITIAL_PREFETCH
        if self._largest:
            budget = max(1, self._memory_limit // (self._largest * len(self._sources)))
        behind = budget // _BEHIND_DIVISOR
        span = position.last - position.first + 1
        in_range = position.first <= position.frame <= position.last

        def at_offset(offset: int) -> int:
            frame = position.frame + offset
            return position.first + (frame - position.first) % span if in_range else frame

        planned = {position.frame}
        yield position.frame
        ahead = budget - behind - 1
        for number in range(1, max(span, ahead) + 1):
            if ahead <= 0:
                break
            frame = at_offset(number * position.step)
            if frame not in planned:
                planned.add(frame)
                ahead -= 1
                yield frame
        for number in range(1, behind + 1):
            frame = at_offset(number * (-1 if position.step > 0 else 1))
            if frame not in planned:
                planned.add(frame)
                yield frame

    def _evict(self, size: int) -> None:
        if self.memory_used + size <= self._memory_limit:
            return
        rank: dict[FrameKey, int] = {}
        for number, (key, _) in enumerate(self._prefetch_order()):
            rank.setdefault(key, number)
        # First what is outside the prefetch range, then what is needed last.
        for key in sorted(self._pictures, key=lambda key: -rank.get(key, len(rank))):
            if self.memory_used + size <= self._memory_limit:
                return
            if rank.get(key) == 0:
                return  # never evict the picture on the screen, however low the limit is
            self.memory_used -= self._size_of(self._pictures.pop(key))
