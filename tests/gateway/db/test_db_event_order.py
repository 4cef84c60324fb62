"""Events of several writers: their numbers are in the order of the commits."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

from bridge_core.models.notes import Note
from bridge_gateway.db.engine import Database, sqlite_url
from bridge_gateway.jobs.events import EventLog, add_note_event

DEADLINE = 60


def add_note(session: object, text: str) -> None:
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    add_note_event(
        session,  # type: ignore[arg-type]
        Note(id=text, version_id="v", text=text, by="ann", at=at),
        job="one",
    )


def texts(log: EventLog, after: int = 0) -> list[tuple[int, str]]:
    return [(event.id, event.note.text) for event in log.list_events(after=after) if event.note]


def test_a_writer_waits_until_the_event_of_another_is_committed(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "gateway.sqlite")
    first, second = Database(url), Database(url)
    log = EventLog(Database(url))
    second_done = threading.Event()

    def write_second() -> None:
        with second.begin_write() as session:
            add_note(session, "second")
        second_done.set()

    writer = threading.Thread(target=write_second)
    with first.begin_write() as session:
        add_note(session, "first")
        writer.start()
        assert not second_done.wait(0.3)
        assert texts(log) == [] and log.last_event_id() == 0
    writer.join(DEADLINE)
    assert texts(log) == [(1, "first"), (2, "second")]


def test_a_reader_that_continues_after_the_newest_event_misses_none(tmp_path: Path) -> None:
    """Two writers, some of whose transactions are rolled back."""
    url = sqlite_url(tmp_path / "gateway.sqlite")
    Database(url)
    count = 40

    class RolledBackError(Exception):
        pass

    def write(name: str) -> None:
        database = Database(url)
        for number in range(count):
            try:
                with database.begin_write() as session:
                    add_note(session, f"{name} {number}")
                    if number % 4 == 3:
                        raise RolledBackError
            except RolledBackError:
                pass

    writers = [threading.Thread(target=write, args=(name,)) for name in ("a", "b")]
    log = EventLog(Database(url))
    received: list[tuple[int, str]] = []
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        received += texts(log, received[-1][0] if received else 0)
    received += texts(log, received[-1][0] if received else 0)
    assert [number for number, _ in received] == list(range(1, len(received) + 1))
    for name in ("a", "b"):
        own = [text for _, text in received if text.startswith(name)]
        assert own == [f"{name} {number}" for number in range(count) if number % 4 != 3]
