"""The frame cache: order, limit, failures, stale answers, closing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from bridge_ui.review import cache as cache_module
from bridge_ui.review.cache import FrameCache, Playhead


class Source:
    """Each frame is 100 bytes that say which frame of which source they are."""

    def __init__(self, first: int = 1, last: int = 100, mark: bytes = b"a") -> None:
        self.key = f"source {mark!r}"
        self.frames = tuple(range(first, last + 1))
        self.asked: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.broken: set[int] = set()
        self._mark = mark

    def frame(self, number: int, /) -> bytes:
        self.asked.append(number)
        assert self.gate.wait(20)
        if number in self.broken:
            raise OSError("the network is gone")
        return (self._mark + b"%d" % number).ljust(100)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.002)


class Desk:
    def __init__(self) -> None:
        self.heard: list[int] = []
        self.made: list[FrameCache[bytes]] = []

    def cache(self, *, memory: int = 10_000, threads: int = 1) -> FrameCache[bytes]:
        made: FrameCache[bytes] = FrameCache(
            bytes,
            len,
            self.heard.append,
            memory=memory,
            threads=threads,
        )
        self.made.append(made)
        return made


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    for cache in made.made:
        cache.close()
        assert cache.join(20), "a thread of the cache is still there"


def test_decodes_from_the_playhead_in_its_direction(desk: Desk) -> None:
    source, cache = Source(), desk.cache(memory=800)
    cache.aim(Playhead(50, -1, 1, 100))
    cache.open({"A": source})
    until(lambda: len(cache.cached()) == 8)
    assert source.asked[:4] == [50, 49, 48, 47]
    assert cache.cached() == {51, *range(44, 51)}


def test_both_sides_of_a_frame_come_together_and_steps_are_followed(desk: Desk) -> None:
    a, b, cache = Source(), Source(mark=b"b"), desk.cache()
    cache.aim(Playhead(1, 2, 1, 100))
    cache.open({"A": a, "B": b})
    until(lambda: len(desk.heard) >= 6)
    assert desk.heard[:6] == [1, 1, 3, 3, 5, 5]
    assert a.asked[:3] == b.asked[:3] == [1, 3, 5]


def test_goes_round_the_loop(desk: Desk) -> None:
    source, cache = Source(), desk.cache()
    cache.aim(Playhead(9, 1, 5, 10))
    cache.open({"A": source})
    until(lambda: {5, 6, 7, 8, 9, 10} <= cache.cached())
    assert source.asked[:6] == [9, 10, 5, 6, 7, 8]


def test_memory_is_never_exceeded_and_the_playhead_always_kept(desk: Desk) -> None:
    source, cache = Source(), desk.cache(memory=1000, threads=3)
    cache.open({"A": source})
    most = 0
    for frame in (*range(1, 60, 3), *range(60, 1, -7)):
        cache.aim(Playhead(frame, 1, 1, 100))
        until(lambda: cache.get("A", frame) is not None)  # noqa: B023
        most = max(most, cache.bytes)
    assert 0 < most <= 1000
    assert cache.bytes == 100 * len(cache.cached())


def test_a_picture_larger_than_the_memory_is_still_shown(desk: Desk) -> None:
    source, cache = Source(), desk.cache(memory=10)
    cache.open({"A": source})
    for frame in (7, 40, 3):
        cache.aim(Playhead(frame, 1, 1, 100))
        until(lambda: cache.get("A", frame) is not None)  # noqa: B023
        assert len(cache.cached()) == 1


def test_it_rests_when_all_is_there(desk: Desk) -> None:
    source, cache = Source(1, 5), desk.cache(threads=2)
    cache.aim(Playhead(3, 1, 1, 5))
    cache.open({"A": source})
    until(lambda: cache.cached() == {1, 2, 3, 4, 5})
    time.sleep(0.1)
    assert sorted(source.asked) == [1, 2, 3, 4, 5]


def test_a_frame_that_fails_is_told_and_had_when_it_is_back(desk: Desk) -> None:
    source, cache = Source(1, 3), desk.cache()
    source.broken = {2}
    cache.aim(Playhead(1, 1, 1, 3))
    cache.open({"A": source})
    until(lambda: len(desk.heard) == 3)
    assert cache.get("A", 2) is None
    assert "network" in str(cache.failure("A", 2))
    assert cache.settled("A", 2)
    assert source.asked.count(2) == 1
    source.broken = set()
    cache.refresh()
    until(lambda: cache.get("A", 2) is not None)
    assert cache.failure("A", 2) is None


def test_failures_that_nobody_looks_at_wake_no_thread(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither those of a source that is gone, nor those that are further off than the plan."""
    monkeypatch.setattr(cache_module, "_RETRY", 0.05)
    gone, far, cache = Source(1, 3, b"gone"), Source(1, 100), desk.cache(memory=500, threads=2)
    gone.broken, far.broken = {2}, {50}
    cache.aim(Playhead(1, 1, 1, 3))
    cache.open({"A": gone})
    until(lambda: len(desk.heard) >= 3)
    cache.aim(Playhead(50, 1, 1, 100))
    cache.open({"A": far})
    until(lambda: 50 in far.asked)
    cache.aim(Playhead(1, 1, 1, 100))
    until(lambda: len(cache.cached()) == 5)
    asked = far.asked.count(50)
    walks: list[int] = []
    plan = cache._plan
    monkeypatch.setattr(cache, "_plan", lambda: walks.append(1) or plan())
    time.sleep(0.5)
    assert len(walks) <= 4, "the threads go round and round"
    assert far.asked.count(50) <= asked + 1  # which was on its way


def test_pictures_of_a_source_that_is_gone_never_land(desk: Desk) -> None:
    old, new, cache = Source(mark=b"old"), Source(mark=b"new"), desk.cache()
    old.gate.clear()
    cache.aim(Playhead(1, 1, 1, 100))
    cache.open({"A": old})
    until(lambda: bool(old.asked))
    cache.open({"A": new})
    old.gate.set()
    until(lambda: len(cache.cached()) == 100)
    assert all((cache.get("A", n) or b"").startswith(b"new") for n in range(1, 101))
    assert cache.bytes == 10_000


def test_sides_that_change_places_keep_their_pictures(desk: Desk) -> None:
    a, b, cache = Source(1, 10), Source(1, 10, b"b"), desk.cache()
    cache.aim(Playhead(1, 1, 1, 10))
    cache.open({"A": a, "B": b})
    until(lambda: len(cache.cached()) == 10)
    cache.open({"A": b, "B": Source(1, 10)})
    assert len(cache.cached()) == 10
    assert (cache.get("A", 3) or b"").startswith(b"b3")
    time.sleep(0.05)
    assert len(a.asked) == len(b.asked) == 10


def test_frames_that_a_job_makes_meanwhile_are_fetched(desk: Desk) -> None:
    source, cache = Source(1, 2), desk.cache()
    cache.aim(Playhead(1, 1, 1, 10))
    cache.open({"A": source})
    until(lambda: cache.cached() == {1, 2})
    assert cache.settled("A", 3)
    source.frames = (1, 2, 3, 7)
    cache.refresh()
    assert not cache.settled("A", 3)
    until(lambda: cache.cached() == {1, 2, 3, 7})


def test_frames_that_one_side_does_not_have_hold_nobody_up(desk: Desk) -> None:
    cache = desk.cache()
    cache.aim(Playhead(1, 1, 1, 10))
    cache.open({"A": Source(1, 10), "B": Source(4, 6, b"b")})
    until(lambda: cache.cached() == set(range(1, 11)))
    assert cache.settled("B", 1)


def test_closing_ends_the_threads_and_tells_nobody_more(desk: Desk) -> None:
    source, cache = Source(), desk.cache(threads=2)
    source.gate.clear()
    cache.aim(Playhead(1, 1, 1, 100))
    cache.open({"A": source})
    until(lambda: len(source.asked) == 2)
    cache.close()
    source.gate.set()
    assert cache.join(20)
    assert desk.heard == []
    assert cache.get("A", 1) is None
