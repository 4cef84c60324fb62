"""The order in which results were published."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("results") as batch:
        batch.add_column(sa.Column("ordinal", sa.Integer(), nullable=True))
    # Of what is there already, the clock's order is the only one that is known.
    op.execute(
        "UPDATE results SET ordinal = ranked.rank FROM (SELECT id, "
        "row_number() OVER (ORDER BY published, created, number) AS rank "
        "FROM results WHERE published IS NOT NULL) AS ranked WHERE ranked.id = results.id"
    )
    op.create_index("ix_results_ordinal", "results", ["ordinal"])


def downgrade() -> None:
    op.drop_index("ix_results_ordinal", "results")
    with op.batch_alter_table("results") as batch:
        batch.drop_column("ordinal")
