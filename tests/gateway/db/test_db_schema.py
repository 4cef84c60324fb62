"""The database's schema and constraints."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, column, create_engine, inspect, table, text
from sqlalchemy.exc import IntegrityError

from bridge_core.errors import IncompatibleVersion
from bridge_core.models.notes import Note
from bridge_gateway.db.engine import MIGRATIONS_DIR, NEWEST_REVISION, Database, sqlite_url
from bridge_gateway.db.tables import Base, JobRow, ResultRow
from bridge_gateway.jobs.events import EventLog, add_note_event

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(sqlite_url(tmp_path / "gateway.sqlite"))


def job_row(name: str) -> JobRow:
    return JobRow(
        id=name,
        key=f"key of {name}",
        fingerprint="f",
        request="{}",
        files="{}",
        requested_by="Ada",
        show="show",
        service="copy",
        state="queued",
        created=NOON,
    )


def result_row(job: str, number: int | None) -> ResultRow:
    return ResultRow(
        id=f"result of {job}",
        job_id=job,
        show="show",
        sequence="sq",
        shot="010",
        service="copy",
        number=number,
        folder="/nowhere",
        created=NOON,
    )


def test_migrations_match_the_tables(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        indexes = {
            row[0]
            for row in connection.execute(text("SELECT name FROM sqlite_master WHERE type='index'"))
        }
    assert {"ix_jobs_service_state", "ix_events_job_id"} <= indexes


def upgrade_to(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_DIR).replace("%", "%%"))
    return config


def test_a_new_database_is_as_if_it_had_been_migrated(tmp_path: Path, database: Database) -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [NEWEST_REVISION]
    engine = create_engine(sqlite_url(tmp_path / "migrated.sqlite"))
    upgrade_to(engine, "head")
    migrated, created = describe_schema(engine), describe_schema(database.engine)
    engine.dispose()
    assert created == migrated
    assert created["rows"] == {"alembic_version": [(NEWEST_REVISION,)], "event_counter": [(1, 0)]}


def describe_schema(engine: Engine) -> dict[str, Any]:
    """Columns, keys, constraints and indexes by table, and all rows. Defaults are left out: a
    migration needs them for the rows that exist, and the gateway always writes every column."""
    inspector = inspect(engine)
    described: dict[str, Any] = {"rows": {}}
    with engine.connect() as connection:
        for name in inspector.get_table_names():
            sql = connection.scalar(
                text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": name}
            )
            described[name] = {
                "columns": {
                    one["name"]: (str(one["type"]), one["nullable"])
                    for one in inspector.get_columns(name)
                },
                "primary key": inspector.get_pk_constraint(name),
                "foreign keys": sorted(map(str, inspector.get_foreign_keys(name))),
                "unique": sorted(map(str, inspector.get_unique_constraints(name))),
                "indexes": sorted(map(str, inspector.get_indexes(name))),
                "autoincrement": "AUTOINCREMENT" in sql,
            }
            rows = [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))]
            if rows:
                described["rows"][name] = rows
    return described


def test_alembic_is_only_loaded_for_an_upgrade(tmp_path: Path) -> None:
    """It would take a tenth of the gateway's memory."""
    program = (
        "import sys; from bridge_gateway.db.engine import Database\n"
        "for _ in range(2): Database(sys.argv[1]).close()\n"
        "print('alembic' in sys.modules)"
    )
    command_line = [sys.executable, "-c", program, sqlite_url(tmp_path / "gateway.sqlite")]
    assert subprocess.run(command_line, capture_output=True, text=True).stdout == "False\n"


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "gateway.sqlite")
    with Database(url).begin_write() as session:
        session.add(job_row("one"))
    with Database(url).begin_read() as session:
        assert session.get(JobRow, 1).id == "one"


def test_a_database_of_a_newer_gateway_is_refused(tmp_path: Path, database: Database) -> None:
    with database.begin_write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(IncompatibleVersion) as caught:
        Database(database.url)
    assert "gateway.sqlite" in caught.value.where


@pytest.mark.parametrize("has_job", [True, False])
def test_jobs_of_the_first_schema_are_refused(tmp_path: Path, has_job: bool) -> None:
    """Their requests can no longer be read; a database without jobs is upgraded."""
    url = sqlite_url(tmp_path / "gateway.sqlite")
    engine = create_engine(url)
    upgrade_to(engine, "0001")
    with engine.begin() as connection:
        if has_job:
            columns = {
                **dict.fromkeys(("id", "key", "fingerprint", "show", "service", "queue"), "one"),
                **dict.fromkeys(("request", "files"), "{}"),
                "state": "queued",
                "created": NOON,
                "step": "",
                "message": "",
                **dict.fromkeys(("attempt", "done", "total"), 0),
            }
            jobs = table("jobs", *(column(name) for name in columns))
            connection.execute(jobs.insert().values(columns))
    engine.dispose()
    if not has_job:
        Database(url).close()
        return
    for _ in range(2):  # nothing has been changed by the first
        with pytest.raises(IncompatibleVersion, match="earlier checkout") as caught:
            Database(url)
    assert "gateway.sqlite" in caught.value.where
    assert "gateway.data_dir" in caught.value.next_step


def test_the_file_is_in_wal_mode(tmp_path: Path, database: Database) -> None:
    with sqlite3.connect(tmp_path / "gateway.sqlite") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_times_are_returned_in_utc(database: Database) -> None:
    row = job_row("one")
    row.created = datetime(2026, 11, 22, 14, tzinfo=timezone(timedelta(hours=2)))
    with database.begin_write() as session:
        session.add(row)
    with database.begin_read() as session:
        assert session.get(JobRow, 1).created == NOON
        assert session.get(JobRow, 1).created.utcoffset() == timedelta(0)


def test_a_version_number_is_used_once(database: Database) -> None:
    with database.begin_write() as session:
        session.add_all([job_row("one"), job_row("two"), job_row("three"), job_row("four")])
        session.flush()
        # Test frames have no number.
        session.add_all([result_row("one", None), result_row("two", None), result_row("three", 7)])
    with pytest.raises(IntegrityError), database.begin_write() as session:
        session.add(result_row("four", 7))


def test_a_job_makes_one_result(database: Database) -> None:
    with database.begin_write() as session:
        session.add(job_row("one"))
        session.flush()
        session.add(result_row("one", 1))
    second = result_row("one", 2)
    second.id = "another"
    with pytest.raises(IntegrityError), database.begin_write() as session:
        session.add(second)


def test_event_numbers_are_never_used_twice(database: Database) -> None:
    log = EventLog(database)
    for number in (1, 2):
        with database.begin_write() as session:
            note = Note(id="note", version_id="v", text="x", by="ann", at=NOON)
            add_note_event(session, note, job="one")
        assert [event.id for event in log.list_events(after=0)] == [number]
        with database.begin_write() as session:
            session.execute(text("DELETE FROM events"))
        assert log.last_event_id() == number


def test_a_transaction_that_raises_is_rolled_back(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.begin_write() as session:
        session.add(job_row("one"))
        session.flush()
        raise ZeroDivisionError
    with database.begin_read() as session:
        assert session.get(JobRow, 1) is None
