"""The frame cache: order, memory limit, failures, outdated answers, closing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from bridge_ui.review.player import frame_cache as cache_module
from bridge_ui.review.player.frame_cache import FrameCache, PlaybackPosition


class ByteFrameSource:
    """Each frame is 100 bytes that identify source and frame."""

    def __init__(self, first: int = 1, last: int = 100, mark: bytes = b"a") -> None:
        self.key = f"source {mark!r}"
        self.frames = tuple(range(first, last + 1))
        self.asked: list[int] = []
        self.release = threading.Event()
        self.release.set()
        self.broken: set[int] = set()
        self._mark = mark

    def frame(self, number: int, /) -> bytes:
        self.asked.append(number)
        assert self.release.wait(20)
        if number in self.broken:
            raise OSError("the network is gone")
        return (self._mark + b"%d" % number).ljust(100)


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.002)


class CacheHarness:
    def __init__(self) -> None:
        self.loaded: list[int] = []
        self.caches: list[FrameCache[bytes]] = []

    def cache(self, *, memory: int = 10_000, threads: int = 1) -> FrameCache[bytes]:
        frame_cache: FrameCache[bytes] = FrameCache(
            bytes,
            len,
            self.loaded.append,
            memory_limit=memory,
            threads=threads,
        )
        self.caches.append(frame_cache)
        return frame_cache


@pytest.fixture
def harness() -> Iterator[CacheHarness]:
    new_harness = CacheHarness()
    yield new_harness
    for cache in new_harness.caches:
        cache.close()
        assert cache.join(20), "a thread of the cache is still there"


def test_decodes_from_the_playhead_in_its_direction(harness: CacheHarness) -> None:
    source, cache = ByteFrameSource(), harness.cache(memory=800)
    cache.set_position(PlaybackPosition(50, -1, 1, 100))
    cache.set_sources({"A": source})
    wait_until(lambda: len(cache.cached_frames()) == 8)
    assert source.asked[:4] == [50, 49, 48, 47]
    assert cache.cached_frames() == {51, *range(44, 51)}


def test_both_sides_of_a_frame_come_together_and_steps_are_followed(harness: CacheHarness) -> None:
    a, b, cache = ByteFrameSource(), ByteFrameSource(mark=b"b"), harness.cache()
    cache.set_position(PlaybackPosition(1, 2, 1, 100))
    cache.set_sources({"A": a, "B": b})
    wait_until(lambda: len(harness.loaded) >= 6)
    assert harness.loaded[:6] == [1, 1, 3, 3, 5, 5]
    assert a.asked[:3] == b.asked[:3] == [1, 3, 5]


def test_follows_the_loop(harness: CacheHarness) -> None:
    source, cache = ByteFrameSource(), harness.cache()
    cache.set_position(PlaybackPosition(9, 1, 5, 10))
    cache.set_sources({"A": source})
    wait_until(lambda: {5, 6, 7, 8, 9, 10} <= cache.cached_frames())
    assert source.asked[:6] == [9, 10, 5, 6, 7, 8]


def test_the_memory_limit_holds_and_the_playheads_frame_is_kept(harness: CacheHarness) -> None:
    source, cache = ByteFrameSource(), harness.cache(memory=1000, threads=3)
    cache.set_sources({"A": source})
    peak = 0
    for frame in (*range(1, 60, 3), *range(60, 1, -7)):
        cache.set_position(PlaybackPosition(frame, 1, 1, 100))
        wait_until(lambda: cache.get("A", frame) is not None)  # noqa: B023
        peak = max(peak, cache.memory_used)
    assert 0 < peak <= 1000
    assert cache.memory_used == 100 * len(cache.cached_frames())


def test_a_picture_larger_than_the_limit_is_still_shown(harness: CacheHarness) -> None:
    source, cache = ByteFrameSource(), harness.cache(memory=10)
    cache.set_sources({"A": source})
    for frame in (7, 40, 3):
        cache.set_position(PlaybackPosition(frame, 1, 1, 100))
        wait_until(lambda: cache.get("A", frame) is not None)  # noqa: B023
        assert len(cache.cached_frames()) == 1


def test_idle_once_everything_is_loaded(harness: CacheHarness) -> None:
    source, cache = ByteFrameSource(1, 5), harness.cache(threads=2)
    cache.set_position(PlaybackPosition(3, 1, 1, 5))
    cache.set_sources({"A": source})
    wait_until(lambda: cache.cached_frames() == {1, 2, 3, 4, 5})
    time.sleep(0.1)
    assert sorted(source.asked) == [1, 2, 3, 4, 5]


def test_a_failed_frame_is_reported_and_loaded_after_a_refresh(harness: CacheHarness) -> None:
    source, cache = ByteFrameSource(1, 3), harness.cache()
    source.broken = {2}
    cache.set_position(PlaybackPosition(1, 1, 1, 3))
    cache.set_sources({"A": source})
    wait_until(lambda: len(harness.loaded) == 3)
    assert cache.get("A", 2) is None
    assert "network" in str(cache.error("A", 2))
    assert cache.is_settled("A", 2)
    assert source.asked.count(2) == 1
    source.broken = set()
    cache.refresh()
    wait_until(lambda: cache.get("A", 2) is not None)
    assert cache.error("A", 2) is None


def test_failures_outside_the_prefetch_range_wake_no_thread(
    harness: CacheHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither those of a removed source, nor those far from the playhead."""
    monkeypatch.setattr(cache_module, "_RETRY_DELAY", 0.05)
    gone, far, cache = (
        ByteFrameSource(1, 3, b"gone"),
        ByteFrameSource(1, 100),
        harness.cache(memory=500, threads=2),
    )
    gone.broken, far.broken = {2}, {50}
    cache.set_position(PlaybackPosition(1, 1, 1, 3))
    cache.set_sources({"A": gone})
    wait_until(lambda: len(harness.loaded) >= 3)
    cache.set_position(PlaybackPosition(50, 1, 1, 100))
    cache.set_sources({"A": far})
    wait_until(lambda: 50 in far.asked)
    cache.set_position(PlaybackPosition(1, 1, 1, 100))
    wait_until(lambda: len(cache.cached_frames()) == 5)
    asked = far.asked.count(50)
    calls: list[int] = []
    prefetch_order = cache._prefetch_order
    monkeypatch.setattr(cache, "_prefetch_order", lambda: calls.append(1) or prefetch_order())
    time.sleep(0.5)
    assert len(calls) <= 4, "the threads are busy waiting"
    assert far.asked.count(50) <= asked + 1  # one may have been running


def test_pictures_of_a_removed_source_are_discarded(harness: CacheHarness) -> None:
    old, new, cache = ByteFrameSource(mark=b"old"), ByteFrameSource(mark=b"new"), harness.cache()
    old.release.clear()
    cache.set_position(PlaybackPosition(1, 1, 1, 100))
    cache.set_sources({"A": old})
    wait_until(lambda: bool(old.asked))
    cache.set_sources({"A": new})
    old.release.set()
    wait_until(lambda: len(cache.cached_frames()) == 100)
    assert all((cache.get("A", n) or b"").startswith(b"new") for n in range(1, 101))
    assert cache.memory_used == 10_000


def test_swapped_sides_keep_their_pictures(harness: CacheHarness) -> None:
    a, b, cache = ByteFrameSource(1, 10), ByteFrameSource(1, 10, b"b"), harness.cache()
    cache.set_position(PlaybackPosition(1, 1, 1, 10))
    cache.set_sources({"A": a, "B": b})
    wait_until(lambda: len(cache.cached_frames()) == 10)
    cache.set_sources({"A": b, "B": ByteFrameSource(1, 10)})
    assert len(cache.cached_frames()) == 10
    assert (cache.get("A", 3) or b"").startswith(b"b3")
    time.sleep(0.05)
    assert len(a.asked) == len(b.asked) == 10


def test_frames_that_a_job_finishes_are_fetched(harness: CacheHarness) -> None:
    source, cache = ByteFrameSource(1, 2), harness.cache()
    cache.set_position(PlaybackPosition(1, 1, 1, 10))
    cache.set_sources({"A": source})
    wait_until(lambda: cache.cached_frames() == {1, 2})
    assert cache.is_settled("A", 3)
    source.frames = (1, 2, 3, 7)
    cache.refresh()
    assert not cache.is_settled("A", 3)
    wait_until(lambda: cache.cached_frames() == {1, 2, 3, 7})


def test_frames_that_one_side_does_not_have_do_not_block(harness: CacheHarness) -> None:
    cache = harness.cache()
    cache.set_position(PlaybackPosition(1, 1, 1, 10))
    cache.set_sources({"A": ByteFrameSource(1, 10), "B": ByteFrameSource(4, 6, b"b")})
    wait_until(lambda: cache.cached_frames() == set(range(1, 11)))
    assert cache.is_settled("B", 1)


def test_closing_ends_the_threads_without_notifications(harness: CacheHarness) -> None:
    source, cache = ByteFrameSource(), harness.cache(threads=2)
    source.release.clear()
    cache.set_position(PlaybackPosition(1, 1, 1, 100))
    cache.set_sources({"A": source})
    wait_until(lambda: len(source.asked) == 2)
    cache.close()
    source.release.set()
    assert cache.join(20)
    assert harness.loaded == []
    assert cache.get("A", 1) is None
