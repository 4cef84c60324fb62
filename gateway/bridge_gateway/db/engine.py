"""The gateway's database: its engine, read transactions and write transactions.

SQLite in WAL mode by default, or any other database by its SQLAlchemy URL. Only the settings of a
connection below are specific to SQLite.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    create_engine,
    event,
    insert,
    inspect,
    select,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from bridge_core.errors import IncompatibleVersion, StorageUnavailable
from bridge_gateway.db.tables import Base, EventCounterRow

MIGRATIONS_DIR = Path(__file__).parent / "migrations"
#: The newest revision there, which :mod:`bridge_gateway.db.tables` describes.
NEWEST_REVISION = "0002"

#: Alembic's own table.
_REVISION_TABLE = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

#: Seconds that a connection waits for another one's transaction. Callers of the API wait as long;
#: jobs try again after that.
_BUSY_TIMEOUT_SECONDS = 10
#: Connections of one process: more than the threads that may wait for a locked database at once,
#: so that readers, which do not wait, always get one.
_MAX_CONNECTIONS = 100

_FULL = "its disk is full"
_DAMAGED = "the file is damaged"
#: Reasons by SQLite's primary result codes.
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
    _FULL: "free space on the disk of gateway.data_dir; jobs then resume by themselves",
    _DAMAGED: "stop the gateway and restore it, see 'A damaged database' in docs/admin.md",
}
_NEXT_STEP = "check the disk of gateway.data_dir and try again; jobs resume by themselves"


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path.as_posix()}"


class Database:
    """A database with the current schema; safe to use from any thread.

    :raises IncompatibleVersion: a newer Shotbridge has written it, or one whose jobs can no longer
        be read.
    :raises StorageUnavailable: it cannot be read or written now. Also raised by every transaction,
        which then changes nothing.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _create_engine(url)
        self._write_engine = self.engine.execution_options(writes=True)
        self._commit_counter = itertools.count(1)
        #: Changes with every transaction that this process commits.
        self.change_count = 0
        with self._translate_errors():
            migrate(self.engine)

    @contextmanager
    def begin_read(self) -> Iterator[Session]:
        """A transaction that reads a consistent state of the data."""
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
            raise  # an error of the data, not of the database
        except (DBAPIError, PoolTimeout) as error:
            cause = getattr(error, "orig", None) or error
            code = getattr(cause, "sqlite_errorcode", None)
            reason = _REASONS.get(code & 0xFF) if code is not None else None
            raise StorageUnavailable(
                f"the gateway's database cannot be used now: {reason or cause}",
                # The URL itself may contain a password.
                where=self.engine.url.database or "gateway.database_url",
                next_step=_NEXT_STEPS.get(reason or "", _NEXT_STEP),
            ) from error


def migrate(engine: Engine) -> None:
    """Create the schema, or upgrade it to the newest revision.

    :raises IncompatibleVersion: this gateway does not know its revision, or cannot read the jobs
        of that revision.
    """
    with engine.execution_options(writes=True).begin() as connection:
        current = None
        if inspect(connection).has_table(_REVISION_TABLE.name):
            current = connection.scalar(select(_REVISION_TABLE.c.version_num))
        if current is None:
            Base.metadata.create_all(connection, checkfirst=False)
            connection.execute(insert(EventCounterRow).values(id=1, last=0))
            _REVISION_TABLE.create(connection, checkfirst=True)
            connection.execute(insert(_REVISION_TABLE).values(version_num=NEWEST_REVISION))
        elif current != NEWEST_REVISION:
            _upgrade(connection, current)


def _upgrade(connection: Connection, current: str) -> None:
    # Only here: Alembic takes 14 MB of memory for as long as the gateway runs.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_DIR).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current not in known:
        raise IncompatibleVersion(
            f"the database has schema revision {current}, and this gateway knows at most "
            f"{max(known)}",
            where=connection.engine.url.render_as_string(hide_password=True),
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
        # The driver would begin transactions only at the first write; see "begin" below.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin_transaction(connection: Connection) -> None:
        # SQLite waits for another writer only if a transaction takes the lock when it begins. Taken
        # later, after a read, it fails at once ("database is locked").
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
