"""Runs revisions on the connection that :func:`bridge_gateway.db.engine.migrate` gives."""

from __future__ import annotations

from alembic import context

from bridge_gateway.db.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite changes a table by making it anew; alembic does that in batches.
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
