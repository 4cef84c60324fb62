"""Worker threads: results are delivered on the panel's thread, stale ones never."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from bridge_core.errors import MissingFrames, ShotbridgeError
from bridge_ui.core.observable import ListChange, Observable, ObservableList
from bridge_ui.core.thread_pool import BackgroundTask, LatestCall, ThreadPool

if TYPE_CHECKING:
    from fake_main_thread import FakeMainThread


def test_results_and_errors_are_delivered_on_the_panels_thread(
    main_thread: FakeMainThread, caplog: pytest.LogCaptureFixture
) -> None:
    pool = ThreadPool(main_thread.post)
    received: list[tuple[object, threading.Thread]] = []

    def keep(what: object) -> None:
        received.append((what, threading.current_thread()))

    def fail(_: BackgroundTask) -> None:
        raise MissingFrames("two frames are missing")

    def surprise(_: BackgroundTask) -> None:
        raise ZeroDivisionError("no")

    worked_in: list[threading.Thread] = []
    pool.run(lambda _: worked_in.append(threading.current_thread()) or 5, keep)
    main_thread.wait_until(lambda: len(received) == 1, "a result")
    pool.run(fail, keep, keep)
    main_thread.wait_until(lambda: len(received) == 2, "an error")
    pool.run(surprise, keep, keep)
    main_thread.wait_until(lambda: len(received) == 3, "a surprise")
    assert {thread for _, thread in received} == {threading.current_thread()}
    assert worked_in[0] is not threading.current_thread()
    assert received[0][0] == 5
    assert isinstance(received[1][0], MissingFrames)
    assert isinstance(received[2][0], ShotbridgeError)
    assert "ZeroDivisionError" in str(received[2][0])
    assert "Traceback" in caplog.text
    assert pool.close(5)


def test_only_the_result_of_the_latest_call_is_delivered(main_thread: FakeMainThread) -> None:
    pool = ThreadPool(main_thread.post, threads=3)
    latest: LatestCall[str] = LatestCall(pool)
    events = {name: threading.Event() for name in "abc"}
    received: list[str] = []

    def run(name: str) -> None:
        def call(_: BackgroundTask) -> str:
            assert events[name].wait(20)
            return name

        latest.run(call, received.append)

    for name in "abc":
        run(name)
    events["c"].set()
    main_thread.wait_until(lambda: received, "the last result")
    events["a"].set()
    events["b"].set()
    main_thread.run_for(0.2)
    assert received == ["c"]
    assert not latest.busy
    assert pool.close(5)


def test_the_result_of_a_call_cancelled_afterwards_is_not_delivered(
    main_thread: FakeMainThread,
) -> None:
    pool = ThreadPool(main_thread.post)
    received: list[int] = []
    done = threading.Event()
    task = pool.run(lambda _: done.set(), received.append)
    assert done.wait(20)
    task.cancel()  # the result is posted or about to be
    main_thread.run_for(0.2)
    assert received == []
    assert pool.close(5)


def test_closing_while_busy_reports_nothing_and_ends_the_threads(
    main_thread: FakeMainThread,
) -> None:
    pool = ThreadPool(main_thread.post, threads=2)
    received: list[object] = []
    flags: list[BackgroundTask] = []
    begun = threading.Barrier(3)

    def work(task: BackgroundTask) -> str:
        flags.append(task)
        begun.wait(20)
        assert task.cancel_event.wait(20)
        return "too late"

    for _ in range(2):
        pool.run(work, received.append, received.append)
    pool.run(lambda _: "never begun", received.append)
    begun.wait(20)
    assert pool.close(10)
    main_thread.run_for(0.1)
    assert received == []
    assert len(flags) == 2
    assert pool.run(lambda _: 1, received.append).cancelled


def test_values_report_changes_only() -> None:
    value = Observable(1)
    received: list[int] = []
    unwatch = value.watch(received.append)
    value.set(1)
    value.set(2)
    unwatch()
    unwatch()
    value.set(3)
    assert received == [1, 2]


def test_a_watcher_may_stop_while_being_notified() -> None:
    value = Observable(0)
    received: list[str] = []
    unwatch = [lambda: None, lambda: None]
    unwatch[0] = value.watch(lambda _: (received.append("first"), unwatch[1]()), immediately=False)
    unwatch[1] = value.watch(lambda _: received.append("second"), immediately=False)
    value.set(1)
    assert received == ["first"]


def test_rows_report_which_of_them_changed() -> None:
    rows: ObservableList[str] = ObservableList()
    changes: list[ListChange] = []
    rows.watch(changes.append)
    rows.replace(["a", "b", "c"])
    rows.update({0: "a", 2: "z"})
    rows.update({1: "b"})
    assert list(rows) == ["a", "b", "z"]
    assert changes == [ListChange(reset=True), ListChange(positions=(2,))]
    rows.insert(1, ["x", "y"])
    assert list(rows) == ["a", "x", "y", "b", "z"]
    assert changes[2:] == [ListChange(inserted=range(1, 3))]


def test_a_watcher_that_fails_keeps_no_other_from_the_value() -> None:
    value, seen = Observable(0), []

    def fail(_: int) -> None:
        raise RuntimeError("broken page")

    value.watch(fail, immediately=False)
    value.watch(seen.append, immediately=False)
    with pytest.raises(RuntimeError, match="broken page"):
        value.set(1)
    assert seen == [1]
