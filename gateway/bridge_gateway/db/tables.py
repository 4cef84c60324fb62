"""The tables. Their constraints guarantee:

- a key makes one job (``jobs.key``);
- a job makes one result (``results.job_id``);
- a version number is used once for a shot and a service (``results``);
- each occasion of a job has one entry of a kind in a currency (``ledger``);
- results are never changed once published: review adds ``decisions`` and ``notes``.

Models that are not searched are stored whole, as canonical JSON.
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
    """A point in time, stored in UTC because SQLite does not store time zones."""

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
    """Of the request: the same key with another request is refused."""
    request: Mapped[str] = mapped_column(Text)
    files: Mapped[str] = mapped_column(Text, deferred=True)
    """The rest of the submission: maybe thousands of files, which the job's readers do not need."""
    show: Mapped[str] = mapped_column(String(128), index=True)
    requested_by: Mapped[str] = mapped_column(String(200))
    """The name of the principal."""
    service: Mapped[str] = mapped_column(String(64))
    queue: Mapped[str] = mapped_column(String(200), default="")
    """Of its provider; see :func:`bridge_gateway.providers.base.queue_name`."""
    state: Mapped[str] = mapped_column(String(16), index=True)
    created: Mapped[datetime]
    started: Mapped[datetime | None]
    finished: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(default=0)
    step: Mapped[str] = mapped_column(String(16), default="")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    seconds_left: Mapped[float | None]
    fraction: Mapped[float | None]
    message: Mapped[str] = mapped_column(String(500), default="")
    """As the provider reports it, like ``fraction``."""
    problem: Mapped[str | None] = mapped_column(Text)
    warnings: Mapped[str | None] = mapped_column(Text)
    """A JSON list of strings."""
    seconds_per_frame: Mapped[float | None]
    """Measured while the provider ran; later estimates are computed from it."""
    megapixels: Mapped[float | None]
    """Of a plate's frame, where the request has its size."""
    cancellation: Mapped[str | None] = mapped_column(Text)
    resolution: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index(None, "service", "state"), {"sqlite_autoincrement": True})


class RemoteJobRow(Base):
    """A job's work at a remote provider; written before the work is submitted."""

    __tablename__ = "remote_jobs"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    provider: Mapped[str] = mapped_column(String(64))
    account: Mapped[str] = mapped_column(String(128))
    key: Mapped[str] = mapped_column(String(64))
    """Sent with the work; the same for all attempts of the job."""
    submitted: Mapped[datetime]
    """When the submission was recorded, just before the first call."""
    handle: Mapped[str | None] = mapped_column(Text)
    """JSON; None: nothing came back yet, and whether there is work is not known."""
    state: Mapped[str] = mapped_column(String(16))
    """As the provider last reported it."""
    charge: Mapped[str | None] = mapped_column(Text)
    cancellation: Mapped[str | None] = mapped_column(Text)
    """JSON; the provider's answer to a cancellation."""


class LedgerRow(Base):
    """An entry of the ledger. Entries are added, and never changed or deleted; see
    :mod:`bridge_gateway.policy.ledger`."""

    __tablename__ = "ledger"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    kind: Mapped[str] = mapped_column(String(16))
    occasion: Mapped[str] = mapped_column(String(32))
    """Why the entry was made, such as ``succeeded``."""
    amount: Mapped[str] = mapped_column(Text)
    """A decimal number without trailing zeros; a correction may be negative."""
    currency: Mapped[str] = mapped_column(Text)
    provider: Mapped[str] = mapped_column(String(64))
    account: Mapped[str] = mapped_column(String(128))
    principal: Mapped[str] = mapped_column(String(200))
    """Who asked for the job."""
    show: Mapped[str] = mapped_column(String(128))
    at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("job_id", "kind", "occasion", "currency"),
        Index(None, "show", "currency", "kind", "amount"),
        {"sqlite_autoincrement": True},
    )


class BlobPinRow(Base):
    """An uploaded file that an open job needs. The end of the job deletes its rows."""

    __tablename__ = "pins"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)


class ResultRow(Base):
    """A version (with a number) or a test frame (without)."""

    __tablename__ = "results"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), unique=True)
    show: Mapped[str] = mapped_column(String(128))
    sequence: Mapped[str] = mapped_column(String(128))
    shot: Mapped[str] = mapped_column(String(128))
    service: Mapped[str] = mapped_column(String(64))
    number: Mapped[int | None]
    folder: Mapped[str] = mapped_column(Text)
    """The absolute path that it is published to."""
    created: Mapped[datetime]
    published: Mapped[datetime | None]
    """None while the number is only reserved."""
    ordinal: Mapped[int | None] = mapped_column(index=True)
    """Order of publication: 1, 2, ... Clocks may be set back, so ``published`` is not enough."""
    content: Mapped[str | None] = mapped_column(Text)
    """The Version or TestFrame as it was published."""

    __table_args__ = (UniqueConstraint("show", "sequence", "shot", "service", "number"),)


class DecisionRow(Base):
    __tablename__ = "decisions"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(128), unique=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    """Of the content: the same key with other content is refused."""
    result_id: Mapped[str] = mapped_column(ForeignKey("results.id"), index=True)
    status: Mapped[str] = mapped_column(String(32))
    by: Mapped[str] = mapped_column(String(200))
    comment: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str | None] = mapped_column(String(64))
    """Of the version that was reviewed; None where the version has none."""
    at: Mapped[datetime]


class NoteRow(Base):
    __tablename__ = "notes"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    key: Mapped[str] = mapped_column(String(128), unique=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    """Of the content: the same key with other content is refused."""
    result_id: Mapped[str] = mapped_column(ForeignKey("results.id"), index=True)
    content: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class EventCounterRow(Base):
    """The number of the newest event, in the only row of the table.

    Whoever adds an event updates this row first, and so holds its lock until the commit: events are
    committed in the order of their numbers, on any database. A sequence of the database would not
    ensure that, and a reader that continues after the newest number could miss an older one.
    """

    __tablename__ = "event_counter"

    id: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]


class EventRow(Base):
    """Events in order. Numbers are never used twice, so a reader can continue after one."""

    __tablename__ = "events"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))
    job_id: Mapped[str | None] = mapped_column(String(32), index=True)
    """The job that it is about, or the job of its version."""
    is_transient: Mapped[bool]
    """Progress of a job, deleted once the job has ended."""
    content: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class TimingRow(Base):
    __tablename__ = "timings"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    step: Mapped[str] = mapped_column(String(16))
    attempt: Mapped[int]
    seconds: Mapped[float]
