"""Alembic's environment: how the schema came to be, one revision at a time."""
