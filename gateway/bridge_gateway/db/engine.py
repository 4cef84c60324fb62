"""The gateway's database: one engine, transactions that read, transactions that write.

SQLite in WAL mode by default, any other database by its SQLAlchemy URL. Nothing here or in the
tables is particular to SQLite but the two settings of a connection below.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from bridge_core.errors import IncompatibleVersion, StorageUnavailable

MIGRATIONS_DIR = Path(__file__).parent / "migrations"

#: Seconds that a connection waits for another one's transaction to end. Jobs try again after
#: that, so it is no longer than a caller of the API likes to wait.
_BUSY_TIMEOUT_SECONDS = 10
#: Connections of one process: more than the threads that may wait for a locked database at once,
#: so that readers, who need not wait, always find one.
_MAX_CONNECTIONS = 100

_FULL = "its disk is full"
_DAMAGED = "the file is damaged"
#: SQLite's primary result codes in words.
_REASONS = {
    sqlite3.SQLITE_BUSY: "another program has locked it",
    sqlite3.SQLITE_LOCKED: "another program has locked it",
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: "its disk fails",
    sqlite3.SQLITE_READONLY: "its disk or file is read-only",
    sqlite3.SQLITE_PERM: "its file may not be opened",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
_NEXT_STEPS = {
    _FULL: "make room on the disk of gateway.data_dir; jobs go on by themselves then",
    _DAMAGED: "stop the gateway and restore it, see 'A damaged database' in docs/admin.md",
}
_NEXT_STEP = "check the disk of gateway.data_dir and try again; jobs go on by themselves"


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path.as_posix()}"


class Database:
    """Opened with its schema brought up to date; safe to use from any thread.

    :raises IncompatibleVersion: a newer Shotbridge has written it.
    :raises StorageUnavailable: it cannot be read or written now. Raised by every transaction
        too, which then changed nothing.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _create_engine(url)
        self._write_engine = self.engine.execution_options(writes=True)
        self._commit_counter = itertools.count(1)
        #: Differs after every transaction that this process has committed.
        self.change_count = 0
        with self._translate_errors():
            migrate(self.engine)

    @contextmanager
    def begin_read(self) -> Iterator[Session]:
        """A consistent look at the data; nothing is written."""
        with self._translate_errors(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def begin_write(self) -> Iterator[Session]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        with (
            self._translate_errors(),
            Session(self._write_engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session
        self.change_count = next(self._commit_counter)

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except (IntegrityError, DataError, ProgrammingError):
            raise  # says something of what was written, not of the database
        except (DBAPIError, PoolTimeout) as error:
            cause = getattr(error, "orig", None) or error
            code = getattr(cause, "sqlite_errorcode", None)
            reason = _REASONS.get(code & 0xFF) if code is not None else None
            raise StorageUnavailable(
                f"the gateway's database cannot be used now: {reason or cause}",
                # The address itself may hold a password.
                where=self.engine.url.database or "gateway.database_url",
                next_step=_NEXT_STEPS.get(reason or "", _NEXT_STEP),
            ) from error


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision, whatever it was before.

    :raises IncompatibleVersion: it is of a revision that this gateway does not know.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_DIR).replace("%", "%%"))
    with engine.execution_options(writes=True).begin() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if current is not None and current not in known:
            raise IncompatibleVersion(
                f"the database is of schema revision {current}, this gateway knows {max(known)} at most",
                where=engine.url.render_as_string(hide_password=True),
                next_step="update Shotbridge, or set gateway.data_dir to another folder",
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _create_engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(
        url, connect_args={"timeout": _BUSY_TIMEOUT_SECONDS}, max_overflow=_MAX_CONNECTIONS
    )

    @event.listens_for(engine, "connect")
    def _configure_connection(connection: Any, _: ConnectionPoolEntry) -> None:
        # The driver's own transactions begin too late (at the first write); see "begin" below.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin_transaction(connection: Connection) -> None:
        # A transaction that reads and then writes can wait for another writer only when it takes
        # the lock at its beginning; taken later, SQLite refuses at once ("database is locked").
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
