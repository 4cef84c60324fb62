"""The tables. Their constraints carry the promises that matter; the rest are facts.

- a key makes one job (``jobs.key``);
- a job makes one result (``results.job``);
- a version number is given once for a shot and a service (``results``);
- results are never changed once published: review adds ``decisions`` and ``notes``.

Whole models are kept as canonical JSON text where nobody searches inside them.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, kept in UTC: SQLite forgets zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, _: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime}


class JobRow(Base):
    __tablename__ = "jobs"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    """Order of arrival."""
    id: Mapped[str] = mapped_column(String(32), unique=True)
    key: Mapped[str] = mapped_column(String(128), unique=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    """Of the request: the same key with another one is refused."""
    request: Mapped[str] = mapped_column(Text)
    files: Mapped[str] = mapped_column(Text, deferred=True)
    """The rest of the submission: a thousand file names that nobody wants who looks at a job."""
    show: Mapped[str] = mapped_column(String(128), index=True)
    service: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), index=True)
    created: Mapped[datetime]
    started: Mapped[datetime | None]
    finished: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(default=0)
    step: Mapped[str] = mapped_column(String(16), default="")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    seconds_left: Mapped[float | None]
    problem: Mapped[str | None] = mapped_column(Text)
    warnings: Mapped[str | None] = mapped_column(Text)
    """A JSON list of texts."""
    seconds_per_frame: Mapped[float | None]
    """Measured while the provider worked; what later estimates are made from."""
    megapixels: Mapped[float | None]
    """Of a plate's frame, where the request named its size."""
    cost: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index(None, "service", "state"), {"sqlite_autoincrement": True})


class ResultRow(Base):
    """A version (with a number) or a try (without)."""

    __tablename__ = "results"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"), unique=True)
    show: Mapped[str] = mapped_column(String(128))
    sequence: Mapped[str] = mapped_column(String(128))
    shot: Mapped[str] = mapped_column(String(128))
    service: Mapped[str] = mapped_column(String(64))
    number: Mapped[int | None]
    folder: Mapped[str] = mapped_column(Text)
    """Absolute; where it is published to, or will be."""
    created: Mapped[datetime]
    published: Mapped[datetime | None]
    """None while the number is reserved and the files are on their way."""
    ordinal: Mapped[int | None] = mapped_column(index=True)
    """Order of publication: 1, 2, ... Clocks are set back, so ``published`` does not tell."""
    content: Mapped[str | None] = mapped_column(Text)
    """The whole Version or Try as it was published."""

    __table_args__ = (UniqueConstraint("show", "sequence", "shot", "service", "number"),)


class DecisionRow(Base):
    __tablename__ = "decisions"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    result: Mapped[str] = mapped_column(ForeignKey("results.id"), index=True)
    status: Mapped[str] = mapped_column(String(32))
    by: Mapped[str] = mapped_column(String(200))
    comment: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str | None] = mapped_column(String(64))
    """Of the version that was looked at; None: it has none, being older than this."""
    at: Mapped[datetime]


class NoteRow(Base):
    __tablename__ = "notes"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    result: Mapped[str] = mapped_column(ForeignKey("results.id"), index=True)
    content: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class EventRow(Base):
    """What happened, in order. Numbers are never given twice, so a reader can go on after one."""

    __tablename__ = "events"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))
    job: Mapped[str | None] = mapped_column(String(32), index=True)
    """The job that it is about, or that made the version it is about."""
    is_transient: Mapped[bool]
    """Progress of a job: of no use to anybody once the job has ended."""
    content: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]

    __table_args__ = ({"sqlite_autoincrement": True},)


class TimingRow(Base):
    __tablename__ = "timings"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    step: Mapped[str] = mapped_column(String(16))
    attempt: Mapped[int]
    seconds: Mapped[float]
