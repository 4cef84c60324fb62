"""Threads of our own: answers land where and when they should, stale ones never."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bridge_core.errors import MissingFrames, ShotbridgeError
from bridge_ui.controllers.observable import Observable, Rows, RowsChanged
from bridge_ui.controllers.pool import Latest, Pool, Task

if TYPE_CHECKING:
    import pytest
    from conftest import Panel


def test_answers_and_errors_land_on_the_panels_thread(
    panel: Panel, caplog: pytest.LogCaptureFixture
) -> None:
    pool = Pool(panel.post)
    told: list[tuple[object, threading.Thread]] = []

    def keep(what: object) -> None:
        told.append((what, threading.current_thread()))

    def fail(_: Task) -> None:
        raise MissingFrames("two frames are missing")

    def surprise(_: Task) -> None:
        raise ZeroDivisionError("no")

    worked_in: list[threading.Thread] = []
    pool.run(lambda _: worked_in.append(threading.current_thread()) or 5, keep)
    panel.until(lambda: len(told) == 1, "an answer")
    pool.run(fail, keep, keep)
    panel.until(lambda: len(told) == 2, "an error")
    pool.run(surprise, keep, keep)
    panel.until(lambda: len(told) == 3, "a surprise")
    assert {thread for _, thread in told} == {threading.current_thread()}
    assert worked_in[0] is not threading.current_thread()
    assert told[0][0] == 5
    assert isinstance(told[1][0], MissingFrames)
    assert isinstance(told[2][0], ShotbridgeError)
    assert "ZeroDivisionError" in str(told[2][0])
    assert "Traceback" in caplog.text
    assert pool.close(5)


def test_only_the_answer_to_the_last_question_lands(panel: Panel) -> None:
    pool = Pool(panel.post, threads=3)
    latest: Latest[str] = Latest(pool)
    gates = {name: threading.Event() for name in "abc"}
    told: list[str] = []

    def ask(name: str) -> None:
        def call(_: Task) -> str:
            assert gates[name].wait(20)
            return name

        latest.ask(call, told.append)

    for name in "abc":
        ask(name)
    gates["c"].set()
    panel.until(lambda: told, "the last answer")
    gates["a"].set()
    gates["b"].set()
    panel.idle(0.2)
    assert told == ["c"]
    assert not latest.busy
    assert pool.close(5)


def test_what_was_cancelled_after_it_was_done_never_lands(panel: Panel) -> None:
    pool = Pool(panel.post)
    told: list[int] = []
    done = threading.Event()
    task = pool.run(lambda _: done.set(), told.append)
    assert done.wait(20)
    task.cancel()  # the answer waits to be delivered, or is just about to be posted
    panel.idle(0.2)
    assert told == []
    assert pool.close(5)


def test_closing_while_busy_tells_nothing_and_ends_the_threads(panel: Panel) -> None:
    pool = Pool(panel.post, threads=2)
    told: list[object] = []
    flags: list[Task] = []
    begun = threading.Barrier(3)

    def work(task: Task) -> str:
        flags.append(task)
        begun.wait(20)
        assert task.flag.wait(20)
        return "too late"

    for _ in range(2):
        pool.run(work, told.append, told.append)
    pool.run(lambda _: "never begun", told.append)
    begun.wait(20)
    assert pool.close(10)
    panel.idle(0.1)
    assert told == []
    assert len(flags) == 2
    assert pool.run(lambda _: 1, told.append).cancelled


def test_values_tell_of_changes_only() -> None:
    value = Observable(1)
    told: list[int] = []
    unwatch = value.watch(told.append)
    value.set(1)
    value.set(2)
    unwatch()
    unwatch()
    value.set(3)
    assert told == [1, 2]


def test_one_may_stop_watching_while_being_told() -> None:
    value = Observable(0)
    told: list[str] = []
    unwatch = [lambda: None, lambda: None]
    unwatch[0] = value.watch(lambda _: (told.append("first"), unwatch[1]()), at_once=False)
    unwatch[1] = value.watch(lambda _: told.append("second"), at_once=False)
    value.set(1)
    assert told == ["first"]


def test_rows_tell_which_of_them_changed() -> None:
    rows: Rows[str] = Rows()
    told: list[RowsChanged] = []
    rows.watch(told.append)
    rows.replace(["a", "b", "c"])
    rows.update({0: "a", 2: "z"})
    rows.update({1: "b"})
    assert list(rows) == ["a", "b", "z"]
    assert told == [RowsChanged(reset=True), RowsChanged(positions=(2,))]
    rows.insert(1, ["x", "y"])
    assert list(rows) == ["a", "x", "y", "b", "z"]
    assert told[2:] == [RowsChanged(inserted=range(1, 3))]
