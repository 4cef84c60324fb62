"""Who asked for a job, and the ledger. The requests of jobs changed with it, and older ones cannot
be read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge_core.errors import IncompatibleVersion

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """
    :raises IncompatibleVersion: the database has jobs.
    """
    connection = op.get_bind()
    if connection.scalar(sa.text("SELECT 1 FROM jobs LIMIT 1")) is not None:
        raise IncompatibleVersion(
            "the database has jobs of an earlier checkout of Shotbridge, which cannot be read",
            where=connection.engine.url.render_as_string(hide_password=True),
            next_step="move the folder gateway.data_dir away, or set gateway.data_dir to a new "
            "one; with gateway.database_url, set that to an empty database, too",
        )
    op.add_column(
        "jobs", sa.Column("requested_by", sa.String(200), nullable=False, server_default="")
    )
    op.drop_column("jobs", "cost")
    op.create_table(
        "ledger",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("job_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("occasion", sa.String(32), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("account", sa.String(128), nullable=False),
        sa.Column("principal", sa.String(200), nullable=False),
        sa.Column("show", sa.String(128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_ledger_job_id_jobs"),
        sa.PrimaryKeyConstraint("number", name="pk_ledger"),
        sa.UniqueConstraint(
            *("job_id", "kind", "occasion", "currency"),
            name="uq_ledger_job_id_kind_occasion_currency",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_ledger_show_currency_kind_amount", "ledger", ["show", "currency", "kind", "amount"]
    )
