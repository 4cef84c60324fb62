"""Runs the revisions on the connection of :func:`bridge_gateway.db.engine.migrate`."""

from __future__ import annotations

from alembic import context

from bridge_gateway.db.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter most of a table; alembic copies it instead.
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
